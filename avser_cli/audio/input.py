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
from typing import BinaryIO, Literal

from avser_cli.audio.stated_sizes import (
    MAX_CHUNKS,
    PLACEHOLDER_SIZE,
    mended,
    missing_samples,
    sample_chunk,
)
from avser_cli.errors import InputError, os_reason
from avser_cli.files import is_special

STDIN = Path("-")
"""Stands for standard input."""

MAX_PIPED_BYTES = 512 * 2**20
"""Most that is read of a pipe in one piece."""

HEAD_BYTES = 4096

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


def is_read_once(path: Path) -> bool:
    """Whether a sound cannot be read again: standard input, a pipe, a device."""
    return path == STDIN or is_special(path)


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
            if (file := mended(handle, size)) is not None:
                yield Source(name, file)
                return
        yield Source(name, path)
    except FileNotFoundError:
        raise InputError(f"{name}: no such file; check the name") from None
    except OSError as error:
        if path.is_dir():  # Windows calls it a lack of permission.
            raise InputError(f"{name}: is a folder, not a sound file") from None
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
    return Source(name, mended(file, len(content)) or _rewound(file))


def _rewound(file: BinaryIO) -> BinaryIO:
    file.seek(0)
    return file


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

    Of WAV, AIFF, RF64, W64, CAF and AU the samples, of MP4 a box, of Matroska the segment reach
    past the end. Decoders read such a file quietly up to where it ends. Placeholders are let
    through, and so are wrong sizes of the whole where the samples are all there.
    """
    handle.seek(0)
    head = handle.read(64)
    missing = 0
    if head[:4] in (b"RIFF", b"FORM"):
        if head[8:12] not in (b"WAVE", b"AIFF", b"AIFC"):
            return
        found = sample_chunk(handle, size)
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
    else:
        missing = missing_samples(handle, size)
    if missing > 0:
        raise InputError(
            f"{name}: truncated: the header promises {size + missing} bytes, {size} are there; "
            "copy or record it again"
        )


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
