from dataclasses import replace

import numpy as np
import pytest

from avser_cli.evaluation.bootstrap import clip_intervals
from avser_cli.evaluation.bundle_evaluation import Evaluation
from avser_cli.evaluation.metrics import score
from avser_cli.evaluation.scoring import Scoring
from avser_cli.report.evaluation_report import (
    confidence_words,
    left_out_lines,
    reference_words,
)

TRUTH = np.array([0, 0, 1, 1])


def scoring(predicted, certain=0.5, certain_accuracy=1.0):
    answers = np.array(predicted)
    report = score(("happy", "sad"), TRUTH, answers)
    return Scoring(report, clip_intervals(TRUTH, answers), 0.25, certain, certain_accuracy, ())


EVALUATION = Evaluation(
    scoring=scoring([0, 1, 1, 1]),
    normalized=None,
    part="unseen",
    answers=(),
    counts={"test": 0, "train": 0, "unseen": 4},
    copies=0,
    unknown_labels={},
    missing=(),
    skipped=(),
    remarks=(),
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"remarks": ("mine: odd",)}, ["note: mine: odd"]),
        (
            {"unknown_labels": {"bored": 3, "calm": 1}},
            ["not scored: 4 clips of labels that the model does not know: bored 3, calm 1"],
        ),
        (
            {"counts": {"test": 0, "train": 7, "unseen": 4}, "copies": 2},
            ["not scored: 7 clips that the model was trained on, 2 by their sound alone"],
        ),
        (
            {"part": "test", "counts": {"test": 4, "train": 0, "unseen": 5}},
            ["not scored: 5 clips that it never met: --part unseen scores them"],
        ),
        ({"part": "train", "counts": {"test": 0, "train": 4, "unseen": 0}}, []),
        ({"missing": ("sad",)}, ["note: no clip of sad; UAR is over the others"]),
    ],
)
def test_what_is_left_out_is_said(changes, expected):
    assert left_out_lines(replace(EVALUATION, **changes)) == expected


def test_confidence_is_held_against_what_was_right():
    assert confidence_words(scoring(TRUTH)) == (
        "expected calibration error 0.250; not uncertain: 50% of the answers, 100% of them right"
    )
    assert confidence_words(scoring(TRUTH, 1.0)) == "expected calibration error 0.250"
    assert confidence_words(scoring(TRUTH, 0.0, None)) == "expected calibration error 0.250"


def test_references_are_said_to_help_or_not():
    better = reference_words(EVALUATION.scoring, scoring(TRUTH))
    assert "UAR 1.000 (+0.250; 95 % " in better
    assert "(-0.250; 95 % " in reference_words(scoring(TRUTH), EVALUATION.scoring)
