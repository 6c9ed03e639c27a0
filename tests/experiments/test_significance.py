import numpy as np
import pytest

from avser_cli.data.splits import SplitSettings
from avser_cli.experiments.runs import FinishedRun, PlannedRun
from avser_cli.experiments.significance import compare_runs, mcnemar


def run_of(labels, guesses, seed=0, names=None):
    return FinishedRun(
        planned=PlannedRun(SplitSettings(seed=seed), seed),
        names=tuple(names or (f"clip{n}" for n in range(len(labels)))),
        channels=("speech",) * len(labels),
        labels=np.array(labels),
        probabilities=np.eye(4, dtype=np.float32)[guesses],
        history=(),
        parameters=1,
        seconds=1.0,
    )


LABELS = np.tile(np.arange(4), 50)


def flipped(count, seed=0):
    """The labels with so many of them wrong."""
    rows = np.random.default_rng(seed).choice(len(LABELS), count, replace=False)
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
    assert (pair.accuracy, pair.uar, pair.p) == (0, 0, 1)
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
    assert clear.p_holm < 0.001
    assert luck.accuracy_interval[0] < 0 < luck.accuracy_interval[1]
    assert luck.p > 0.05
    assert all(pair.p <= pair.p_holm <= 1 for pair in pairs.values())


def test_a_clip_in_several_runs_speaks_once():
    once = {"a": [run_of(LABELS, LABELS)], "b": [run_of(LABELS, flipped(6))]}
    thrice = {name: [runs[0]] * 3 for name, runs in once.items()}
    first, again = compare_runs(once), compare_runs(thrice)
    assert again.pairs[0].only_first == first.pairs[0].only_first == 6
    assert again.pairs[0].p == first.pairs[0].p
    assert again.accuracy["b"] == pytest.approx(first.accuracy["b"])


def test_drawing_whole_actors_widens_the_interval():
    guesses = LABELS.copy()
    guesses[:50] = (guesses[:50] + 1) % 4
    runs = {"a": [run_of(LABELS, guesses)]}
    actor_of = {f"clip{n}": str(n // 50) for n in range(len(LABELS))}
    clips, actors = compare_runs(runs).accuracy["a"], compare_runs(runs, actor_of).accuracy["a"]
    assert actors[1] - actors[0] > 2 * (clips[1] - clips[0])
