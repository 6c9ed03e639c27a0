import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from avser_cli.features.fingerprint import BANDS, DEPTH, FRAMES, fingerprint_of
from avser_cli.features.spectrogram import SpectrogramConfig, draw_spectrogram
from tests.synthetic import tone

SETTINGS = SpectrogramConfig()


def of_tone(frequency, **options):
    samples = tone(frequency, rate=16000, **options)
    return fingerprint_of(
        draw_spectrogram(samples, 16000, SETTINGS), SETTINGS, 16000, len(samples) / 16000
    )


def test_a_tone_is_one_band_in_the_middle():
    fingerprint = of_tone(1000.0)
    loudest = fingerprint.sum(axis=1).argmax()
    assert loudest == 8  # 1 kHz is 15 mel; the bands go from 3 to 38.4.
    heard = np.flatnonzero(fingerprint[loudest] > DEPTH / 2)
    assert abs((heard[0] + heard[-1]) / 2 - (FRAMES - 1) / 2) <= 1
    assert 45 <= len(heard) <= 58


def test_level_does_not_matter():
    np.testing.assert_allclose(of_tone(500.0), of_tone(500.0, amplitude=0.05), atol=1.0)


@settings(max_examples=40)
@given(
    st.sampled_from(["mel", "linear", "log"]),
    st.integers(8, 200),
    st.integers(8, 200),
    st.none() | st.floats(300.0, 20000.0),
    st.none() | st.floats(0.1, 10.0),
    st.integers(0, 255),
)
def test_any_picture_has_a_fingerprint(scale, width, height, fmax, seconds, gray):
    wanted = SpectrogramConfig(
        width=width, height=height, scale=scale, fmax=fmax, seconds=seconds, trim=None
    )
    spectrogram = np.full((height, width), gray, np.uint8)
    fingerprint = fingerprint_of(spectrogram, wanted, 8000, 1.0)
    assert fingerprint.shape == (BANDS, FRAMES)
    assert np.isfinite(fingerprint).all()
    assert fingerprint.min() >= 0
