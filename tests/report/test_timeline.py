import numpy as np
import pytest
from PIL import Image

from avser_cli.inference.predictions import Prediction, Segment
from avser_cli.report.timeline import COLUMN, WIDEST, Overview, plot_timeline
from tests.synthetic import tone, voice


@pytest.mark.parametrize("size", [1000, 16000, 500_000])
def test_the_size_of_the_blocks_does_not_matter(size):
    sound = np.concatenate([voice(seconds=7.0), np.zeros(16000, np.float32), tone(seconds=3.0)])
    whole, pieces = Overview(), Overview()
    whole.feed(sound, 16000)
    for at in range(0, len(sound), size):
        pieces.feed(sound[at : at + size], 16000)
    np.testing.assert_array_equal(whole.spectrogram(), pieces.spectrogram())
    assert whole.spectrogram().shape == (128, round(11 / COLUMN))
    assert whole.seconds == pytest.approx(11)


def test_long_recordings_have_bounded_pictures():
    overview = Overview()
    for _ in range(60):
        overview.feed(np.zeros(8 * 1000, np.float32), 1000)
    assert overview.spectrogram().shape[1] <= WIDEST


@pytest.mark.parametrize(
    ("emotion", "color"), [("sad", (0, 0x72, 0xB2)), ("wistful", (0xBB, 0xBB, 0xBB))]
)
def test_the_figure(tmp_path, emotion, color):
    overview = Overview()
    overview.feed(voice(seconds=3.0), 16000)
    answer = Prediction(emotion, None, 0.75, {"happy": 0.25, emotion: 0.75})
    segments = [Segment(0, 2, answer)]
    plot_timeline(tmp_path / "t.png", "a.wav", overview, segments, ["happy", emotion])
    with Image.open(tmp_path / "t.png") as spectrogram:
        pixels = np.asarray(spectrogram.convert("RGB")).reshape(-1, 3)
    assert (np.abs(pixels.astype(int) - color).sum(axis=1) < 10).sum() > 1000
