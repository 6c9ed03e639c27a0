import numpy as np
import pytest

from avser_cli.audio.speech import LISTENINGS, Listening, holds_speech
from benchmarks.made_sounds import non_voices
from tests.synthetic import speech, tone

SECOND = 16000


def noise(amplitude=0.1, seconds=3.0):
    draw = np.random.default_rng(0)
    return (amplitude * draw.standard_normal(round(seconds * SECOND))).astype(np.float32)


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000, 96000])
def test_a_voice_at_any_rate(rate):
    assert holds_speech(speech(rate=rate), rate)


@pytest.mark.parametrize("gain", [0.003, 0.1, 3.0])
def test_a_voice_at_any_level(gain):
    assert holds_speech(gain * speech(), SECOND)


def test_a_voice_anywhere_in_a_recording():
    silence = np.zeros(5 * SECOND, np.float32)
    for parts in ([speech(), silence], [silence, speech()], [silence, speech(), silence]):
        assert holds_speech(np.concatenate(parts), SECOND)


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(SECOND, np.float32),
        np.empty(0, np.float32),
        noise(),
        tone(440.0, seconds=3.0),
        tone(350.0, seconds=3.0) + tone(440.0, seconds=3.0),
        sum(tone(50.0 * k, seconds=3.0, amplitude=0.3 / k) for k in range(1, 9)),
    ],
    ids=["silence", "nothing", "noise", "tone", "dial tone", "hum"],
)
def test_no_voice(sound):
    assert not holds_speech(sound, SECOND)


def test_each_listening_is_needed_for_some_pitch():
    # Played faster, the example is as high as a shout: only slowed down it is a voice.
    high = speech(seconds=2.0, rate=9600)
    usual, slow, _ = LISTENINGS
    assert slow.speed < 1 == usual.speed
    assert not usual.holds_speech(high, 22050)
    assert slow.holds_speech(high, 22050)
    assert holds_speech(high, 22050)


def test_seconds_count_in_the_sound_not_in_what_is_heard():
    once = speech(seconds=1.0)
    pause = np.zeros(3 * SECOND, np.float32)
    sound = np.concatenate([once, pause])
    assert Listening(0.5, 0.5, 0.5).holds_speech(sound, SECOND)
    assert not Listening(0.5, 0.5, 1.2).holds_speech(sound, SECOND)


def test_a_word_is_enough_where_it_is_all():
    assert holds_speech(speech(seconds=0.4), SECOND)


def test_a_blip_of_voice_in_much_else_is_none():
    blip = np.zeros(3 * SECOND, np.float32)
    blip[:1600] = speech(seconds=0.1)
    assert not holds_speech(blip, SECOND)


def test_of_made_sounds_without_a_voice_few_pass():
    taken = [kind for kind, sound in non_voices(seed=11) if holds_speech(sound[:48000], 16000)]
    assert len(taken) <= 10, taken
