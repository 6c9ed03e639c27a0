import numpy as np
import pytest

from avser_cli.features import render, spectrogram
from avser_cli.features.clicks import without_clicks
from avser_cli.features.spectrogram import (
    SpectrogramConfig,
    draw_spectrogram,
    spectrogram_span,
    trim_silence,
)
from avser_cli.inference.classifier import Classifier
from tests.synthetic import made_sounds, speech, tone, voice

RATE = 16000
PLACES = np.linspace(0.05, 0.95, 10)


def quiet_voice(rate=RATE, seconds=3.0):
    """At -40 dBFS, between half seconds of near silence."""
    samples = voice("sad", seconds, rate)
    samples *= 10 ** (-40 / 20) / np.sqrt(np.mean(samples**2))
    pause = 1e-5 * np.random.default_rng(0).standard_normal(rate // 2).astype(np.float32)
    return np.concatenate([pause, samples, pause])


def with_clicks(samples, places, length=1):
    clicked = samples.copy()
    for number, place in enumerate((np.asarray(places) * len(samples)).astype(int)):
        clicked[place : place + length] = (-1) ** number
    return clicked


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.005])
def test_a_quiet_voice_with_clicks_is_the_same_voice(rate, seconds):
    samples = quiet_voice(rate)
    clicked = with_clicks(samples, PLACES, max(1, round(seconds * rate)))
    mended = without_clicks(clicked, rate)
    assert np.abs(mended).max() < 1.5 * np.abs(samples).max()
    # Nothing else is touched.
    far = np.abs(clicked) < 1
    margin = np.convolve(~far, np.ones(2 * rate // 500 + 1), mode="same") < 0.5
    np.testing.assert_array_equal(mended[margin], samples[margin])
    config = SpectrogramConfig()
    assert spectrogram_span(clicked, rate, config) == spectrogram_span(samples, rate, config)
    difference = draw_spectrogram(clicked, rate, config) - draw_spectrogram(samples, rate, config)
    assert np.abs(difference.astype(np.int8)).mean() < 12


def test_clicks_side_by_side_do_not_hide_one_another():
    samples = quiet_voice()
    clicked = with_clicks(samples, np.linspace(0.4, 0.42, 9))
    assert np.abs(without_clicks(clicked, RATE)).max() < 1.5 * np.abs(samples).max()


def test_clicks_in_the_pauses_do_not_keep_them():
    samples = quiet_voice()
    clicked = with_clicks(samples, [0.01, 0.05, 0.95, 0.99])
    assert len(trim_silence(clicked, RATE, 35.0)) == len(trim_silence(samples, RATE, 35.0))


def test_a_bang_neither_sets_the_level_nor_keeps_an_end():
    samples = quiet_voice()
    banged = samples.copy()
    banged[:1600] = np.random.default_rng(0).uniform(-1, 1, 1600)
    kept = trim_silence(banged, RATE, 35.0)
    assert len(kept) == len(trim_silence(samples, RATE, 35.0))


def test_the_answer_is_closer_to_that_of_the_voice(monkeypatch):
    classifier = Classifier.load()
    samples = 0.02 * speech(rate=48000)
    clicked = with_clicks(samples, PLACES)
    expected = classifier.predict_samples(samples, 48000)
    mended = classifier.predict_samples(clicked, 48000)
    assert mended.emotion == expected.emotion
    for module in (render, spectrogram):
        monkeypatch.setattr(module, "without_clicks", lambda samples, rate: samples)
    left = classifier.predict_samples(clicked, 48000)
    voice, near, far = (np.array([*x.probabilities.values()]) for x in (expected, mended, left))
    assert np.abs(near - voice).max() < np.abs(far - voice).max() / 2


@pytest.mark.parametrize("name", made_sounds())
def test_where_there_are_no_clicks_nothing_changes(name):
    samples, rate = made_sounds()[name]
    assert without_clicks(samples, rate) is samples


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0),
        np.zeros(5),
        np.zeros(RATE),
        np.ones(RATE),
        tone(seconds=0.01),
        [0.0] * 99 + [1.0],
    ],
)
def test_short_and_silent_sounds_stay(samples):
    samples = np.asarray(samples, np.float32)
    assert without_clicks(samples, RATE) is samples


def test_clicks_at_the_ends():
    samples = quiet_voice()
    clicked = samples.copy()
    clicked[0], clicked[-1] = 1, -1
    assert np.abs(without_clicks(clicked, RATE)).max() < 1.5 * np.abs(samples).max()


def test_published_recordings_stay_as_they_are(ravdess):
    from avser_cli.audio.decoding import read_waveform

    for path in sorted(ravdess.rglob("*.wav"))[:20]:
        waveform = read_waveform(path)
        assert without_clicks(waveform.samples, waveform.rate) is waveform.samples
