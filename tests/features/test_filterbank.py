import librosa
import numpy as np
import pytest

from avser_cli.features.filterbank import FrequencyAxis, make_filterbank, mel_frequencies
from avser_cli.features.spectrogram import SpectrogramConfig, spectrogram_db


def test_mel_frequencies_are_librosas():
    ours = mel_frequencies(152, 50.0, 8000.0)
    theirs = librosa.mel_frequencies(n_mels=152, fmin=50.0, fmax=8000.0)
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


@pytest.mark.parametrize("scale", ["mel", "linear", "log"])
def test_middles_fall_from_the_highest_row_down(scale):
    center_frequencies = FrequencyAxis(scale, 20, 60.0, 8000.0).center_frequencies()
    assert center_frequencies.shape == (20,)
    assert 60 < center_frequencies[-1] < center_frequencies[0] < 8000
    assert (np.diff(center_frequencies) < 0).all()


@pytest.mark.parametrize("scale", ["mel", "linear", "log"])
def test_every_row_gathers_what_lies_in_it_and_nothing_over_the_last_bin(scale):
    axis = FrequencyAxis(scale, 10, 100.0, 8000.0)
    filterbank = make_filterbank(axis, 257, 4000 / 256, 1.0)
    rows = filterbank.apply(np.ones((1, 257), np.float32))[0]
    reach = axis.center_frequencies()[::-1] < 3500
    assert (rows[reach] > 0).all()
    assert rows[-1] == 0


@pytest.mark.parametrize("scale", ["mel", "log"])
@pytest.mark.parametrize("window", [0.005, 0.02])
def test_no_row_is_black_for_a_short_window(scale, window):
    config = SpectrogramConfig(scale=scale, window=window, trim=None, seconds=None)
    noise = np.random.default_rng(0).uniform(-1, 1, 3 * 48000).astype(np.float32)
    levels = spectrogram_db(noise, 48000, config)
    rows = levels.mean(axis=1)
    assert rows.min() > -60
    assert np.abs(np.diff(rows)).max() < 6


def test_wide_mel_rows_are_triangles():
    axis = FrequencyAxis("mel", 10, 0.0, 8000.0)
    bank = make_filterbank(axis, 513, 8000 / 512, 1.0)
    corners = mel_frequencies(12, 0.0, 8000.0)
    last = slice(bank.starts[-1], None)
    found = np.interp(bank.bins[last] * 8000 / 512, corners[-3:], [0, 1, 0])
    np.testing.assert_allclose(bank.weights[last], found, atol=1e-6)
