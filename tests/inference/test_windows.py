import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avser_cli.audio.vad import FRAME
from avser_cli.inference.segment_files import GivenSegment
from avser_cli.inference.windows import Span, Window, all_windows, cut_segments, spans, windows
from tests.synthetic import voice

NONE = np.empty(0, np.float32)


def window(region, start, end, last):
    return Window(region, start, end, last, NONE)


def rows(*values):
    return [np.array([value, 1 - value], np.float32) for value in values]


def on_progress(answers):
    return [(s.start, s.end, round(float(s.probabilities[0]), 3)) for s in spans(answers)]


def test_one_window_is_one_span():
    assert on_progress([(window(10, 10, 60, True), rows(0.9)[0])]) == [(0.2, 1.2, 0.9)]


def test_overlapping_windows_are_averaged_over_each_second():
    first, second = window(0, 0, 150, False), window(0, 50, 200, True)
    found = list(spans(zip([first, second], rows(0.9, 0.1), strict=True)))
    # Seconds 0: the first alone; 1 and 2: both, a draw; 3: the second alone.
    assert [(s.start, s.end) for s in found] == [(0, 3), (3, 4)]
    assert found[0].probabilities[0] == pytest.approx((0.9 + 0.5 + 0.5) / 3)


def test_stretches_are_not_joined():
    answers = zip([window(0, 0, 50, True), window(50, 50, 100, True)], rows(0.9, 0.9), strict=True)
    assert on_progress(answers) == [(0, 2, 0.9)]
    answers = zip([window(0, 0, 50, True), window(60, 60, 110, True)], rows(0.9, 0.9), strict=True)
    assert on_progress(answers) == [(0, 1, 0.9), (1.2, 2.2, 0.9)]


def test_what_no_window_could_hear_is_left_out():
    assert on_progress([(window(0, 0, 50, True), None)]) == []


@pytest.mark.parametrize("size", [1600, 16000, 200_000])
def test_windows_cover_the_voice_in_pieces_of_any_size(size):
    rate, pause = 16000, np.zeros(16000, np.float32)
    sound = np.concatenate([pause, voice(seconds=7.3), pause, voice("sad", 1.0), pause])
    heard: list[float] = []
    pieces = [sound[at : at + size] for at in range(0, len(sound), size)]
    found = list(windows(pieces, rate, 3.0, heard.append))
    assert heard[-1] == pytest.approx(len(sound) / rate)
    assert len({w.region for w in found}) == 2
    for w in found:
        assert w.end - w.start <= 150
        np.testing.assert_array_equal(w.samples, sound[w.start * 320 : w.end * 320])
    long = [w for w in found if w.region == found[0].region]
    assert [w.last for w in long] == [False] * (len(long) - 1) + [True]
    assert long[0].start * FRAME == pytest.approx(1.0, abs=0.2)
    assert long[-1].end * FRAME == pytest.approx(8.3, abs=0.3)
    assert all(b.start - a.start <= 50 for a, b in itertools.pairwise(long))


@pytest.mark.parametrize("seconds", [0.01, 2.0, 3.0, 3.4, 11.7])
@pytest.mark.parametrize("size", [700, 16000, 200_000])
def test_all_of_a_sound_is_covered_in_pieces_of_any_size(seconds, size):
    sound = np.arange(round(seconds * 16000), dtype=np.float32)
    pieces = [sound[at : at + size] for at in range(0, len(sound), size)]
    found = list(all_windows(pieces, 16000, 3.0))
    end = len(sound) // 320
    assert [w.start for w in found] == [*range(0, end - 150, 50), max(0, end - 150)]
    assert [w.last for w in found] == [False] * (len(found) - 1) + [True]
    for w in found:
        assert w.end == min(w.start + 150, end)
        np.testing.assert_array_equal(w.samples, sound[w.start * 320 : w.end * 320])


def test_spans_cover_a_long_stretch_without_gaps():
    starts = [*range(0, 1000, 50), 1010]
    answers = [
        (window(0, start, start + 150, start == 1010), row)
        for start, row in zip(starts, rows(*np.linspace(0, 1, len(starts))), strict=True)
    ]
    found = list(spans(answers))
    assert isinstance(found[0], Span)
    assert found[0].start == 0
    assert found[-1].end == pytest.approx(1160 * FRAME)
    assert all(a.end == b.start for a, b in itertools.pairwise(found))


@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(1, 400)), min_size=1, max_size=8),
    st.integers(1, 700),
)
def test_segments_are_cut_from_blocks_of_any_size(bounds, size):
    sound = np.arange(1000, dtype=np.float32)
    segments = [GivenSegment(first, first + length) for first, length in bounds]
    blocks = [sound[at : at + size] for at in range(0, len(sound), size)]
    found = dict(cut_segments(blocks, 1, segments))
    assert sorted(found) == list(range(len(segments)))
    for place, segment in enumerate(segments):
        first, last = int(segment.start), int(segment.end)
        np.testing.assert_array_equal(found[place], sound[first:last])
