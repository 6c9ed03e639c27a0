"""Where the bytes of a sound come from: a file, a pipe, standard input."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from avser_cli.errors import InputError, os_reason

STDIN = Path("-")
"""Stands for standard input."""

MAX_PIPED_BYTES = 512 * 2**20
"""Most that is read of a pipe in one piece."""

HEAD_BYTES = 4096
PLACEHOLDER_SIZE = 0x7FFFF000
"""Recorders that write to a pipe state a size from here on, or 0: they cannot know it yet."""

MAX_CHUNKS = 100_000
"""Most chunks or boxes of a file that are looked at."""

MP4_BOXES = frozenset(
    {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"moof", b"mfra", b"sidx", b"styp"}
    | {b"uuid", b"meta", b"pnot", b"emsg", b"prft", b"ssix"}
)
"""What lies in an MP4 or MOV next to one another."""


@dataclass(frozen=True)
class Source:
    """Bytes to decode.

    Attributes
    ----------
    name : str
        For messages.
    file : pathlib.Path or binary file
        What a decoder is given; a file object holds what a pipe gave.
    seekable : bool
        A live pipe is not.
    """

    name: str
    file: Path | BinaryIO
    seekable: bool = True


def display_name(path: Path | str) -> str:
    """A sound's name in a message."""
    return "stdin" if str(path) == str(STDIN) else str(path)


@contextmanager
def open_source(path: Path, live: bool = False) -> Iterator[Source]:
    """Check what lies at `path` and make it readable.

    Raises
    ------
    InputError
        Nothing is there, it is a folder, cannot be read, is empty or cut short.
    """
    name = display_name(path)
    try:
        if path == STDIN:
            yield _of_pipe(name, sys.stdin.buffer, live)
            return
        with path.open("rb") as handle:
            # Of the open file: it may vanish or grow under its name meanwhile.
            status = os.fstat(handle.fileno())
            if not stat.S_ISREG(status.st_mode):
                yield _of_pipe(name, handle, live)
                return
            head, size = handle.read(HEAD_BYTES), status.st_size
            if size == 0:
                raise InputError(f"{name}: the file is empty (0 bytes); copy or record it again")
            _check_is_sound(name, head)
            _check_complete(name, handle, size)
            if start := _unclosed_data(handle, size):
                yield Source(name, _finished(handle, start, size))  # type: ignore[arg-type]
                return
        yield Source(name, path)
    except IsADirectoryError:
        raise InputError(f"{name}: is a folder, not a sound file") from None
    except FileNotFoundError:
        raise InputError(f"{name}: no such file; check the name") from None
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {os_reason(error)}") from None


class _Live:
    """A pipe for FFmpeg: gives what is there now, without waiting for a full buffer."""

    def __init__(self, pipe: BinaryIO) -> None:
        self._pipe = pipe

    def read(self, size: int) -> bytes:
        return self._pipe.read1(size)  # type: ignore[attr-defined, no-any-return]


def _of_pipe(name: str, pipe: BinaryIO, live: bool) -> Source:
    if live:
        return Source(name, _Live(pipe), seekable=False)  # type: ignore[arg-type]
    content = pipe.read(MAX_PIPED_BYTES + 1)
    if len(content) > MAX_PIPED_BYTES:
        raise InputError(
            f"{name}: more than {MAX_PIPED_BYTES // 2**20} MiB; classify it in windows "
            "(avser classify --windows), or save it to a file and cut it"
        )
    if not content:
        raise InputError(f"{name}: empty (0 bytes); check what writes to it")
    file = io.BytesIO(content)
    _check_is_sound(name, content[:HEAD_BYTES])
    _check_complete(name, file, len(content))
    if start := _unclosed_data(file, len(content)):
        return Source(name, _finished(file, start, len(content)))  # type: ignore[arg-type]
    file.seek(0)
    return Source(name, file)


def _check_is_sound(name: str, head: bytes) -> None:
    """Refuse, by its own name, what often lies where a sound should be.

    Raises
    ------
    InputError
        It is a Git LFS pointer, a web page, or a placeholder of a cloud drive.
    """
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(b"version https://git-lfs.github.com/spec/"):
        raise InputError(
            f"{name}: a Git LFS pointer, not the sound itself; fetch it with: git lfs pull"
        )
    if text.startswith((b"<!doctype html", b"<html")) or (
        text.startswith((b"<?xml", b"<!--", b"<head")) and b"<html" in text
    ):
        raise InputError(
            f"{name}: a web page (HTML), not a sound, as a failed download leaves it; download it "
            "again"
        )
    if head.startswith(b"bplist00") and name.endswith(".icloud"):
        raise InputError(
            f"{name}: a placeholder of a cloud drive, not the sound itself; download it first"
        )
    if not any(head):
        raise InputError(
            f"{name}: starts with {len(head)} zero bytes and no header: a placeholder of a cloud "
            "drive or a broken copy; download or copy it again"
        )


def _check_complete(name: str, handle: BinaryIO, size: int) -> None:
    """Refuse a file whose own structure says that bytes are missing.

    Of WAV and AIFF the chunk of the samples, of MP4 a box, of Matroska the segment reaches past
    the end. Decoders read such a file quietly up to where it ends. Place holders are let through,
    and so are wrong sizes of the whole where the samples are all there.
    """
    handle.seek(0)
    head = handle.read(64)
    missing = 0
    if head[:4] in (b"RIFF", b"FORM"):
        if head[8:12] not in (b"WAVE", b"AIFF", b"AIFC"):
            return
        found = _sample_chunk(handle, size)
        if found is None:
            order: Literal["little", "big"] = "little" if head[:4] == b"RIFF" else "big"
            stated = int.from_bytes(head[4:8], order)
            missing = stated + 7 - size if 0 < stated < PLACEHOLDER_SIZE else 0
        elif found[1] < PLACEHOLDER_SIZE:
            missing = sum(found) - size
    elif head[4:8] == b"ftyp":
        missing = _end_of_boxes(handle, size) - size
    elif head[:4] == b"\x1a\x45\xdf\xa3":
        missing = _end_of_segment(head) - size
    if missing > 0:
        raise InputError(
            f"{name}: truncated: the header promises {size + missing} bytes, {size} are there; "
            "copy or record it again"
        )


def _sample_chunk(handle: BinaryIO, size: int) -> tuple[int, int] | None:
    """Where the samples of a WAV or AIFF start, and how many bytes of them are stated."""
    handle.seek(0)
    order: Literal["little", "big"] = "little" if handle.read(4) == b"RIFF" else "big"
    place = 12
    for _ in range(MAX_CHUNKS):
        if place + 8 > size:
            return None
        handle.seek(place)
        kind, stated = handle.read(4), int.from_bytes(handle.read(4), order)
        if kind in (b"data", b"SSND"):
            return place + 8, stated
        place += 8 + stated + stated % 2
    return None


def _end_of_boxes(handle: BinaryIO, size: int) -> int:
    """Where the boxes of an MP4 say that they end; bytes that are no box end the search."""
    place = 0
    for _ in range(MAX_CHUNKS):
        if place + 8 > size:
            return place if place > size else size
        handle.seek(place)
        stated, kind = int.from_bytes(handle.read(4), "big"), handle.read(4)
        if stated == 1:
            stated = int.from_bytes(handle.read(8), "big")
        if stated < 8 or kind not in MP4_BOXES:
            return size
        place += stated
    return size


def _end_of_segment(head: bytes) -> int:
    """Where the first segment of a Matroska file says that it ends; 0 where it does not say."""

    def number(place: int) -> tuple[int, int]:
        length = 9 - head[place].bit_length()
        value = int.from_bytes(head[place : place + length], "big")
        unknown = (1 << (7 * length)) - 1
        value &= unknown
        return place + length, -1 if value == unknown or length > 8 else value

    try:
        start, length = number(4)
        place = start + length
        if length < 0 or head[place : place + 4] != b"\x18\x53\x80\x67":
            return 0
        start, length = number(place + 4)
    except IndexError:
        return 0
    return start + length if length > 0 and start <= len(head) else 0


def _unclosed_data(handle: BinaryIO, size: int) -> int:
    """Where the samples of a WAV start whose header was never finished: it says 0 of them.

    0 where that is not so: an empty WAV ends there, or goes on with other chunks.
    """
    handle.seek(0)
    head = handle.read(12)
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return 0
    found = _sample_chunk(handle, size)
    if found is None or found[1] != 0 or found[0] >= size:
        return 0
    place = start = found[0]
    while place + 8 <= size:
        handle.seek(place)
        kind, stated = handle.read(4), int.from_bytes(handle.read(4), "little")
        if not (kind.isascii() and kind.decode("ascii", "replace").strip().isalnum()):
            return start
        place += 8 + stated + stated % 2
    return 0 if place in (size, size + 1) else start


class PartOfFile(io.RawIOBase):
    """A part of a file as a file of its own, with some bytes put in place of others.

    Parameters
    ----------
    file : binary file
        One that can be wound back; it is left open.
    start, end : int
        Bytes of it, the end excluded.
    patches : dict of int to bytes
        What is read instead, by its place in the part.
    """

    def __init__(
        self, file: BinaryIO, start: int, end: int, patches: dict[int, bytes] | None = None
    ) -> None:
        self._file, self._start, self._length = file, start, end - start
        self._patches = patches or {}
        self._place = 0

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def seekable(self) -> bool:
        """Whether it can be wound back."""
        return True

    def tell(self) -> int:
        """The place of the next byte."""
        return self._place

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place, as of any file."""
        self._place = max(0, offset + (0, self._place, self._length)[whence])
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, as of any file."""
        view = memoryview(buffer).cast("B")
        count = max(0, min(len(view), self._length - self._place))
        self._file.seek(self._start + self._place)
        content = bytearray(self._file.read(count))
        for place, patch in self._patches.items():
            for offset, value in enumerate(patch, place - self._place):
                if 0 <= offset < len(content):
                    content[offset] = value
        view[: len(content)] = content
        self._place += len(content)
        return len(content)


def _finished(handle: BinaryIO, start: int, size: int) -> PartOfFile:
    """A WAV whose header was never finished, with the sizes that are there."""
    length = min(size - start, 0xFFFFFFFF - start)
    sizes = {
        4: (start + length - 8).to_bytes(4, "little"),
        start - 4: length.to_bytes(4, "little"),
    }
    return PartOfFile(handle, 0, start + length, sizes)
