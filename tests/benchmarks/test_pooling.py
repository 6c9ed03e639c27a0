import numpy as np
import pytest

from benchmarks.pooling import POOLINGS, Judged, fit_agreement

LENGTHS = np.array([150, 150])


def judged(label, *probabilities):
    rows = np.array([[p, 1 - p] for p in probabilities], np.float32)
    return Judged("made", label, rows, np.full(len(rows), 150), rows[0])


def test_each_way_to_pool_gives_probabilities():
    rows = np.array([[0.9, 0.1], [0.3, 0.7]], np.float32)
    for name, pooling in POOLINGS.items():
        found = pooling(rows, LENGTHS)
        assert found.sum() == pytest.approx(1, abs=1e-5), name
        assert found[0] > 0.5, name
    by_length = POOLINGS["mean of probabilities"](rows, np.array([50, 150]))
    np.testing.assert_allclose(by_length, [0.45, 0.55], atol=1e-6)
    by_confidence = POOLINGS["attention over probabilities"](rows, LENGTHS)
    np.testing.assert_allclose(by_confidence[0], (0.81 + 0.21) / 1.6, atol=1e-6)


def test_agreement_is_high_where_windows_that_agree_are_right():
    agreeing = [judged(label, *[0.7 if label == 0 else 0.3] * 4) for label in (0, 1)] * 10
    assert fit_agreement(agreeing) > 0.95
    wrong = [judged(1, 0.7, 0.7, 0.7, 0.7)]
    assert fit_agreement([*agreeing, *wrong * 9]) < 0.05
