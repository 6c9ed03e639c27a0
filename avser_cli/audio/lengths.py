"""What an MP3 and an Ogg file say of their own length, and whether more follows."""

from __future__ import annotations

from typing import BinaryIO

MORE = 8192
"""Bytes behind the last MP3 frame that may be tags."""

_CHUNK = 2**20


def mp3_states_its_length(handle: BinaryIO) -> bool:
    """Whether an MP3 starts with a Xing header that speaks of the whole file.

    A file without one, and files put behind each other, can only be decoded to their end.
    """
    start = _after_tags(handle)
    handle.seek(start)
    frame = handle.read(256)
    size = handle.seek(0, 2)
    for mark in (b"Xing", b"Info"):
        place = frame.find(mark)
        if place < 0:
            continue
        flags = int.from_bytes(frame[place + 4 : place + 8], "big")
        if flags & 3 != 3:
            return False
        stated = int.from_bytes(frame[place + 12 : place + 16], "big")
        return size - start - stated <= MORE or _only_tags(handle, start + stated)
    return False


def _after_tags(handle: BinaryIO) -> int:
    place = 0
    while True:
        handle.seek(place)
        head = handle.read(10)
        if len(head) < 10 or head[:3] != b"ID3":
            return place
        length = 0
        for value in head[6:10]:
            length = length << 7 | (value & 0x7F)
        place += 10 + length


def _only_tags(handle: BinaryIO, place: int) -> bool:
    handle.seek(place)
    return handle.read(8)[:3] in (b"APE", b"TAG", b"LYR")


def ogg_links(handle: BinaryIO) -> list[tuple[int, int]]:
    """Where each of the Ogg files starts and ends that lie behind one another in one file.

    Empty where the file is no Ogg.
    """
    handle.seek(0)
    if handle.read(4) != b"OggS":
        return []
    size = handle.seek(0, 2)
    starts, place, in_headers = [0], 0, True
    while place + 27 <= size:
        handle.seek(place)
        head = handle.read(27)
        if head[:4] != b"OggS":
            place = _next_page(handle, place + 1, size)
            continue
        begins = bool(head[5] & 2)
        if begins and not in_headers:
            starts.append(place)
        in_headers = begins
        place += 27 + head[26] + sum(handle.read(head[26]))
    return list(zip(starts, [*starts[1:], size], strict=True))


def _next_page(handle: BinaryIO, place: int, size: int) -> int:
    """Where the next page starts; `size` where none does."""
    while place < size:
        handle.seek(place)
        found = handle.read(_CHUNK + 3).find(b"OggS")
        if found >= 0:
            return place + found
        place += _CHUNK
    return size
