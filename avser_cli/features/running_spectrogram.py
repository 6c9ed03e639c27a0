"""The spectrogram of a recording of any length, for a figure, while it comes in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from avser_cli.audio.streams import Samples
from avser_cli.errors import UsageError
from avser_cli.features.filterbank import make_filterbank
from avser_cli.features.spectrogram import SpectrogramConfig, frequency_axis, to_decibels
from avser_cli.features.stft import analysis_window, band_noise, power_spectra

SPECTRA = 512
"""Spectra that are taken at once."""

Values = npt.NDArray[np.float64]


class RunningSpectrogram:
    """Powers and extremes in at most twice as many cells as the figure is wide.

    Where there are more, neighbours are joined: memory does not depend on the length, which need
    not be known.

    Parameters
    ----------
    config : SpectrogramConfig
        Without `seconds` and `trim`: it shows all of the recording.
    rate : int
        Sampling rate in Hz.

    Raises
    ------
    UsageError
        The settings have a span or cut ends.
    """

    def __init__(self, config: SpectrogramConfig, rate: int) -> None:
        if config.seconds is not None or config.trim is not None:
            raise UsageError(
                "a figure of a recording this long shows all of it; leave out --trim and --seconds"
            )
        self._config, self.rate = config, rate
        self._window, self._fft_length = analysis_window(config.window, rate, config.fft)
        self._hop = max(1, round((config.hop or config.window / 2) * rate))
        self._filterbank = make_filterbank(
            frequency_axis(config, rate),
            self._fft_length // 2 + 1,
            rate / self._fft_length,
            band_noise(self._window, self._fft_length),
        )
        # A spectrum is of the time in its middle.
        self._held: Samples = np.zeros(len(self._window) // 2, np.float32)
        self._cells = _Cells(2 * config.width, config.height)
        # Samples to come that no spectrum needs, where a hop is longer than the window.
        self._count = self._skipped = 0

    @property
    def seconds(self) -> float:
        """What has come in."""
        return self._count / self.rate

    def feed(self, samples: Samples) -> None:
        """Take in mono samples, shape ``(n,)``."""
        self._count += len(samples)
        self._take(samples)

    def levels(self) -> tuple[npt.NDArray[np.float32], Values, Values]:
        """The picture, to be asked for once, at the end.

        Returns
        -------
        db : numpy.ndarray
            Levels in dB, shape ``(height, width)``, row 0 is the highest frequency.
        low, high : numpy.ndarray
            Lowest and highest sample of each column, shape ``(width,)``.
        """
        self._take(np.zeros(len(self._window), np.float32))
        spans = self._count / self._hop
        power, low, high = self._cells.resampled(spans, self._config.width)
        return to_decibels(power), low, high

    def _take(self, samples: Samples) -> None:
        held = np.concatenate([self._held, samples[self._skipped :]])
        self._skipped -= min(self._skipped, len(samples))
        starts = np.arange(0, len(held) - len(self._window) + 1, self._hop)
        for first in range(0, len(starts), SPECTRA):
            some = starts[first : first + SPECTRA]
            power = self._filterbank.apply(
                power_spectra(held, some, self._window, self._fft_length)
            )
            middle = some[0] + len(self._window) // 2
            pieces = held[middle : middle + len(some) * self._hop]
            edges = np.arange(0, len(pieces), self._hop)
            self._cells.add(
                power,
                np.resize(np.minimum.reduceat(pieces, edges), len(some)),
                np.resize(np.maximum.reduceat(pieces, edges), len(some)),
            )
        following = len(starts) * self._hop
        self._held = held[following:]
        self._skipped += max(0, following - len(held))


class _Cells:
    """Means, lowest and highest values of ever more spectra in a bounded number of cells."""

    def __init__(self, most: int, height: int) -> None:
        self._most = most
        self._each = 1
        self._power: Values = np.empty((0, height))
        self._low: Values = np.empty(0)
        self._high: Values = np.empty(0)
        self._waiting: list[tuple[Samples, Samples, Samples]] = []
        self._waiting_count = 0

    def add(self, power: Samples, low: Samples, high: Samples) -> None:
        """Take in spectra, shape ``(n, height)``, with their lowest and highest samples."""
        self._waiting.append((power, low, high))
        self._waiting_count += len(power)
        if self._waiting_count >= max(self._each, SPECTRA):
            self._settle()
        # An odd number waits for one more.
        while len(self._power) > self._most and len(self._power) % 2 == 0:
            self._join()

    def resampled(self, spectra: float, width: int) -> tuple[Values, Values, Values]:
        """Power, shape ``(width, height)``, lowest and highest of equal spans of all spectra."""
        self._settle(last=True)
        edges = np.linspace(0, spectra / self._each, width + 1)
        sums = np.concatenate([np.zeros((1, self._power.shape[1])), self._power.cumsum(axis=0)])
        places = np.arange(len(sums))
        at_edges = np.stack([np.interp(edges, places, row) for row in sums.T], axis=1)
        power = np.diff(at_edges, axis=0) / np.diff(edges)[:, None]
        starts = np.minimum(edges[:-1].astype(np.intp), len(self._low) - 1)
        low = np.minimum.reduceat(self._low, starts)
        return power, low, np.maximum.reduceat(self._high, starts)

    def _settle(self, last: bool = False) -> None:
        """Make cells of the spectra that wait; those too few for one wait on."""
        if not self._waiting:
            return
        power, low, high = (np.concatenate(parts) for parts in zip(*self._waiting, strict=True))
        if last and len(power) % self._each:
            missing = self._each - len(power) % self._each
            power, low, high = (
                np.concatenate([x, np.repeat(x[-1:], missing, axis=0)]) for x in (power, low, high)
            )
        count = len(power) // self._each
        kept = count * self._each
        shape = (count, self._each)
        self._power = np.concatenate(
            [self._power, power[:kept].reshape(*shape, -1).mean(axis=1, dtype=np.float64)]
        )
        self._low = np.concatenate([self._low, low[:kept].reshape(shape).min(axis=1)])
        self._high = np.concatenate([self._high, high[:kept].reshape(shape).max(axis=1)])
        self._waiting = [(power[kept:], low[kept:], high[kept:])]
        self._waiting_count = len(power) - kept

    def _join(self) -> None:
        """Make one cell of each two."""
        self._power = self._power.reshape(len(self._low) // 2, 2, -1).mean(axis=1)
        self._low = self._low.reshape(-1, 2).min(axis=1)
        self._high = self._high.reshape(-1, 2).max(axis=1)
        self._each *= 2
