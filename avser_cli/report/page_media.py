"""What a page shows and plays of recordings: pictures inside it, sounds linked or embedded."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from PIL import Image

from avser_cli.audio.decoding import open_sound
from avser_cli.audio.selection import EVERYTHING, SoundSelection
from avser_cli.audio.streams import Samples
from avser_cli.data.clip import Clip
from avser_cli.data.source_content import PICTURE_SUFFIXES
from avser_cli.errors import InputError
from avser_cli.report.timeline import COLUMN, Overview

PICTURE_WIDTH, PICTURE_HEIGHT = 600, 64
"""Largest picture of a recording, in pixels."""
PICTURE_QUALITY = 55
FINEST_COLUMN = 0.02
"""Seconds that a column of it spans at least."""
DARKEST, BRIGHTEST = 60, 230
"""Gray levels of the overview that are shown as black and white."""
OPUS_RATE, OPUS_BITS = 24_000, 24_000
"""Sampling rate in Hz and bits a second of embedded sounds."""
MAX_EMBEDDED_BYTES = 200 * 2**20
"""Most that embedded sounds may take; browsers open larger pages slowly or not at all."""


@dataclass(frozen=True)
class SoundPart:
    """A file or, with seconds, a part of it; of which channel and track."""

    path: Path
    start: float | None = None
    end: float | None = None
    selection: SoundSelection = EVERYTHING

    @property
    def is_picture(self) -> bool:
        """Whether it is a picture, which has no sound."""
        return self.path.suffix.lower() in PICTURE_SUFFIXES


def part_of(clip: Clip) -> SoundPart:
    """What is shown and played of a labelled clip."""
    return SoundPart(clip.path, clip.start, clip.end)


def common_folder(paths: Sequence[Path]) -> Path:
    """The deepest folder that holds all of some files; the current one where there is none."""
    try:
        return Path(os.path.commonpath([path.absolute().parent for path in paths]))
    except ValueError:  # No files, or files on several drives.
        return Path.cwd()


def clip_name(part: SoundPart, folder: Path) -> str:
    """A clip's name in a table: its path below a folder, and which part of the file."""
    path = part.path.absolute()
    name = (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()
    if part.start is None and part.end is None:
        return name
    end = "end" if part.end is None else f"{part.end:g}"
    return f"{name} ({part.start or 0:g} to {end} s)"


@dataclass(frozen=True)
class Media:
    """What a browser shows and plays of a recording.

    Attributes
    ----------
    seconds : float
        Its length; 0 where it cannot be read.
    picture : bytes
        Its spectrogram, WebP; empty where it cannot be drawn.
    opus : bytes
        Its sound, Ogg Opus; empty where it is linked.
    """

    seconds: float = 0.0
    picture: bytes = b""
    opus: bytes = b""


def read_media(parts: Sequence[SoundPart], embed: bool) -> dict[SoundPart, Media]:
    """Read a file once more, for pictures and, if wanted, small copies of its sound.

    Parameters
    ----------
    parts : sequence of SoundPart
        Those of one file and selection.
    embed : bool
        Whether sounds are copied.

    Raises
    ------
    InputError
        It cannot be read any more.
    """
    if parts[0].is_picture:
        return dict.fromkeys(parts, _read_picture(parts[0].path))
    with open_sound(parts[0].path, selection=parts[0].selection) as sound:
        readers = [_PartReader(part, sound.stream.duration, embed) for part in parts]
        position, rate = 0, sound.stream.rate
        for block in sound.blocks():
            for reader in readers:
                reader.feed(block, position, rate)
            position += len(block)
    return {part: reader.finish() for part, reader in zip(parts, readers, strict=True)}


def seconds_of(part: SoundPart) -> float:
    """About how long it is, by what the file says; 0 for pictures and what cannot be read."""
    if part.is_picture:
        return 0.0
    if part.end is not None:
        return part.end - (part.start or 0.0)
    try:
        with open_sound(part.path) as sound:
            return max(0.0, sound.stream.duration - (part.start or 0.0))
    except InputError:
        return 0.0


def embedded_bytes(seconds: float) -> int:
    """About what sounds of this length together take in a page that embeds them."""
    return round(seconds * OPUS_BITS / 8 * 4 / 3)


def media_fields(part: SoundPart, media: Media, target: Path) -> dict[str, Any]:
    """What the script of a page at `target` reads: length, picture, sound and the place in it."""
    fields: dict[str, Any] = {"seconds": round(media.seconds, 2)}
    if media.picture:
        fields["picture"] = base64.b64encode(media.picture).decode()
    if media.opus:
        fields["sound"] = f"data:audio/ogg;base64,{base64.b64encode(media.opus).decode()}"
    elif not part.is_picture and part.path.is_file():
        fields["sound"] = _link(part.path, target)
        if part.start:
            fields["offset"] = part.start
    return fields


def _link(path: Path, target: Path) -> str:
    """A link from the page to a file, relative where both are on one drive."""
    try:
        relative = os.path.relpath(path.absolute(), target.absolute().parent)
    except ValueError:
        return path.absolute().as_uri()
    return quote(os.fsencode(Path(relative).as_posix()))


def _read_picture(path: Path) -> Media:
    try:
        with Image.open(path) as image:
            image.load()
            shown = image.convert("L")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(f"{path}: not a picture that can be shown: {error}") from error
    shown.thumbnail((PICTURE_WIDTH, PICTURE_WIDTH))
    return Media(picture=_webp(shown))


class _PartReader:
    """Draws and copies one part of a sound, block by block."""

    def __init__(self, part: SoundPart, duration: float, embed: bool) -> None:
        self._start, self._end = part.start or 0.0, part.end
        length = (duration if part.end is None else part.end) - self._start
        self._overview = Overview(min(max(length / PICTURE_WIDTH, FINEST_COLUMN), COLUMN))
        self._opus = _OpusWriter() if embed else None

    def feed(self, block: Samples, position: int, rate: int) -> None:
        """Take in samples, shape ``(n,)``, of which the first is the sound's `position`-th."""
        first = max(0, round(self._start * rate) - position)
        last = len(block) if self._end is None else round(self._end * rate) - position
        inside = block[first : max(first, last)]
        if len(inside):
            self._overview.feed(inside, rate)
            if self._opus:
                self._opus.write(inside, rate)

    def finish(self) -> Media:
        """What the part looks like and, where it is copied, sounds like."""
        seconds = self._overview.seconds
        if not seconds:
            return Media()
        return Media(seconds, _draw(self._overview), self._opus.finish() if self._opus else b"")


def _draw(overview: Overview) -> bytes:
    spectrogram = overview.spectrogram().astype(float)
    scaled = (spectrogram - DARKEST) * 255 / (BRIGHTEST - DARKEST)
    image = Image.fromarray(scaled.clip(0, 255).astype("uint8"))
    width = min(PICTURE_WIDTH, image.width)
    return _webp(image.resize((width, PICTURE_HEIGHT), Image.Resampling.BILINEAR))


def _webp(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "WEBP", quality=PICTURE_QUALITY)
    return content.getvalue()


class _OpusWriter:
    """Mono samples to Ogg Opus, block by block."""

    def __init__(self) -> None:
        import av

        self._file = io.BytesIO()
        self._container = av.open(self._file, "w", format="ogg")
        stream = self._container.add_stream("libopus", rate=OPUS_RATE, layout="mono")
        stream.bit_rate = OPUS_BITS
        self._stream: Any = stream

    def write(self, block: Samples, rate: int) -> None:
        """Take in samples, shape ``(n,)``."""
        import av

        frame = av.AudioFrame.from_ndarray(block[None, :], format="flt", layout="mono")
        frame.sample_rate = rate
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> bytes:
        """The whole file."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._file.getvalue()
