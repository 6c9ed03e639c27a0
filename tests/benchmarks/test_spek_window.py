import numpy as np
import pytest
from PIL import Image

from avser_cli.audio.decoding import Waveform
from avser_cli.audio.streams import Stream
from benchmarks.spek_window import (
    BANDS,
    Ruler,
    SpekWindow,
    shrink,
    spectrum_colors,
    spek_levels,
    to_gray,
)
from tests.synthetic import tone

RATE = 48000


def waveform(samples):
    return Waveform(samples, RATE, Stream("WAV", "PCM_16", RATE, 1, len(samples)))


def test_colors_run_from_black_over_blue_and_green_to_red():
    places = np.array([0.0, 0.15, 0.275, 0.325, 0.5, 0.66]) / 0.6625
    found = spectrum_colors(places).tolist()
    assert found[:5] == [[0, 0, 0], [0, 0, 255], [0, 255, 255], [0, 255, 0], [255, 255, 0]]
    assert found[5][0] == 255
    assert found[5][1] < 6
    assert spectrum_colors(np.array([1.0])).tolist() == [[0, 0, 0]]


def test_gray_folds_levels():
    """What is louder is not always brighter: red is darker than green."""
    gray = np.asarray(to_gray(Image.fromarray(spectrum_colors(np.linspace(0, 0.999, 9)[None]))))
    assert (np.diff(gray[0].astype(int)) < 0).any()


def test_a_full_scale_sine_is_at_12_db_under_zero_in_its_band():
    levels = spek_levels(tone(6000, 1.0, RATE, 1.0), 20)
    assert levels.shape == (BANDS, 20)
    # 6 kHz is a quarter of the way from 0 to 24 kHz; row 0 is the top.
    assert set(levels[:, 5:].argmax(axis=0).tolist()) == {BANDS - 1 - 256}
    assert levels[:, 5:].max() == pytest.approx(-12.04, abs=0.05)


def test_silence_is_black():
    assert not np.asarray(SpekWindow().plot(waveform(np.zeros(RATE, np.float32)))).any()


def test_a_ruler_leaves_room_for_its_labels():
    ruler = Ruler(0, 24000, 380 / 24000, [1000, 2000, 5000, 10000, 20000], str)
    assert ruler.ticks(13, 3.0) == [0, 5000, 10000, 15000, 20000, 24000]
    assert ruler.ticks(100, 3.0) == [0, 24000]
    assert Ruler(0, 0, 490, [1, 2], str).ticks(30, 1.5) == [0]


def test_the_title_is_all_that_changes_with_the_title():
    window = SpekWindow()
    sound = waveform(tone(1000, 3.2, RATE))
    with_title, without = (
        np.asarray(window.draw(sound, title)) for title in ("03-01-05-01-01-01-01.wav", "")
    )
    rows = np.flatnonzero((with_title != without).any(axis=(1, 2)))
    first, end = window.title_rows
    assert first <= rows.min() <= rows.max() < end < 60
    alone = np.asarray(window.draw_title("03-01-05-01-01-01-01.wav"))
    changed = (with_title != without).any(axis=2)
    np.testing.assert_array_equal(alone > 0, changed)


@pytest.mark.parametrize("averaged", [True, False])
def test_the_title_reaches_no_other_rows_of_a_shrunk_window(averaged):
    window = SpekWindow()
    for side in (50, 150, 480):
        small = shrink(window.draw_title("03-01-05-01-01-01-01.wav"), side, averaged)
        assert small.shape == (side, side)
        outside = np.delete(small, window.title_rows_of(side), axis=0)
        assert not outside.any()
        assert small.any()


def test_shrinking_takes_the_four_pixels_next_to_the_middle_or_all():
    """As cv2.resize of 8 x 8 to 2 x 2: the middle of the first new pixel is at 1.5."""
    picture = np.zeros((8, 8), np.uint8)
    picture[1:3, 1:3] = 200
    picture[0, 0] = 100
    assert shrink(Image.fromarray(picture), 2)[0, 0] == 200
    assert 0 < shrink(Image.fromarray(picture), 2, averaged=True)[0, 0] < 100
