import json

import pytest

from avser_cli.corpus.emotions import CATEGORIES, PAPER_EMOTIONS
from avser_cli.infer.classifier import Prediction
from avser_cli.report.verdict import json_line, paper_lines

# Letter for letter from the paper's algorithm, step 7.
PAPER = {
    "happy": "Your emotion comes under positive category... your emotion is happy",
    "sad": "Your emotion comes under negative category...your emotion is sad",
    "angry": "Your emotion comes under negative category... your emotion is angry",
    "neutral": "Your emotion comes under positive category.... your emotion is neutral",
}


@pytest.mark.parametrize("emotion", PAPER)
def test_the_papers_four_lines(emotion):
    assert paper_lines(emotion, PAPER_EMOTIONS) == [
        PAPER[emotion],
        "Emotion categories : Positive & Negative",
        "Positive emotions : happy, neutral",
        "Negative emotions : angry, sad",
    ]


def test_more_emotions_follow_the_form():
    lines = paper_lines("fearful", tuple(CATEGORIES))
    assert lines[0].endswith("negative category... your emotion is fearful")
    assert lines[2] == "Positive emotions : calm, happy, neutral, surprised"


def test_json_line():
    prediction = Prediction("sad", "negative", 0.75, {"happy": 0.25, "sad": 0.75})
    values = json.loads(json_line("a\nb.wav", prediction))
    assert list(values) == [
        "file",
        "emotion",
        "category",
        "confidence",
        "probabilities",
        "uncertain",
    ]
    assert values["file"] == "a\nb.wav"
    assert values["probabilities"] == {"happy": 0.25, "sad": 0.75}
