import pytest

from avser_cli.data.emotions import CATEGORIES, PAPER_EMOTIONS
from avser_cli.inference.predictions import Prediction, Segment
from avser_cli.report.text_output import (
    clock,
    paper_lines,
    probability_bars,
    segment_line,
    time_summary,
)

SAD = Prediction("sad", "negative", 0.75, {"happy": 0.25, "sad": 0.75})

# Letter for letter from the paper's algorithm, step 7.
PAPER = {
    "happy": "Your emotion comes under positive category... your emotion is happy",
    "sad": "Your emotion comes under negative category...your emotion is sad",
    "angry": "Your emotion comes under negative category... your emotion is angry",
    "neutral": "Your emotion comes under positive category.... your emotion is neutral",
}


def test_an_emotion_without_a_category_is_said_to_have_none():
    lines = paper_lines("wistful", {"happy": "positive", "wistful": None})
    assert lines[0] == "Your emotion has no category... your emotion is wistful"
    assert lines[2:] == ["Positive emotions : happy", "Negative emotions : "]


@pytest.mark.parametrize("emotion", PAPER)
def test_the_papers_four_lines(emotion):
    assert paper_lines(emotion, {label: CATEGORIES[label] for label in PAPER_EMOTIONS}) == [
        PAPER[emotion],
        "Emotion categories : Positive & Negative",
        "Positive emotions : happy, neutral",
        "Negative emotions : angry, sad",
    ]


def test_more_emotions_follow_the_form():
    lines = paper_lines("fearful", dict(CATEGORIES))
    assert lines[0].endswith("negative category... your emotion is fearful")
    assert lines[2] == "Positive emotions : calm, happy, neutral, surprised"


def test_bars():
    assert probability_bars(SAD) == [
        f"happy  {'█' * 8:<30}  0.25",
        f"sad    {'█' * 22:<30}  0.75",
    ]


def test_a_segments_line():
    assert segment_line(Segment(12.3, 15.1, SAD)) == "00:12.3\u201300:15.1  sad  0.75"
    unsure = Prediction("sad", "negative", 0.5, {"happy": 0.5, "sad": 0.5}, uncertain=True)
    line = segment_line(Segment(3600.0, 3661.25, unsure), verbose=True)
    assert line == "1:00:00.0\u20131:01:01.2  sad  0.50  happy 0.50  sad 0.50  uncertain"


def test_times_roll_over_with_their_digits():
    assert clock(59.96) == "01:00.0"
    assert clock(3599.96) == "1:00:00.0"
    assert clock(61, 0) == "01:01"


def test_shares_of_time():
    happy = Prediction("happy", "positive", 0.9, {"happy": 0.9, "sad": 0.1})
    found = [Segment(0, 1, SAD), Segment(2, 5, happy)]
    assert time_summary(found, 60) == ["voice 00:04.0 of 01:00.0: happy 75%, sad 25%"]
    assert time_summary([], 60) == ["no voice in 01:00.0"]
