"""Training on from a bundle's weights: the last layers first, then all of them at a low rate.

How long, and whether batch normalisation keeps its running statistics, is chosen on folds of the
training side, speaker by speaker where they are known; the held-out side has no say in it. Without
rehearsal, weights are held near those they began with (L2-SP; Li, Grandvalet and Davoine 2018,
"Explicit inductive bias for transfer learning with convolutional networks").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from avser_cli.data.dataset import Inputs
from avser_cli.errors import CorpusError
from avser_cli.model.arrays import Array
from avser_cli.model.backend import keras
from avser_cli.model.bundle_arrays import read_member_weights
from avser_cli.model.calibration import (
    TINY,
    Calibration,
    calibrate,
    fit_temperature,
    with_temperature,
)
from avser_cli.model.networks import build_network
from avser_cli.model.recipe import Recipe, Sampling
from avser_cli.training.adaptation_config import AdaptationConfig
from avser_cli.training.checkpoint import Checkpoint
from avser_cli.training.history import Epoch
from avser_cli.training.provenance import libraries_of, run_key
from avser_cli.training.rehearsal import Rehearsal, RehearsedSet
from avser_cli.training.sampling import TrainingSet
from avser_cli.training.source_bundle import SourceBundle
from avser_cli.training.trainer import (
    MEMBER_SEED_STEP,
    Trained,
    fit,
    join_networks,
    make_deterministic,
    member_shares,
)
from avser_cli.training.training_run import TrainTestSplit
from avser_cli.training.validation_folds import ValidationFolds, validation_folds

Probabilities = npt.NDArray[np.float32]
Statistics = Literal["frozen", "re-estimated"]
STATISTICS: tuple[Statistics, ...] = ("frozen", "re-estimated")
"""What batch normalisation does: keeps its running statistics as they are, or goes on with the mean
and spread of each batch."""

FEWEST_CLIPS = 20
"""Clips on the training side from which on weights are trained."""
PHASE_SEED_STEP = 500
"""The second phase trains with the seed plus this."""


@dataclass(frozen=True)
class Plan:
    """How far a bundle is trained on.

    Attributes
    ----------
    statistics : {"frozen", "re-estimated"}
        Of batch normalisation.
    epochs : int or None
        Epochs of all layers, after those of the last; `None`: nothing is trained.
    """

    statistics: Statistics
    epochs: int | None

    def describe(self, config: AdaptationConfig) -> str:
        """In words, for the card."""
        if self.epochs is None:
            return "weights as they were: none did better on validation clips"
        again = (
            f", {config.rehearsal:.0%} of each batch from clips that it knew"
            if config.rehearsal
            else ""
        )
        return (
            f"the fully connected layers for {config.head_epochs} epochs, then all for "
            f"{self.epochs} at up to {config.rate:g}, statistics of batch normalisation "
            f"{self.statistics}{again}"
        )


@dataclass(frozen=True)
class Choice:
    """A plan, and what its networks said of the clips that they were not trained on.

    Attributes
    ----------
    plan : Plan
    folds : ValidationFolds
    losses : dict of Plan to float
        Of every plan that was tried, see `validation_loss`.
    probabilities, labels : numpy.ndarray
        Shapes ``(n, emotions)`` and ``(n,)``, in the order of the training side.
    """

    plan: Plan
    folds: ValidationFolds
    losses: dict[Plan, float]
    probabilities: Probabilities
    labels: npt.NDArray[np.int64]

    def calibration(self) -> Calibration:
        """Temperature and threshold for the new bundle."""
        found, _ = calibrate(
            [(self.probabilities[rows], self.labels[rows]) for rows in self.folds.rows],
            f"{len(self.labels)} clips that one network of each fold was not trained on, "
            f"{self.folds.describe()}",
        )
        return found


@dataclass(frozen=True)
class Adaptation:
    """A bundle to be trained on, and clips to do it with.

    Attributes
    ----------
    source : SourceBundle
    prepared : TrainTestSplit
    seed : int
    config : AdaptationConfig
    rehearsal : Rehearsal or None
        Clips that are trained on again; with them, `config` says their share.
    """

    source: SourceBundle
    prepared: TrainTestSplit
    seed: int
    config: AdaptationConfig = field(default_factory=AdaptationConfig)
    rehearsal: Rehearsal | None = None

    @property
    def recipe(self) -> Recipe:
        """The bundle's."""
        return self.source.config.recipe

    @property
    def emotions(self) -> tuple[str, ...]:
        """Those of the clips, in label order."""
        return self.prepared.dataset.emotions

    @property
    def rows(self) -> npt.NDArray[np.intp]:
        """Of the training side."""
        return self.prepared.dataset.rows(self.prepared.split.train)

    def key(self) -> str:
        """A checksum of everything that determines the result."""
        labels = {x.key: [x.emotion, x.speaker, x.sound] for x in self.prepared.dataset.clips}
        model = {
            "recipe": self.recipe.as_dict(),
            "source": self.source.checksum,
            "adaptation": self.config.as_dict(),
            "rehearsal": self.rehearsal.checksum if self.rehearsal else None,
        }
        libraries = libraries_of(self.recipe)
        return run_key(model, self.seed, self.prepared.split, labels, self.emotions, libraries)

    def checkpoint(self, folder: Path | None) -> Checkpoint | None:
        """Where an interrupted adaptation is gone on from."""
        return None if folder is None else Checkpoint(folder, self.key())

    def start_weights(self) -> list[list[Array]]:
        """Each network's first weights: the bundle's, with a head for the emotions of the clips."""
        make_deterministic(self.seed)
        known, recipe = self.source.config.labels, self.recipe
        blank = np.zeros((1, 1), np.uint8)
        kinds = [
            (tuple(x.shape), np.dtype(x.dtype))
            for x in build_network(recipe, len(known), blank).weights
        ]
        members = read_member_weights(self.source.folder, self.source.config, kinds)
        if known == self.emotions:
            return [list(weights) for weights in members]
        found = []
        for number, (*shared, kernel, bias) in enumerate(members):
            make_deterministic(self.seed + MEMBER_SEED_STEP * number)
            *_, new_kernel, new_bias = build_network(
                recipe, len(self.emotions), blank
            ).get_weights()
            for column, emotion in enumerate(self.emotions):
                if emotion in known:
                    new_kernel[:, column] = kernel[:, known.index(emotion)]
                    new_bias[column] = bias[known.index(emotion)]
            found.append([*shared, new_kernel, new_bias])
        return found


def check_enough(labels: Sequence[str]) -> None:
    """Raise `CorpusError` where there are too few clips to train on, and say how many lack."""
    if len(labels) < FEWEST_CLIPS:
        raise CorpusError(
            f"{len(labels)} clips to train on: {FEWEST_CLIPS} are needed, "
            f"{FEWEST_CLIPS - len(labels)} more; --calibrate-only --split none takes 20 in all"
        )


def choose_plan(
    adaptation: Adaptation,
    on_trial: Callable[[str], None],
    folder: Path | None = None,
) -> Choice:
    """Try how far to train the first network on, on folds of the training side.

    Parameters
    ----------
    adaptation : Adaptation
    on_trial : callable
        Called with a line after each trial.
    folder : pathlib.Path, optional
        Where finished trials are kept.

    Raises
    ------
    CorpusError
        There are too few clips to train on.
    """
    data, rows = adaptation.prepared.dataset, adaptation.rows
    labels = data.labels[rows]
    clips = [data.clips[row] for row in rows]
    check_enough([clip.emotion for clip in clips])
    config = adaptation.config
    folds = validation_folds(clips, labels, config.folds)
    if folds is None:
        raise CorpusError("an emotion has one clip to train on; two are needed, one more")
    checkpoint = adaptation.checkpoint(folder)
    start, *_ = adaptation.start_weights()
    shape = (config.epochs + 1, len(rows), len(adaptation.emotions))
    losses: dict[Plan, float] = {}
    best: tuple[float, Plan, Probabilities] | None = None
    for plan, found in _untrained(adaptation, start, data.inputs[rows]):
        losses[plan] = validation_loss(found, labels)
        best = (losses[plan], plan, found)
    for statistics in STATISTICS:
        tried = np.empty(shape, np.float32)
        for number, part in enumerate(folds.rows):
            others = np.setdiff1d(np.arange(len(rows)), part)
            name = f"validation-{statistics}-{number + 1}"
            kind = ((shape[0], len(part), shape[2]), np.dtype(np.float32))
            answers = checkpoint.load_array(name, kind) if checkpoint else None
            if answers is None:
                fitted = _training_set(adaptation, rows[others])
                answers = _trial(adaptation, start, fitted, data.inputs[rows[part]], statistics)
                if checkpoint:
                    checkpoint.save_array(name, answers)
            tried[:, part] = answers
            on_trial(f"validation: statistics {statistics}, fold {number + 1}/{len(folds.rows)}")
        for epochs, found in enumerate(tried):
            plan = Plan(statistics, epochs)
            losses[plan] = validation_loss(found, labels)
            # The shorter training of two that are as good.
            if best is None or losses[plan] < best[0]:
                best = (losses[plan], plan, found)
    assert best is not None
    return Choice(best[1], folds, losses, best[2], labels)


def validation_loss(probabilities: Probabilities, labels: npt.NDArray[np.int64]) -> float:
    """Cross-entropy at the temperature that suits best, each emotion counting as much."""
    scaled = with_temperature(probabilities, fit_temperature(probabilities, labels))
    surprise = -np.log(np.maximum(scaled[np.arange(len(labels)), labels], TINY))
    return float(np.mean([surprise[labels == emotion].mean() for emotion in np.unique(labels)]))


def adapt(
    adaptation: Adaptation,
    plan: Plan,
    on_epoch: Callable[[Epoch], None],
    folder: Path | None = None,
) -> Trained:
    """Train every network of the bundle on, with all clips of the training side, and join them.

    Parameters
    ----------
    adaptation : Adaptation
    plan : Plan
    on_epoch : callable
        Called after each epoch; both phases are numbered through.
    folder : pathlib.Path, optional
        Where to go on from and to save to, epoch by epoch.
    """
    checkpoint = adaptation.checkpoint(folder)
    fitted = _training_set(adaptation, adaptation.rows)
    members: list[Any] = []
    history: list[Epoch] = []
    for number, start in enumerate(adaptation.start_weights()):
        network = _network(adaptation, start)
        if plan.epochs is not None:
            seed = adaptation.seed + MEMBER_SEED_STEP * number
            saved = checkpoint.of_member(number + 1) if checkpoint else None
            phases = _phases(adaptation, network, fitted, plan)
            history += _train_on(network, fitted, phases, seed, number + 1, on_epoch, saved)
        _set_trainable(network, "all", "re-estimated")
        members.append(network)
    recipe = adaptation.recipe
    joined = join_networks(members, recipe.tta_shift, member_shares(recipe))
    parameters = sum(int(np.prod(weight.shape)) for weight in joined.trainable_weights)
    seconds = sum(line.seconds for line in history)
    return Trained(joined, tuple(members), tuple(history), parameters, seconds)


@dataclass(frozen=True)
class _Phase:
    """What is trained of a network, how, and up to which epoch."""

    name: Literal["head", "all"]
    recipe: Recipe
    statistics: Statistics
    hold: float
    held_weights: int
    last: int


def _phases(
    adaptation: Adaptation, network: Any, clips: TrainingSet, plan: Plan
) -> tuple[_Phase, _Phase]:
    config = adaptation.config
    draws = min(max(len(clips), config.fewest_draws), config.most_draws)
    hold = config.hold
    if isinstance(clips, RehearsedSet):
        assert clips.new is not None
        draws = clips.draws(min(max(len(clips.new), config.fewest_draws), config.most_draws))
        hold = 0.0
    recipe = adaptation.recipe.with_options(sampling=Sampling(emotion=0.0, draws=draws))
    head = replace(
        recipe, epochs=config.head_epochs, learning_rate=config.head_rate, schedule="constant"
    )
    whole = replace(recipe, epochs=config.epochs, learning_rate=config.rate, schedule="cosine")
    # A head for other emotions is new: there is nothing to hold it near.
    new = 0 if adaptation.emotions == adaptation.source.config.labels else 2
    held = len(network.weights) - new
    assert plan.epochs is not None
    return (
        _Phase("head", head, plan.statistics, hold, held, config.head_epochs),
        _Phase("all", whole, plan.statistics, hold, held, plan.epochs),
    )


def _train_on(
    network: Any,
    clips: TrainingSet,
    phases: Sequence[_Phase],
    seed: int,
    member: int = 1,
    on_epoch: Callable[[Epoch], None] = lambda line: None,
    checkpoint: Checkpoint | None = None,
) -> list[Epoch]:
    """Train a network through all phases."""
    history: list[Epoch] = []
    # Before any training: a checkpoint changes the weights.
    start = network.get_weights()
    for number, phase in enumerate(phases):
        done = len(history)
        _set_trainable(network, phase.name, phase.statistics)
        for weight, first in zip(network.weights, start[: phase.held_weights], strict=False):
            weight.regularizer = _HoldNear(phase.hold, first) if phase.hold else None
        history += [
            replace(line, epoch=line.epoch + done)
            for line in fit(
                network,
                phase.recipe,
                clips,
                seed + PHASE_SEED_STEP * number,
                lambda line, done=done: on_epoch(replace(line, epoch=line.epoch + done)),  # type: ignore[misc]
                checkpoint.of_phase(phase.name) if checkpoint else None,
                member,
                phase.last,
            )
        ]
    return history


class _HoldNear:
    """The penalty of L2-SP for a weight."""

    def __init__(self, strength: float, start: Array) -> None:
        self.strength, self.start = strength, keras.ops.convert_to_tensor(start)

    def __call__(self, weight: Any) -> Any:
        return self.strength / 2 * keras.ops.sum(keras.ops.square(weight - self.start))


def _set_trainable(network: Any, phase: Literal["head", "all"], statistics: Statistics) -> None:
    """Have fully connected layers and what follows them trained, or every layer.

    Batch normalisation that is not trained normalises by its running statistics.
    """
    dense = [isinstance(layer, keras.layers.Dense) for layer in network.layers]
    for number, layer in enumerate(network.layers):
        normalises = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = (phase == "all" or number >= dense.index(True)) and not (
            normalises and statistics == "frozen"
        )


def _untrained(
    adaptation: Adaptation, start: Sequence[Array], inputs: Inputs
) -> list[tuple[Plan, Probabilities]]:
    """What the first network says as it is, where its emotions are those of the clips."""
    if adaptation.emotions != adaptation.source.config.labels:
        return []
    network = _network(adaptation, start)
    return [(Plan("frozen", None), network.predict(inputs.astype(np.float32), verbose=0))]


def _trial(
    adaptation: Adaptation,
    start: Sequence[Array],
    clips: TrainingSet,
    inputs: Inputs,
    statistics: Statistics,
) -> Probabilities:
    """Probabilities for the inputs after the first phase and after each epoch of the second.

    Returns
    -------
    numpy.ndarray
        Shape ``(epochs + 1, n, emotions)``.
    """
    config = adaptation.config
    network = _network(adaptation, start)
    found = []
    shown = inputs.astype(np.float32)

    def ask(line: Epoch) -> None:
        if line.epoch >= config.head_epochs:
            found.append(network.predict(shown, verbose=0))

    plan = Plan(statistics, config.epochs)
    _train_on(network, clips, _phases(adaptation, network, clips, plan), adaptation.seed, 1, ask)
    return np.array(found, np.float32)


def _network(adaptation: Adaptation, weights: Sequence[Array]) -> Any:
    make_deterministic(adaptation.seed)
    blank = np.zeros((1, 1), np.uint8)
    network = build_network(adaptation.recipe, len(adaptation.emotions), blank)
    network.set_weights(weights)
    return network


def _training_set(adaptation: Adaptation, rows: npt.NDArray[np.intp]) -> TrainingSet:
    data = adaptation.prepared.dataset
    clips = [data.clips[row] for row in rows]
    new = TrainingSet.of(data.inputs[rows], data.labels[rows], len(adaptation.emotions), clips)
    if adaptation.rehearsal is None:
        return new
    share, size = adaptation.config.rehearsal, adaptation.recipe.batch_size
    return RehearsedSet.joined(new, adaptation.rehearsal.known, size, share)
