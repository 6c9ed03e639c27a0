"""Training a recipe's network on the training side of a split, with a checkpoint each epoch.

The last epoch's weights are the model: nothing is chosen by looking at the held-out side.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from avser_cli.errors import UsageError
from avser_cli.files import write_whole
from avser_cli.learn.arrays import most_bytes, npz_bytes, read_arrays
from avser_cli.learn.augment import augment
from avser_cli.learn.backend import keras, tensorflow
from avser_cli.learn.dataset import Inputs
from avser_cli.learn.history import Epoch
from avser_cli.learn.litert import LiteNetwork
from avser_cli.learn.mlp import MlpWeights, train_mlp
from avser_cli.learn.networks import build_network, build_optimizer
from avser_cli.learn.recipes import Recipe
from avser_cli.parsing import parse_json, read_bounded
from avser_cli.quiet import quiet

Floats = npt.NDArray[np.float32]

MEMBER_SEED_STEP = 1000
"""Member k of an ensemble, counted from 0, trains with the seed plus k times this."""
MAX_STATE_BYTES = 4 * 2**20
"""Largest ``state.json`` that is read; it has a hundred bytes an epoch."""
TFLITE_TOLERANCE = 1e-3
"""Largest difference in a probability between a network and its TFLite copy."""


@dataclass(frozen=True)
class Trained:
    """A trained network.

    Attributes
    ----------
    network : keras.Model or MlpWeights
    history : tuple of Epoch
    parameters : int
        Number of trained weights.
    seconds : float
        Time that the epochs took.
    """

    network: Any
    history: tuple[Epoch, ...]
    parameters: int
    seconds: float

    def predict(self, inputs: Inputs) -> npt.NDArray[np.float32]:
        """Probabilities, shape ``(n, emotions)``."""
        if isinstance(self.network, MlpWeights):
            return self.network.predict(inputs.astype(np.float32))
        return np.asarray(self.network.predict(inputs.astype(np.float32), verbose=0))


class Checkpoint:
    """The state of a training after its last whole epoch, in a folder of its own.

    It holds numbers only: the network and its optimizer are built anew from the recipe, and nothing
    that lies there says how.

    Parameters
    ----------
    folder : pathlib.Path
    key : str
        What determines the training; a checkpoint of another key is not gone on with.
    forgiving : bool
        Whether to start over, without a word, where the state is damaged or another training's.
    """

    def __init__(self, folder: Path, key: str, forgiving: bool = False) -> None:
        self.folder = folder
        self.key = key
        self.forgiving = forgiving

    def of_member(self, member: int) -> Checkpoint:
        """The state of one network of an ensemble, in a folder inside this one."""
        return Checkpoint(self.folder / f"member-{member}", f"{self.key}-{member}", self.forgiving)

    @property
    def _state(self) -> Path:
        return self.folder / "state.json"

    def load(self, network: Any) -> list[Epoch]:
        """Put the state into a compiled network and its optimizer.

        Returns
        -------
        list of Epoch
            The history so far, empty where there is no state.

        Raises
        ------
        UsageError
            It belongs to another training, or is damaged.
        """
        if not self._state.exists():
            return []
        try:
            return self._load(network)
        except UsageError:
            if self.forgiving:
                return []
            raise

    def _load(self, network: Any) -> list[Epoch]:
        try:
            state = parse_json(read_bounded(self._state, MAX_STATE_BYTES))
            if state["key"] != self.key:
                raise UsageError(
                    f"{self.folder}: was begun with other settings or clips; give the same ones "
                    "to go on, or --force to start over"
                )
            history = [Epoch.from_dict(line) for line in state["history"]]
            variables = _variables(network)
            kinds = {name: (tuple(x.shape), np.dtype(x.dtype)) for name, x in variables.items()}
            path = self.folder / _weights_file(len(history))
            arrays = read_arrays(read_bounded(path, most_bytes(kinds)), kinds)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"{self.folder}: the checkpoint is damaged ({error}); start over with --force"
            ) from None
        for name, variable in variables.items():
            variable.assign(arrays[name])
        return history

    def save(self, network: Any, history: list[Epoch]) -> None:
        """Replace the state on disk by this one; a kill at any moment leaves one of the two."""
        name = _weights_file(len(history))
        arrays = {key: variable.numpy() for key, variable in _variables(network).items()}
        write_whole(self.folder / name, npz_bytes(arrays))
        state = {"key": self.key, "history": [asdict(x) for x in history]}
        write_whole(self._state, json.dumps(state).encode())
        for old in self.folder.glob("epoch-*.npz"):
            if old.name != name:
                old.unlink(missing_ok=True)

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _weights_file(epochs: int) -> str:
    return f"epoch-{epochs:04d}.npz"


def _variables(network: Any) -> dict[str, Any]:
    """Everything that an epoch changes, but for what dropout draws from, under short names."""
    network.optimizer.build(network.trainable_variables)
    of_network = {f"network-{number}": x for number, x in enumerate(network.weights)}
    return of_network | {
        f"optimizer-{number}": x for number, x in enumerate(network.optimizer.variables)
    }


class Batches:
    """One epoch's batches, shuffled and augmented by a seed that names the epoch.

    Each epoch draws from its own generator, so that a resumed run goes on as an undisturbed one.
    """

    def __init__(
        self, recipe: Recipe, inputs: Inputs, targets: npt.NDArray[np.float32], seed: list[int]
    ) -> None:
        self.recipe, self.inputs, self.targets, self.seed = recipe, inputs, targets, seed
        self.weights = _emotion_weights(targets, recipe.balance)
        self.order = np.random.default_rng(seed).permutation(len(inputs))

    def __len__(self) -> int:
        return -(-len(self.order) // self.recipe.batch_size)

    def __getitem__(self, index: int) -> tuple[Floats, Floats, Floats]:
        """Inputs, targets and each clip's weight in the loss."""
        size = self.recipe.batch_size
        rows = self.order[index * size : (index + 1) * size]
        batch, targets = self.inputs[rows], self.targets[rows]
        draw = np.random.default_rng([*self.seed, index])
        picture, strength = self.recipe.picture, self.recipe.augmentation
        if picture is None or strength is None:
            batch = batch.astype(np.float32)
        else:
            column_seconds = (picture.seconds or 3.0) / picture.width
            batch = augment(batch, strength, picture.dynamic_range, column_seconds, draw)
        if self.recipe.mixup > 0:
            batch, targets = mix(batch, targets, self.recipe.mixup, draw)
        return batch, targets, targets @ self.weights

    def ahead(self) -> Iterator[tuple[Floats, Floats, Floats]]:
        """All batches in their order, made in a thread beside the one that trains."""
        with ThreadPoolExecutor(max_workers=1) as maker:
            yield from maker.map(self.__getitem__, range(len(self)))


def mix(
    inputs: Floats, targets: Floats, alpha: float, draw: np.random.Generator
) -> tuple[Floats, Floats]:
    """Mix each input with another of its batch, at least half of it its own, and their targets.

    Parameters
    ----------
    inputs, targets : numpy.ndarray
        Shapes ``(n, ...)`` and ``(n, emotions)``.
    alpha : float
        Shares come from Beta(alpha, alpha).
    draw : numpy.random.Generator
    """
    share = draw.beta(alpha, alpha, len(inputs)).astype(np.float32)
    share = np.maximum(share, 1 - share)
    other = draw.permutation(len(inputs))
    wide = share.reshape(-1, *[1] * (inputs.ndim - 1))
    mixed: Floats = inputs * wide + inputs[other] * (1 - wide)
    mixed_targets: Floats = targets * share[:, None] + targets[other] * (1 - share[:, None])
    return mixed, mixed_targets


def _emotion_weights(targets: Floats, balance: float) -> Floats:
    """Each emotion's weight in the loss, with a mean of 1 over the clips."""
    counts = np.maximum(targets.sum(axis=0), 1.0)
    weights = counts**-balance
    scaled: Floats = (weights * counts.sum() / (weights * counts).sum()).astype(np.float32)
    return scaled


def train(
    recipe: Recipe,
    inputs: Inputs,
    labels: npt.NDArray[np.int64],
    emotions: int,
    seed: int,
    on_epoch: Callable[[Epoch], None],
    checkpoint: Checkpoint | None = None,
) -> Trained:
    """Train a recipe's network, or each of its ensemble's and join them.

    Parameters
    ----------
    recipe : Recipe
    inputs : numpy.ndarray
        The training side: uint8 pictures ``(n, height, width)`` or float32 features ``(n, 181)``.
    labels : numpy.ndarray
        Indices of emotions, shape ``(n,)``.
    emotions : int
        Number of emotions.
    seed : int
        Draws first weights, order, dropout and augmentation.
    on_epoch : callable
        Called after each epoch.
    checkpoint : Checkpoint, optional
        Where to go on from and to save to; the perceptron, done in seconds, has none.

    Returns
    -------
    Trained
    """
    if recipe.network == "mlp":
        return _train_mlp(recipe, inputs.astype(np.float32), labels, emotions, seed, on_epoch)
    members: list[Any] = []
    history: list[Epoch] = []
    for member in range(1, recipe.ensemble + 1):
        saved = checkpoint.of_member(member) if checkpoint else None
        member_seed = seed + MEMBER_SEED_STEP * (member - 1)
        network, lines = _train_network(
            recipe, inputs, labels, emotions, member_seed, member, on_epoch, saved
        )
        members.append(network)
        history += lines
    network = join_networks(members, recipe.view_shift)
    parameters = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    return Trained(network, tuple(history), parameters, sum(x.seconds for x in history))


def join_networks(members: Sequence[Any], view_shift: int) -> Any:
    """One network that gives the mean of the members' probabilities over a picture's views.

    Parameters
    ----------
    members : sequence of keras.Model
    view_shift : int
        Rows by which a picture is also seen moved up and down; 0 for the picture alone.
    """
    if len(members) == 1 and not view_shift:
        return members[0]
    inputs = keras.Input(members[0].input_shape[1:])
    views = [inputs]
    if view_shift:
        blank = keras.ops.zeros_like(inputs[:, :view_shift])
        views.append(keras.ops.concatenate([blank, inputs[:, :-view_shift]], axis=1))
        views.append(keras.ops.concatenate([inputs[:, view_shift:], blank], axis=1))
    # Models of their own: the trained ones carry their optimizer's state into the file.
    bare = [
        keras.Model(member.input, member.output, name=f"member_{number}")
        for number, member in enumerate(members, start=1)
    ]
    outputs = keras.layers.Average()([member(view) for member in bare for view in views])
    return keras.Model(inputs, outputs)


def _train_network(
    recipe: Recipe,
    inputs: Inputs,
    labels: npt.NDArray[np.int64],
    emotions: int,
    seed: int,
    member: int,
    on_epoch: Callable[[Epoch], None],
    checkpoint: Checkpoint | None,
) -> tuple[Any, list[Epoch]]:
    keras.utils.set_random_seed(seed)
    tensorflow.config.experimental.enable_op_determinism()
    steps = -(-len(inputs) // recipe.batch_size) * recipe.epochs
    network = build_network(recipe, emotions, inputs)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
    network.compile(build_optimizer(recipe, steps), loss, metrics=["accuracy"])
    history = checkpoint.load(network) if checkpoint else []
    targets = np.eye(emotions, dtype=np.float32)[labels]
    for number in range(len(history), recipe.epochs):
        start = time.perf_counter()
        _seed_dropout(network, seed, number)
        batches = Batches(recipe, inputs, targets, [seed, number])
        # Not `fit`: for each epoch it builds anew the graph that its batches pass through, which
        # takes as long as training a small network.
        network.reset_metrics()
        for batch in batches.ahead():
            logs = network.train_on_batch(*batch, return_dict=True)
        loss_value, accuracy = float(logs["loss"]), float(logs["accuracy"])
        seconds = time.perf_counter() - start
        history.append(Epoch(number + 1, loss_value, accuracy, seconds, member))
        if not np.isfinite(history[-1].loss):
            raise UsageError(
                f"the loss became {history[-1].loss} in epoch {number + 1}; lower --lr "
                f"(now {recipe.learning_rate})"
            )
        if checkpoint:
            checkpoint.save(network, history)
        on_epoch(history[-1])
    return network, history


def _seed_dropout(network: Any, seed: int, epoch: int) -> None:
    """Set what dropout draws from, which a saved network does not keep, for one epoch."""
    generators = [x.seed_generator for x in network.layers if hasattr(x, "seed_generator")]
    for number, generator in enumerate(generators):
        state = np.random.default_rng([seed, epoch, number]).integers(0, 2**31, 2)
        generator.state.assign(state.astype(generator.state.dtype))


def _train_mlp(
    recipe: Recipe,
    features: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    emotions: int,
    seed: int,
    on_epoch: Callable[[Epoch], None],
) -> Trained:
    history: list[Epoch] = []
    start = time.perf_counter()

    def note(epoch: int, loss: float, accuracy: float) -> None:
        seconds = time.perf_counter() - start - sum(x.seconds for x in history)
        history.append(Epoch(epoch, loss, accuracy, seconds))
        on_epoch(history[-1])

    weights = train_mlp(recipe, features, labels, emotions, seed, note)
    return Trained(weights, tuple(history), weights.count, time.perf_counter() - start)


def save_weights(network: Any, path: Path) -> None:
    """Write a network as a ``.keras`` file, without the optimizer's state: a third of the size."""
    keras.Model(network.inputs, network.outputs).save(path)


def to_tflite(network: Any, samples: Inputs) -> bytes:
    """A Keras network as a TFLite model that takes one input at a time.

    Parameters
    ----------
    network : keras.Model
    samples : numpy.ndarray
        A few inputs, shape ``(n, ...)``, on which the two must agree.

    Raises
    ------
    RuntimeError
        They do not: their probabilities differ by more than `TFLITE_TOLERANCE`.
    """
    one = keras.Input(batch_shape=(1, *network.input_shape[1:]))
    single = keras.Model(one, network(one))
    with quiet():
        content = bytes(tensorflow.lite.TFLiteConverter.from_keras_model(single).convert())
    inputs = samples.astype(np.float32)
    expected = network.predict(inputs, verbose=0)
    # `not (a <= b)` is true for NaN too.
    if not np.abs(LiteNetwork(content).predict(inputs) - expected).max() <= TFLITE_TOLERANCE:
        raise RuntimeError("the TFLite model does not answer as the Keras network does")
    return content
