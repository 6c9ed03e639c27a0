"""How far a bundle is adapted, chosen on folds of the training side.

The folds are of speakers where they are known; the held-out side has no say in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from avser_cli.data.group_numbers import group_numbers
from avser_cli.data.network_inputs import Inputs
from avser_cli.errors import CorpusError
from avser_cli.model.calibration import (
    TINY,
    Calibration,
    Probabilities,
    calibrate,
    fit_temperature,
    with_temperature,
)
from avser_cli.training.adaptation import Adaptation
from avser_cli.training.adaptation_config import STATISTICS, UNCHANGED, Plan, Statistics
from avser_cli.training.checkpoint import Checkpoint
from avser_cli.training.validation_folds import (
    FEWEST_CLIPS,
    Rows,
    ValidationFolds,
    check_enough,
    validation_folds,
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
        found, *_ = calibrate(
            [(self.probabilities[rows], self.labels[rows]) for rows in self.folds.rows],
            f"{len(self.labels)} clips that one network of each fold was not trained on, "
            f"{self.folds.describe()}",
        )
        return found


def choose_plan(
    adaptation: Adaptation,
    on_trial: Callable[[str], None],
    folder: Path | None = None,
) -> Choice:
    """Try how far to adapt the first network, on folds of the training side.

    What costs nothing is tried first: other statistics, and a fitted output layer; then, with many
    clips, all layers. More is only done where it is better by more than chance has it.

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
    check_enough(
        len(clips), "train on", f"--calibrate-only --split none takes {FEWEST_CLIPS} in all"
    )
    folds = validation_folds(clips, labels, adaptation.config.folds)
    if folds is None:
        raise CorpusError("an emotion has only one clip to train on; at least two are needed")
    trials = _Trials(adaptation, folds, labels, on_trial)
    found = trials.without_training()
    # A clip whose speaker is not known stands alone.
    speakers = group_numbers([clip.speaker or clip.key for clip in clips])
    best = _best(found, labels, speakers, UNCHANGED)
    if len(rows) >= adaptation.config.fewest_to_train:
        fitted = [plan for plan in found if plan.fits_output]
        first = min(fitted, key=lambda plan: validation_loss(found[plan], labels))
        found |= trials.of_all_layers(first.statistics, adaptation.checkpoint(folder))
        best = _best(found, labels, speakers, best)
    losses = {plan: validation_loss(answers, labels) for plan, answers in found.items()}
    return Choice(best, folds, losses, found[best], labels)


def _best(
    found: Mapping[Plan, Probabilities],
    labels: npt.NDArray[np.int64],
    speakers: npt.NDArray[np.int64],
    simple: Plan,
) -> Plan:
    """The plan of the lowest loss, or a simpler one that may be as good."""
    lowest = min(found, key=lambda plan: validation_loss(found[plan], labels))
    if simple not in found or is_better(found[lowest], found[simple], labels, speakers):
        return lowest
    return simple


@dataclass(frozen=True)
class _Trials:
    """What the first network says of each fold after it was adapted to the others.

    Answers are of shape ``(n, emotions)``, in the order of the training side.
    """

    adaptation: Adaptation
    folds: ValidationFolds
    labels: npt.NDArray[np.int64]
    on_trial: Callable[[str], None]

    def without_training(self) -> dict[Plan, Probabilities]:
        """As it is, and with the output layer fitted with either statistics.

        Other statistics alone won 5 points on EMO-DB and little elsewhere, and lost up to 7 on
        KEMOTTS.
        """
        adaptation = self.adaptation
        network, (start, *_) = adaptation.adapted(), adaptation.start_weights()
        plans = [Plan(statistics, fits_output=True) for statistics in STATISTICS]
        # An output layer with new emotions cannot stay as it is.
        if adaptation.emotions == adaptation.source.config.labels:
            plans = [UNCHANGED, *plans]
        found = {plan: self._blank() for plan in plans}
        for part, others, shown in self._parts():
            fitted = adaptation.training_set(others)
            for plan, answers in found.items():
                network.set_weights(start)
                network.prepare(fitted, plan.statistics, plan.fits_output, adaptation.seed)
                answers[part] = network.predict(shown)
        self.on_trial(f"validation: the output layer, {len(self.folds.rows)} folds")
        return found

    def of_all_layers(
        self, statistics: Statistics, checkpoint: Checkpoint | None
    ) -> dict[Plan, Probabilities]:
        """With all layers trained, for each number of epochs."""
        adaptation = self.adaptation
        longest = adaptation.config.epochs
        plans = [Plan(statistics, True, epochs) for epochs in range(1, longest + 1)]
        found = {plan: self._blank() for plan in plans}
        for number, (part, others, shown) in enumerate(self._parts(), start=1):
            name = f"validation-{number}"
            shape = (longest, len(part), len(adaptation.emotions))
            tried = (
                checkpoint.load_array(name, (shape, np.dtype(np.float32))) if checkpoint else None
            )
            if tried is None:
                tried = _trial(adaptation, statistics, others, shown)
                if checkpoint:
                    checkpoint.save_array(name, tried)
            for answers, after_epoch in zip(found.values(), tried, strict=True):
                answers[part] = after_epoch
            self.on_trial(f"validation: all layers, fold {number}/{len(self.folds.rows)}")
        return found

    def _blank(self) -> Probabilities:
        return np.empty((len(self.labels), len(self.adaptation.emotions)), np.float32)

    def _parts(self) -> Iterator[tuple[Rows, Rows, Inputs]]:
        """Positions of each fold, rows of the other clips, and the inputs of the fold."""
        rows, inputs = self.adaptation.rows, self.adaptation.prepared.dataset.inputs
        for part in self.folds.rows:
            others = np.setdiff1d(np.arange(len(rows)), part)
            yield part, rows[others], inputs[rows[part]]


def _trial(
    adaptation: Adaptation, statistics: Statistics, rows: Rows, shown: Inputs
) -> npt.NDArray[np.float32]:
    """Probabilities for inputs after each epoch of training all layers.

    Returns
    -------
    numpy.ndarray
        Shape ``(epochs, n, emotions)``.
    """
    network, (start, *_) = adaptation.adapted(), adaptation.start_weights()
    fitted = adaptation.training_set(rows)
    network.set_weights(start)
    network.prepare(fitted, statistics, True, adaptation.seed)
    found: list[Probabilities] = []
    network.train(
        fitted,
        statistics,
        adaptation.config.epochs,
        adaptation.seed,
        lambda line: found.append(network.predict(shown)),
    )
    return np.array(found, np.float32)


def validation_loss(probabilities: Probabilities, labels: npt.NDArray[np.int64]) -> float:
    """Cross-entropy at the temperature that suits best, each emotion counting as much."""
    surprise = _surprise(probabilities, labels)
    return float(np.mean([surprise[labels == emotion].mean() for emotion in np.unique(labels)]))


def is_better(
    these: Probabilities,
    others: Probabilities,
    labels: npt.NDArray[np.int64],
    speakers: npt.NDArray[np.int64],
) -> bool:
    """Whether answers have the lower loss by more than one standard error of the difference.

    The rule of one standard error is that of Breiman et al. 1984, "Classification and regression
    trees", for the simpler of two models. What a speaker's clips gain hangs together, so the error
    is one over speakers (the sandwich of Liang and Zeger 1986), or over the clips of one that is
    alone.

    Parameters
    ----------
    these, others : numpy.ndarray
        Shape ``(n, emotions)``.
    labels, speakers : numpy.ndarray
        Shape ``(n,)``.
    """
    if len(np.unique(speakers)) == 1:
        speakers = np.arange(len(labels))
    gain = _surprise(others, labels) - _surprise(these, labels)
    counts = np.bincount(labels)
    means = np.bincount(labels, gain) / np.maximum(counts, 1)
    weights = 1 / (counts[labels] * np.count_nonzero(counts))
    parts = np.bincount(speakers, weights * (gain - means[labels]))
    groups = len(np.unique(speakers))
    error = np.sqrt(np.sum(parts**2) * groups / max(groups - 1, 1))
    return bool(weights @ gain > error)


def _surprise(
    probabilities: Probabilities, labels: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    scaled = with_temperature(probabilities, fit_temperature(probabilities, labels))
    found: npt.NDArray[np.float32] = -np.log(
        np.maximum(scaled[np.arange(len(labels)), labels], TINY)
    )
    return found
