"""Long recordings: windows slide over what is voiced, and their answers become segments.

A window is as long as the picture (3 s) and moves by a second. Each second of a speech region
gets the mean of the windows that cover its middle; neighbours of one emotion are joined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from avser_cli.audio.streams import Samples
from avser_cli.audio.vad import (
    FRAME,
    SpeechRegion,
    SpeechRegions,
    VoiceActivityDetector,
    frame_length,
)
from avser_cli.inference.segment_files import GivenSegment
from avser_cli.model.calibration import Probabilities

WINDOW = 3.0
"""Seconds that a window spans where the model's pictures have no span of their own."""

HOP = round(1.0 / FRAME)
"""Frames by which a window moves."""


@dataclass(frozen=True)
class Window:
    """A piece of a speech region that is classified at once.

    Attributes
    ----------
    region : int
        Frame at which its region starts.
    start, end : int
        Frames of the recording, the end excluded.
    last : bool
        It ends where its region ends.
    samples : numpy.ndarray
        Mono float32 samples, shape ``(n,)``.
    """

    region: int
    start: int
    end: int
    last: bool
    samples: Samples


@dataclass(frozen=True)
class Span:
    """Seconds of a recording and the probabilities of the emotions in them.

    Attributes
    ----------
    start, end : float
        Seconds from the start of the recording.
    probabilities : numpy.ndarray
        float32, shape ``(emotions,)``.
    """

    start: float
    end: float
    probabilities: Probabilities


def windows(
    blocks: Iterable[Samples], rate: int, seconds: float, on_progress: Callable[[float], None]
) -> Iterator[Window]:
    """Slide over the voiced parts of a recording, at bounded memory.

    Parameters
    ----------
    blocks : iterable of numpy.ndarray
        Mono float32 samples, shape ``(n,)`` each.
    rate : int
        Sampling rate in Hz.
    seconds : float
        Length of a window.
    on_progress : callable
        Called with the seconds that have come in.
    """
    detector, regions, slider = VoiceActivityDetector(rate), SpeechRegions(), _Slider(seconds)
    length = frame_length(rate)
    held, first, received = np.empty(0, np.float32), 0, 0
    for block in blocks:
        held = np.concatenate([held, block])
        received += len(block)
        on_progress(received / rate)
        for region in regions.feed(detector.feed(block)):
            yield from slider.slide(region, held, first, length)
        needed = slider.needed(regions.needed)
        if needed > first:
            held, first = held[(needed - first) * length :], needed
    for region in [*regions.feed(detector.finish()), *regions.finish()]:
        yield from slider.slide(region, held, first, length)


class _Slider:
    """Cuts the windows of one stretch after the other."""

    def __init__(self, seconds: float) -> None:
        self._span = round(seconds / FRAME)
        self._region = self._next = -1

    def slide(
        self, region: SpeechRegion, held: Samples, first: int, length: int
    ) -> Iterator[Window]:
        if region.start != self._region:
            self._region = self._next = region.start

        def window(start: int, end: int, last: bool) -> Window:
            part = held[(start - first) * length : (end - first) * length]
            return Window(region.start, start, end, last, part)

        # The last window ends with the stretch, so another is only cut where one more must follow.
        while self._next + self._span < region.end:
            yield window(self._next, self._next + self._span, False)
            self._next += HOP
        if region.closed:
            start = max(region.start, region.end - self._span)
            yield window(start, region.end, True)
            self._region = -1

    def needed(self, frame: int) -> int:
        """The first frame that a later window may hold."""
        if self._region < 0:
            return frame
        # The last window may start anywhere from the one before it on.
        return max(self._region, self._next - HOP)


def all_windows(blocks: Iterable[Samples], rate: int, seconds: float) -> Iterator[Window]:
    """As `windows`, of a recording that counts as one speech region, whatever stands out in it."""
    slider, length = _Slider(seconds), frame_length(rate)
    held, first, received = np.empty(0, np.float32), 0, 0
    for block in blocks:
        held = np.concatenate([held, block])
        received += len(block)
        region = SpeechRegion(0, received // length, closed=False)
        yield from slider.slide(region, held, first, length)
        needed = slider.needed(0)
        held, first = held[(needed - first) * length :], needed
    region = SpeechRegion(0, received // length, closed=True)
    yield from slider.slide(region, held, first, length)


def cut_segments(
    blocks: Iterable[Samples], rate: int, segments: Sequence[GivenSegment]
) -> Iterator[tuple[int, Samples]]:
    """Cut parts out of a recording while it comes in; they may overlap.

    Yields
    ------
    place : int
        Of the segment in `segments`.
    samples : numpy.ndarray
        Those of it that the recording has, shape ``(n,)``. Segments come by their ends.
    """
    bounds = [(round(one.start * rate), round(one.end * rate)) for one in segments]
    waiting = sorted(range(len(segments)), key=lambda place: bounds[place][0], reverse=True)
    open_parts: dict[int, list[Samples]] = {}
    received = 0
    for block in blocks:
        first, received = received, received + len(block)
        while waiting and bounds[waiting[-1]][0] < received:
            open_parts[waiting.pop()] = []
        for place in sorted(open_parts, key=lambda place: bounds[place][1]):
            start, end = bounds[place]
            open_parts[place].append(block[max(0, start - first) : end - first])
            if end <= received:
                yield place, np.concatenate(open_parts.pop(place))
    for place, parts in open_parts.items():
        yield place, np.concatenate(parts)
    for place in waiting:
        yield place, np.empty(0, np.float32)


def spans(
    answers: Iterable[tuple[Window, Probabilities | None]], frame: float = FRAME
) -> Iterator[Span]:
    """Join the windows' answers to spans of one emotion each.

    Parameters
    ----------
    answers : iterable of (Window, numpy.ndarray or None)
        In the order of `windows`; None where a window holds too little sound.
    frame : float
        Seconds of a frame, of a whole number of samples: not quite 20 ms at 11,025 Hz.
    """
    pending: Span | None = None
    for cell in _cells(answers, frame):
        if pending and pending.end == cell.start and _best(pending) == _best(cell):
            shares = np.array([pending.end - pending.start, cell.end - cell.start], np.float32)
            rows = np.stack([pending.probabilities, cell.probabilities])
            mean: Probabilities = np.average(rows, axis=0, weights=shares).astype(np.float32)
            pending = Span(pending.start, cell.end, mean)
            continue
        if pending:
            yield pending
        pending = cell
    if pending:
        yield pending


def _best(span: Span) -> int:
    return int(span.probabilities.argmax())


def _cells(answers: Iterable[tuple[Window, Probabilities | None]], frame: float) -> Iterator[Span]:
    """The mean of the windows over each second of each stretch."""
    covering: list[tuple[Window, Probabilities]] = []
    region, start = -1, 0
    for window, row in answers:
        if window.region != region:
            covering, region, start = [], window.region, window.region
        if row is not None:
            covering.append((window, row))
        # Later windows start later than this one: a cell whose middle lies before it is settled.
        while (window.end - start if window.last else window.start - start - HOP // 2) > 0:
            end = start + HOP
            if window.last and window.end - end < HOP // 2:
                end = window.end
            yield from _cell(covering, start, end, frame)
            start = end
        covering = [(old, row) for old, row in covering if old.end > start]


def _cell(
    covering: Sequence[tuple[Window, Probabilities]], start: int, end: int, frame: float
) -> list[Span]:
    middle = (start + end) / 2
    rows = [row for window, row in covering if window.start <= middle < window.end]
    if not rows:
        return []
    mean: Probabilities = np.mean(rows, axis=0, dtype=np.float32)
    return [Span(round(start * frame, 3), round(end * frame, 3), mean)]
