"""Headers that say how many bytes of samples follow, and are wrong: never finished, or out of date.

Recorders that crash, or write to a pipe, leave a size of 0, the largest one, or that of some
seconds ago. Decoders believe them.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO, Literal, cast

import numpy as np

from avser_cli.audio.part_of_file import PartOfFile

PLACEHOLDER_SIZE = 0x7FFFF000
"""Recorders that write to a pipe state a size from here on, or 0: they cannot know it yet."""

LARGEST_FILE = 1 << 48
"""Bytes; of formats with sizes of eight bytes, larger ones are placeholders."""

W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
"""Name of the chunk of samples of Sony's Wave64."""
W64_HEAD = 24
"""Bytes before the content of its chunks, which their sizes count, too."""

MAX_CHUNKS = 100_000
"""Most chunks or boxes of a file that are looked at."""

MORE = 4096
"""Bytes behind the stated samples that may be anything; of samples, less than a tenth of a second
is lost with them."""

TAGS = (b"TAG", b"ID3", b"APETAGEX", b"LYRICS", b"<", b"\xef\xbb\xbf<")
"""What players leave behind the samples, besides chunks."""

RANDOM_RMS, RANDOM_CORRELATION = 64.0, 0.3
"""Random bytes, as of archives, have a root mean square of 74 as numbers from -128 to 127, and are
unlike their neighbours. Of samples, the highest byte is neither, whatever their size."""


Order = Literal["little", "big"]


@dataclass(frozen=True)
class _Size:
    """A number in a header: (bytes of samples + more) / unit, in so many bytes."""

    more: int
    count: int
    order: Order
    unit: int = 1

    def of(self, length: int) -> bytes:
        """The number for so many bytes of samples."""
        number = (length + self.more) // self.unit
        return min(max(0, number), (1 << (8 * self.count)) - 1).to_bytes(self.count, self.order)


@dataclass(frozen=True)
class _Samples:
    """Where the samples of a file lie, by its header.

    Attributes
    ----------
    start : int
    stated : int
        Bytes; -1 where the header says that it does not know.
    sizes : dict of int to _Size
        Numbers in the header that follow from how many bytes there are, by their places.
    chunks : bool
        Chunks may follow.
    """

    start: int
    stated: int
    sizes: dict[int, _Size]
    chunks: bool = True


def mended(handle: BinaryIO, size: int) -> BinaryIO | None:
    """The file with the sizes that are there; None where those of its header are right.

    Of a size of 0 or unknown, everything that follows are samples, unless it is chunks; of another
    one, only what neither is a chunk or a tag nor looks unlike sound.
    """
    found = _samples(handle, size)
    if found is None or found.start >= size:
        return None
    if found.stated > 0:
        end = found.start + found.stated
        end += end % 2 if found.chunks else 0
        if not _goes_on(handle, end, size, found.chunks):
            return None
    elif found.stated == 0 and found.chunks and _chunks_fill(handle, found.start, size):
        return None
    length = size - found.start
    patches = {place: number.of(length) for place, number in found.sizes.items()}
    return cast(BinaryIO, PartOfFile(handle, 0, size, patches))


def missing_samples(handle: BinaryIO, size: int) -> int:
    """How many of the bytes of samples that a header states lie behind the end of the file."""
    found = _samples(handle, size)
    return max(0, found.start + found.stated - size) if found and found.stated > 0 else 0


def sample_chunk(handle: BinaryIO, size: int) -> tuple[int, int] | None:
    """Where the samples of a WAV or AIFF start, and how many bytes of them are stated."""
    handle.seek(0)
    order: Order = "big" if handle.read(4) == b"FORM" else "little"
    start = _chunk(handle, b"SSND" if order == "big" else b"data", size)
    if start is None:
        return None
    handle.seek(start - 4)
    return start, int.from_bytes(handle.read(4), order)


def _chunk(handle: BinaryIO, name: bytes, size: int) -> int | None:
    """Where the content of the first chunk of a name starts, of a WAV or AIFF."""
    handle.seek(0)
    order: Order = "big" if handle.read(4) == b"FORM" else "little"
    place = 12
    for _ in range(MAX_CHUNKS):
        if place + 8 > size:
            return None
        handle.seek(place)
        kind, stated = handle.read(4), int.from_bytes(handle.read(4), order)
        if kind == name:
            return place + 8
        place += 8 + stated + stated % 2
    return None


def _samples(handle: BinaryIO, size: int) -> _Samples | None:
    handle.seek(0)
    head = handle.read(64)
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return _of_wav(handle, size)
    if head[:4] == b"RF64" and head[8:12] == b"WAVE" and head[12:16] == b"ds64":
        return _of_rf64(handle, head, size)
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return _of_aiff(handle, size)
    if head[:4] == b"caff":
        return _of_caf(handle, size)
    if head[:4] == b"riff":
        return _of_w64(handle, size)
    if head[:4] == b".snd":
        start, stated = (int.from_bytes(head[x : x + 4], "big") for x in (4, 8))
        unknown = -1 if stated == 0 or stated >= PLACEHOLDER_SIZE else stated
        return _Samples(start, unknown, {8: _Size(0, 4, "big")}, chunks=False)
    return None


def _of_wav(handle: BinaryIO, size: int) -> _Samples | None:
    found = sample_chunk(handle, size)
    if found is None or found[1] >= PLACEHOLDER_SIZE:
        return None
    start, stated = found
    return _Samples(
        start, stated, {4: _Size(start - 8, 4, "little"), start - 4: _Size(0, 4, "little")}
    )


def _of_rf64(handle: BinaryIO, head: bytes, size: int) -> _Samples | None:
    found = sample_chunk(handle, size)
    if found is None:
        return None
    start, stated = found[0], int.from_bytes(head[28:36], "little")
    if stated >= LARGEST_FILE:
        stated = -1
    return _Samples(start, stated, {20: _Size(start - 8, 8, "little"), 28: _Size(0, 8, "little")})


def _of_aiff(handle: BinaryIO, size: int) -> _Samples | None:
    found = sample_chunk(handle, size)
    # libsndfile reads to the end where it says 0.
    if found is None or not 0 < found[1] < PLACEHOLDER_SIZE:
        return None
    start, stated = found
    sizes: dict[int, _Size] = {
        4: _Size(start - 8, 4, "big"),
        start - 4: _Size(0, 4, "big"),
    }
    if (place := _chunk(handle, b"COMM", size)) is not None:
        handle.seek(place)
        channels, _, bits = struct.unpack(">HIH", handle.read(8).ljust(8, b"\0"))
        # Behind an offset and a block size, which are 0.
        sizes[place + 2] = _Size(-8, 4, "big", max(1, channels * ((bits + 7) // 8)))
    return _Samples(start, stated, sizes)


def _of_caf(handle: BinaryIO, size: int) -> _Samples | None:
    place = 8
    for _ in range(MAX_CHUNKS):
        if place + 16 > size:
            return None
        handle.seek(place)
        kind, stated = handle.read(4), int.from_bytes(handle.read(8), "big")
        if kind == b"data":
            # Four bytes count edits.
            start, length = place + 16, stated - 4
            unknown = -1 if length < 0 or stated >= LARGEST_FILE else length
            return _Samples(start, unknown, {place + 4: _Size(4, 8, "big")})
        place += 12 + stated
    return None


def _of_w64(handle: BinaryIO, size: int) -> _Samples | None:
    place = W64_HEAD + len(W64_DATA)
    for _ in range(MAX_CHUNKS):
        if place + W64_HEAD > size:
            return None
        handle.seek(place)
        kind, stated = handle.read(16), int.from_bytes(handle.read(8), "little")
        if kind == W64_DATA:
            start, length = place + W64_HEAD, stated - W64_HEAD
            unknown = -1 if length < 0 or stated >= LARGEST_FILE else length
            sizes = {16: _Size(start, 8, "little"), place + 16: _Size(W64_HEAD, 8, "little")}
            return _Samples(start, unknown, sizes)
        # Chunks start at multiples of eight bytes.
        place += max(W64_HEAD, (stated + 7) // 8 * 8)
    return None


def _goes_on(handle: BinaryIO, end: int, size: int, chunks: bool) -> bool:
    """Whether samples go on behind those that the header knows."""
    if size - end <= MORE:
        return False
    handle.seek(end)
    behind = handle.read(2 * MORE)
    if behind.startswith(TAGS) or not any(behind):
        return False
    if chunks and _is_chunk_name(behind[:4]):
        return False
    return not _looks_unlike_sound(behind)


def _looks_unlike_sound(content: bytes) -> bool:
    """Whether bytes are random at every place of samples of one to four bytes."""
    for width in (1, 2, 3, 4):
        for place in range(width):
            for kind in (np.int8, np.uint8):
                values = np.frombuffer(content, kind)[place::width].astype(np.float64)
                values -= values.mean()
                power = float(np.square(values).mean())
                # Neighbours of one channel, or of two.
                alike = max(float((values[:-lag] * values[lag:]).mean()) for lag in (1, 2))
                if power < RANDOM_RMS**2 or alike > RANDOM_CORRELATION * power:
                    return False
    return True


def _chunks_fill(handle: BinaryIO, place: int, size: int) -> bool:
    """Whether chunks lie from a place to the end."""
    while place + 8 <= size:
        handle.seek(place)
        kind, stated = handle.read(4), int.from_bytes(handle.read(4), "little")
        if not _is_chunk_name(kind):
            return False
        place += 8 + stated + stated % 2
    return place in (size, size + 1)


def _is_chunk_name(name: bytes) -> bool:
    return name.isascii() and name.decode("ascii", "replace").strip().isalnum()
