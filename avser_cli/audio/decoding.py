"""Reading sound files into mono samples.

Decoding is the work of libsndfile (through `soundfile`) and, for what that does not know, FFmpeg
(through `av`); this module adds what a user needs to hear when it cannot be done, and the facts
of the stream that pictures and tables show.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from avser_cli.audio.input import STDIN, Source, display_name, is_read_once, open_source
from avser_cli.audio.selection import EVERYTHING, OpenSound, SoundSelection
from avser_cli.audio.streams import SILENCE_PEAK, Decoder, Samples, Stream
from avser_cli.errors import InputError, UsageError

if TYPE_CHECKING:
    from avser_cli.audio.soundfile_reader import SndfileSound

__all__ = [
    "MAX_SECONDS",
    "SOUND_SUFFIXES",
    "STDIN",
    "Stream",
    "Waveform",
    "check_not_silent",
    "check_rate",
    "open_sound",
    "peak_of",
    "read_waveform",
]

SOUND_SUFFIXES = frozenset(
    {".wav", ".flac", ".ogg", ".oga", ".mp3", ".aiff", ".aif", ".caf"}  # libsndfile
    | {".m4a", ".m4b", ".aac", ".opus", ".webm", ".mp4", ".m4v", ".mkv", ".mka", ".mov"}  # FFmpeg
    | {".3gp", ".amr", ".wma"}
)
"""File endings that a folder is searched for (lower case). What a file holds decides how it is
read; its ending does not."""

MAX_SECONDS = 600.0
"""Longest sound read in one piece; a longer one is refused before its samples are."""

MIN_RATE = 1000
"""Sampling rate in Hz under which a header is taken for a mistake."""

LEAST_MORE = 0.1
"""Seconds behind damage under which it is the end that is missing."""


@dataclass(frozen=True)
class Waveform:
    """A decoded sound.

    Attributes
    ----------
    samples : numpy.ndarray
        Mono float32 samples, shape ``(n,)``, full scale = 1.
    rate : int
        Sampling rate in Hz.
    stream : Stream
        What the file's header said.
    selection : SoundSelection
        What was read of the file.
    damaged : bool
        Some of it could not be decoded.
    """

    samples: npt.NDArray[np.float32]
    rate: int
    stream: Stream
    selection: SoundSelection = EVERYTHING
    damaged: bool = False

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate


def read_waveform(path: Path, selection: SoundSelection = EVERYTHING) -> Waveform:
    """Decode one sound file to mono.

    Where no channel is selected they are averaged, so that a clip that is the same on both sides of
    a stereo file keeps its level.

    Parameters
    ----------
    path : pathlib.Path
        A file in any format that libsndfile or FFmpeg reads, the audio track of a video
        included; ``-`` is standard input.
    selection : SoundSelection
        Which channel, of which audio track.

    Returns
    -------
    Waveform

    Raises
    ------
    InputError
        The file is missing, unreadable, not sound, empty, truncated, too long, or holds NaN or
        infinite samples; it lacks the channel or track, or that one is silent and another is not.
    """
    with open_sound(path, selection=selection) as sound:
        _check_length(sound)
        parts, count = [], 0
        for block in sound.blocks():
            parts.append(block)
            count += len(block)
            if count > MAX_SECONDS * sound.stream.rate:
                raise InputError(_too_long(sound.name, count / sound.stream.rate, "over "))
        stream, damaged = sound.stream, sound.damaged
    if count == 0:
        raise InputError(f"{sound.name}: holds no samples; copy or record it again")
    samples = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return Waveform(samples, stream.rate, stream, selection, damaged)


@contextmanager
def open_sound(
    path: Path, live: bool = False, selection: SoundSelection = EVERYTHING
) -> Iterator[OpenSound]:
    """Open a sound of any length, to be read in blocks at bounded memory.

    Parameters
    ----------
    path : pathlib.Path
        As for `read_waveform`.
    live : bool
        Standard input and other pipes are decoded while they are written to, not once they end;
        formats that need seeking (MP4 with its index at the end) cannot be read so.
    selection : SoundSelection
        Which channel, of which audio track.

    Raises
    ------
    InputError
        As for `read_waveform`, also while the blocks are read.
    """
    with open_source(path, live) as source:
        decoder = _opened(source, selection.track)
        try:
            if decoder.stream.rate < MIN_RATE:
                raise InputError(
                    f"{decoder.name}: a rate of {decoder.stream.rate} Hz holds no voice; at least "
                    f"{MIN_RATE} Hz are needed"
                )
            yield OpenSound(
                decoder,
                selection,
                lambda: _loud_tracks(source, decoder.tracks),
                lambda: _opened(source, selection.track),
            )
        finally:
            decoder.close()


def each_channel(path: Path, track: int = 1) -> list[SoundSelection]:
    """One selection for each channel of a sound file; of a mono one, `EVERYTHING` of the track.

    Raises
    ------
    InputError
        As for `read_waveform`.
    UsageError
        It is standard input or a pipe, which cannot be read once a channel.
    """
    if is_read_once(path):
        name = display_name(path)
        raise UsageError(f"{name}: is read once: save it to a file to take each channel")
    with open_sound(path, selection=SoundSelection(track=track)) as sound:
        channels = sound.stream.channels
    if channels == 1:
        return [SoundSelection(track=track)]
    return [SoundSelection(number, track) for number in range(1, channels + 1)]


def _opened(source: Source, track: int) -> Decoder:
    from avser_cli.audio.soundfile_reader import NotKnownError, SndfileSound

    reason, damaged = "it cannot be read from a pipe", False
    if source.seekable and track > 1:
        # What libsndfile reads has one track; FFmpeg tells how many there are.
        reason = "FFmpeg does not know it"
    elif source.seekable:
        try:
            return _Resumed(SndfileSound(source), source)
        except NotKnownError as error:
            reason, damaged = str(error), error.damaged
    # 0.1 s to import: only for what libsndfile does not know.
    from avser_cli.audio.ffmpeg_reader import ContainerSound

    return ContainerSound(source, reason, track, damaged)


class _Resumed:
    """What libsndfile decodes, and behind damage that it does not get over, FFmpeg."""

    def __init__(self, decoder: SndfileSound, source: Source) -> None:
        self._decoder: Decoder = decoder
        self._source = source
        self.name, self.stream, self.tracks = decoder.name, decoder.stream, decoder.tracks
        self.damage = ""

    def frames(self) -> Iterator[Samples]:
        """See `Decoder`."""
        from avser_cli.audio.soundfile_reader import BrokenOffError

        count = 0
        try:
            for block in self._decoder.frames():
                count += len(block)
                yield block
        except BrokenOffError as error:
            yield from self._rest(count, error.message)

    def close(self) -> None:
        """Let the file go."""
        self._decoder.close()

    def _rest(self, count: int, message: str) -> Iterator[Samples]:
        """What FFmpeg decodes behind so many samples; `InputError` where that is nothing."""
        from avser_cli.audio.ffmpeg_reader import ContainerSound

        self._decoder.close()
        try:
            self._decoder = ContainerSound(
                self._source, message, damaged=True, damaged_at=count / self.stream.rate
            )
        except InputError:
            raise InputError(message) from None
        stream = self._decoder.stream
        if (stream.rate, stream.channels) != (self.stream.rate, self.stream.channels):
            raise InputError(message)
        skip, more = count, 0
        for block in self._decoder.frames():
            part = block[skip:]
            skip -= len(block) - len(part)
            more += len(part)
            if len(part):
                yield part
        # The frames of FLAC are numbered: with the gaps between them, all are there.
        missing = self.stream.frames - count - more if self.stream.format == "FLAC" else 0
        least = LEAST_MORE * stream.rate
        if more < least or missing > least:
            raise InputError(message)
        self.damage = self._decoder.damage


def _loud_tracks(source: Source, tracks: int) -> list[int]:
    """Numbers of the audio tracks that are not silent: they are decoded until they sound."""
    if not source.seekable:
        return []
    return [track for track in range(1, tracks + 1) if _sounds(source, track)]


def _sounds(source: Source, track: int) -> bool:
    try:
        decoder = _opened(source, track)
    except InputError:
        return False
    try:
        return any(np.abs(frames).max(initial=0.0) >= SILENCE_PEAK for frames in decoder.frames())
    except InputError:
        return False
    finally:
        decoder.close()


def check_rate(rate: float) -> None:
    """Raise `UsageError` where samples from memory come at a rate that holds no voice."""
    if not rate >= MIN_RATE:
        raise UsageError(f"a rate of {rate} Hz holds no voice; at least {MIN_RATE} Hz are needed")


def peak_of(samples: npt.NDArray[np.float32]) -> float:
    """The largest absolute value; 0 of no samples."""
    return max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0)))


def check_not_silent(name: Path | str, samples: npt.NDArray[np.float32]) -> None:
    """Raise `InputError` where nothing swings: no sample over -80 dBFS, or a constant."""
    swing = float(samples.max(initial=0.0)) - float(samples.min(initial=0.0))
    # Its ends settle it for nearly all sounds.
    constant = swing > 0 and samples[0] == samples[-1] and bool((samples == samples[0]).all())
    if swing / 2 < SILENCE_PEAK or constant:
        raise InputError(
            f"{display_name(name)}: silent (no sample over -80 dBFS); check the recording"
        )


def _check_length(sound: OpenSound) -> None:
    if sound.stream.duration > MAX_SECONDS and not sound.stream.estimated:
        raise InputError(_too_long(sound.name, sound.stream.duration))


def _too_long(name: str, seconds: float, over: str = "") -> str:
    return (
        f"{name}: {over}{seconds:.0f} s long; at most {MAX_SECONDS:.0f} s are read in one "
        "piece, so classify it in windows (avser classify --windows), draw it with "
        "--style spek, or cut it into clips"
    )
