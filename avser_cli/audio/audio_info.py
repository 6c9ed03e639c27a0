"""What is known of a sound besides how it sounds: checksums, length, levels."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
from msgspec import Meta

from avser_cli.audio.decoding import Stream, Waveform, peak_of
from avser_cli.audio.input import is_read_once
from avser_cli.checksums import file_sha256, sha256
from avser_cli.untrusted_input import Checksum, Count, PositiveInt

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

    source_sha256: Checksum
    samples_sha256: Checksum
    duration: Annotated[float, Meta(ge=0, lt=1e9)]
    rate: Annotated[int, Meta(gt=0, lt=2**32)]
    channels: PositiveInt
    peak: Annotated[float, Meta(gt=-1e9, lt=1e9)]
    rms: Annotated[float, Meta(gt=-1e9, lt=1e9)]
    clipped: Count


def source_checksum(path: Path) -> str | None:
    """Checksum of a sound file; `None` of what is read once.

    Raises
    ------
    InputError
        The file cannot be read.
    """
    return None if is_read_once(path) else file_sha256(path)


def audio_info(source_sha256: str | None, waveform: Waveform) -> AudioInfo:
    """What is known of a decoded sound; without a checksum of its source, the samples' is taken."""
    samples = waveform.samples
    peak, samples_sha256 = peak_of(samples), sha256(waveform.samples)
    return AudioInfo(
        source_sha256=source_sha256 or samples_sha256,
        samples_sha256=samples_sha256,
        duration=round(waveform.duration, 4),
        rate=waveform.stream.rate,
        channels=waveform.stream.channels,
        peak=_decibels(peak),
        rms=_decibels(float(np.sqrt(np.vdot(samples, samples) / len(samples)))),
        clipped=int((np.abs(samples) >= FULL_SCALE).sum()) if peak >= FULL_SCALE else 0,
    )


class RunningAudioInfo:
    """The same of a sound that comes in as blocks."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._count, self._power, self._peak, self._clipped = 0, 0.0, 0.0, 0

    def feed(self, samples: npt.NDArray[np.float32]) -> None:
        """Take in mono samples, shape ``(n,)``."""
        self._hash.update(np.ascontiguousarray(samples).data)
        self._count += len(samples)
        self._power += float(np.square(samples, dtype=np.float64).sum())
        self._peak = max(self._peak, peak_of(samples))
        self._clipped += int((np.abs(samples) >= FULL_SCALE).sum())

    def result(self, source_sha256: str | None, stream: Stream) -> AudioInfo:
        """What has come in; see `audio_info`."""
        samples_sha256 = self._hash.hexdigest()
        return AudioInfo(
            source_sha256=source_sha256 or samples_sha256,
            samples_sha256=samples_sha256,
            duration=round(self._count / stream.rate, 4),
            rate=stream.rate,
            channels=stream.channels,
            peak=_decibels(self._peak),
            rms=_decibels(float(np.sqrt(self._power / max(1, self._count)))),
            clipped=self._clipped,
        )


def _decibels(amplitude: float) -> float:
    return round(max(MIN_DB, 20 * float(np.log10(max(amplitude, 1e-9)))), 2)
