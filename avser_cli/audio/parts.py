"""Parts of a sound file, read in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from avser_cli.audio.decoding import MAX_SECONDS, Waveform, open_sound
from avser_cli.audio.streams import Samples
from avser_cli.errors import InputError

Part = tuple[float | None, float | None]
"""Start and end in seconds; `None` is the file's."""


def read_parts(path: Path, parts: Iterable[Part]) -> dict[Part, Waveform | InputError]:
    """Decode a sound file once and cut parts out of it, which may overlap.

    Raises
    ------
    InputError
        The file cannot be read, see `avser_cli.audio.decoding.read_waveform`.
    """
    wanted = sorted(set(parts), key=lambda part: (part[0] or 0.0, part[1] or np.inf))
    pieces: dict[Part, list[Samples]] = {part: [] for part in wanted}
    last = max((part[1] if part[1] is not None else np.inf for part in wanted), default=0.0)
    done = 0
    with open_sound(path) as sound:
        stream = sound.stream
        for block in sound.blocks():
            for part in wanted:
                first, end = _frames(part, stream.rate)
                end = min(end, first + MAX_SECONDS * stream.rate + 1)
                if first < done + len(block) and end > done:
                    cut = block[max(0, first - done) : int(min(end - done, len(block)))]
                    pieces[part].append(cut.copy())
            done += len(block)
            if done >= last * stream.rate:
                break
    found: dict[Part, Waveform | InputError] = {}
    for part, cuts in pieces.items():
        samples = np.concatenate(cuts) if cuts else np.empty(0, np.float32)
        start = part[0] or 0.0
        if len(samples) == 0:
            found[part] = InputError(
                f"{path}: start {start:g} is not before its end, {done / stream.rate:.3f} s"
            )
        elif len(samples) > MAX_SECONDS * stream.rate:
            found[part] = InputError(
                f"{path}: the part from {start:g} s is over {MAX_SECONDS:.0f} s long; cut it"
            )
        else:
            found[part] = Waveform(samples, stream.rate, stream)
    return found


def _frames(part: Part, rate: int) -> tuple[int, float]:
    start, end = part
    return round((start or 0.0) * rate), np.inf if end is None else round(end * rate)
