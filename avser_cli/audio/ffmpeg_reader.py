"""MP4, M4A, AAC, WebM, Matroska and whatever else FFmpeg reads, through PyAV.

Of a video, its first audio track is decoded and its pictures are not.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import InputContainer

from avser_cli.audio.input import Source
from avser_cli.audio.streams import BLOCK_SAMPLES, Samples, Stream, to_mono
from avser_cli.errors import InputError

FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,aac,ogg,mp3,flac,wav,w64,rf64,aiff,au,caf,amr,avi,asf,"
    "flv,mpeg,mpegts,ac3,eac3,ape,wv,tta,gsm"
)
"""What FFmpeg may take a file for: no playlists, which name other files, no pictures or texts."""

MAX_CHANNELS = 8
"""Where there are more, PyAV reads past the end of a frame's list of channels."""

MISSING_SHARE, MISSING_SECONDS = 0.05, 0.5
"""A track that ends this much before its stated end, by both measures, is truncated."""


class ContainerSound:
    """A sound that FFmpeg decodes; see `avser_cli.audio.streams.OpenSound`.

    Parameters
    ----------
    source : Source
    other_reason : str
        Why it was not read otherwise; told where FFmpeg cannot read it either.

    Raises
    ------
    InputError
        FFmpeg does not know the format, or there is no audio track in it.
    """

    def __init__(self, source: Source, other_reason: str) -> None:
        self.name = source.name
        self._live = not source.seekable
        if self._live:
            other_reason = "FFmpeg does not know it, or it needs a file that can be wound back"
        try:
            # A file object, never a name: FFmpeg takes some names for addresses.
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
        self._track = tracks[0]
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
        )

    def blocks(self) -> Iterator[Samples]:
        """Mono blocks; `InputError` where the rest is damaged or missing."""
        assert self._first is not None
        # Packed floats at the track's own rate and layout: no resampler touches the samples.
        convert = AudioResampler(format="fltp", layout=self._first.layout)
        count, waiting, held = 0, list[Samples](), 0
        for frame in self._with_first():
            # The resampler passes on what it need not change, whatever it is.
            if frame.layout.nb_channels != self.stream.channels:
                raise self._damaged("its channels change on the way")
            try:
                planes = [_planes(part) for part in convert.resample(frame)]
            except (av.FFmpegError, ValueError):
                raise self._damaged("its rate or channels change on the way") from None
            if frame.sample_rate != self.stream.rate:
                raise self._damaged("its rate changes on the way")
            waiting += planes
            held += sum(plane.size for plane in planes)
            if held >= BLOCK_SAMPLES or self._live:
                block = self._joined(waiting)
                count += len(block)
                yield block
                waiting, held = [], 0
        if waiting:
            block = self._joined(waiting)
            count += len(block)
            yield block
        missing = self.stream.duration - count / self.stream.rate
        if missing > max(MISSING_SECONDS, MISSING_SHARE * self.stream.duration):
            raise InputError(
                f"{self.name}: truncated: the header promises {self.stream.duration:.1f} s, "
                f"{count / self.stream.rate:.1f} s are there; copy or record it again"
            )

    def close(self) -> None:
        """Let the file go."""
        self._container.close()
        if not self._live:
            self._file.close()

    def _with_first(self) -> Iterator[AudioFrame]:
        assert self._first is not None
        yield self._first
        yield from self._frames

    def _decoded(self) -> Iterator[AudioFrame]:
        try:
            yield from self._container.decode(self._track)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise self._damaged(str(getattr(error, "strerror", None) or error)) from None

    def _joined(self, planes: list[Samples]) -> Samples:
        return to_mono(self.name, np.concatenate(planes, axis=1).T)

    def _stated_seconds(self) -> float:
        """Of the track, else of the container (in FFmpeg's microseconds), else 0."""
        if self._track.duration is not None and self._track.time_base is not None:
            return float(self._track.duration * self._track.time_base)
        return (self._container.duration or 0) / av.time_base

    def _damaged(self, reason: str) -> InputError:
        return InputError(f"{self.name}: damaged ({reason}); copy or record it again")


def _planes(frame: AudioFrame) -> Samples:
    """The samples of a planar frame of floats, shape ``(channels, n)``.

    Its own `to_ndarray` takes what follows eight channels for a ninth, and crashes.
    """
    channels: list[Any] = list(frame.planes[: frame.layout.nb_channels])
    return np.stack([np.frombuffer(plane, np.float32, frame.samples) for plane in channels])
