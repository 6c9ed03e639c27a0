"""Parts of a sound file, read in one pass."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from avser_cli.audio.decoding import MAX_SECONDS, Waveform, open_sound
from avser_cli.audio.streams import Samples, Stream
from avser_cli.errors import InputError

Part = tuple[float | None, float | None]
"""Start and end in seconds; `None` is the file's."""

ROUNDING = 1.0
"""Seconds by which a part may end after its file does: times are written down in whole seconds."""


def read_parts(path: Path, parts: Iterable[Part]) -> Iterator[tuple[Part, Waveform | InputError]]:
    """Decode a sound file once and cut parts out of it, which may overlap.

    Yields
    ------
    part : Part
        Each once, as it ends.
    waveform : Waveform or InputError

    Raises
    ------
    InputError
        The file, or the rest of it, cannot be read, see `avser_cli.audio.decoding.read_waveform`.
    """
    waiting = deque(sorted(set(parts), key=lambda part: (part[0] or 0.0, part[1] or np.inf)))
    pieces: dict[Part, list[Samples]] = {}
    done = 0
    with open_sound(path) as sound:
        stream = sound.stream
        for block in sound.blocks():
            ahead = done + len(block)
            while waiting and _frames(waiting[0], stream.rate)[0] < ahead:
                pieces[waiting.popleft()] = []
            for part in list(pieces):
                first, end = _frames(part, stream.rate)
                end = min(end, first + MAX_SECONDS * stream.rate + 1)
                cut = block[max(0, first - done) : int(min(end - done, len(block)))]
                pieces[part].append(cut.copy())
                if end <= ahead:
                    yield part, _waveform(path, part, pieces.pop(part), stream, ahead)
            done = ahead
            if not (waiting or pieces):
                return
    for part in [*pieces, *waiting]:
        yield part, _waveform(path, part, pieces.pop(part, []), stream, done)


def _waveform(
    path: Path, part: Part, cuts: Sequence[Samples], stream: Stream, done: int
) -> Waveform | InputError:
    """A part of its pieces; `done` is how many samples of the file have been read."""
    samples = np.concatenate(cuts) if cuts else np.empty(0, np.float32)
    start, end, read = part[0] or 0.0, part[1], done / stream.rate
    if len(samples) == 0:
        return InputError(f"{path}: start {start:g} is not before its end, {read:.3f} s")
    if len(samples) > MAX_SECONDS * stream.rate:
        return InputError(
            f"{path}: the part from {start:g} s is over {MAX_SECONDS:.0f} s long; cut it"
        )
    if end is not None and end > read + ROUNDING:
        return InputError(
            f"{path}: {read:.3f} s long, but its part ends at {end:g} s; are the times another "
            "file's?"
        )
    return Waveform(samples, stream.rate, stream)


def _frames(part: Part, rate: int) -> tuple[int, float]:
    start, end = part
    return round((start or 0.0) * rate), np.inf if end is None else round(end * rate)
