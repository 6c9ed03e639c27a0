import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avser_cli.audio.vad import (
    AFTER,
    FRAME,
    PAUSE,
    SpeechRegions,
    VoiceActivityDetector,
    frame_length,
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


@settings(max_examples=25)
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


def plateaus(*levels, frames=60):
    """Which of some stretches of steady level, 60 frames each, are voice in their middle."""
    voiced = speech_frames(np.repeat(np.array(levels, np.float64), frames))
    return [bool(voiced[frames * i + frames // 2]) for i in range(len(levels))]


@pytest.mark.parametrize(
    ("floor", "peak", "threshold"),
    [
        (-60.0, -30.0, -50.0),  # a third of the way from the quietest to the loudest
        (-60.0, -21.0, -48.0),  # 12 dB over the quietest at most
        (-69.0, -10.0, -50.0),  # 40 dB under the loudest at least
        (-100.0, -65.0, -70.0),  # -70 dBFS at least
    ],
)
def test_a_threshold_is_where_the_documentation_puts_it(floor, peak, threshold):
    assert plateaus(floor, threshold - 0.5, peak) == [False, False, True]
    assert plateaus(floor, threshold + 0.5, peak) == [False, True, True]


def test_what_varies_by_less_than_6_db_is_steady():
    assert plateaus(-40.0, -34.5) == [False, False]
    assert plateaus(-40.0, -33.5) == [False, True]


def test_the_quietest_counts_from_10_s_before_to_1_s_after():
    quiet, loud = np.full(100, -60.0), np.full(900, -40.0)
    assert speech_frames(np.concatenate([quiet, loud])).sum() == pytest.approx(500, abs=5)
    assert speech_frames(np.concatenate([loud, quiet])).sum() == pytest.approx(50, abs=5)


def test_a_frame_is_20_ms_and_its_level_that_of_100_ms():
    assert [frame_length(rate) for rate in (16000, 44100, 10)] == [320, 882, 1]
    levels = np.full(99, -60.0)
    levels[49] = -20.0
    np.testing.assert_array_equal(np.flatnonzero(speech_frames(levels)), np.arange(47, 52))


@pytest.mark.parametrize(
    ("frames", "gap", "expected"),
    [
        (30, 24, [(45, 139)]),  # 0.48 s of pause are part of a region
        (30, 25, [(45, 85), (100, 140)]),  # 0.5 s end it, and 0.1 s are kept on both sides
        (15, 25, [(45, 70), (85, 110)]),  # 0.3 s are long enough
        (14, 25, []),
    ],
)
def test_regions_by_hand(frames, gap, expected):
    voiced = np.zeros(300, np.bool_)
    voiced[50 : 50 + frames] = voiced[50 + frames + gap : 50 + 2 * frames + gap] = True
    assert found(voiced) == [(round(a * FRAME, 2), round(b * FRAME, 2)) for a, b in expected]
