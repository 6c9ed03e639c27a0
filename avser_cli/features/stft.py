"""Short-time Fourier transform: power spectra of Hann windows anywhere in a sound."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

HANN_NOISE_BANDWIDTH = 1.5
"""Equivalent noise bandwidth of the Hann window in bins (Harris 1978, table I): the power of a
sine, summed over its main lobe, is this many times that of its peak."""

SPECTRA_AT_ONCE = 10
"""Some at a time, in memory that the processor keeps near: three times as fast as all at once."""


def band_noise(window: npt.NDArray[np.float32], fft_length: int) -> float:
    """The power of a sine, summed over its bins, relative to that of its peak."""
    return HANN_NOISE_BANDWIDTH * fft_length / len(window)


def power_spectra(
    samples: npt.NDArray[np.float32],
    starts: npt.NDArray[np.int64],
    window: npt.NDArray[np.float32],
    fft_length: int,
    bins: int | None = None,
) -> npt.NDArray[np.float32]:
    """Power of the windows that begin at `starts`, in samples, shape ``(starts, bins)``.

    So many bins, from 0 Hz on; None for all.
    """
    count_of_bins = fft_length // 2 + 1
    bins = bins or count_of_bins
    power = np.empty((len(starts), bins), np.float32)
    frames = np.zeros((SPECTRA_AT_ONCE, fft_length), np.float32)
    spectra = np.empty((SPECTRA_AT_ONCE, count_of_bins), np.complex64)
    parts = spectra.view(np.float32).reshape(SPECTRA_AT_ONCE, count_of_bins, 2)[:, :bins]
    windows = np.lib.stride_tricks.sliding_window_view(samples, len(window))
    for first in range(0, len(starts), SPECTRA_AT_ONCE):
        count = min(SPECTRA_AT_ONCE, len(starts) - first)
        parts_of_sound = windows[starts[first : first + count]]
        np.multiply(parts_of_sound, window, out=frames[:count, : len(window)])
        # NumPy 2.4's stubs know an output of complex128 only.
        np.fft.rfft(frames[:count], axis=1, out=spectra[:count])  # type: ignore[arg-type]
        np.square(parts[:count], out=parts[:count])
        np.add(parts[:count, :, 0], parts[:count, :, 1], out=power[first : first + count])
    return power


@lru_cache(maxsize=32)
def analysis_window(
    seconds: float, rate: int, fft: int | None
) -> tuple[npt.NDArray[np.float32], int]:
    """Periodic Hann window, scaled so that a full-scale sine peaks at power 1; the FFT's length."""
    length = max(4, round(seconds * rate))
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    return (hann * (2.0 / hann.sum())).astype(np.float32), _fast_length(max(length, fft or 0))


def _fast_length(length: int) -> int:
    """The smallest even number of the form 2^a 3^b 5^c that is at least `length`."""
    candidate = length + length % 2
    while True:
        rest = candidate
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return candidate
        candidate += 2
