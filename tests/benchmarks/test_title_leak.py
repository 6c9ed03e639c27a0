import sys

import numpy as np

from benchmarks import title_leak
from benchmarks.spek_window import SpekWindow
from benchmarks.title_leak import title_pixels


def test_only_pixels_that_differ_are_kept():
    window = SpekWindow()
    titles = ["03-01-05-01.wav", "03-01-03-01.wav", "03-01-05-01.wav"]
    pixels = title_pixels(titles, window, 150, averaged=True)
    assert pixels.min() >= 0
    assert pixels.max() <= 1
    assert (pixels[0] != pixels[1]).all()
    np.testing.assert_array_equal(pixels[0], pixels[2])
    # One digit of the line.
    assert pixels.shape[1] < 40


def test_a_title_tells_the_emotion_and_another_clips_does_not(corpus, monkeypatch, capsys):
    arguments = ["title_leak", str(corpus), "--sides", "300", "--seeds", "0,1,2"]
    monkeypatch.setattr(sys, "argv", arguments)
    title_leak.main()
    row = next(line for line in capsys.readouterr().out.splitlines() if "averaged" in line)
    own, _, other, _ = (float(word) for word in row.split() if word[1:2] == ".")
    assert own == 1.0
    assert other < 0.7
