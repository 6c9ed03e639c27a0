"""Reading sound files into mono samples.

Decoding is libsndfile's work (through `soundfile`); this module adds what a user needs to hear
when it cannot be done, and the facts of the stream that pictures and tables show.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from avser_cli.errors import InputError, os_reason

SOUND_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".mp3", ".aiff", ".aif"})
"""File endings that a folder is searched for (lower case)."""

MAX_SECONDS = 600.0
"""Longest sound read in one piece; a longer one is refused before its samples are."""

SILENCE_PEAK = 10 ** (-80 / 20)
"""Peak amplitude (full scale = 1) under which a sound counts as silent: -80 dBFS."""


@dataclass(frozen=True)
class Stream:
    """Facts of a sound file's audio stream, as its header gives them.

    Attributes
    ----------
    format : str
        Container, e.g. ``"WAV"``.
    encoding : str
        libsndfile's name of the sample encoding, e.g. ``"PCM_16"``.
    rate : int
        Sampling rate in Hz.
    channels : int
        Number of channels.
    frames : int
        Number of samples a channel.
    """

    format: str
    encoding: str
    rate: int
    channels: int
    frames: int

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.frames / self.rate


@dataclass(frozen=True)
class Clip:
    """A decoded sound.

    Attributes
    ----------
    samples : numpy.ndarray
        Mono float32 samples, shape ``(n,)``, full scale = 1.
    rate : int
        Sampling rate in Hz.
    stream : Stream
        What the file's header said.
    """

    samples: npt.NDArray[np.float32]
    rate: int
    stream: Stream

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate


def read_clip(path: Path) -> Clip:
    """Decode one sound file and mix its channels down to mono.

    Channels are averaged, so that a clip that is the same on both sides of a stereo file keeps
    its level.

    Parameters
    ----------
    path : pathlib.Path
        A file in any format that libsndfile reads.

    Returns
    -------
    Clip

    Raises
    ------
    InputError
        The file is missing, unreadable, not sound, empty, truncated, too long, or holds NaN or
        infinite samples.
    """
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a folder, not a sound file")
        size = path.stat().st_size
        with path.open("rb") as handle:
            head = handle.read(12)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the name") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {os_reason(error)}") from None
    if size == 0:
        raise InputError(f"{path}: the file is empty (0 bytes); copy or record it again")
    _refuse_truncated_riff(path, head, size)
    try:
        with soundfile.SoundFile(path) as sound:
            stream = Stream(
                sound.format, sound.subtype, sound.samplerate, sound.channels, sound.frames
            )
            _refuse_length(path, stream)
            samples = sound.read(dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        reason = str(getattr(error, "error_string", error)).rstrip(".")
        raise InputError(
            f"{path}: not a sound file that can be decoded ({reason}); "
            "convert it to WAV or FLAC, or leave it out"
        ) from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {os_reason(error)}") from None
    if len(samples) < stream.frames:
        raise InputError(
            f"{path}: truncated: the header promises {stream.frames} samples, "
            f"{len(samples)} are there; copy or record it again"
        )
    if not np.isfinite(samples).all():
        raise InputError(f"{path}: holds NaN or infinite samples; export it again")
    mono = samples[:, 0] if stream.channels == 1 else samples.mean(axis=1, dtype=np.float32)
    return Clip(np.ascontiguousarray(mono), stream.rate, stream)


def refuse_silence(name: Path | str, samples: npt.NDArray[np.float32]) -> None:
    """Raise `InputError` where there is nothing to hear: no sample over -80 dBFS."""
    if np.abs(samples).max(initial=0.0) < SILENCE_PEAK:
        raise InputError(f"{name}: silent (no sample over -80 dBFS); check the recording")


def _refuse_length(path: Path, stream: Stream) -> None:
    if stream.frames == 0:
        raise InputError(f"{path}: holds no samples; copy or record it again")
    if stream.duration > MAX_SECONDS:
        raise InputError(
            f"{path}: {stream.duration:.0f} s long; at most {MAX_SECONDS:.0f} s are read in one "
            "piece, so cut it into clips"
        )


def _refuse_truncated_riff(path: Path, head: bytes, size: int) -> None:
    """Refuse a RIFF WAVE file shorter than its own header says.

    libsndfile reads such a file quietly up to where it ends. Streamed files carry 0 or the
    largest value as a place holder; those are let through.
    """
    if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
        return
    promised = int.from_bytes(head[4:8], "little") + 8
    if 8 < promised < 0xFFFFFFF0 and size < promised - 1:
        raise InputError(
            f"{path}: truncated: the header promises {promised} bytes, {size} are there; "
            "copy or record it again"
        )
