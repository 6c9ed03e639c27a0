from dataclasses import replace

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import ShortTimeFFT
from scipy.signal.windows import hann

from avser_cli.errors import UsageError
from avser_cli.features.spectrogram import (
    SpectrogramConfig,
    draw_spectrogram,
    frequency_axis,
    spectrogram_cost,
    spectrogram_db,
    trim_silence,
)
from avser_cli.model.known_recipes import spectrogram_config
from tests.synthetic import STORED_PICTURES, made_sounds, tone, voice

DEFAULT = spectrogram_config("default")
PAPER = spectrogram_config("paper")
MEL = SpectrogramConfig(scale="mel", fmin=50.0)
LOG = SpectrogramConfig(scale="log", fmin=60.0)


def row_frequency(row: int, shown: SpectrogramConfig, rate: int) -> float:
    return float(frequency_axis(shown, rate).center_frequencies()[row])


@settings(max_examples=60)
@given(
    frequency=st.floats(150, 3500),
    rate=st.sampled_from([8000, 11025, 16000, 22050, 44100, 48000]),
    shown=st.sampled_from([MEL, LOG, PAPER]),
)
def test_a_tone_lands_in_its_row(frequency, rate, shown):
    spectrogram = draw_spectrogram(tone(frequency, rate=rate), rate, shown)
    row = int(spectrogram[:, shown.width // 2].argmax())
    top = shown.fmax or rate / 2
    # A mel or log row can be narrower than what the window resolves.
    spacing = top / shown.height if shown.scale == "linear" else 1 / shown.window
    assert abs(row_frequency(row, shown, rate) - frequency) <= max(spacing, frequency * 0.04)


def test_a_click_lands_in_its_column():
    samples = np.zeros(48000, np.float32)
    samples[12000] = 1.0
    shown = replace(PAPER, window=0.01)
    spectrogram = spectrogram_db(samples, 48000, shown)
    assert abs(int(spectrogram.sum(axis=0).argmax()) - 150 * 12000 / 48000) <= 1


@pytest.mark.parametrize("rate", [16000, 44100, 48000])
@pytest.mark.parametrize("dbfs", [-6.0, -20.0, -50.0])
def test_level_is_right_within_a_tenth_of_a_decibel(rate, dbfs):
    shown = SpectrogramConfig(scale="linear", fmin=0, fmax=8000, height=50, seconds=None, trim=None)
    samples = tone(1040.0, rate=rate, amplitude=10 ** (dbfs / 20))
    assert spectrogram_db(samples, rate, shown)[:, 75].max() == pytest.approx(dbfs, abs=0.1)


@pytest.mark.parametrize("octave", range(7))
def test_an_octave_is_the_same_number_of_rows_everywhere(octave):
    shown = SpectrogramConfig(scale="log", fmin=62.5, fmax=8000.0, height=140, window=0.2)
    middle = 62.5 * 2 ** (octave + 10.5 / 20)
    spectrogram = spectrogram_db(tone(middle, rate=48000), 48000, shown)
    assert abs(int(spectrogram[:, 75].argmax()) - (139 - (20 * octave + 10))) <= (octave < 1)


def test_narrow_log_rows_are_not_darker():
    noise = np.random.default_rng(0).standard_normal(160000).astype(np.float32)
    rows = spectrogram_db(noise, 16000, replace(LOG, trim=None, seconds=10.0)).mean(axis=1)
    density = rows[-10:].mean(), rows[-50:-40].mean()
    assert density[0] == pytest.approx(density[1], abs=1.0)


def test_gray_is_linear_in_decibels():
    loud = draw_spectrogram(tone(1000, amplitude=0.5), 16000, PAPER).astype(int)
    soft = draw_spectrogram(tone(1000, amplitude=0.05), 16000, PAPER).astype(int)
    assert loud.max() - soft.max() == pytest.approx(20 * 255 / 120, abs=1)


def test_rates_agree_below_their_nyquist_frequencies():
    high = voice(rate=48000)
    low = librosa.resample(high, orig_sr=48000, target_sr=16000)
    difference = np.abs(
        draw_spectrogram(high, 48000, DEFAULT).astype(int) - draw_spectrogram(low, 16000, DEFAULT)
    )
    assert np.median(difference[20:]) <= 1
    assert np.mean(difference[20:]) < 3


@settings(max_examples=40)
@given(
    count=st.integers(1, 30000),
    rate=st.sampled_from([4000, 8000, 16000, 48000, 192000]),
    shown=st.sampled_from([MEL, LOG, PAPER]),
    amplitude=st.floats(0, 1),
)
def test_any_length_gives_a_whole_picture(count, rate, shown, amplitude):
    samples = (amplitude * np.random.default_rng(count).uniform(-1, 1, count)).astype(np.float32)
    spectrogram = draw_spectrogram(samples, rate, shown)
    assert spectrogram.shape == (150, 150)
    assert spectrogram.dtype == np.uint8


def test_silence_at_the_ends_is_cut_and_does_not_move_the_picture():
    sound = voice()
    suppress_native_output = np.zeros(16000, np.float32)
    padded = np.concatenate([suppress_native_output, sound, suppress_native_output])
    assert len(trim_silence(padded, 16000, 35.0)) <= len(sound) + 2 * 320
    plain = draw_spectrogram(sound, 16000, DEFAULT)
    np.testing.assert_array_equal(draw_spectrogram(padded, 16000, DEFAULT), plain)


def test_unheard_of_settings_are_refused():
    for values in (
        {"width": 2},
        {"scale": "bark"},
        {"level": "loud"},
        {"fmin": 9000.0},
        {"scale": "log", "fmin": 0.0},
        {"window": 0.0},
        {"seconds": -1.0},
        {"dynamic_range": 1.0},
        {"trim": 0.0},
    ):
        with pytest.raises(UsageError):
            SpectrogramConfig(**values)


def test_settings_survive_plain_values():
    assert SpectrogramConfig.from_dict(PAPER.as_dict()) == PAPER
    with pytest.raises(UsageError):
        SpectrogramConfig.from_dict({"width": 150})


def scipy_power(samples, rate, length, hop):
    """Power of SciPy's transform, its slices centred on the middles of our columns."""
    transform = ShortTimeFFT(hann(length, sym=False), hop, rate, fft_mode="onesided")
    scale = 2 / hann(length, sym=False).sum()
    power = np.square(scale * np.abs(transform.stft(samples[hop // 2 :])))
    first = -transform.p_min
    return power[:, first : first + len(samples) // hop]


def test_a_linear_picture_is_scipys_within_a_hundredth_of_a_decibel():
    samples, rate = voice(seconds=1.6), 16000
    shown = SpectrogramConfig(
        width=100, height=512, scale="linear", fmin=0, fmax=8000, seconds=None, trim=None
    )
    power = scipy_power(samples, rate, 1024, 256)
    # A row lies between two bins and holds half the power of each; the bandwidth is Hann's.
    expected = 10 * np.log10((power[:-1] + power[1:]) / 2 / 1.5)
    found = spectrogram_db(samples, rate, shown)[::-1]
    np.testing.assert_allclose(found[:, 5:95], expected[:, 5:95], atol=0.01)


def test_a_mel_picture_is_librosas_within_a_hundredth_of_a_decibel():
    samples, rate = voice(seconds=1.6), 16000
    shown = SpectrogramConfig(
        width=100, height=40, scale="mel", fmin=50, fmax=8000, seconds=None, trim=None
    )
    bank = librosa.filters.mel(sr=rate, n_fft=1024, n_mels=40, fmin=50, fmax=8000, norm=None)
    expected = 10 * np.log10(bank @ scipy_power(samples, rate, 1024, 256) / 1.5)
    found = spectrogram_db(samples, rate, shown)[::-1]
    np.testing.assert_allclose(found[:, 5:95], expected[:, 5:95], atol=0.01)


@pytest.mark.parametrize("recipe", ["default", "paper"])
def test_pictures_of_made_sounds_are_as_stored(recipe):
    stored = np.load(STORED_PICTURES)
    sounds = made_sounds()
    assert len(sounds) == 12
    for name, (samples, rate) in sounds.items():
        drawn = draw_spectrogram(samples, rate, spectrogram_config(recipe))
        difference = np.abs(drawn.astype(int) - stored[f"{recipe}-{name}"])
        # Another processor may round a level to the neighbouring gray.
        assert difference.max() <= 1, name
        assert (difference > 0).mean() < 0.001, name


SIZES = st.integers(8, 400)
RATES = st.sampled_from([1000, 8000, 11025, 44100, 192000, 384000]) | st.integers(1000, 400_000)
ANY_SETTINGS = st.fixed_dictionaries(
    {
        "width": SIZES | st.just(8192),
        "height": SIZES | st.just(8192),
        "scale": st.sampled_from(["mel", "linear", "log"]),
        "fmin": st.floats(0, 30000),
        "fmax": st.none() | st.floats(0, 200_000),
        "window": st.floats(0.002, 1),
        "seconds": st.none() | st.floats(0, 600),
        "dynamic_range": st.floats(10, 200),
        "level": st.sampled_from(["absolute", "relative"]),
        "trim": st.none() | st.floats(0, 200),
        "ref_db": st.floats(-150, 50),
        "hop": st.none() | st.floats(0.0005, 10),
        "fft": st.none() | st.integers(16, 2**16) | st.just(2**20),
    }
)


@settings(max_examples=60)
@given(ANY_SETTINGS, RATES, st.integers(1, 30000), st.floats(0, 1e9, width=32), st.booleans())
def test_any_sound_in_any_settings_is_a_picture_or_a_clear_refusal(
    values, rate, count, amplitude, noise
):
    samples = np.random.default_rng(count).uniform(-1, 1, count) if noise else np.ones(count)
    try:
        shown = SpectrogramConfig.from_dict(values)
        # Some seconds are some too many for a test.
        if spectrogram_cost(shown, rate, count / rate) > 2**22:
            return
        spectrogram = draw_spectrogram((amplitude * samples).astype(np.float32), rate, shown)
    except UsageError as error:
        assert "\n" not in str(error)
        return
    assert spectrogram.shape == (shown.height, shown.width)
    assert spectrogram.dtype == np.uint8


def test_settings_that_cost_too_much_are_refused_before_they_do():
    costly = SpectrogramConfig(width=8192, height=8192, fft=2**20)
    with pytest.raises(UsageError, match="cost too much"):
        draw_spectrogram(voice(), 16000, costly)
    large = SpectrogramConfig(width=64, height=2000, fft=2**20)
    assert draw_spectrogram(voice(), 16000, large).shape == (2000, 64)
