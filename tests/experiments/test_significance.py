import numpy as np
import pytest

from avser_cli.data.splits import SplitSettings
from avser_cli.experiments.runs import FinishedRun, PlannedRun
from avser_cli.experiments.significance import (
    McNemar,
    Pair,
    adjust_for_number,
    compare_runs,
    mcnemar,
)


def run_of(labels, guesses, seed=0, names=None, kind="random", fold=1):
    return FinishedRun(
        planned=PlannedRun(SplitSettings(kind, fold=fold), seed),
        names=tuple(names or (f"clip{n}" for n in range(len(labels)))),
        labels=np.array(labels),
        probabilities=np.eye(4, dtype=np.float32)[guesses],
        history=(),
        parameters=1,
        seconds=1.0,
    )


LABELS = np.tile(np.arange(4), 50)


def flipped(count, seed=0):
    """The labels with so many of them wrong."""
    rows = np.random.default_rng(seed).permutation(len(LABELS))[:count]
    wrong = LABELS.copy()
    wrong[rows] = (wrong[rows] + 1) % 4
    return wrong


def test_mcnemar_against_the_binomial_by_hand():
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(5, 5) == 1.0
    assert mcnemar(0, 5) == pytest.approx(2 * 0.5**5)
    assert mcnemar(1, 7) == pytest.approx(2 * (1 + 8) / 2**8)


def test_a_model_does_not_differ_from_itself():
    runs = [run_of(LABELS, flipped(60))]
    (pair,) = compare_runs({"a": runs, "b": runs}).pairs
    assert pair.mcnemar is not None
    assert (pair.accuracy, pair.uar, pair.mcnemar.p) == (0, 0, 1)
    assert pair.accuracy_interval == pair.uar_interval == (0, 0)


def test_intervals_hold_the_value_and_narrow_with_clips():
    few, many = LABELS[:40], LABELS
    wide = compare_runs({"a": [run_of(few, flipped(60)[:40])]}).accuracy["a"]
    found = compare_runs({"a": [run_of(many, flipped(60))]})
    low, high = found.accuracy["a"]
    assert low < 0.7 < high
    assert high - low < wide[1] - wide[0]
    # The normal approximation: 1.96 * sqrt(.7 * .3 / 200) each way.
    assert (high - low) / 2 == pytest.approx(1.96 * np.sqrt(0.21 / 200), abs=0.012)
    assert found.uar["a"][0] < 0.7 < found.uar["a"][1]


def test_a_clear_difference_is_one_and_luck_is_not():
    runs = {name: [run_of(LABELS, flipped(n, n))] for name, n in (("a", 10), ("b", 60), ("c", 64))}
    pairs = {(pair.first, pair.second): pair for pair in compare_runs(runs).pairs}
    clear, luck = pairs["a", "b"], pairs["b", "c"]
    assert clear.accuracy == pytest.approx(0.25)
    assert clear.accuracy_interval[0] > 0
    assert luck.accuracy_interval[0] < 0 < luck.accuracy_interval[1]
    assert clear.mcnemar is not None
    assert luck.mcnemar is not None
    assert clear.mcnemar.p_holm < 0.001
    assert luck.mcnemar.p > 0.05
    # Holm: the smallest of three counts three times, the largest once.
    tests = [pair.mcnemar for pair in pairs.values() if pair.mcnemar]
    ordered = sorted(tests, key=lambda test: test.p)
    assert ordered[0].p_holm == pytest.approx(3 * ordered[0].p)
    assert ordered[2].p_holm == max(ordered[2].p, ordered[1].p_holm)


def test_mcnemar_counts_where_two_networks_differ_and_holm_adjusts():
    """Of 20 clips, `a` errs on the first 2, `b` on the first 10, `c` on none."""
    labels = LABELS[:20]
    wrong = {"a": 2, "b": 10, "c": 0}
    runs = {
        name: [run_of(labels, np.where(np.arange(20) < count, (labels + 1) % 4, labels))]
        for name, count in wrong.items()
    }
    tests = {(x.first, x.second): x.mcnemar for x in compare_runs(runs).pairs}
    assert [(x.only_first, x.only_second) for x in tests.values() if x] == [(8, 0), (0, 2), (0, 10)]
    p = {pair: test.p for pair, test in tests.items() if test}
    assert p == {("a", "b"): 2 / 2**8, ("a", "c"): 0.5, ("b", "c"): 2 / 2**10}
    adjusted = [x.p_holm for x in tests.values() if x]
    assert adjusted == pytest.approx([2 * 2 / 2**8, 0.5, 3 * 2 / 2**10])


def test_adjusted_ps_neither_fall_nor_pass_one():
    def pair(p):
        return Pair("a", "b", 0, 0, (0, 0), (0, 0), McNemar(0, 0, p, p))

    def adjusted(*ps):
        return [x.mcnemar.p_holm for x in adjust_for_number([pair(p) for p in ps]) if x.mcnemar]

    assert adjusted(0.04, 0.01, 0.03) == pytest.approx([0.06, 0.03, 0.06])
    assert adjusted(0.7, 0.6, 0.8) == [1, 1, 1]


def test_accuracy_and_uar_have_intervals_of_their_own():
    """Of 160 clips of one emotion and 20 of each of two others, only those of the last go wrong."""
    labels = np.repeat([0, 1, 2], (160, 20, 20))
    guesses = np.where(labels == 2, 0, labels)
    found = compare_runs({"a": [run_of(labels, labels)], "b": [run_of(labels, guesses)]})
    (pair,) = found.pairs
    assert (pair.accuracy, pair.uar) == pytest.approx((0.1, 1 / 3))
    assert pair.accuracy_interval[0] < 0.1 < pair.accuracy_interval[1] < 0.16
    assert pair.uar_interval == pytest.approx((1 / 3, 1 / 3))
    assert found.accuracy["b"][0] < 0.9 < found.accuracy["b"][1]
    assert found.uar["b"] == pytest.approx((2 / 3, 2 / 3))
    (pair,) = compare_runs({"b": [run_of(labels, guesses)], "a": [run_of(labels, labels)]}).pairs
    assert (pair.accuracy, pair.uar) == pytest.approx((-0.1, -1 / 3))


def test_runs_that_scatter_widen_the_interval():
    same = [run_of(LABELS, flipped(40, seed), seed) for seed in range(3)]
    apart = [run_of(LABELS, flipped(wrong, wrong), wrong) for wrong in (10, 40, 70)]
    found = compare_runs({"same": same, "apart": apart})
    assert found.resampled == "runs and clips"
    narrow, wide = found.accuracy["same"], found.accuracy["apart"]
    assert wide[1] - wide[0] > 1.5 * (narrow[1] - narrow[0])
    assert narrow[0] < 0.8 < narrow[1]
    # Between recipes there is no test that takes the networks as given.
    assert found.pairs[0].mcnemar is None


def test_values_are_means_over_runs():
    long, short = run_of(LABELS, flipped(100)), run_of(LABELS[:40], LABELS[:40], 1)
    perfect = [run_of(LABELS, LABELS), run_of(LABELS[:40], LABELS[:40], 1)]
    (pair,) = compare_runs({"a": perfect, "b": [long, short]}).pairs
    assert pair.accuracy == pytest.approx(0.25)


def test_scattered_differences_are_paired_run_by_run():
    # Both recipes scatter alike over the splits; the second is always five clips behind.
    first = [run_of(LABELS, flipped(wrong, 1), wrong) for wrong in (10, 40, 70)]
    second = [run_of(LABELS, flipped(wrong + 5, 1), wrong) for wrong in (10, 40, 70)]
    found = compare_runs({"a": first, "b": second})
    low, high = found.pairs[0].accuracy_interval
    assert 0 < low < 0.025 < high < 0.06
    assert found.accuracy["a"][0] < found.accuracy["b"][1]


@pytest.mark.parametrize("kind", ["speaker", "corpus"])
def test_drawing_whole_actors_widens_the_interval(kind):
    guesses = LABELS.copy()
    guesses[:50] = (guesses[:50] + 1) % 4
    speaker_of = {f"clip{n}": str(n // 50) for n in range(len(LABELS))}
    by_clip = compare_runs({"a": [run_of(LABELS, guesses)]}, speaker_of)
    by_actor = compare_runs({"a": [run_of(LABELS, guesses, kind=kind)]}, speaker_of)
    assert by_clip.resampled == "clips only, of one training"
    assert by_actor.resampled == "speakers only, of one training"
    clips, actors = by_clip.accuracy["a"], by_actor.accuracy["a"]
    assert actors[1] - actors[0] > 2 * (clips[1] - clips[0])


def test_folds_and_their_actors_are_drawn():
    # Every clip of a fold is right or wrong: only drawing folds can make a difference.
    half = [LABELS[:40], (LABELS[:40] + 1) % 4] * 3
    names = [[f"{fold}-{n}" for n in range(40)] for fold in range(6)]
    runs = [
        run_of(LABELS[:40], half[fold], 0, names[fold], "speaker", fold + 1) for fold in range(6)
    ]
    speaker_of = {name: name[:3] for fold in names for name in fold}
    found = compare_runs({"a": runs}, speaker_of)
    assert found.resampled == "folds and speakers"
    # Six draws of right or wrong: the binomial's 2.5 and 97.5 % points.
    assert found.accuracy["a"] == pytest.approx((1 / 6, 5 / 6))


@pytest.mark.parametrize(
    ("folds", "seeds", "expected"),
    [((1, 2), (0, 0), "folds and clips"), ((1, 1), (0, 1), "runs and clips"),
     ((1, 2, 1, 2), (0, 0, 1, 1), "folds, runs and clips")],
)  # fmt: skip
def test_what_is_drawn_in_words(folds, seeds, expected):
    runs = [
        run_of(LABELS, LABELS, seed, kind="text", fold=fold)
        for fold, seed in zip(folds, seeds, strict=True)
    ]
    assert compare_runs({"a": runs}, {}).resampled == expected


def test_coverage_and_false_alarms_with_three_scattered_seeds():
    """Two equal recipes, accuracy 0.8 scattering by 0.03 over seeds, 329 clips of 1,316."""
    rng = np.random.default_rng(0)
    covered, alarms, repetitions = 0, 0, 100

    def scattered(seed, clips):
        right = rng.random(len(clips)) < rng.normal(0.8, 0.03)
        labels = clips % 4
        guesses = np.where(right, labels, (labels + 1) % 4)
        return run_of(labels, guesses, seed, [f"clip{n}" for n in clips])

    for _ in range(repetitions):
        held_out = [rng.choice(1316, 329, replace=False) for _ in range(3)]
        runs = {
            recipe: [scattered(seed, clips) for seed, clips in enumerate(held_out)]
            for recipe in ("a", "b")
        }
        found = compare_runs(runs, resamples=250)
        covered += found.accuracy["a"][0] <= 0.8 <= found.accuracy["a"][1]
        low, high = found.pairs[0].accuracy_interval
        alarms += not low <= 0 <= high
    assert covered >= 0.9 * repetitions
    assert alarms <= 0.1 * repetitions
