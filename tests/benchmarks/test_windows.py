import pytest

from avser_cli.inference.predictions import Prediction, Segment
from benchmarks.windows import score_segments


def segment(start, end, emotion):
    return Segment(start, end, Prediction(emotion, "negative", 1.0, {emotion: 1.0}))


def test_share_of_the_voiced_time_alone():
    found = score_segments(
        [segment(0.5, 1.5, "sad"), segment(1.5, 3.0, "angry")], [2.0, 3.0], ["sad", "angry"]
    )
    assert found.seconds == pytest.approx(5)
    assert found.voiced == pytest.approx(2.5)
    assert found.right == pytest.approx(2.0)
    assert found.share == pytest.approx(0.8)
