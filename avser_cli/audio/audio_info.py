"""What is known of a sound besides how it sounds: checksums, length, levels."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from avser_cli.audio.decoding import Clip, peak_of

FULL_SCALE = 1.0 - 2.0**-15
"""Samples from here on are clipped: the largest that 16 bits hold."""
MIN_DB = -150.0
"""Level that is stated for digital silence, in dBFS."""


@dataclass(frozen=True)
class AudioInfo:
    """What is known of a sound file.

    Attributes
    ----------
    source_sha256 : str
        Checksum of the file's bytes.
    samples_sha256 : str
        Checksum of the mono float32 samples: the same for every lossless copy of a recording.
    duration : float
        Length in seconds.
    rate, channels : int
        Sampling rate in Hz and number of channels of the file.
    peak, rms : float
        Largest and root-mean-square level of the mono samples in dBFS (a full-scale square is 0).
    clipped : int
        Mono samples at or over full scale.
    """

    source_sha256: str
    samples_sha256: str
    duration: float
    rate: int
    channels: int
    peak: float
    rms: float
    clipped: int

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """AudioInfo from plain values, as a picture holds them.

        Raises
        ------
        ValueError, TypeError
            They are not the facts of any sound.
        """
        info = cls(**values)
        checksums = (info.source_sha256, info.samples_sha256)
        if not all(isinstance(x, str) and re.fullmatch("[0-9a-f]{64}", x) for x in checksums):
            raise ValueError("no checksum")
        if not all(type(x) is int for x in (info.rate, info.channels, info.clipped)):
            raise TypeError("rate, channels and clipped are whole numbers")
        if not all(type(x) in (int, float) for x in (info.duration, info.peak, info.rms)):
            raise TypeError("duration, peak and rms are numbers")
        if not (0 < info.rate < 2**32 and 0 <= info.duration < 1e9 and abs(info.peak) < 1e9):
            raise ValueError("out of range")
        return info


def audio_info(content: bytes, clip: Clip) -> AudioInfo:
    """AudioInfo of a sound file with this content, decoded to this clip."""
    samples = clip.samples
    peak = peak_of(samples)
    return AudioInfo(
        source_sha256=checksum(content),
        samples_sha256=checksum(clip.samples),
        duration=round(clip.duration, 4),
        rate=clip.stream.rate,
        channels=clip.stream.channels,
        peak=_decibels(peak),
        rms=_decibels(float(np.sqrt(np.vdot(samples, samples) / len(samples)))),
        clipped=int((np.abs(samples) >= FULL_SCALE).sum()) if peak >= FULL_SCALE else 0,
    )


def checksum(content: bytes | npt.NDArray[np.float32]) -> str:
    """SHA-256 in hexadecimal digits."""
    data = content if isinstance(content, bytes) else np.ascontiguousarray(content).data
    return hashlib.sha256(data).hexdigest()


def _decibels(amplitude: float) -> float:
    return round(max(MIN_DB, 20 * float(np.log10(max(amplitude, 1e-9)))), 2)
