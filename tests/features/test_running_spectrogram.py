from dataclasses import replace

import numpy as np
import pytest

from avser_cli.errors import UsageError
from avser_cli.features.running_spectrogram import RunningSpectrogram
from avser_cli.features.spectrogram import SpectrogramConfig, spectrogram_db
from tests.synthetic import tone, voice

RATE = 8000
CONFIG = SpectrogramConfig(
    width=40, height=30, scale="linear", fmin=0.0, fmax=None, seconds=None, trim=None
)


def recording():
    """Twelve seconds, each of another pitch, under a voice."""
    pieces = [tone(300.0 * (1 + k), rate=RATE, amplitude=0.1) for k in range(12)]
    return np.concatenate(pieces) + voice(seconds=12.0, rate=RATE)


def running(samples, size):
    spectrogram = RunningSpectrogram(CONFIG, RATE)
    for first in range(0, len(samples), size):
        spectrogram.feed(samples[first : first + size])
    return spectrogram


@pytest.mark.parametrize("seconds", [2.0, 5.3, 12.0])
def test_it_is_that_of_a_sound_in_memory(seconds):
    samples = recording()[: round(seconds * RATE)]
    found, low, high = running(samples, 3000).levels()
    expected = spectrogram_db(samples, RATE, CONFIG)
    assert found.shape == expected.shape
    # Columns do not end at the same samples.
    loud = expected > expected.max() - 30
    assert np.abs(found - expected)[loud].mean() < 3.0
    assert (low.min(), high.max()) == (samples.min(), samples.max())


def test_the_size_of_the_blocks_does_not_matter():
    samples = recording()
    expected = running(samples, len(samples)).levels()
    for size in (700, 9001):
        for found, wanted in zip(running(samples, size).levels(), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_a_sound_is_where_it_is():
    samples = np.zeros(100 * RATE, np.float32)
    samples[70 * RATE : 75 * RATE] = tone(1000.0, 5.0, RATE)
    levels, low, high = running(samples, 50_000).levels()
    # A column is 2.5 s; cells of spectra do not end where it does.
    for sounding in (levels.max(axis=0) > -20, high > 0.1, low < -0.1):
        assert set(np.flatnonzero(sounding)) - {27, 30} == {28, 29}
    rows = np.flatnonzero(levels[:, 28] > -20)
    assert abs(rows.mean() - (1 - 1000 / 4000) * 30) < 1


def test_with_a_hop_longer_than_the_window_a_sound_is_where_it_is():
    """What lay between a block's end and the next spectrum was forgotten, once a block."""
    config = replace(CONFIG, window=0.064, hop=1.0, width=100)
    samples = np.zeros(100 * RATE, np.float32)
    samples[80 * RATE : 82 * RATE] = tone(1000.0, 2.0, RATE)
    for size in (40_000, 3_000, len(samples)):
        spectrogram = RunningSpectrogram(config, RATE)
        for first in range(0, len(samples), size):
            spectrogram.feed(samples[first : first + size])
        levels, _, _ = spectrogram.levels()
        assert set(np.flatnonzero(levels.max(axis=0) > -20)) - {82} == {80, 81}


def test_memory_does_not_grow():
    spectrogram = RunningSpectrogram(CONFIG, RATE)
    block = tone(seconds=60.0, rate=RATE)
    for _ in range(30):
        spectrogram.feed(block)
    assert spectrogram.seconds == 1800
    assert len(spectrogram._cells._power) <= 2 * CONFIG.width + 1
    assert spectrogram.levels()[0].shape == (30, 40)


@pytest.mark.parametrize("setting", [{"trim": 35.0}, {"seconds": 3.0}])
def test_what_it_does_not_show_is_refused(setting):
    with pytest.raises(UsageError, match="shows all of it"):
        RunningSpectrogram(SpectrogramConfig(**{"seconds": None, "trim": None, **setting}), RATE)
