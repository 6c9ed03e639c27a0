import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from avser_cli.audio.vad import (
    AFTER,
    FRAME,
    PAUSE,
    SpeechRegions,
    VoiceActivityDetector,
    speech_frames,
)
from tests.synthetic import voice


def recording(*parts, noise=-60.0, rate=16000):
    """Voices at given seconds in steady noise."""
    draw = np.random.default_rng(0)
    length = round(parts[-1] * rate)
    sound = draw.standard_normal(length) * 10 ** (noise / 20)
    for start in parts[:-1]:
        spoken = voice(seconds=2.0, seed=int(start))
        sound[round(start * rate) :][: len(spoken)] += spoken
    return sound.astype(np.float32)


def detected(sound, rate=16000, size=None):
    detector = VoiceActivityDetector(rate)
    size = size or len(sound)
    parts = [detector.feed(sound[at : at + size]) for at in range(0, len(sound), size)]
    return np.concatenate([*parts, detector.finish()])


def found(voiced):
    regions = SpeechRegions()
    closed = [part for part in regions.feed(voiced) if part.closed] + regions.finish()
    return [(round(part.start * FRAME, 2), round(part.end * FRAME, 2)) for part in closed]


def test_voices_are_found_whatever_the_noise():
    for noise in (-90.0, -60.0, -40.0):
        (first, second) = found(detected(recording(3, 9, 15, noise=noise)))
        np.testing.assert_allclose(first, (3, 5), atol=0.3)
        np.testing.assert_allclose(second, (9, 11), atol=0.3)


def test_level_does_not_matter():
    sound = recording(3, 9, 15)
    np.testing.assert_array_equal(detected(sound), detected(0.1 * sound))


def test_steady_sound_and_silence_are_no_voice():
    noise = np.random.default_rng(1).standard_normal(160_000).astype(np.float32)
    assert not detected(0.1 * noise).any()
    assert not detected(np.zeros(160_000, np.float32)).any()


@settings(max_examples=25, deadline=None)
@given(st.integers(100, 70_000))
def test_the_size_of_the_pieces_does_not_matter(size):
    sound = recording(1, 4, 14, 18)
    np.testing.assert_array_equal(detected(sound, size=size), detected(sound))


def test_a_frame_is_settled_after_a_second():
    detector = VoiceActivityDetector(16000)
    settled = sum(len(detector.feed(np.zeros(1600, np.float32))) for _ in range(30))
    assert 0 <= 3.0 / FRAME - settled <= AFTER + 5


@given(st.lists(st.booleans(), max_size=400), st.integers(1, 60))
def test_stretches_are_apart_and_hold_the_voice(frames, size):
    voiced = np.array(frames, np.bool_)
    regions = SpeechRegions()
    closed = []
    for at in range(0, len(voiced), size):
        closed += [part for part in regions.feed(voiced[at : at + size]) if part.closed]
    closed += regions.finish()
    for part in closed:
        assert 0 <= part.start < part.end <= len(voiced)
        assert voiced[part.start : part.end].any()
    for before, after in itertools.pairwise(closed):
        assert after.start >= before.end
        assert not voiced[before.end : after.start].all() or after.start == before.end
    alone = SpeechRegions()
    assert closed == [part for part in alone.feed(voiced) if part.closed] + alone.finish()


def test_pauses_join_and_end():
    voiced = np.ones(200, np.bool_)
    voiced[50 : 50 + PAUSE - 1] = False
    voiced[120 : 120 + PAUSE] = False
    regions = SpeechRegions()
    ends = [part.end for part in [*regions.feed(voiced), *regions.finish()] if part.closed]
    assert len(ends) == 2


def test_voiced_frames_keep_the_shape():
    assert speech_frames(np.linspace(-60, -20, 7)).shape == (7,)
