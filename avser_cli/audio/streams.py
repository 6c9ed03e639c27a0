"""What every decoder gives: the facts of a stream, and its samples in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from avser_cli.errors import InputError, UsageError

Samples = npt.NDArray[np.float32]

BLOCK_SAMPLES = 2**20
"""Samples of all channels together in one block: 4 MiB as float32."""

SILENCE_PEAK = 10 ** (-80 / 20)
"""Peak amplitude (full scale = 1) under which a sound counts as silent: -80 dBFS."""

MAX_SAMPLE = 1e9
"""Largest sample that is taken for sound: some exports write integers as floats."""


@dataclass(frozen=True)
class Stream:
    """Facts of an audio stream, as the file's header gives them.

    Attributes
    ----------
    format : str
        Container, e.g. ``"WAV"``.
    encoding : str
        libsndfile's or FFmpeg's name of the sample encoding, e.g. ``"PCM_16"`` or ``"aac"``.
    rate : int
        Sampling rate in Hz.
    channels : int
        Number of channels.
    frames : int
        Number of samples a channel; 0 where the header does not say.
    estimated : bool
        The number of samples is a guess or another track's, as FFmpeg's are.
    """

    format: str
    encoding: str
    rate: int
    channels: int
    frames: int
    estimated: bool = False

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return self.frames / self.rate


class Decoder(Protocol):
    """What reads a sound file; `avser_cli.audio.selection.OpenSound` picks from what it gives.

    Attributes
    ----------
    name : str
        For messages.
    stream : Stream
    damaged : bool
        Some of what has been read could not be decoded; a warning of the logger said where.
    tracks : int
        Audio tracks of the file.
    """

    name: str
    stream: Stream
    damaged: bool
    tracks: int

    def frames(self) -> Iterator[Samples]:
        """Float32 blocks, shape ``(n, channels)``, one after the other; to be read once.

        Raises
        ------
        InputError
            The rest is damaged or missing.
        """
        ...

    def close(self) -> None:
        """Let the file go."""
        ...


def to_mono(name: str, frames: Samples) -> Samples:
    """The mean of the channels, shape ``(n,)``, of frames of shape ``(n, channels)``.

    Raises
    ------
    InputError
        There are NaN or infinite samples, or such that their power would be.
    """
    if not np.isfinite(frames).all():
        raise InputError(f"{name}: holds NaN or infinite samples; export it again")
    if max(frames.max(initial=0.0), -frames.min(initial=0.0)) > MAX_SAMPLE:
        raise InputError(
            f"{name}: holds samples over {MAX_SAMPLE:g} times full scale; export again"
        )
    mono = frames[:, 0] if frames.shape[1] == 1 else frames.mean(axis=1, dtype=np.float32)
    return np.ascontiguousarray(mono)


def mono_samples(samples: npt.ArrayLike) -> Samples:
    """Mono float32 samples of full scale 1 from floats or integers, ``(n,)`` or ``(n, channels)``.

    Raises
    ------
    UsageError
        The array is of another kind or shape.
    InputError
        There are NaN or infinite samples.
    """
    array = np.asarray(samples)
    if array.ndim not in (1, 2) or array.dtype.kind not in "fiu":
        raise UsageError(
            f"samples of shape {array.shape} and type {array.dtype}: need numbers, (n,) or "
            "(n, channels)"
        )
    if array.dtype.kind in "iu":
        bits = np.iinfo(array.dtype).bits
        middle = 2.0 ** (bits - 1)
        array = (array.astype(np.float64) - (middle if array.dtype.kind == "u" else 0.0)) / middle
    frames = array.astype(np.float32, copy=False)
    return to_mono("samples", frames[:, None] if frames.ndim == 1 else frames)
