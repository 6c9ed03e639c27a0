"""Whether one model is better than another, or luck is: paired bootstrap and McNemar's test."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from avser_cli.experiments.runs import FinishedRun

RESAMPLES = 2000
LEVEL = 0.95
SEED = 0

Interval = tuple[float, float]


@dataclass(frozen=True)
class Pair:
    """One model against another on the same held-out clips.

    Attributes
    ----------
    first, second : str
    accuracy, uar : float
        First minus second, over all runs.
    accuracy_interval, uar_interval : tuple of float
        95 % of the paired bootstrap's differences lie in it.
    only_first, only_second : int
        Clips that one got right and the other did not, each clip counted once.
    p : float
        McNemar's exact test, two-sided.
    p_holm : float
        The same, adjusted for the number of pairs (Holm 1979).
    """

    first: str
    second: str
    accuracy: float
    uar: float
    accuracy_interval: Interval
    uar_interval: Interval
    only_first: int
    only_second: int
    p: float
    p_holm: float


@dataclass(frozen=True)
class Significance:
    """Intervals of each model and the comparison of each pair.

    Attributes
    ----------
    accuracy, uar : dict of str to tuple of float
        95 % interval by model.
    pairs : tuple of Pair
    """

    accuracy: dict[str, Interval]
    uar: dict[str, Interval]
    pairs: tuple[Pair, ...]


def compare_runs(
    runs: Mapping[str, Sequence[FinishedRun]], unit: Mapping[str, str] | None = None
) -> Significance:
    """Intervals and tests for models that predicted the same clips in the same runs.

    The bootstrap draws clips, with all their predictions in all runs, and the same clips for
    every model; or what `unit` says they belong to, e.g. actors where whole actors are held out.
    McNemar's test takes each clip from the first run that held it out, so that no clip speaks
    twice.

    Parameters
    ----------
    runs : mapping
        By model, in the same order of runs.
    unit : mapping, optional
        From a clip's name to what is drawn with it.
    """
    first = next(iter(runs.values()))
    names = [name for run in first for name in run.names]
    truth = np.concatenate([run.labels for run in first])
    predicted = {
        model: np.concatenate([run.probabilities.argmax(axis=1) for run in found])
        for model, found in runs.items()
    }
    right = {model: guesses == truth for model, guesses in predicted.items()}
    units = [unit[name] if unit else name for name in names]
    weights = _resampled_weights(units)
    samples = {model: _weighted(hits, truth, weights) for model, hits in right.items()}
    whole = np.ones((1, len(truth)))
    values = {model: _weighted(hits, truth, whole)[:, 0] for model, hits in right.items()}
    once = np.unique(names, return_index=True)[1]
    pairs = []
    for one, other in itertools.combinations(runs, 2):
        difference = samples[one] - samples[other]
        only_one = int((right[one] & ~right[other])[once].sum())
        only_other = int((right[other] & ~right[one])[once].sum())
        p = mcnemar(only_one, only_other)
        accuracy, uar = values[one] - values[other]
        intervals = _interval(difference[0]), _interval(difference[1])
        pairs.append(
            Pair(one, other, accuracy, uar, *intervals, only_one, only_other, p, float("nan"))
        )
    return Significance(
        accuracy={model: _interval(sample[0]) for model, sample in samples.items()},
        uar={model: _interval(sample[1]) for model, sample in samples.items()},
        pairs=_holm(pairs),
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """McNemar's exact test: two-sided p that two models err alike, from where they differ."""
    from scipy.stats import binomtest

    if only_first + only_second == 0:
        return 1.0
    return float(binomtest(only_first, only_first + only_second).pvalue)


def _holm(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """The pairs with p adjusted for their number."""
    order = np.argsort([pair.p for pair in pairs])
    adjusted = np.empty(len(pairs))
    largest = 0.0
    for rank, row in enumerate(order):
        largest = max(largest, min(1.0, pairs[row].p * (len(pairs) - rank)))
        adjusted[row] = largest
    return tuple(
        Pair(**{**pair.__dict__, "p_holm": float(value)})
        for pair, value in zip(pairs, adjusted, strict=True)
    )


def _resampled_weights(units: Sequence[str]) -> npt.NDArray[np.float64]:
    """How often each prediction counts in each resample, shape ``(RESAMPLES, n)``."""
    known, member = np.unique(np.array(units), return_inverse=True)
    rng = np.random.default_rng(SEED)
    even = np.full(len(known), 1 / len(known))
    counts = rng.multinomial(len(known), even, size=RESAMPLES)
    return counts[:, member].astype(np.float64)


def _weighted(
    hits: npt.NDArray[np.bool_], truth: npt.NDArray[np.int64], weights: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Accuracy and UAR under each row of weights, shape ``(2, rows)``."""
    accuracy = weights @ hits / np.maximum(weights.sum(axis=1), 1)
    recalls = []
    for emotion in np.unique(truth):
        rows = truth == emotion
        total = weights[:, rows].sum(axis=1)
        with np.errstate(invalid="ignore"):
            recalls.append(np.where(total > 0, weights[:, rows] @ hits[rows] / total, np.nan))
    return np.stack([accuracy, np.nanmean(recalls, axis=0)])


def _interval(values: npt.NDArray[np.float64]) -> Interval:
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
