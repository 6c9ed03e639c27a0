"""Confidence intervals of accuracy and UAR by the bootstrap."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from avser_cli.data.group_numbers import group_numbers

RESAMPLES = 2000
LEVEL = 0.95
SEED = 0
AT_ONCE = 100
"""Resamples that are drawn and scored at a time: of a million clips all of them are 16 GB."""

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.uint16]
Interval = tuple[float, float]


@dataclass(frozen=True)
class Intervals:
    """95 % intervals of one model's accuracy and UAR.

    Attributes
    ----------
    accuracy, uar : tuple of float
    resampled : str
        What the bootstrap drew, in words.
    """

    accuracy: Interval
    uar: Interval
    resampled: str


def clip_intervals(
    truth: npt.NDArray[np.integer],
    predicted: npt.NDArray[np.integer],
    speakers: Sequence[Hashable] | None = None,
) -> Intervals:
    """Intervals of a single training: the network counts as given, only the clips are drawn.

    Parameters
    ----------
    truth, predicted : numpy.ndarray
        Indices of emotions, shape ``(n,)``.
    speakers : sequence, optional
        Who speaks in each clip; given, whole speakers are drawn.
    """
    units = np.arange(len(truth)) if speakers is None else group_numbers(speakers)
    counts = draw_counts(np.random.default_rng(SEED), np.zeros(units.max() + 1), RESAMPLES)
    accuracy, uar = weighted_scores(truth == predicted, truth, counts, units)
    drawn = "clips" if speakers is None else "speakers"
    return Intervals(percentiles(accuracy), percentiles(uar), f"{drawn} only, of one training")


def draw_counts(rng: np.random.Generator, strata: npt.ArrayLike, resamples: int) -> Counts:
    """How often each unit is drawn, with replacement, as many from a stratum as it has.

    Parameters
    ----------
    rng : numpy.random.Generator
    strata : array_like
        The stratum of each unit.
    resamples : int

    Returns
    -------
    numpy.ndarray
        Shape ``(resamples, units)``.
    """
    strata = np.asarray(strata)
    counts = np.empty((resamples, len(strata)), np.uint16)
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        even = np.full(len(members), 1 / len(members))
        for rows in _blocks(resamples):
            size = rows.stop - rows.start
            counts[rows, members] = rng.multinomial(len(members), even, size=size)
    return counts


def _blocks(count: int) -> list[slice]:
    return [slice(start, min(start + AT_ONCE, count)) for start in range(0, count, AT_ONCE)]


def weighted_scores(
    right: npt.NDArray[np.bool_],
    truth: npt.NDArray[np.integer],
    weights: npt.NDArray[Any],
    units: npt.NDArray[np.integer] | None = None,
) -> Floats:
    """Accuracy and UAR, each clip counted as often as each row of weights says.

    Parameters
    ----------
    right : numpy.ndarray
        Whether each prediction is right, shape ``(n,)``.
    truth : numpy.ndarray
        Indices of emotions, shape ``(n,)``.
    weights : numpy.ndarray
        Shape ``(rows, units)``.
    units : numpy.ndarray, optional
        Which column of the weights is a clip's, shape ``(n,)``; without, each clip has its own.

    Returns
    -------
    numpy.ndarray
        Shape ``(2, rows)``. Emotions without weight do not enter the UAR.
    """
    place = (np.arange(len(truth)) if units is None else units, truth)
    members, hit = np.zeros((2, weights.shape[1], truth.max() + 1))
    np.add.at(members, place, 1)
    np.add.at(hit, place, right)
    there = members.any(axis=0)
    both = np.concatenate([members[:, there], hit[:, there]], axis=1)
    found = [weights[rows].astype(np.float64) @ both for rows in _blocks(len(weights))]
    totals, hits = np.split(np.concatenate(found), 2, axis=1)
    present = totals > 0
    recalls = np.divide(hits, totals, out=np.zeros_like(hits), where=present)
    accuracy = hits.sum(axis=1) / np.maximum(totals.sum(axis=1), 1)
    return np.stack([accuracy, recalls.sum(axis=1) / np.maximum(present.sum(axis=1), 1)])


def percentiles(values: Floats) -> Interval:
    """The middle 95 % of the resamples."""
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
