from pathlib import Path

import numpy as np

from avser_cli.data.clip import Clip
from avser_cli.evaluation.scoring import BeforeAfter, score_answers
from avser_cli.report.adaptation_report import confusion_before_after, scores_before_after

CLIPS = [Clip(key=str(n), path=Path("x"), corpus="mine", emotion="sad") for n in range(6)]
TRUTH = np.array([0, 0, 0, 1, 1, 1])


def scored(predicted, confidence):
    rows = np.full((6, 2), 1 - confidence, np.float32)
    rows[np.arange(6), predicted] = confidence
    return score_answers(("happy", "sad"), CLIPS, TRUTH, rows)


def test_before_and_after_stand_side_by_side():
    found = BeforeAfter(scored([0, 0, 1, 0, 0, 1], 0.9), scored(TRUTH, 0.9))
    table = scores_before_after(found)
    assert table.head == ("held out", "before", "after")
    uar, accuracy, error = table.rows
    assert uar[1].startswith("0.500 (0.") and uar[2] == "1.000 (1.000 … 1.000)"
    assert accuracy[0] == "accuracy" and error == ("calibration error", "0.400", "0.100")
    assert table.note == "6 clips; 95 %: bootstrap over clips only, of one training"
    assert confusion_before_after(found).rows == (
        ("happy", "2 → 3", "1 → 0"),
        ("sad", "2 → 0", "1 → 3"),
    )


def test_a_bundle_of_other_emotions_has_no_before():
    found = BeforeAfter(None, scored(TRUTH, 0.9))
    assert scores_before_after(found).rows[0][1] == "unknown emotions"
    assert confusion_before_after(found).rows[0] == ("happy", "3", "0")
