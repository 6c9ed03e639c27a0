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

from avser_cli.errors import InputError, os_reason

STDIN = Path("-")
"""Stands for standard input."""

MAX_PIPED_BYTES = 512 * 2**20
"""Most that is read of a pipe in one piece."""

HEAD_BYTES = 4096
PLACEHOLDER_SIZE = 0x7FFFF000
"""Recorders that write to a pipe state a size from here on, or 0: they cannot know it yet."""


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
            _check_complete(name, head, size)
            if _zero_data_chunk(head):
                handle.seek(0)
                yield _of_pipe(name, handle, live=False)
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
            f"{name}: more than {MAX_PIPED_BYTES // 2**20} MiB; hear it in windows "
            "(avser classify --windows), or save it to a file and cut it"
        )
    if not content:
        raise InputError(f"{name}: empty (0 bytes); check what writes to it")
    _check_complete(name, content[:HEAD_BYTES], len(content))
    if place := _zero_data_chunk(content[:HEAD_BYTES]):
        # libsndfile takes 0 at its word, the largest value for a place holder.
        content = content[: place + 4] + b"\xff" * 4 + content[place + 8 :]
    return Source(name, io.BytesIO(content))


def _check_complete(name: str, head: bytes, size: int) -> None:
    """Refuse a WAV or AIFF file shorter than its own header says.

    libsndfile reads such a file quietly up to where it ends. Place holders are let through.
    """
    forms: dict[bytes, tuple[Literal["little", "big"], tuple[bytes, ...]]] = {
        b"RIFF": ("little", (b"WAVE",)),
        b"FORM": ("big", (b"AIFF", b"AIFC")),
    }
    order, kinds = forms.get(head[:4], ("little", ()))
    if head[8:12] not in kinds:
        return
    stated = int.from_bytes(head[4:8], order)
    promised = stated + 8
    if 0 < stated < PLACEHOLDER_SIZE and size < promised - 1:
        raise InputError(
            f"{name}: truncated: the header promises {promised} bytes, {size} are there; "
            "copy or record it again"
        )


def _zero_data_chunk(head: bytes) -> int:
    """Where the data chunk of a WAV lies that says 0 for its size and means "until the end".

    0 where there is no such chunk.
    """
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return 0
    if 0 < int.from_bytes(head[4:8], "little") < PLACEHOLDER_SIZE:
        return 0
    place = 12
    while place + 8 < len(head):
        size = int.from_bytes(head[place + 4 : place + 8], "little")
        if head[place : place + 4] == b"data":
            return place if size == 0 else 0
        place += 8 + size + size % 2
    return 0
