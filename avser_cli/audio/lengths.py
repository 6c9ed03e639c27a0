"""What an MP3, an Ogg and a WAV say of their own length, and whether more follows."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
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


def joined_wavs(handle: BinaryIO) -> list[tuple[int, int]]:
    """Where each of the WAVs starts and ends that lie behind one another in one file.

    Empty where the file is no WAV.
    """
    size = handle.seek(0, 2)
    starts, place = list[int](), 0
    while True:
        handle.seek(place)
        head = handle.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return list(zip(starts, [*starts[1:], size], strict=False))
        starts.append(place)
        place += 8 + int.from_bytes(head[4:8], "little")


@dataclass
class OggPages:
    """What the pages of an Ogg file tell without decoding.

    Attributes
    ----------
    links : list of (int, int)
        Start and end of each of the Ogg files that lie behind one another.
    damaged : bool
        Something between pages is none, or the checksum of one is wrong.
    lost : bool
        Pages are missing, by their numbers.
    gap : bool
        Times jump: between two pages lies more time than in the packets of the second.
    streams : int
        Streams that lie next to one another.
    """

    links: list[tuple[int, int]]
    damaged: bool = False
    lost: bool = False
    gap: bool = False
    streams: int = 0


def ogg_pages(handle: BinaryIO) -> OggPages:
    """Walk over the pages of an Ogg file; there are no links where it is none."""
    handle.seek(0)
    if handle.read(4) != b"OggS":
        return OggPages([])
    size = handle.seek(0, 2)
    starts, place, in_headers = [0], 0, True
    found = OggPages([])
    streams: dict[bytes, _OggStream] = {}
    while place + 27 <= size:
        handle.seek(place)
        head = handle.read(27)
        if head[:4] != b"OggS":
            place = _next_page(handle, place + 1, size)
            found.damaged |= place < size
            continue
        lacing = handle.read(head[26])
        content = handle.read(sum(lacing))
        if len(content) < sum(lacing):
            break  # The last page is cut: nothing behind it is lost.
        found.damaged |= _checksum(head, lacing, content) != head[22:26]
        begins = bool(head[5] & 2)
        if begins and not in_headers:
            starts.append(place)
        in_headers = begins
        serial = head[14:18]
        if begins:
            streams[serial] = _OggStream(content)
            found.streams = max(found.streams, len(streams) if len(starts) == 1 else 0)
        if serial in streams:
            stream = streams[serial]
            found.lost |= stream.lost_before(int.from_bytes(head[18:22], "little"))
            granule = int.from_bytes(head[6:14], "little", signed=True)
            found.gap |= stream.gap_before(granule, lacing, content)
        place += 27 + len(lacing) + sum(lacing)
    found.links = list(zip(starts, [*starts[1:], size], strict=True))
    return found


_REVERSED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
"""Each byte with its bits from right to left."""


def _checksum(head: bytes, lacing: bytes, content: bytes) -> bytes:
    """The CRC-32 of an Ogg page: zlib's, but for the order of bits, and from 0 to 0."""
    page = b"".join((head[:22], bytes(4), head[26:], lacing, content)).translate(_REVERSED)
    return (zlib.crc32(page, 0xFFFFFFFF) ^ 0xFFFFFFFF).to_bytes(4, "big").translate(_REVERSED)


class _OggStream:
    """Follows the numbers and the times of a stream's pages."""

    def __init__(self, first_packet: bytes) -> None:
        self._opus = first_packet[:8] == b"OpusHead"
        self._longest = _longest_packet(first_packet)
        self._next = 0
        self._granule = -1

    def lost_before(self, number: int) -> bool:
        """Whether pages are missing in front of the one of this number."""
        lost = number != self._next
        self._next = number + 1
        return lost

    def gap_before(self, granule: int, lacing: bytes, content: bytes) -> bool:
        """Whether a page ends later than its packets can."""
        if granule <= 0 or not self._longest:
            return False
        before, self._granule = self._granule, granule
        if before <= 0:
            return False
        if self._opus:
            most = _opus_samples(lacing, content)
        else:
            most = self._longest * sum(length < 255 for length in lacing)
        return granule - before > most + self._longest


def _longest_packet(first_packet: bytes) -> int:
    """Most samples of a packet; 0 where the codec is another."""
    if first_packet[:8] == b"OpusHead":
        return 5760
    if first_packet[:7] == b"\x01vorbis" and len(first_packet) > 28:
        return 1 << (first_packet[28] >> 4) >> 1
    if first_packet[:5] == b"\x7fFLAC" and len(first_packet) > 20:
        return int.from_bytes(first_packet[19:21], "big")
    return 0


def _opus_samples(lacing: bytes, content: bytes) -> int:
    """Samples at 48 kHz of the packets of a page, by their first bytes (RFC 6716, 3.1)."""
    count = place = 0
    starts = True
    for length in lacing:
        if starts and length and place < len(content):
            count += _opus_packet(content[place : place + 2])
        starts = length < 255
        place += length
    return count


def _opus_packet(head: bytes) -> int:
    config, code = head[0] >> 3, head[0] & 3
    if config < 12:
        frame = (480, 960, 1920, 2880)[config & 3]
    elif config < 16:
        frame = (480, 960)[config & 1]
    else:
        frame = (120, 240, 480, 960)[config & 3]
    frames = (1, 2, 2, head[1] & 63 if len(head) > 1 else 1)[code]
    return frame * frames


def _next_page(handle: BinaryIO, place: int, size: int) -> int:
    """Where the next page starts; `size` where none does."""
    while place < size:
        handle.seek(place)
        found = handle.read(_CHUNK + 3).find(b"OggS")
        if found >= 0:
            return place + found
        place += _CHUNK
    return size
