import numpy as np
import pytest

from avser_cli.evaluation.metrics import score

LABELS = ("happy", "sad", "angry", "neutral")


def test_numbers_by_hand():
    truth = np.array([0, 0, 0, 0, 1, 1, 2, 3])
    heard = np.array([0, 0, 0, 1, 1, 1, 2, 2])
    report = score(LABELS, truth, heard)
    assert report.accuracy == pytest.approx(6 / 8)
    assert report.uar == pytest.approx((0.75 + 1 + 1 + 0) / 4)
    assert report.confusion == [[3, 1, 0, 0], [0, 2, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0]]
    happy = report.per_emotion["happy"]
    assert (happy.precision, happy.recall, happy.support) == (1.0, 0.75, 4)
    assert happy.f1 == pytest.approx(6 / 7)
    assert report.per_emotion["neutral"].precision == 0
    assert report.macro.recall == pytest.approx(report.uar)
    assert report.weighted.recall == pytest.approx(report.accuracy)


def test_absent_emotions_do_not_enter_the_uar():
    report = score(LABELS, np.array([0, 1]), np.array([0, 0]))
    assert report.uar == pytest.approx(0.5)
