"""Audio fingerprints: alike for copies that are re-encoded, resampled, padded or louder.

Computed from a picture, so that sounds and folders of pictures both have them. They are compared by
`avser_cli.data.near_duplicates`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from avser_cli.features.filterbank import mel_frequencies
from avser_cli.features.spectrogram import SpectrogramConfig, SpectrogramImage, frequency_axis

Fingerprint = npt.NDArray[np.float32]

BANDS, LOWEST, HIGHEST = 24, 200.0, 5000.0
"""Mel bands from and up to so many Hz: codecs and resamplers leave these alone."""
FRAMES, STEP = 104, 0.02
"""Frames of a fingerprint and their distance in seconds."""
DEPTH = 40.0
"""Levels this far under the loudest, in dB, and below are nothing: there codecs differ."""


def fingerprint_of(
    spectrogram: SpectrogramImage, config: SpectrogramConfig, rate: int, duration: float
) -> Fingerprint:
    """The fingerprint of a sound, from its picture.

    Parameters
    ----------
    spectrogram : numpy.ndarray
        uint8, shape ``(height, width)``.
    config : SpectrogramConfig
        How it was drawn.
    rate : int
        Sampling rate of the sound in Hz.
    duration : float
        Length of the sound in seconds.

    Returns
    -------
    numpy.ndarray
        float32, shape ``(BANDS, FRAMES)``: dB over the floor, centred in time on the sound.
    """
    power = _powers(config.dynamic_range)[spectrogram[::-1]]
    sums = np.vstack([np.zeros_like(power[:1]), np.cumsum(power, axis=0)])
    frequencies = frequency_axis(config, rate).center_frequencies()[::-1]
    rows = np.arange(len(frequencies)) + 0.5
    places = np.interp(mel_frequencies(BANDS + 1, LOWEST, HIGHEST), frequencies, rows)
    whole = np.minimum(places.astype(np.int64), len(rows) - 1)
    part = (places - whole)[:, None]
    filterbank = np.diff(sums[whole] * (1 - part) + sums[whole + 1] * part, axis=0)
    levels = 10 * np.log10(np.maximum(filterbank, 1e-6))
    levels = np.maximum(levels - (levels.max() - DEPTH), 0)
    span = config.seconds if config.seconds is not None else duration
    times = (np.arange(config.width) + 0.5) * (span / config.width)
    loudness = levels.sum(axis=0)
    middle = float(loudness @ times) / max(float(loudness.sum()), 1e-9)
    grid = middle + (np.arange(FRAMES) - (FRAMES - 1) / 2) * STEP
    frames = [np.interp(grid, times, band, left=0.0, right=0.0) for band in levels]
    return np.array(frames, dtype=np.float32)


@lru_cache(maxsize=4)
def _powers(dynamic_range: float) -> npt.NDArray[np.float64]:
    """The power that each gray value stands for; of black, none."""
    powers = 10 ** (np.arange(256) * (dynamic_range / 2550))
    powers[0] = 0.0
    return np.asarray(powers)
