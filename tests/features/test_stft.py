import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avser_cli.features.stft import SPECTRA_AT_ONCE, analysis_window, band_noise, power_spectra
from tests.synthetic import tone

RATE = 16000


@pytest.mark.parametrize("fft", [None, 1024, 5000])
def test_a_full_scale_sine_peaks_at_one(fft):
    window, length = analysis_window(0.064, RATE, fft)
    frequency = 10 * RATE / 1024
    power = power_spectra(tone(frequency, amplitude=1.0), np.array([0]), window, length)
    assert power.shape == (1, length // 2 + 1)
    assert power.max() == pytest.approx(1.0, abs=0.01)
    assert power.argmax() * RATE / length == pytest.approx(frequency, abs=RATE / length)
    assert power.sum() == pytest.approx(band_noise(window, length), rel=0.01)


def test_spectra_are_taken_some_at_a_time_and_are_the_same():
    window, length = analysis_window(0.032, RATE, None)
    starts = np.arange(2 * SPECTRA_AT_ONCE + 3) * 160
    together = power_spectra(tone(), starts, window, length)
    alone = [
        power_spectra(tone(), starts[n : n + 1], window, length)[0] for n in range(len(starts))
    ]
    np.testing.assert_array_equal(together, alone)


@given(st.floats(0.002, 1.0), st.sampled_from([8000, 11025, 44100, 96000]), st.integers(16, 2**16))
def test_transforms_are_quick_and_as_long_as_asked_for(seconds, rate, fft):
    window, length = analysis_window(seconds, rate, fft)
    assert length % 2 == 0 and length >= max(len(window), fft)
    for prime in (2, 3, 5):
        while length % prime == 0:
            length //= prime
    assert length == 1
