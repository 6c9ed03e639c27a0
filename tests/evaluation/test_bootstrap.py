import tracemalloc

import numpy as np
import pytest

from avser_cli.evaluation.bootstrap import clip_intervals, draw_counts, percentiles, weighted_scores

TRUTH = np.tile(np.arange(4), 50)


def test_draws_stay_within_their_stratum():
    strata = [0, 0, 0, 1, 1, 5]
    counts = draw_counts(np.random.default_rng(0), strata, 500)
    assert counts.shape == (500, 6)
    assert set(counts[:, :3].sum(axis=1)) == {3}
    assert set(counts[:, 3:5].sum(axis=1)) == {2}
    assert set(counts[:, 5]) == {1}
    np.testing.assert_allclose(counts.mean(axis=0), 1, atol=0.15)


def test_weighted_scores_by_hand():
    truth, right = np.array([0, 0, 2, 2, 3]), np.array([True, False, True, True, True])
    weights = [
        [1.0, 1, 1, 1, 0],
        [3, 1, 0, 0, 0],
        [0, 2, 1, 1, 0],
        [1, 1, 1, 1, 1],
        [0, 0, 1, 0, 0],
    ]
    accuracy, uar = weighted_scores(right, truth, np.array([*weights, [0, 0, 0, 0, 0]]))
    np.testing.assert_allclose(accuracy, [0.75, 0.75, 0.5, 0.8, 1, 0])
    # Without clips of the second emotion, the first's recall alone is the UAR.
    np.testing.assert_allclose(uar, [0.75, 0.75, 0.5, 2.5 / 3, 1, 0])


def test_percentiles_leave_a_fortieth_out_on_each_side():
    assert percentiles(np.arange(1001.0)) == pytest.approx((25, 975))


def test_interval_of_clips_is_the_binomials():
    predicted = TRUTH.copy()
    predicted[:60] = (predicted[:60] + 1) % 4
    found = clip_intervals(TRUTH, predicted)
    assert found.resampled == "clips only, of one training"
    for low, high in (found.accuracy, found.uar):
        assert low < 0.7 < high
        assert (high - low) / 2 == pytest.approx(1.96 * np.sqrt(0.21 / 200), abs=0.012)


def test_whole_actors_are_drawn():
    predicted = TRUTH.copy()
    predicted[:50] = (predicted[:50] + 1) % 4
    found = clip_intervals(TRUTH, predicted, [f"actor {n // 50}" for n in range(200)])
    assert found.resampled == "speakers only, of one training"
    assert found.accuracy == (0.25, 1.0)
    alone = clip_intervals(TRUTH, predicted, ["one"] * 200)
    assert alone.accuracy == (0.75, 0.75)


def test_weights_of_speakers_are_those_of_their_clips():
    rng = np.random.default_rng(0)
    truth, right = rng.integers(0, 4, 300), rng.random(300) < 0.7
    units = rng.integers(0, 20, 300)
    counts = draw_counts(rng, np.zeros(20), 250)
    np.testing.assert_array_equal(
        weighted_scores(right, truth, counts, units),
        weighted_scores(right, truth, counts[:, units]),
    )


def test_memory_is_not_that_of_all_resamples_at_once():
    truth = np.arange(10_000) % 4
    tracemalloc.start()
    clip_intervals(truth, np.roll(truth, 1))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # As floats, the resamples alone are 160 MB.
    assert peak < 80e6
