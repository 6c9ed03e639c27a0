"""MP4, M4A, AAC, WebM, Matroska and whatever else FFmpeg reads, through PyAV.

Of a video, an audio track is decoded and its pictures are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet

from avser_cli.audio.input import Source
from avser_cli.audio.streams import BLOCK_SAMPLES, Samples, Stream
from avser_cli.errors import InputError

FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,aac,ogg,mp3,flac,wav,w64,rf64,aiff,au,caf,amr,avi,asf,"
    "flv,mpeg,mpegts,ac3,eac3,ape,wv,tta,gsm"
)
"""What FFmpeg may take a file for: no playlists, which name other files, no pictures or texts."""

MAX_CHANNELS = 8
"""Where there are more, PyAV reads past the end of a frame's list of channels."""

TIMED = frozenset({"mov", "matroska", "webm", "mpegts", "mpeg", "asf", "flv", "ogg", "flac", "avi"})
"""Containers whose timestamps are recorded, not counted from bytes."""

NUMBERED = frozenset({"flac"})
"""Those of them whose frames are numbered without gaps: where one is, frames are missing."""

FROM_ZERO = frozenset({"mov", "matroska", "webm", "avi", "flac"})
"""Those of them whose clock starts at 0 where the file starts."""

GAP_SECONDS = 0.05
"""Sound that is this much later than what came before it leaves silence in front."""

MOST_LATE_SECONDS = 60.0
"""A clock that starts later than this was running before the recording."""

JUMP_SECONDS = {"mpegts": 10.0, "mpeg": 10.0}
"""A jump of timestamps over this is another recording; over a day where nothing is said."""

DAY = 86400.0


class ContainerSound:
    """A sound that FFmpeg decodes; see `avser_cli.audio.streams.Decoder`.

    Parameters
    ----------
    source : Source
    other_reason : str
        Why it was not read otherwise; told where FFmpeg cannot read it either.
    track : int
        Number of the audio track, from 1 on.
    damaged : bool
        Some of it is known to be damaged: gaps are where that was.
    damaged_at : float or None
        Seconds at which it is, where nothing tells more exactly.

    Raises
    ------
    InputError
        FFmpeg does not know the format, or there is no such audio track in it.
    """

    def __init__(
        self,
        source: Source,
        other_reason: str,
        track: int = 1,
        damaged: bool = False,
        damaged_at: float | None = None,
    ) -> None:
        self.name = source.name
        self.damage, self._known_damage, self._damage_at = "", damaged, damaged_at
        self._live = not source.seekable
        if self._live:
            other_reason = "FFmpeg does not know it, or it needs a file that can be wound back"
        try:
            # A file object, never a name: FFmpeg takes some names for addresses.
            self._opened = isinstance(source.file, Path)
            self._file = source.file.open("rb") if isinstance(source.file, Path) else source.file
            if not self._live:
                self._file.seek(0)
            # A damaged tag is no reason to refuse a sound.
            opened = av.open(
                self._file, options={"format_whitelist": FORMATS}, metadata_errors="replace"
            )
            self._container = cast(InputContainer, opened)
        except FileNotFoundError:
            raise InputError(f"{self.name}: no such file; check the name") from None
        except (av.FFmpegError, OSError, ValueError):
            raise InputError(
                f"{self.name}: not a sound file that can be decoded ({other_reason}); "
                "convert it to WAV or FLAC, or leave it out"
            ) from None
        tracks = self._container.streams.audio
        if not tracks:
            self.close()
            raise InputError(f"{self.name}: holds no audio track; leave it out")
        if track > len(tracks):
            self.close()
            held = "1 audio track" if len(tracks) == 1 else f"{len(tracks)} audio tracks"
            raise InputError(f"{self.name}: holds {held}, and no track {track}; choose another")
        self._track, self.tracks = tracks[track - 1], len(tracks)
        self.bad_packets: list[float | None] = []
        self._lost_reason = ""
        self._frames = self._decoded()
        self._first = next(self._frames, None)
        if self._first is None:
            self.close()
            raise InputError(f"{self.name}: holds no samples; copy or record it again")
        channels = self._first.layout.nb_channels
        if channels > MAX_CHANNELS:
            self.close()
            raise InputError(
                f"{self.name}: {channels} channels; of this format at most {MAX_CHANNELS} are "
                "read, so convert it to WAV or FLAC"
            )
        rate = self._first.sample_rate
        self.stream = Stream(
            self._container.format.name.split(",")[0].upper(),
            self._track.codec_context.name,
            rate,
            channels,
            round(self._stated_seconds() * rate),
            estimated=True,
        )

    def frames(self) -> Iterator[Samples]:
        """Blocks of frames; `InputError` where the rest is damaged or missing."""
        assert self._first is not None
        # Packed floats at the track's own rate and layout: no resampler touches the samples.
        convert = AudioResampler(format="fltp", layout=self._first.layout)
        clock = _Clock(self._container, self._track, self.stream.rate)
        waiting, held = list[Samples](), 0
        gaps: list[float] = []
        for frame in self._with_first():
            # The resampler passes on what it need not change, whatever it is.
            if frame.layout.nb_channels != self.stream.channels:
                raise self._damaged("its channels change on the way")
            if frame.sample_rate != self.stream.rate:
                raise self._damaged("its rate changes on the way")
            try:
                planes = [_planes(part) for part in convert.resample(frame)]
            except (av.FFmpegError, ValueError):
                raise self._damaged("its rate or channels change on the way") from None
            gap = clock.gap_before(frame)
            if gap:
                gaps.append(clock.seconds - (gap + frame.samples) / self.stream.rate)
            if gap and waiting:
                yield _joined(waiting)
                waiting, held = [], 0
            for start in range(0, gap, BLOCK_SAMPLES):
                yield np.zeros((min(BLOCK_SAMPLES, gap - start), self.stream.channels), np.float32)
            waiting += planes
            held += sum(plane.size for plane in planes)
            if held >= BLOCK_SAMPLES or self._live:
                yield _joined(waiting)
                waiting, held = [], 0
        if waiting:
            yield _joined(waiting)
        if gaps and not NUMBERED.isdisjoint(self._container.format.name.split(",")):
            self._known_damage = True
        if self.bad_packets or self._known_damage:
            self.damage = self._told_damage(gaps)

    def close(self) -> None:
        """Let the file go."""
        self._container.close()
        # What a pipe gave is somebody else's, and may be read again for another track.
        if self._opened:
            self._file.close()

    def _with_first(self) -> Iterator[AudioFrame]:
        assert self._first is not None
        yield self._first
        yield from self._frames

    def _decoded(self) -> Iterator[AudioFrame]:
        """Frames; a packet that cannot be decoded costs itself, and its place is noted."""
        decoded = False
        packets = self._container.demux(self._track)
        while True:
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError, ValueError) as error:
                # The container itself is damaged: nothing says where its next packet lies.
                raise self._damaged(str(getattr(error, "strerror", None) or error)) from None
            if packet is None:
                break
            try:
                frames = packet.decode()
            except av.EOFError:
                break
            except (av.FFmpegError, ValueError) as error:
                reason = str(getattr(error, "strerror", None) or error)
                if packet.size:
                    self.bad_packets.append(self._seconds_of(packet))
                self._lost_reason = reason
                continue
            for frame in frames:
                decoded = True
                yield frame
        if not decoded and self.bad_packets:
            raise self._damaged(self._lost_reason)

    def _seconds_of(self, packet: Packet[Any]) -> float | None:
        names = self._container.format.name.split(",")
        if TIMED.isdisjoint(names) or packet.pts is None or packet.time_base is None:
            return None
        return max(0.0, float(packet.pts * packet.time_base))

    def _told_damage(self, gaps: list[float]) -> str:
        """One line of where packets were lost."""
        count = len(self.bad_packets)
        times = [time for time in self.bad_packets if time is not None] or gaps
        if not times and self._damage_at is not None:
            times = [self._damage_at]
        where = " at " + ", ".join(f"{time:.1f} s" for time in times[:5]) if times else ""
        more = ", ..." if len(times) > 5 else ""
        name = "".join(c if c.isprintable() else repr(c)[1:-1] for c in self.name)
        packets = "packet" if count == 1 else "packets"
        lost = f"{count} {packets} left out ({self._lost_reason})" if count else "some is left out"
        return (
            f"{name}: damaged{where}{more}: {lost}; copy or record it again to have all of it read"
        )

    def _stated_seconds(self) -> float:
        """Of the track, else of the container (in FFmpeg's microseconds), else 0."""
        if self._track.duration is not None and self._track.time_base is not None:
            return float(self._track.duration * self._track.time_base)
        return (self._container.duration or 0) / av.time_base

    def _damaged(self, reason: str) -> InputError:
        return InputError(f"{self.name}: damaged ({reason}); copy or record it again")


class _Clock:
    """Compares the timestamps of frames with the samples that came before them."""

    def __init__(self, container: InputContainer, track: AudioStream, rate: int) -> None:
        names = container.format.name.split(",")
        self._timed = not TIMED.isdisjoint(names)
        self._most = min(JUMP_SECONDS.get(name, DAY) for name in names)
        self._rate, self._count = rate, 0
        start = (container.start_time or 0) / av.time_base
        from_zero = not FROM_ZERO.isdisjoint(names) and start < MOST_LATE_SECONDS
        self._zero = min(start, 0.0) if from_zero else start

    @property
    def seconds(self) -> float:
        """What has been counted."""
        return self._count / self._rate

    def gap_before(self, frame: AudioFrame) -> int:
        """Samples of silence that belong in front of a frame; the frame is counted."""
        gap = 0
        if self._timed and frame.pts is not None and frame.time_base is not None:
            time = float(frame.pts * frame.time_base) - self._zero
            late = time - self._count / self._rate
            if abs(late) > self._most or (late < -1.0 and self._count):
                # The clock was set anew: another recording follows.
                self._zero += late
            elif late > GAP_SECONDS:
                gap = round(late * self._rate)
        self._count += gap + frame.samples
        return gap


def _joined(planes: list[Samples]) -> Samples:
    return np.concatenate(planes, axis=1).T


def _planes(frame: AudioFrame) -> Samples:
    """The samples of a planar frame of floats, shape ``(channels, n)``.

    Its own `to_ndarray` takes what follows eight channels for a ninth, and crashes.
    """
    channels: list[Any] = list(frame.planes[: frame.layout.nb_channels])
    return np.stack([np.frombuffer(plane, np.float32, frame.samples) for plane in channels])
