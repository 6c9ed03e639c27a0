"""Training a recipe: its network, or those of its ensemble, here, side by side or on a cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
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
from avser_cli.model.backend import keras, tensorflow
from avser_cli.model.mlp import MlpWeights
from avser_cli.model.recipe import Recipe
from avser_cli.processes import message_queue
from avser_cli.training.checkpoint import Checkpoint
from avser_cli.training.history import Epoch
from avser_cli.training.mlp import train_mlp
from avser_cli.training.provenance import check_environment, environment, libraries_of
from avser_cli.training.sampling import TrainingSet
from avser_cli.training.trainer import predict_in_parts, train_member

FEWEST_FOR_PROCESSES = 5_000
"""Inputs that a network sees in all its epochs, from which on starting processes, some ten seconds,
is worth while."""


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
        Time that the epochs took; of networks side by side, those of the slowest.
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


def train(
    recipe: Recipe,
    clips: TrainingSet,
    seed: int,
    on_epoch: Callable[[Epoch], None],
    checkpoint: Checkpoint | None = None,
    scheduler: str | None = None,
    side_by_side: bool = True,
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
        A Dask scheduler whose workers train a network each; needs a checkpoint. Of each,
        the last epoch is reported.
    side_by_side : bool
        Whether processes of this machine may train a network each, where that is faster. What
        they give is the same.

    Returns
    -------
    Trained
    """
    if recipe.network == "mlp":
        return _train_mlp(recipe, clips, seed, on_epoch)
    missing = list(range(1, recipe.ensemble + 1))
    if checkpoint is not None:
        finished, missing = _finished_and_missing(recipe, checkpoint)
        # So that what tells how far it is counts them.
        for line in finished if missing else []:
            on_epoch(line)
    if scheduler is not None and missing:
        assert checkpoint is not None
        _train_on_cluster(scheduler, recipe, clips, seed, on_epoch, checkpoint, missing)
    elif side_by_side and pays_processes(recipe, clips):
        with _kept(checkpoint) as kept:
            if len(missing) > 1:
                _train_over_processes(recipe, clips, seed, on_epoch, kept, missing)
            return _train_rest(recipe, clips, seed, on_epoch, kept, max)
    return _train_rest(recipe, clips, seed, on_epoch, checkpoint, sum)


def _train_rest(
    recipe: Recipe,
    clips: TrainingSet,
    seed: int,
    on_epoch: Callable[[Epoch], None],
    checkpoint: Checkpoint | None,
    total: Callable[[Iterable[float]], float],
) -> Trained:
    """Train the networks that the checkpoint does not hold, one after the other, and join all.

    `total` is the time that all took, of the times of each.
    """
    trained = [
        train_member(recipe, clips, seed, on_epoch, checkpoint, member)
        for member in range(1, recipe.ensemble + 1)
    ]
    members = tuple(network for network, _ in trained)
    network = join_networks(members, recipe.tta_shift, member_shares(recipe))
    parameters = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    seconds = total(sum(line.seconds for line in lines) for _, lines in trained)
    history = tuple(chain.from_iterable(lines for _, lines in trained))
    return Trained(network, members, history, parameters, seconds)


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


def pays_processes(recipe: Recipe, clips: TrainingSet) -> bool:
    """Whether an ensemble is trained sooner by a process for each network.

    Each network computes on one core (`avser_cli.model.backend`). A GPU is not shared.
    """
    from joblib import cpu_count

    seen = recipe.all_epochs // recipe.ensemble * (recipe.sampling.draws or len(clips))
    if recipe.ensemble == 1 or seen < FEWEST_FOR_PROCESSES or cpu_count() == 1:
        return False
    return not tensorflow.config.list_physical_devices("GPU")


@contextmanager
def _kept(checkpoint: Checkpoint | None) -> Iterator[Checkpoint]:
    """The checkpoint, or one for as long as the training takes."""
    if checkpoint is not None:
        yield checkpoint
        return
    with TemporaryDirectory(prefix="avser-") as folder:
        yield Checkpoint(Path(folder), "training")


def _finished_and_missing(recipe: Recipe, checkpoint: Checkpoint) -> tuple[list[Epoch], list[int]]:
    """The last epochs of the networks that a checkpoint holds finished; the numbers of others."""
    finished, missing = [], []
    for member in range(1, recipe.ensemble + 1):
        history = checkpoint.of_member(member).history()
        if len(history) == recipe.epochs_of(member):
            finished.append(history[-1])
        else:
            missing.append(member)
    return finished, missing


def _train_over_processes(
    recipe: Recipe,
    clips: TrainingSet,
    seed: int,
    on_epoch: Callable[[Epoch], None],
    checkpoint: Checkpoint,
    members: Sequence[int],
) -> None:
    """Have processes of this machine train networks, one each."""
    from joblib import Parallel, delayed

    with message_queue(on_epoch) as queue, suppress(BrokenProcessPool):
        # Where one dies, of memory say, what it did not finish is left to this process.
        Parallel(n_jobs=len(members))(
            delayed(_train_and_report)(recipe, clips, seed, checkpoint, member, queue)
            for member in members
        )


def _train_and_report(
    recipe: Recipe, clips: TrainingSet, seed: int, checkpoint: Checkpoint, member: int, queue: Any
) -> None:
    """A process's part: its network's states come to lie in the checkpoint."""
    train_member(recipe, clips, seed, queue.put, checkpoint, member)


def _train_on_cluster(
    scheduler: str,
    recipe: Recipe,
    clips: TrainingSet,
    seed: int,
    on_epoch: Callable[[Epoch], None],
    checkpoint: Checkpoint,
    members: Sequence[int],
) -> None:
    """Have workers train networks, and keep their last states here."""
    planned = environment(libraries_of(recipe))
    work = partial(_member_state, recipe, clips, seed, checkpoint.key, planned)
    name_of = "network {}".format
    for number, files, line in spread(scheduler, work, members, in_order=False, name_of=name_of):
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
        _, history = train_member(recipe, clips, seed, lambda _: None, checkpoint, member)
        return member, checkpoint.of_member(member).files(), history[-1]


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
