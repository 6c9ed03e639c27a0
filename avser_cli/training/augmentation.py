"""Random changes to training pictures: other tempi, voices, rooms, microphones and levels.

All work on the picture itself, as levels in dB, so that a folder of PNGs is all that training
needs. Power adds up where sounds do (babble, noise, reverberation); a filter adds decibels to rows.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from avser_cli.model.recipe import Augmentation

Levels = npt.NDArray[np.float32]

CURVE_KNOTS = 6
"""Points from low to high frequency between which random curves run straight."""

FILTER_DB = (20.0, 60.0)
"""What a band limit takes off, in dB."""

FEWEST_VOICES, MOST_VOICES = 2, 8
"""How many other clips babble is made of."""

POWER_FLOOR = 1e-12


def augment(
    spectrograms: npt.NDArray[np.uint8],
    strength: Augmentation,
    dynamic_range: float,
    seconds_per_column: float,
    rng: np.random.Generator,
) -> Levels:
    """Change each picture of a batch at random.

    Parameters
    ----------
    spectrograms : numpy.ndarray
        uint8, shape ``(n, height, width)``.
    strength : Augmentation
    dynamic_range : float
        Decibels between black (0) and white (255).
    seconds_per_column : float
        What a column spans.
    rng : numpy.random.Generator
        The same state gives the same pictures.

    Returns
    -------
    numpy.ndarray
        float32 gray values between 0 and 255, of the same shape.
    """
    step = dynamic_range / 255.0
    levels = spectrograms.astype(np.float32) * step - dynamic_range
    for i in range(len(levels)):
        levels[i] = _warped(levels[i], strength, -dynamic_range, rng)
    levels += _curves(len(levels), levels.shape[1], strength.filter_db, rng)[:, :, None]
    power = 10.0 ** (levels / 10.0)
    _add_babble(power, strength.babble, rng)
    _add_noise(power, strength.noise, rng)
    _add_reverberation(power, strength.reverberation, seconds_per_column, rng)
    levels = 10.0 * np.log10(power + POWER_FLOOR)
    gains = rng.uniform(-strength.gain_db, strength.gain_db, (len(levels), 1, 1))
    levels += gains.astype(np.float32)
    for spectrogram in levels:
        _limit_band(spectrogram, strength.band_limit, -dynamic_range, rng)
        _mask(spectrogram, strength, -dynamic_range, rng)
    gray: Levels = np.clip(levels / step + 255.0, 0.0, 255.0).astype(np.float32)
    return gray


def _chosen(count: int, share: float, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    return np.flatnonzero(rng.random(count) < share)


def _warped(
    spectrogram: Levels, strength: Augmentation, floor: float, rng: np.random.Generator
) -> Levels:
    """Stretched and shifted in time (blank where nothing was), warped and shifted in frequency."""
    height, width = spectrogram.shape
    tempo = np.exp(rng.uniform(-strength.stretch, strength.stretch))
    shift = rng.uniform(-strength.time_shift, strength.time_shift)
    columns = (np.arange(width) - width / 2) * tempo + width / 2 + shift
    tract = np.exp(rng.uniform(-strength.warp, strength.warp))
    pitch = rng.uniform(-strength.row_shift, strength.row_shift)
    rows = (height - 1) - (height - 1 - np.arange(height)) * tract + pitch
    framed = np.pad(spectrogram, ((0, 0), (1, 1)), constant_values=floor)
    in_time = _interpolated(framed.T, np.clip(columns + 1, 0, width + 1)).T
    return _interpolated(in_time, np.clip(rows, 0, height - 1))


def _interpolated(values: Levels, at: npt.NDArray[np.float64]) -> Levels:
    """Rows of `values` at fractional positions, linearly between neighbours."""
    below = np.minimum(at.astype(np.intp), len(values) - 2)
    share = (at - below).astype(np.float32)[:, None]
    between: Levels = values[below] * (1 - share) + values[below + 1] * share
    return between


def _curves(count: int, height: int, spread: float, rng: np.random.Generator) -> Levels:
    """Random curves over frequency in dB, shape ``(count, height)``."""
    knots = rng.normal(0.0, spread, (count, CURVE_KNOTS)).astype(np.float32)
    return _interpolated(knots.T, np.linspace(0, CURVE_KNOTS - 1, height)).T


def _add_babble(power: Levels, share: float, rng: np.random.Generator) -> None:
    """Add voices of other clips of the batch, 5 to 20 dB under the clip's mean power, in place."""
    # Without babble no number is drawn, so that older recipes train to the weights they had.
    if share == 0 or len(power) < 2:
        return
    clips = power / np.maximum(power.sum(axis=1).mean(axis=1), POWER_FLOOR)[:, None, None]
    for i in _chosen(len(power), share, rng):
        count = rng.integers(FEWEST_VOICES, MOST_VOICES + 1)
        others = (i + rng.integers(1, len(power), count)) % len(power)
        starts = rng.integers(power.shape[2], size=count)
        voices = [np.roll(clips[k], start, axis=1) for k, start in zip(others, starts, strict=True)]
        ratio = 10.0 ** (-rng.uniform(5.0, 20.0) / 10.0)
        power[i] += power[i].sum(axis=0).mean() * ratio * np.mean(voices, axis=0)


def _add_noise(power: Levels, share: float, rng: np.random.Generator) -> None:
    """Add coloured noise, 5 to 40 dB under the clip's mean power, in place."""
    noisy = _chosen(len(power), share, rng)
    if len(noisy) == 0:
        return
    height = power.shape[1]
    color = 10.0 ** (_curves(len(noisy), height, 6.0, rng) / 10.0)
    color /= color.sum(axis=1, keepdims=True)
    ratio = 10.0 ** (-rng.uniform(5.0, 40.0, len(noisy)) / 10.0)
    mean_power = power[noisy].sum(axis=1).mean(axis=1) * ratio
    # The power of noise in a band over a window scatters like a gamma variable.
    scatter = rng.gamma(2.0, 0.5, power[noisy].shape)
    power[noisy] += (mean_power[:, None] * color)[:, :, None] * scatter


def _add_reverberation(
    power: Levels, share: float, seconds_per_column: float, rng: np.random.Generator
) -> None:
    """Add an exponentially decaying tail, in place."""
    wet = _chosen(len(power), share, rng)
    if len(wet) == 0:
        return
    rt60 = rng.uniform(0.15, 0.7, (len(wet), 1))
    decay = (10.0 ** (-6.0 * seconds_per_column / rt60)).astype(np.float32)
    amount = (10.0 ** (-rng.uniform(0.0, 15.0, (len(wet), 1)) / 10.0)).astype(np.float32)
    dry = power[wet]
    tail = np.zeros(dry.shape[:2], np.float32)
    for column in range(dry.shape[2]):
        power[wet, :, column] = dry[:, :, column] + amount * tail
        tail = tail * decay + dry[:, :, column] * (1 - decay)


def _limit_band(spectrogram: Levels, share: float, floor: float, rng: np.random.Generator) -> None:
    """Weaken up to a third of the rows at the top and two fifths at the bottom, in place.

    So do low-pass and high-pass filters, and telephones, whose band of 300 to 3400 Hz leaves out
    a third of the rows of a picture from 60 Hz to 8 kHz with a logarithmic axis at its bottom.
    """
    if rng.random() >= share:
        return
    height = len(spectrogram)
    top, bottom = rng.integers(0, height // 3), rng.integers(0, 2 * height // 5)
    weaker = rng.uniform(*FILTER_DB)
    for rows in (spectrogram[:top], spectrogram[height - bottom :]):
        np.maximum(rows - weaker, floor, out=rows)


def _mask(
    spectrogram: Levels, strength: Augmentation, floor: float, rng: np.random.Generator
) -> None:
    """Blank bands and spans of time, in place."""
    for _ in range(strength.masks):
        for axis in (spectrogram, spectrogram.T):
            width = int(rng.integers(0, strength.mask_width + 1))
            start = int(rng.integers(0, max(1, len(axis) - width + 1)))
            axis[start : start + width] = floor
