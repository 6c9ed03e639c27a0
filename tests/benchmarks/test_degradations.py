import io

import numpy as np
import pytest
import soundfile

from benchmarks.degradations import DEGRADATIONS
from tests.synthetic import tone, voice

VOICES = voice("sad", seconds=2.0, rate=48000)


def degraded(name, samples, rate=48000):
    return DEGRADATIONS[name](samples, rate, np.random.default_rng(0), VOICES)


def level(samples):
    return 10 * np.log10(np.mean(np.square(samples)))


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_each_gives_sound_and_the_same_for_the_same_seed(name):
    samples = voice("angry", rate=48000)
    found, rate = degraded(name, samples)
    again, _ = degraded(name, samples)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert 0.9 < len(found) / rate / (len(samples) / 48000) < 3
    np.testing.assert_array_equal(found, again)
    assert len(found) != len(samples) or not np.array_equal(found, samples)


@pytest.mark.parametrize("kind", ["white noise", "babble"])
@pytest.mark.parametrize("snr", [20, 10])
def test_noise_lies_as_far_under_the_voice_as_it_says(kind, snr):
    samples = voice("happy", rate=48000)
    found, _ = degraded(f"{kind}, {snr} dB", samples)
    assert level(samples) - level(found - samples) == pytest.approx(snr, abs=0.1)


def test_gain_moves_the_level_and_clips():
    suppress_native_output = tone(440, rate=48000, amplitude=0.1)
    assert level(degraded("gain +12 dB", suppress_native_output)[0]) - level(
        suppress_native_output
    ) == pytest.approx(12, abs=0.01)
    assert np.abs(degraded("gain +12 dB", tone(440, rate=48000))[0]).max() == 1.0


@pytest.mark.parametrize(("frequency", "lost"), [(100, True), (1000, False), (3900, True)])
def test_the_telephone_band_is_what_it_says(frequency, lost):
    found, rate = degraded("telephone band", tone(frequency, rate=48000))
    assert rate == 8000
    assert (level(found) < level(tone(frequency)) - 10) == lost


def test_mp3_is_as_small_as_it_says(monkeypatch):
    sizes = []
    original = soundfile.write

    def write(file, *arguments, **options):
        original(file, *arguments, **options)
        if isinstance(file, io.BytesIO):
            sizes.append(file.tell() or len(file.getvalue()))

    monkeypatch.setattr(soundfile, "write", write)
    degraded("MP3 64 kbit/s", voice("happy", seconds=5.0, rate=48000))
    assert sizes[0] * 8 / 5.0 == pytest.approx(64000, rel=0.1)


def test_reverberation_goes_on_after_the_sound():
    found, rate = degraded("reverberation, 0.3 s", tone(440, rate=48000))
    assert len(found) == 48000 + round(0.3 * rate) - 1
    assert -60 < level(found[48000 : 48000 + 4800]) - level(found[:48000]) < -5
