"""Whether one recipe is better than another, or luck is: a bootstrap over runs and clips.

A recipe's accuracy scatters with the training (seed, fold) and with the clips that happen to be
held out, so both are drawn. A clip that is drawn counts in every run that held it out (Owen 2007,
"The pigeonhole bootstrap").
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from avser_cli.evaluation.bootstrap import (
    RESAMPLES,
    SEED,
    Counts,
    Floats,
    Interval,
    draw_counts,
    percentiles,
    weighted_scores,
)
from avser_cli.experiments.runs import FinishedRun


@dataclass(frozen=True)
class McNemar:
    """McNemar's exact test: whether two trained networks err alike on one split.

    It takes both networks as given, so it says nothing of the recipes that made them.

    Attributes
    ----------
    only_first, only_second : int
        Clips that one got right and the other did not.
    p : float
        Two-sided.
    p_holm : float
        The same, adjusted for the number of pairs (Holm 1979).
    """

    only_first: int
    only_second: int
    p: float
    p_holm: float


@dataclass(frozen=True)
class Pair:
    """One model against another on the same held-out clips.

    Attributes
    ----------
    first, second : str
    accuracy, uar : float
        First minus second, mean over runs.
    accuracy_interval, uar_interval : tuple of float
        95 % of the paired bootstrap's differences lie in it.
    mcnemar : McNemar or None
        Only where there is a single run.
    """

    first: str
    second: str
    accuracy: float
    uar: float
    accuracy_interval: Interval
    uar_interval: Interval
    mcnemar: McNemar | None


@dataclass(frozen=True)
class Significance:
    """Intervals of each model and the comparison of each pair.

    Attributes
    ----------
    accuracy, uar : dict of str to tuple of float
        95 % interval by model.
    pairs : tuple of Pair
    resampled : str
        What the bootstrap drew, in words, e.g. ``runs and clips``.
    """

    accuracy: dict[str, Interval]
    uar: dict[str, Interval]
    pairs: tuple[Pair, ...]
    resampled: str


def compare_runs(
    runs: Mapping[str, Sequence[FinishedRun]],
    speaker_of: Mapping[str, str] | None = None,
    resamples: int = RESAMPLES,
) -> Significance:
    """Intervals and differences for models that predicted the same clips in the same runs.

    The bootstrap draws folds, the runs of a fold (all runs of a random split) and the clips of a
    fold, each with replacement, and the same for every model. Where whole speakers are held out,
    alone or with their corpus, it draws speakers instead of clips. With a single run, only clips or
    speakers are left to draw.

    Parameters
    ----------
    runs : mapping
        By model, in the same order of runs.
    speaker_of : mapping, optional
        From a clip's key to its speaker; used where the split is by speaker or corpus.
    resamples : int
    """
    first = next(iter(runs.values()))
    by_speaker = speaker_of is not None and first[0].planned.split.kind in ("speaker", "corpus")
    unit_of = speaker_of if by_speaker else None
    run_weights, unit_weights, units = _draw(first, unit_of, resamples)
    samples = {
        model: _mean_scores(found, run_weights, unit_weights, units)
        for model, found in runs.items()
    }
    once = np.ones((1, len(first))), np.ones((1, unit_weights.shape[1]))
    values = {model: _mean_scores(found, *once, units)[:, 0] for model, found in runs.items()}
    pairs = []
    for model, other in itertools.combinations(runs, 2):
        difference = samples[model] - samples[other]
        accuracy, uar = (float(value) for value in values[model] - values[other])
        intervals = percentiles(difference[0]), percentiles(difference[1])
        test = _mcnemar_of(runs[model][0], runs[other][0]) if len(first) == 1 else None
        pairs.append(Pair(model, other, accuracy, uar, *intervals, test))
    return Significance(
        accuracy={model: percentiles(sample[0]) for model, sample in samples.items()},
        uar={model: percentiles(sample[1]) for model, sample in samples.items()},
        pairs=adjust_for_number(pairs),
        resampled=_words(first, "speakers" if by_speaker else "clips"),
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided p that two trained networks err alike, from where they differ."""
    from scipy.stats import binomtest

    if only_first + only_second == 0:
        return 1.0
    return float(binomtest(only_first, only_first + only_second).pvalue)


def _draw(
    runs: Sequence[FinishedRun], unit_of: Mapping[str, str] | None, resamples: int
) -> tuple[Counts, Counts, list[npt.NDArray[np.intp]]]:
    """How often each run counts in each resample, and each unit, a clip or a speaker of a fold.

    Returns
    -------
    run_weights : numpy.ndarray
        Shape ``(resamples, runs)``.
    unit_weights : numpy.ndarray
        Shape ``(resamples, units)``.
    units : list of numpy.ndarray
        For each run, the unit of each clip, shape ``(clips,)``.
    """
    rng = np.random.default_rng(SEED)
    folds = [run.planned.split.fold for run in runs]
    known = sorted(set(folds))
    fold_weights = draw_counts(rng, np.zeros(len(known)), resamples)
    run_weights = fold_weights[:, [known.index(fold) for fold in folds]]
    run_weights = run_weights * draw_counts(rng, folds, resamples)
    of_run = [
        [(fold, unit_of[name] if unit_of else name) for name in run.names]
        for fold, run in zip(folds, runs, strict=True)
    ]
    units = sorted(set(itertools.chain.from_iterable(of_run)))
    number = {unit: column for column, unit in enumerate(units)}
    counts = draw_counts(rng, [fold for fold, _ in units], resamples)
    places = [np.array([number[unit] for unit in members], np.intp) for members in of_run]
    return run_weights, counts, places


def _mean_scores(
    runs: Sequence[FinishedRun],
    run_weights: npt.NDArray[Any],
    unit_weights: npt.NDArray[Any],
    units: Sequence[npt.NDArray[np.intp]],
) -> Floats:
    """Accuracy and UAR, each the weighted mean over runs, shape ``(2, resamples)``."""
    scores = [
        weighted_scores(_right(run), run.labels, unit_weights, of_run)
        for run, of_run in zip(runs, units, strict=True)
    ]
    sums = np.einsum("srn,nr->sn", np.stack(scores, axis=1), run_weights)
    mean: Floats = sums / run_weights.sum(axis=1)
    return mean


def _right(run: FinishedRun) -> npt.NDArray[np.bool_]:
    right: npt.NDArray[np.bool_] = run.probabilities.argmax(axis=1) == run.labels
    return right


def _words(runs: Sequence[FinishedRun], unit: str) -> str:
    """What is drawn."""
    if len(runs) == 1:
        return f"{unit} only, of one training"
    folds = len({run.planned.split.fold for run in runs})
    drawn = [*(["folds"] if folds > 1 else []), *(["runs"] if len(runs) > folds else [])]
    return f"{', '.join(drawn)} and {unit}"


def _mcnemar_of(first: FinishedRun, second: FinishedRun) -> McNemar:
    """The test for two networks, not yet adjusted."""
    right, other = _right(first), _right(second)
    counts = int((right & ~other).sum()), int((other & ~right).sum())
    p = mcnemar(*counts)
    return McNemar(*counts, p, p)


def adjust_for_number(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """The pairs, their tests adjusted for their number (Holm 1979)."""
    adjusted = list(pairs)
    tested = [(pair.mcnemar.p, row) for row, pair in enumerate(pairs) if pair.mcnemar]
    largest = 0.0
    for rank, (p, row) in enumerate(sorted(tested)):
        largest = max(largest, min(1.0, p * (len(tested) - rank)))
        test = pairs[row].mcnemar
        assert test is not None
        adjusted[row] = replace(pairs[row], mcnemar=replace(test, p_holm=largest))
    return tuple(adjusted)
