import sys

import numpy as np
import pytest

from avser_cli.errors import MissingExtraError
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
    assert report.macro.precision == pytest.approx((1 + 2 / 3 + 1 / 2 + 0) / 4)
    assert report.macro.f1 == pytest.approx((6 / 7 + 4 / 5 + 2 / 3 + 0) / 4)
    assert report.weighted.recall == pytest.approx(report.accuracy)
    assert report.weighted.precision == pytest.approx((4 * 1 + 2 * 2 / 3 + 1 / 2 + 0) / 8)
    assert report.weighted.f1 == pytest.approx((4 * 6 / 7 + 2 * 4 / 5 + 2 / 3 + 0) / 8)
    assert report.macro.support == report.weighted.support == report.clips == 8


def test_absent_emotions_do_not_enter_the_uar():
    report = score(LABELS, np.array([0, 1]), np.array([0, 0]))
    assert report.uar == pytest.approx(0.5)


def test_without_scikit_learn_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    with pytest.raises(MissingExtraError, match=r"avser\[train\]"):
        score(LABELS, np.array([0, 1]), np.array([0, 0]))
