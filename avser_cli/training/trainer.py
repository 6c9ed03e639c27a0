"""Training a recipe's network on the training side of a split, with a checkpoint each epoch.

The last epoch's weights are the model: nothing is chosen by looking at the held-out side.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from avser_cli.cluster import spread
from avser_cli.data.network_inputs import Inputs
from avser_cli.errors import UsageError
from avser_cli.model.backend import keras, tensorflow
from avser_cli.model.mlp import MlpWeights
from avser_cli.model.networks import build_network, build_optimizer, draw_first_weights
from avser_cli.model.recipe import Recipe
from avser_cli.training.batches import Batches
from avser_cli.training.checkpoint import Checkpoint
from avser_cli.training.history import Epoch
from avser_cli.training.mlp import train_mlp
from avser_cli.training.provenance import check_environment, environment, libraries_of
from avser_cli.training.sampling import TrainingSet

MEMBER_SEED_STEP = 1000
"""Member k of an ensemble, counted from 0, trains with the seed plus k times this."""
AT_ONCE = 512
"""Inputs that are held as floats."""


@dataclass(frozen=True)
class Trained:
    """A trained network.

    Attributes
    ----------
    network : keras.Model or MlpWeights
    members : tuple of keras.Model
        The networks of an ensemble that are joined in it; one alone; none of a perceptron.
    history : tuple of Epoch
    parameters : int
        Number of trained weights.
    seconds : float
        Time that the epochs took.
    """

    network: Any
    members: tuple[Any, ...]
    history: tuple[Epoch, ...]
    parameters: int
    seconds: float

    def predict(self, inputs: Inputs) -> npt.NDArray[np.float32]:
        """Probabilities, shape ``(n, emotions)``."""
        if isinstance(self.network, MlpWeights):
            return self.network.predict(inputs.astype(np.float32))
        return predict_in_parts(self.network, inputs)


def predict_in_parts(network: Any, inputs: Inputs) -> npt.NDArray[np.float32]:
    """What a network gives for inputs, of which some at a time become floats."""
    starts = range(0, len(inputs), AT_ONCE)
    parts = (inputs[start : start + AT_ONCE].astype(np.float32) for start in starts)
    return np.concatenate([network.predict(part, verbose=0) for part in parts])


def train(
    recipe: Recipe,
    clips: TrainingSet,
    seed: int,
    on_epoch: Callable[[Epoch], None],
    checkpoint: Checkpoint | None = None,
    scheduler: str | None = None,
) -> Trained:
    """Train a recipe's network, or each of its ensemble's and join them.

    Parameters
    ----------
    recipe : Recipe
    clips : TrainingSet
    seed : int
        Draws first weights, the clips of an epoch and their order, dropout and augmentation.
    on_epoch : callable
        Called after each epoch.
    checkpoint : Checkpoint, optional
        Where to go on from and to save to; the perceptron, done in seconds, has none.
    scheduler : str, optional
        A Dask scheduler whose workers train a network each; needs a checkpoint. The last epoch of
        each is told.

    Returns
    -------
    Trained
    """
    if recipe.network == "mlp":
        return _train_mlp(recipe, clips, seed, on_epoch)
    if scheduler is not None:
        assert checkpoint is not None
        _train_elsewhere(scheduler, recipe, clips, seed, on_epoch, checkpoint)
    members: list[Any] = []
    history: list[Epoch] = []
    for member in range(1, recipe.ensemble + 1):
        network, lines = _train_member(recipe, clips, seed, on_epoch, checkpoint, member)
        members.append(network)
        history += lines
    network = join_networks(members, recipe.tta_shift, member_shares(recipe))
    parameters = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    return Trained(
        network, tuple(members), tuple(history), parameters, sum(x.seconds for x in history)
    )


def member_shares(recipe: Recipe) -> Sequence[float] | None:
    """What each network of an ensemble has of the answer; `None` where all have the same."""
    if recipe.specialist_share is None or recipe.ensemble == 1:
        return None
    others = (1 - recipe.specialist_share) / (recipe.ensemble - 1)
    return [*[others] * (recipe.ensemble - 1), recipe.specialist_share]


def join_networks(
    members: Sequence[Any], tta_shift: int, shares: Sequence[float] | None = None
) -> Any:
    """One network that gives the mean of the members' probabilities over a picture's views.

    Parameters
    ----------
    members : sequence of keras.Model
    tta_shift : int
        Rows by which a picture is also seen moved up and down; 0 for the picture alone.
    shares : sequence of float, optional
        What each member has of the answer, together 1; else all have the same.
    """
    if len(members) == 1 and not tta_shift:
        return members[0]
    inputs = keras.Input(members[0].input_shape[1:])
    views = [inputs]
    if tta_shift:
        blank = keras.ops.zeros_like(inputs[:, :tta_shift])
        views.append(keras.ops.concatenate([blank, inputs[:, :-tta_shift]], axis=1))
        views.append(keras.ops.concatenate([inputs[:, tta_shift:], blank], axis=1))
    # Models of their own: the trained ones carry their optimizer's state into the file.
    bare = [
        keras.Model(member.input, member.output, name=f"member_{number}")
        for number, member in enumerate(members, start=1)
    ]
    answers = [[member(view) for view in views] for member in bare]
    if shares is None:
        return keras.Model(inputs, keras.layers.Average()(list(chain(*answers))))
    means = [keras.layers.Average()(seen) if tta_shift else seen[0] for seen in answers]
    return keras.Model(inputs, sum(share * mean for share, mean in zip(shares, means, strict=True)))


def _train_member(
    recipe: Recipe,
    clips: TrainingSet,
    seed: int,
    on_epoch: Callable[[Epoch], None],
    checkpoint: Checkpoint | None,
    member: int,
) -> tuple[Any, list[Epoch]]:
    """Train one network of an ensemble, counted from 1, or the only one."""
    saved = checkpoint.of_member(member) if checkpoint else None
    member_seed = seed + MEMBER_SEED_STEP * (member - 1)
    last = member == recipe.ensemble > 1
    heard = clips.of_specialist(recipe.specialist) if last else clips
    make_deterministic(member_seed)
    network = build_network(recipe, heard.emotions, heard.inputs)
    draw_first_weights(network, member_seed)
    return network, fit(network, recipe, heard, member_seed, on_epoch, saved, member)


def _train_elsewhere(
    scheduler: str,
    recipe: Recipe,
    clips: TrainingSet,
    seed: int,
    on_epoch: Callable[[Epoch], None],
    checkpoint: Checkpoint,
) -> None:
    """Have workers train the networks that are not finished, and keep their last states here."""
    numbers = range(1, recipe.ensemble + 1)
    missing = [x for x in numbers if not checkpoint.of_member(x).holds(recipe.epochs)]
    planned = environment(libraries_of(recipe))
    work = partial(_member_state, recipe, clips, seed, checkpoint.key, planned)
    name_of = "network {}".format
    for number, files, line in spread(scheduler, work, missing, in_order=False, name_of=name_of):
        checkpoint.of_member(number).put(files)
        on_epoch(line)


def _member_state(
    recipe: Recipe,
    clips: TrainingSet,
    seed: int,
    key: str,
    planned: Mapping[str, str],
    member: int,
) -> tuple[int, dict[str, bytes], Epoch]:
    """A worker's part: the number of a network, the files of its last state, its last epoch."""
    check_environment(planned)
    with TemporaryDirectory(prefix="avser-") as folder:
        checkpoint = Checkpoint(Path(folder), key)
        _, history = _train_member(recipe, clips, seed, lambda _: None, checkpoint, member)
        return member, checkpoint.of_member(member).files(), history[-1]


def make_deterministic(seed: int) -> None:
    """Have the seed decide first weights, and nothing else what is computed from them."""
    keras.utils.set_random_seed(seed)
    tensorflow.config.experimental.enable_op_determinism()


def fit(
    network: Any,
    recipe: Recipe,
    clips: TrainingSet,
    seed: int,
    on_epoch: Callable[[Epoch], None],
    checkpoint: Checkpoint | None = None,
    member: int = 1,
    last: int | None = None,
) -> list[Epoch]:
    """Train a network from the weights that it has, or from those of a checkpoint.

    Parameters
    ----------
    network : keras.Model
    recipe : Recipe
        Its optimizer, schedule and epochs, and how clips are drawn and changed.
    clips : TrainingSet
    seed : int
        Draws the clips of an epoch and their order, dropout and augmentation.
    on_epoch : callable
        Called after each epoch.
    checkpoint : Checkpoint, optional
        Where to go on from and to save to.
    member : int
        Which network of an ensemble, from 1.
    last : int, optional
        The epoch after which to stop, the schedule being that of all of the recipe's.

    Returns
    -------
    list of Epoch
    """
    steps = -(-(recipe.sampling.draws or len(clips)) // recipe.batch_size) * recipe.epochs
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
    network.compile(build_optimizer(recipe, steps), loss, metrics=["accuracy"])
    history = checkpoint.load(network) if checkpoint else []
    for number in range(len(history), recipe.epochs if last is None else last):
        start = time.perf_counter()
        _seed_dropout(network, seed, number)
        batches = Batches(recipe, clips, [seed, number])
        with _interrupts_passed_on():
            logs = network.fit(batches, epochs=1, shuffle=False, verbose=0).history
        seconds = time.perf_counter() - start
        history.append(Epoch(number + 1, logs["loss"][0], logs["accuracy"][0], seconds, member))
        if not np.isfinite(history[-1].loss):
            raise UsageError(
                f"the loss became {history[-1].loss} in epoch {number + 1}; lower --lr "
                f"(now {recipe.learning_rate})"
            )
        if checkpoint:
            checkpoint.save(network, history)
        on_epoch(history[-1])
    return history


@contextmanager
def _interrupts_passed_on() -> Iterator[None]:
    """Ctrl-C while TensorFlow's C++ code handles an error of its own comes as a RuntimeError."""
    try:
        yield
    except RuntimeError as error:
        if "KeyboardInterrupt" in str(error):
            raise KeyboardInterrupt from None
        raise


def _seed_dropout(network: Any, seed: int, epoch: int) -> None:
    """Set what dropout draws from, which a checkpoint does not keep, for one epoch."""
    generators = [x.seed_generator for x in network.layers if hasattr(x, "seed_generator")]
    for number, generator in enumerate(generators):
        state = np.random.default_rng([seed, epoch, number]).integers(0, 2**31, 2)
        generator.state.assign(state.astype(generator.state.dtype))


def _train_mlp(
    recipe: Recipe, clips: TrainingSet, seed: int, on_epoch: Callable[[Epoch], None]
) -> Trained:
    history: list[Epoch] = []
    start = time.perf_counter()

    def note(epoch: int, loss: float, accuracy: float) -> None:
        seconds = time.perf_counter() - start - sum(x.seconds for x in history)
        history.append(Epoch(epoch, loss, accuracy, seconds))
        on_epoch(history[-1])

    features = clips.inputs.astype(np.float32)
    weights = train_mlp(recipe, features, clips.labels, clips.emotions, seed, note)
    return Trained(weights, (), tuple(history), weights.count, time.perf_counter() - start)
