from pathlib import Path

import numpy as np
import pytest

from avser_cli.data.clip import Clip
from avser_cli.evaluation.scoring import FEWEST_SPEAKERS, clip_answers, score_answers

EMOTIONS = ("angry", "happy", "neutral")
LABELS = np.array([0, 0, 1, 1, 2, 2])
PROBABILITIES = np.array(
    [
        [0.8, 0.1, 0.1],
        [0.3, 0.4, 0.3],
        [0.1, 0.9, 0.0],
        [0.2, 0.4, 0.4],
        [0.1, 0.2, 0.7],
        [0.6, 0.3, 0.1],
    ],
    np.float32,
)


def clips(speakers):
    return [
        Clip(f"mine:{n}", Path(f"{n}.wav"), "mine", EMOTIONS[LABELS[n]], speaker=speaker)
        for n, speaker in enumerate(speakers)
    ]


def test_only_certain_answers_count_as_such():
    scoring = score_answers(EMOTIONS, clips([None] * 6), LABELS, PROBABILITIES, threshold=0.6)
    assert scoring.report.accuracy == pytest.approx(4 / 6)
    assert scoring.certain == pytest.approx(4 / 6)
    assert scoring.certain_accuracy == pytest.approx(3 / 4)
    unsure = score_answers(EMOTIONS, clips([None] * 6), LABELS, PROBABILITIES, threshold=0.95)
    assert (unsure.certain, unsure.certain_accuracy) == (0.0, None)


@pytest.mark.parametrize(
    ("speakers", "by_speaker", "drawn"),
    [
        (["a", "a", "b", "b", "c", "d"], False, "clips"),
        (["a", "a", "b", "b", "c", "d"], True, "speakers"),
        ([*"abcde"[:FEWEST_SPEAKERS], "a"], False, "speakers"),
        (["a"] * 6, True, "clips"),
        (["a", "b", None, "c", "d", "e"], True, "clips"),
    ],
)
def test_intervals_draw_speakers_where_they_are_known_and_enough(speakers, by_speaker, drawn):
    scoring = score_answers(EMOTIONS, clips(speakers), LABELS, PROBABILITIES, by_speaker=by_speaker)
    assert scoring.intervals.resampled == f"{drawn} only, of one training"


def test_answers_stand_beside_their_labels():
    answers = clip_answers(EMOTIONS, clips([None] * 6), LABELS, PROBABILITIES)
    assert [answer.right for answer in answers] == [True, False, True, True, True, False]
    assert answers[1].as_dict() == {
        "file": "1.wav",
        "label": "angry",
        "emotion": "happy",
        "confidence": 0.4,
    }
