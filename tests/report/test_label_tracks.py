from avser_cli.inference.predictions import Prediction, Segment
from avser_cli.report.label_tracks import label_track

HEARD = [
    Segment(0.5, 2.0, Prediction("sad", "negative", 0.75, {"happy": 0.25, "sad": 0.75})),
    Segment(2.0, 3661.0, Prediction("happy", "positive", 0.5, {"happy": 0.5, "sad": 0.5}, True)),
]


def test_audacity():
    assert label_track("audacity", HEARD, 3700) == (
        "0.500000\t2.000000\tsad 0.75\n2.000000\t3661.000000\thappy 0.50 uncertain\n"
    )


def test_subrip():
    assert label_track("srt", HEARD, 3700) == (
        "1\n00:00:00,500 --> 00:00:02,000\nsad 0.75\n\n"
        "2\n00:00:02,000 --> 01:01:01,000\nhappy 0.50 uncertain\n"
    )


def test_text_grid_covers_the_whole_time():
    lines = label_track("textgrid", HEARD, 3700).splitlines()
    assert lines[:2] == ['File type = "ooTextFile"', 'Object class = "TextGrid"']
    assert "        intervals: size = 4" in lines
    texts = [line.split("=")[1].strip() for line in lines if "text =" in line]
    assert texts == ['""', '"sad"', '"happy"', '""']
    edges = [float(line.split("=")[1]) for line in lines if line.startswith("            xm")]
    assert edges == [0, 0.5, 0.5, 2, 2, 3661, 3661, 3700]


def test_text_grid_of_nothing():
    assert "intervals: size = 1" in label_track("textgrid", [], 5)
