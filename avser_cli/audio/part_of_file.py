"""A part of a file as a file of its own."""

from __future__ import annotations

import io
from typing import Any, BinaryIO


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
