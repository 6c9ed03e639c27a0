"""Making a model's confidence mean what it says: temperature scaling, and what it is worth.

A temperature divides the logits: the predicted class stays, its confidence changes (Guo et al.
2017, "On calibration of modern neural networks"). It is fitted on predictions for clips that the
predicting network was not trained on. A bias per emotion, added to the logits after that, moves
answers between emotions: a few labelled clips tell it, where many would be needed to train.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from avser_cli.untrusted_input import Count, Share

Probabilities = npt.NDArray[np.float32]
Weights = npt.NDArray[np.float64]
Fold = tuple[Probabilities, npt.NDArray[np.integer]]
"""Probabilities and labels of clips held out, shapes ``(n, emotions)`` and ``(n,)``."""
Names = Sequence[Sequence[Hashable]]
"""What tells the clips of each fold apart."""

N_BINS = 15
"""Bins of confidence in the expected calibration error, as in the source."""
TARGET_ACCURACY = 0.9
"""Share of right answers that answers above the threshold are to have."""
TINY = 1e-12
BIAS_SPREAD, TEMPERATURE_SPREAD = 1.0, 0.5
"""Standard deviations of the priors on biases and on the logarithm of the temperature that is
fitted with them."""
MAX_BIAS = 10.0
Bias = Annotated[float, Meta(ge=-MAX_BIAS - 1, le=MAX_BIAS + 1)]


@dataclass(frozen=True)
class Calibration:
    """How a bundle's confidence is corrected, and what was measured about it.

    Attributes
    ----------
    temperature : float
        Divides the logits.
    threshold : float
        Answers with less confidence count as uncertain.
    accuracy : float
        Share of right answers among those at or above the threshold.
    coverage : float
        Share of clips whose answer is at or above it.
    ece_before, ece_after : float
        Expected calibration error without and with the temperature. Of corpora left out, these
        are means over corpora, each of which counts as much as any other in all numbers here.
    clips : int
        Number of predictions behind these numbers.
    source : str
        How they were made, in words.
    bias : tuple of float or None
        Added to the logits of each emotion after the temperature; `None`: nothing is.
    """

    temperature: Annotated[float, Meta(gt=0, lt=100)]
    threshold: Share
    accuracy: Share
    coverage: Share
    ece_before: Share
    ece_after: Share
    clips: Count
    source: str
    bias: tuple[Bias, ...] | None = None

    def apply(self, probabilities: Probabilities) -> Probabilities:
        """A network's probabilities, shape ``(n, emotions)``, corrected."""
        return rescaled(probabilities, self.temperature, self.bias)

    def as_dict(self) -> dict[str, Any]:
        """The calibration as plain values."""
        return asdict(self)


def rescaled(
    probabilities: Probabilities, temperature: float, bias: npt.ArrayLike | None = None
) -> Probabilities:
    """Probabilities, shape ``(n, emotions)``, as if logits had been divided and then moved."""
    logits = np.log(np.maximum(probabilities, TINY)) / temperature
    return softmax(logits if bias is None else logits + np.asarray(bias))


def with_temperature(probabilities: Probabilities, temperature: float) -> Probabilities:
    """Probabilities, shape ``(n, emotions)``, as if the logits had been divided."""
    return rescaled(probabilities, temperature)


def softmax(logits: npt.NDArray[np.floating]) -> Probabilities:
    """Probabilities from logits, shape ``(n, emotions)`` both."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities: Probabilities = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
    return probabilities


def fit_temperature(
    probabilities: Probabilities,
    labels: npt.NDArray[np.integer],
    weights: Weights | None = None,
) -> float:
    """The temperature at which the labels are most likely, between 1/20 and 20.

    `weights` tell how much each clip counts, shape ``(n,)``; all the same where there are none.
    """
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        scaled = with_temperature(probabilities, float(np.exp(log_temperature)))
        return _negative_log_likelihood(scaled, labels, weights)

    bound = float(np.log(20.0))
    return float(np.exp(minimize_scalar(loss, bounds=(-bound, bound), method="bounded").x))


def _negative_log_likelihood(
    probabilities: Probabilities,
    labels: npt.NDArray[np.integer],
    weights: Weights | None = None,
) -> float:
    """Of the labels, mean over clips."""
    of_labels = probabilities[np.arange(len(labels)), labels]
    return -float(np.average(np.log(np.maximum(of_labels, TINY)), weights=weights))


def fit_temperature_and_bias(
    probabilities: Probabilities, labels: npt.NDArray[np.integer]
) -> tuple[float, tuple[float, ...]]:
    """Temperature and biases at which the labels are most likely, each emotion counting as much.

    Few clips say little: both are held near 1 and 0, as normal priors of spread `BIAS_SPREAD` on
    the biases and `TEMPERATURE_SPREAD` on the temperature's logarithm do.
    """
    from scipy.optimize import minimize

    emotions = probabilities.shape[1]
    rows = np.arange(len(labels))
    present, counts = np.unique(labels, return_counts=True)
    weights = np.zeros(emotions)
    weights[present] = len(labels) / (len(present) * counts)

    def cost(parameters: npt.NDArray[np.float64]) -> float:
        log_temperature, bias = parameters[0], parameters[1:]
        scaled = rescaled(probabilities, float(np.exp(log_temperature)), bias)
        likelihood = np.log(np.maximum(scaled[rows, labels].astype(np.float64), TINY))
        prior = (log_temperature / TEMPERATURE_SPREAD) ** 2 + np.sum((bias / BIAS_SPREAD) ** 2)
        return float(-(weights[labels] * likelihood).sum() + prior / 2)

    bound = float(np.log(20.0))
    bounds = [(-bound, bound), *[(-MAX_BIAS, MAX_BIAS)] * emotions]
    # Without derivatives: those by differences drown in the rounding of float32.
    found = minimize(cost, np.zeros(1 + emotions), method="Powell", bounds=bounds).x
    bias = found[1:] - found[1:].mean()
    return float(np.exp(found[0])), tuple(round(float(x), 4) for x in bias)


def reliability(
    probabilities: Probabilities, labels: npt.NDArray[np.integer]
) -> list[tuple[float, float, int]]:
    """Mean confidence, share of right answers and number of clips, in bins of confidence.

    Returns
    -------
    list of tuple
        One for each of `N_BINS` equal bins that has clips.
    """
    confidence, right = _answers(probabilities, labels)
    number = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    return [
        (float(confidence[chosen].mean()), float(right[chosen].mean()), int(chosen.sum()))
        for chosen in (number == bin_ for bin_ in range(N_BINS))
        if chosen.any()
    ]


def expected_calibration_error(
    probabilities: Probabilities, labels: npt.NDArray[np.integer]
) -> float:
    """Mean distance between confidence and accuracy over the bins, weighted by clips."""
    bins = reliability(probabilities, labels)
    return sum(n * abs(sure - right) for sure, right, n in bins) / sum(n for *_, n in bins)


def accuracy_by_coverage(
    probabilities: Probabilities,
    labels: npt.NDArray[np.integer],
    weights: Weights | None = None,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Accuracy over the k surest answers, for every k.

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape ``(n, emotions)``.
    labels : numpy.ndarray
        Shape ``(n,)``.
    weights : numpy.ndarray, optional
        How much each clip counts, shape ``(n,)``.

    Returns
    -------
    coverage, accuracy : numpy.ndarray
        Shape ``(n,)``, coverage ascending to 1.
    """
    confidence, right = _answers(probabilities, labels)
    order = np.argsort(-confidence, kind="stable")
    counts = np.ones(len(order)) if weights is None else weights[order]
    covered = np.cumsum(counts)
    return covered / covered[-1], np.cumsum(right[order] * counts) / covered


def fit_threshold(
    probabilities: Probabilities,
    labels: npt.NDArray[np.integer],
    wanted: float = TARGET_ACCURACY,
    weights: Weights | None = None,
) -> float:
    """The lowest confidence from which on the share of right answers is as wanted, else 1."""
    confidence, _ = _answers(probabilities, labels)
    _, accuracy = accuracy_by_coverage(probabilities, labels, weights)
    good = np.flatnonzero(accuracy >= wanted)
    return float(np.sort(confidence)[::-1][good[-1]]) if len(good) else 1.0


def calibrate(
    folds: Sequence[Fold],
    source: str,
    clips: Sequence[Sequence[str]] | None = None,
    with_bias: bool = False,
    folds_alike: bool = False,
) -> tuple[Calibration, list[Probabilities], list[npt.NDArray[np.bool_]]]:
    """Fit temperature and threshold on all folds, and measure both on folds left out.

    Parameters
    ----------
    folds : sequence of tuple
        Probabilities ``(n, emotions)`` and labels ``(n,)`` of clips held out, two folds or more.
    source : str
        Where they come from, in words.
    clips : sequence, optional
        Names of the clips of each fold; needed where folds share some, as random splits do and
        several seeds of one fold. Without them, no clip is in two folds.
    with_bias : bool
        Whether to fit a bias per emotion, too.
    folds_alike : bool
        Whether each fold counts as much as any other, as corpora should, of which a large one says
        no more of the next one than a small one; else each clip does. Biases are fitted to clips.
        The temperature is then 1 unless one that is fitted on all folds but one makes the labels
        of that one likelier, in the mean: networks are too sure of one corpus and too modest about
        the next, and what suits some need not suit another.

    Returns
    -------
    calibration : Calibration
        Its temperature and threshold come from all folds; its measured numbers from applying, to
        each fold, what was fitted on the others without the clips of the fold.
    scaled : list of numpy.ndarray
        Each fold's probabilities as the others' fit corrects them.
    sure : list of numpy.ndarray
        Whether each of these answers is at or above the others' threshold.

    Raises
    ------
    ValueError
        The others have no clip that the fold does not have.
    """
    names: Names = clips or [[(n, row) for row in range(len(y))] for n, (_, y) in enumerate(folds)]
    fit = partial(_fit, with_bias=with_bias, folds_alike=folds_alike)
    scaled, sure, right = [], [], []
    for number, (probabilities, labels) in enumerate(folds):
        others, their_names = _others(folds, names, number)
        if not others:
            raise ValueError("the folds have the same clips: nothing is left to fit on")
        temperature, bias, threshold = fit(others, their_names)
        scaled.append(rescaled(probabilities, temperature, bias))
        confidence, correct = _answers(scaled[-1], labels)
        sure.append(confidence >= threshold)
        right.append(correct & sure[-1])
    temperature, bias, threshold = fit(folds, names)
    truth = [y for _, y in folds]
    weights = _weights(truth) if folds_alike else None
    coverage = float(np.average(np.concatenate(sure), weights=weights))
    right_share = float(np.average(np.concatenate(right), weights=weights))
    return (
        Calibration(
            temperature=round(temperature, 4),
            threshold=round(threshold, 4),
            accuracy=round(right_share / coverage, 4) if coverage else 0.0,
            coverage=round(coverage, 4),
            ece_before=round(_calibration_error([p for p, _ in folds], truth, folds_alike), 4),
            ece_after=round(_calibration_error(scaled, truth, folds_alike), 4),
            clips=sum(map(len, truth)),
            source=source,
            bias=bias,
        ),
        scaled,
        sure,
    )


def _weights(labels: Sequence[npt.NDArray[np.integer]]) -> Weights:
    """How much each clip of all folds counts where each fold counts as much as any other."""
    sizes = np.array([len(fold) for fold in labels])
    return np.repeat(1 / np.maximum(sizes, 1), sizes)


def _calibration_error(
    probabilities: Sequence[Probabilities],
    labels: Sequence[npt.NDArray[np.integer]],
    folds_alike: bool,
) -> float:
    """The mean of the folds' errors, or that of all their clips together."""
    if folds_alike:
        errors = map(expected_calibration_error, probabilities, labels)
        return float(np.mean(list(errors)))
    return expected_calibration_error(np.concatenate(probabilities), np.concatenate(labels))


def _others(folds: Sequence[Fold], names: Names, number: int) -> tuple[list[Fold], Names]:
    """All folds but one, without the clips of that one, and the names of theirs.

    A fold of which nothing is left is left out: another training on the same clips.
    """
    judged = set(names[number])
    found: list[Fold] = []
    theirs: list[Sequence[Hashable]] = []
    for (probabilities, labels), of_fold in zip(folds, names, strict=True):
        rows = [row for row, name in enumerate(of_fold) if name not in judged]
        if rows:
            found.append((probabilities[rows], labels[rows]))
            theirs.append([of_fold[row] for row in rows])
    return found, theirs


def _fit(
    folds: Sequence[Fold],
    names: Names,
    with_bias: bool,
    folds_alike: bool,
) -> tuple[float, tuple[float, ...] | None, float]:
    """Temperature, biases and threshold."""
    probabilities, labels, weights = _joined(folds, folds_alike)
    temperature: float
    bias: tuple[float, ...] | None = None
    if with_bias:
        temperature, bias = fit_temperature_and_bias(probabilities, labels)
    elif folds_alike and not _carries_over(folds, names):
        temperature = 1.0
    else:
        temperature = fit_temperature(probabilities, labels, weights)
    scaled = rescaled(probabilities, temperature, bias)
    return temperature, bias, fit_threshold(scaled, labels, weights=weights)


def _joined(
    folds: Sequence[Fold], folds_alike: bool
) -> tuple[Probabilities, npt.NDArray[np.integer], Weights | None]:
    """Probabilities and labels of all folds, and how much each clip counts."""
    truth = [y for _, y in folds]
    weights = _weights(truth) if folds_alike else None
    return np.concatenate([p for p, _ in folds]), np.concatenate(truth), weights


def _carries_over(folds: Sequence[Fold], names: Names) -> bool:
    """Whether a temperature of all folds but one makes the labels of that one likelier.

    In the mean of the folds; a fold that is alone cannot tell, however often it was trained.
    """
    gains = []
    for number, (probabilities, labels) in enumerate(folds):
        others, _ = _others(folds, names, number)
        if not others:
            continue
        temperature = fit_temperature(*_joined(others, folds_alike=True))
        scaled = with_temperature(probabilities, temperature)
        gains.append(
            _negative_log_likelihood(probabilities, labels)
            - _negative_log_likelihood(scaled, labels)
        )
    return not gains or float(np.mean(gains)) > 0


def _answers(
    probabilities: Probabilities, labels: npt.NDArray[np.integer]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Confidence of each answer, and whether it is right."""
    return probabilities.max(axis=1).astype(np.float64), probabilities.argmax(axis=1) == labels
