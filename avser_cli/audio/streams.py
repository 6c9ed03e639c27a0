"""What every decoder gives: the facts of a stream, and its samples in blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from avser_cli.errors import InputError

Samples = npt.NDArray[np.float32]

BLOCK_SAMPLES = 2**20
"""Samples of all channels together in one block: 4 MiB as float32."""

SILENCE_PEAK = 10 ** (-80 / 20)
"""Peak amplitude (full scale = 1) under which a sound counts as silent: -80 dBFS."""

MAX_SAMPLE = 8.0
"""Largest sample that is taken for sound: 18 dB over full scale. Integers that were stored as
floats are larger."""

FLOAT_ENCODINGS = frozenset({"FLOAT", "DOUBLE", "pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be"})
"""Encodings whose samples are what somebody stored; of others, what is too large is damage."""


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
    damage : str
        Once all is read: one line of where something could not be decoded, or nothing.
    tracks : int
        Audio tracks of the file.
    """

    name: str
    stream: Stream
    damage: str
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


def to_mono(name: str, frames: Samples, encoding: str = "FLOAT") -> Samples:
    """The mean of the channels, shape ``(n,)``, of frames of shape ``(n, channels)``.

    Parameters
    ----------
    name : str
        For messages.
    frames : numpy.ndarray
    encoding : str
        See `Stream`.

    Raises
    ------
    InputError
        There are NaN or infinite samples, or such that are over `MAX_SAMPLE`.
    """
    # Not `<=` alone: it is false for NaN.
    largest = max(float(frames.max(initial=0.0)), -float(frames.min(initial=0.0)))
    if not largest <= MAX_SAMPLE:
        if encoding in FLOAT_ENCODINGS:
            raise InputError(f"{name}: {_why_not_sound(largest)}")
        # A packet that was decoded to no sound: as players do.
        frames = np.nan_to_num(frames, nan=0.0).clip(-1.0, 1.0)
    mono = frames[:, 0] if frames.shape[1] == 1 else frames.mean(axis=1, dtype=np.float32)
    return np.ascontiguousarray(mono)


def _why_not_sound(largest: float) -> str:
    if not np.isfinite(largest):
        return "holds NaN or infinite samples; export it again"
    return (
        f"holds samples of up to {largest:g} times full scale, as integers stored as floats are; "
        "export it again with samples from -1 to 1"
    )


def take_seconds(blocks: Iterator[Samples], seconds: float, rate: int) -> Samples:
    """What blocks give until that long has come in, or all of it: whole blocks, joined."""
    taken: list[Samples] = []
    count = 0
    while count < seconds * rate and (block := next(blocks, None)) is not None:
        taken.append(block)
        count += len(block)
    if len(taken) == 1:
        return taken[0]
    return np.concatenate(taken) if taken else np.empty(0, np.float32)
