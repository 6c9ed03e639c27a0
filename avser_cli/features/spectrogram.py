"""Spectrograms: the pictures that the network reads.

A picture is an 8-bit grayscale array: rows are frequency (high on top), columns are time, gray is
level in decibels (white = loud). Window, hop and cut-offs are given in seconds and hertz and the
spectra are taken at the clip's own rate, so that no resampler stands between a recording and its
picture, and a 16 kHz and a 48 kHz copy of a sound give the same one up to 8 kHz.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from avser_cli.errors import UsageError
from avser_cli.features.clicks import frame_power, without_clicks
from avser_cli.features.filterbank import FrequencyAxis, Scale, make_filterbank
from avser_cli.features.stft import analysis_window, band_noise, power_spectra
from avser_cli.untrusted_input import decode

SpectrogramImage = npt.NDArray[np.uint8]

SILENT_DB = -200.0
"""Level given to no power at all, in dB."""

TRIM_FRAME = 0.02
"""Length of the frames whose level decides what is cut as silence, in seconds."""

OUTLIERS, OUTLIER_DB = 10, 20.0
"""So many frames do not decide it alone: where the loudest is this much over the loudest but so
many, that one is looked at, and what is as much over it is no reason to keep an end. In 2,156
published clips of speech the difference is at most 14.4 dB."""

RENAMED_FIELDS = {"white": "ref_db"}
"""Names in older pictures and bundles, and what they are called now."""

OPTIONAL_FIELDS = {"ref_db", "hop", "fft"}
"""Settings that older pictures and bundles do not name; they have the defaults."""

MAX_COST = 2**28
"""Largest `spectrogram_cost` that is begun: 1 GB and some seconds."""


@dataclass(frozen=True)
class SpectrogramConfig:
    """All settings of a spectrogram.

    Attributes
    ----------
    width, height : int
        Size in pixels.
    scale : {"mel", "linear", "log"}
        Frequency axis: mel bands (Slaney's, as librosa's default), equal steps in hertz, or
        equal steps in octaves.
    fmin, fmax : float or None
        Lowest and highest frequency in Hz; ``None`` is the Nyquist frequency of the clip.
    window : float
        Length of the Hann window in seconds.
    seconds : float or None
        Time that the picture spans: the clip is centred, and padded or cut. ``None`` stretches
        every clip to the width.
    dynamic_range : float
        Decibels between black and white.
    level : {"absolute", "relative"}
        White is 0 dBFS, or the loudest point of the clip.
    trim : float or None
        Cut both ends that are this many dB under the loudest 20 ms; ``None`` cuts nothing.
    ref_db : float
        Level of white in dBFS where levels are absolute.
    hop : float or None
        Seconds between spectra; ``None``: half a window or less, so that a column misses nothing.
    fft : int or None
        Length of the Fourier transform in samples, where it is more than the window's.
    """

    width: int = 150
    height: int = 150
    scale: Scale = "log"
    fmin: float = 60.0
    fmax: float | None = 8000.0
    window: float = 0.064
    seconds: float | None = 3.0
    dynamic_range: float = 120.0
    level: Literal["absolute", "relative"] = "absolute"
    trim: float | None = 35.0
    ref_db: float = 0.0
    hop: float | None = None
    fft: int | None = None

    def __post_init__(self) -> None:
        if not (8 <= self.width <= 8192 and 8 <= self.height <= 8192):
            raise UsageError(f"picture size {self.width}x{self.height}: 8 to 8192 pixels a side")
        if self.scale not in ("mel", "linear", "log"):
            raise UsageError(f"unknown frequency scale {self.scale!r}; known: mel, linear, log")
        if self.level not in ("absolute", "relative"):
            raise UsageError(f"unknown level {self.level!r}; known: absolute, relative")
        if self.fmin < 0 or (self.fmax is not None and self.fmax <= self.fmin):
            raise UsageError(f"frequencies {self.fmin} to {self.fmax} Hz: need 0 <= fmin < fmax")
        if self.scale == "log" and self.fmin == 0:
            raise UsageError("a log frequency scale starts over 0 Hz")
        if not 0.002 <= self.window <= 1.0:
            raise UsageError(f"window of {self.window} s: 0.002 to 1 s")
        if self.seconds is not None and not 0 < self.seconds <= 600:
            raise UsageError(f"span of {self.seconds} s: more than 0, at most 600 s")
        if not 10 <= self.dynamic_range <= 200:
            raise UsageError(f"dynamic range of {self.dynamic_range} dB: 10 to 200 dB")
        if self.trim is not None and self.trim <= 0:
            raise UsageError(f"trim threshold of {self.trim} dB: more than 0")
        if not -150 <= self.ref_db <= 50:
            raise UsageError(f"ref_db {self.ref_db} dBFS: -150 to 50")
        if self.hop is not None and not 0.0005 <= self.hop <= 10:
            raise UsageError(f"hop of {self.hop} s: 0.0005 to 10 s")
        if self.fft is not None and not 16 <= self.fft <= 2**20:
            raise UsageError(f"Fourier transform of {self.fft} samples: 16 to {2**20}")

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain values, in the order of the fields."""
        return dict(vars(self))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Settings from plain values, which may lack those of `OPTIONAL_FIELDS`.

        Raises
        ------
        UsageError
            A field is unknown, missing or out of range.
        """
        try:
            return decode(cls, cls.with_current_names(values))
        except ValueError as error:
            raise UsageError(f"picture settings: {error}") from None

    @classmethod
    def with_current_names(cls, values: dict[str, Any]) -> dict[str, Any]:
        """The same values with the fields' names of today, see `RENAMED_FIELDS`.

        Raises
        ------
        ValueError
            Values that are not optional are missing: they had no defaults when they were stored.
        """
        if not isinstance(values, dict):
            raise ValueError("no object")
        values = {RENAMED_FIELDS.get(name, name): value for name, value in values.items()}
        missing = {field.name for field in fields(cls)} - OPTIONAL_FIELDS - set(values)
        if missing:
            raise ValueError(f"missing: {', '.join(sorted(missing))}")
        return values


def spectrogram_cost(config: SpectrogramConfig, rate: int, seconds: float) -> int:
    """The cost of a picture: samples in all Fourier transforms, or in the span that they cover."""
    count, _ = _columns(round(seconds * rate), rate, config)
    window = max(4, round(config.window * rate))
    span = round((config.seconds or seconds) * rate)
    return max(config.width * count * max(window, config.fft or 0), span)


def draw_spectrogram(
    samples: npt.NDArray[np.float32], rate: int, config: SpectrogramConfig
) -> SpectrogramImage:
    """Draw the picture of a clip.

    Parameters
    ----------
    samples : numpy.ndarray
        Mono samples, shape ``(n,)``, full scale = 1.
    rate : int
        Sampling rate in Hz.
    config : SpectrogramConfig

    Returns
    -------
    numpy.ndarray
        uint8, shape ``(height, width)``; row 0 is the highest frequency, column 0 the start.

    Raises
    ------
    UsageError
        The settings ask for more than `MAX_COST` at this rate.
    """
    samples = without_clicks(samples, rate)
    if config.trim is not None:
        samples = trim_silence(samples, rate, config.trim)
    return draw_audible(samples, rate, config)


def draw_audible(
    samples: npt.NDArray[np.float32], rate: int, config: SpectrogramConfig
) -> SpectrogramImage:
    """The same of samples whose clicks are mended, and whose ends are trimmed, already."""
    db = _levels(samples, rate, config)
    ref_db = config.ref_db if config.level == "absolute" else float(db.max())
    gray = (db - ref_db) * (255.0 / config.dynamic_range) + 255.0
    spectrogram: SpectrogramImage = np.rint(np.clip(gray, 0.0, 255.0)).astype(np.uint8)
    return spectrogram


def spectrogram_db(
    samples: npt.NDArray[np.float32], rate: int, config: SpectrogramConfig
) -> npt.NDArray[np.float32]:
    """The picture before it becomes gray: levels in dB, 0 dB = a full-scale sine.

    Returns
    -------
    numpy.ndarray
        float32, shape ``(height, width)``, row 0 is the highest frequency.
    """
    if config.trim is not None:
        samples = trim_silence(samples, rate, config.trim)
    return _levels(samples, rate, config)


def _levels(
    samples: npt.NDArray[np.float32], rate: int, config: SpectrogramConfig
) -> npt.NDArray[np.float32]:
    if spectrogram_cost(config, rate, len(samples) / rate) > MAX_COST:
        raise UsageError(
            f"at {rate} Hz these picture settings cost too much; ask for less width, a longer hop, "
            "or a shorter window, transform or span"
        )
    window, fft_length = analysis_window(config.window, rate, config.fft)
    filterbank = make_filterbank(
        frequency_axis(config, rate),
        fft_length // 2 + 1,
        rate / fft_length,
        band_noise(window, fft_length),
    )
    first, power = _column_power(samples, rate, config, filterbank.bins_needed)
    # Beside a short clip there is nothing, which needs no spectra.
    db = np.full((config.height, config.width), to_decibels(_NO_POWER)[0, 0])
    db[:, first : first + len(power)] = to_decibels(filterbank.apply(power))
    return db


_NO_POWER = np.zeros((1, 1), np.float32)


def to_decibels(power: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Levels in dB, shape ``(height, width)``, highest row first, of powers ``(width, height)``."""
    db = 10.0 * np.log10(np.maximum(power, 10 ** (SILENT_DB / 10)))
    return np.ascontiguousarray(db.T[::-1], dtype=np.float32)


def frequency_axis(config: SpectrogramConfig, rate: int) -> FrequencyAxis:
    """The rows of a picture; `rate`, in Hz, ends the scale where the settings name no `fmax`."""
    fmax = config.fmax if config.fmax is not None else rate / 2
    return FrequencyAxis(config.scale, config.height, config.fmin, fmax)


def trim_silence(
    samples: npt.NDArray[np.float32],
    rate: int,
    threshold: float,
    mended: npt.NDArray[np.float32] | None = None,
) -> npt.NDArray[np.float32]:
    """Cut both ends that stay `threshold` dB or more under the loudest 20 ms.

    Level is the root mean square of frames of 20 ms, without overlap; whole frames are cut. Clicks
    and `OUTLIERS` are passed over; `mended` are the samples without clicks, where they are known.
    """
    if mended is None:
        mended = without_clicks(samples, rate)
    first, last = _loud_part(mended, rate, threshold)
    return samples[first:last]


def spectrogram_span(
    samples: npt.NDArray[np.float32], rate: int, config: SpectrogramConfig
) -> tuple[float, float]:
    """Start and end of a clip's picture in seconds of the clip; the clip may be the shorter."""
    first, last = 0, len(samples)
    if config.trim is not None:
        first, last = _loud_part(without_clicks(samples, rate), rate, config.trim)
    if config.seconds is None:
        return first / rate, last / rate
    middle = (first + last) / 2 / rate
    return middle - config.seconds / 2, middle + config.seconds / 2


def _loud_part(mended: npt.NDArray[np.float32], rate: int, threshold: float) -> tuple[int, int]:
    """Where the first loud frame starts and the last ends, in samples."""
    length = max(1, round(TRIM_FRAME * rate))
    power = frame_power(mended, length)
    loudest = power.max(initial=0.0)
    if len(power) > 3 * OUTLIERS:
        usual = np.partition(power, -1 - OUTLIERS)[-1 - OUTLIERS]
        if loudest > usual * 10 ** (OUTLIER_DB / 10) and usual > 0:
            power = np.where(power > usual * 10 ** (OUTLIER_DB / 10), 0.0, power)
            loudest = usual
    loud = np.flatnonzero(power > loudest * 10 ** (-threshold / 10))
    if len(loud) == 0:
        return 0, len(mended)
    return int(loud[0]) * length, min(len(mended), (int(loud[-1]) + 1) * length)


def _columns(count: int, rate: int, config: SpectrogramConfig) -> tuple[int, float]:
    """How many spectra are averaged in a column, and how many seconds a column spans.

    Spectra lie at most half a window (or the hop asked for) apart, so that a picture of a long clip
    misses nothing.
    """
    seconds = config.seconds if config.seconds is not None else count / rate
    column_seconds = max(seconds / config.width, 1.0 / rate)
    hop = config.hop or config.window / 2
    return max(1, int(np.ceil(column_seconds / hop - 1e-9))), column_seconds


def _column_power(
    samples: npt.NDArray[np.float32],
    rate: int,
    config: SpectrogramConfig,
    bins: int,
) -> tuple[int, npt.NDArray[np.float32]]:
    """The first column that windows over the clip reach into, and the spectra from there on.

    The others have no power. Shape ``(columns, bins)``; a full-scale sine peaks at 1.
    """
    spectra_per_column, column_seconds = _columns(len(samples), rate, config)
    window, fft_length = analysis_window(config.window, rate, config.fft)
    count = config.width * spectra_per_column
    middle_of_clip = len(samples) / 2
    offsets = (np.arange(count) + 0.5 - count / 2) * (column_seconds / spectra_per_column * rate)
    starts = np.rint(middle_of_clip + offsets - len(window) / 2).astype(np.int64)
    reached = np.flatnonzero((starts > -len(window)) & (starts < len(samples)))
    if len(reached) == 0:
        return 0, np.empty((0, bins), np.float32)
    first, last = reached[[0, -1]] // spectra_per_column
    starts = starts[first * spectra_per_column : (last + 1) * spectra_per_column]
    before = max(0, -int(starts[0]))
    after = max(0, int(starts[-1]) + len(window) - len(samples))
    padded = np.concatenate(
        [np.zeros(before, np.float32), samples, np.zeros(after, np.float32)], dtype=np.float32
    )
    power = power_spectra(padded, starts + before, window, fft_length, bins)
    if spectra_per_column > 1:
        power = power.reshape(-1, spectra_per_column, bins).mean(axis=1)
    return int(first), power
