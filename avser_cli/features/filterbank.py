"""The rows of a picture: which frequencies each holds, and which bins of a spectrum make it up."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

Scale = Literal["mel", "linear", "log"]

BLOCK = 2**22
"""Numbers that are held at once, where a large picture has more."""


@dataclass(frozen=True)
class FrequencyAxis:
    """Rows from a lowest to a highest frequency.

    Attributes
    ----------
    scale : {"mel", "linear", "log"}
    rows : int
    low, high : float
        In Hz.
    """

    scale: Scale
    rows: int
    low: float
    high: float

    def center_frequencies(self) -> npt.NDArray[np.float64]:
        """The middle of each row in Hz, row 0 (the highest) first, shape ``(rows,)``."""
        if self.scale == "mel":
            return mel_frequencies(self.rows + 2, self.low, self.high)[-2:0:-1]
        shares = (np.arange(self.rows)[::-1] + 0.5) / self.rows
        if self.scale == "log":
            return np.asarray(self.low * (self.high / self.low) ** shares)
        return np.asarray(self.low + (self.high - self.low) * shares)


@dataclass(frozen=True)
class Filterbank:
    """Which FFT bins make up each row, without the zeros of a matrix.

    Attributes
    ----------
    bins : numpy.ndarray
        Bin numbers of all rows one after the other, lowest row first, shape ``(m,)``.
    weights : numpy.ndarray
        Share of the bin's power, shape ``(m,)``.
    starts : numpy.ndarray
        Where each row begins in `bins`, shape ``(height,)``.
    """

    bins: npt.NDArray[np.intp]
    weights: npt.NDArray[np.float32]
    starts: npt.NDArray[np.intp]

    @cached_property
    def bins_needed(self) -> int:
        """So many bins of a spectrum, from 0 Hz on, are in some row."""
        return int(self.bins.max()) + 1

    def apply(self, power: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Row powers, shape ``(columns, height)``, from spectra ``(columns, bins)``.

        A sum in a fixed order gives the same picture on every machine, which a matrix product
        of the linear algebra library at hand does not; it is faster, too.
        """
        rows = np.empty((len(power), len(self.starts)), np.float32)
        count = max(1, BLOCK // len(self.bins))
        for first in range(0, len(power), count):
            some = slice(first, first + count)
            shares = power[some, self.bins] * self.weights
            np.add.reduceat(shares, self.starts, axis=1, out=rows[some])
        return rows


@lru_cache(maxsize=32)
def make_filterbank(axis: FrequencyAxis, bins: int, bin_width: float, lobe: float) -> Filterbank:
    """The bins of each row of a frequency axis.

    A row holds the power in its band, so a sine well inside a band shows its own level. Rows above
    the last bin stay empty (black).

    Parameters
    ----------
    axis : FrequencyAxis
    bins : int
        Number of bins of a spectrum.
    bin_width : float
        Hz between them.
    lobe : float
        Power of a sine summed over its bins, relative to that of its peak.
    """
    frequencies = np.arange(bins, dtype=np.float64) * bin_width
    columns, weights, counts = [], [], []
    at_once = max(1, BLOCK // bins)
    for first in range(0, axis.rows, at_once):
        some = _weights(axis, frequencies, first, min(first + at_once, axis.rows)) / lobe
        # Bin 0 takes part in every row, if with weight 0, so that no row is without bins.
        taking_part = some > 0
        taking_part[:, 0] = True
        columns.append(np.nonzero(taking_part)[1])
        weights.append(some[taking_part].astype(np.float32))
        counts.append(taking_part.sum(axis=1))
    ends = np.cumsum(np.concatenate(counts))
    starts = np.concatenate([[0], ends[:-1]])
    return Filterbank(np.concatenate(columns), np.concatenate(weights), starts)


def _weights(
    axis: FrequencyAxis, bins: npt.NDArray[np.float64], first: int, last: int
) -> npt.NDArray[np.float64]:
    """The share of each bin in the rows from `first` to before `last`, the lowest row being 0."""
    if axis.scale == "mel":
        corners = mel_frequencies(axis.rows + 2, axis.low, axis.high)[first : last + 2]
        return _triangles(corners, bins, narrowest=bins[1])
    if axis.scale == "log":
        edges = np.geomspace(axis.low, axis.high, axis.rows + 1)[first : last + 1]
        return _boxes(edges[:-1], edges[1:], bins, narrowest=bins[1])
    edges = np.linspace(axis.low, axis.high, axis.rows + 1)[first : last + 1]
    return _boxes(edges[:-1], edges[1:], bins)


def mel_frequencies(count: int, fmin: float, fmax: float) -> npt.NDArray[np.float64]:
    """`count` frequencies in Hz, evenly spaced in mel from `fmin` to `fmax`.

    Slaney's scale (Auditory Toolbox, 1998; librosa's default): linear to 1 kHz, then 27
    logarithmic steps to each factor of 6.4.
    """
    hertz_per_mel, knee, step = 200.0 / 3, 1000.0, np.log(6.4) / 27
    knee_mel = knee / hertz_per_mel

    def mel(frequency: float) -> float:
        if frequency < knee:
            return frequency / hertz_per_mel
        return float(knee_mel + np.log(frequency / knee) / step)

    mels = np.linspace(mel(fmin), mel(fmax), count)
    logarithmic = knee * np.exp(step * (mels - knee_mel))
    return np.where(mels < knee_mel, mels * hertz_per_mel, logarithmic)


def _triangles(
    corners: npt.NDArray[np.float64], bins: npt.NDArray[np.float64], narrowest: float
) -> npt.NDArray[np.float64]:
    """Overlapping triangles of height 1 between neighbouring corners but one.

    A side that is narrower than `narrowest` is widened to it: at one bin's width a row interpolates
    between neighbouring bins, where a narrower one would miss them and be black.
    """
    low, middle, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    low, high = np.minimum(low, middle - narrowest), np.maximum(high, middle + narrowest)
    rising = (bins - low) / (middle - low)
    falling = (high - bins) / (high - middle)
    return np.maximum(0.0, np.minimum(rising, falling))


def _boxes(
    low: npt.NDArray[np.float64],
    high: npt.NDArray[np.float64],
    bins: npt.NDArray[np.float64],
    narrowest: float = 0.0,
) -> npt.NDArray[np.float64]:
    """The share of each bin's width that lies between the edges of each row.

    Rows narrower than `narrowest` are widened about their middle: at one bin's width they
    interpolate between neighbouring bins, where a narrower row would get darker and darker.
    """
    half = (bins[1] - bins[0]) / 2
    wider = np.maximum(0.0, narrowest - (high - low)) / 2
    low, high = (low - wider)[:, None], (high + wider)[:, None]
    overlap = np.minimum(high, bins + half) - np.maximum(low, bins - half)
    shares: npt.NDArray[np.float64] = np.clip(overlap / (2 * half), 0.0, 1.0)
    return shares
