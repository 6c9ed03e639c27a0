"""Samples from memory: which axis is time, and what full scale is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from avser_cli.audio.streams import MAX_SAMPLE, Samples, to_mono
from avser_cli.errors import UsageError

MOST_CHANNELS = 64
"""The longest axis that can be one of channels."""

INTEGER_BITS = (8, 16, 24, 32)
"""Sizes of samples that are recorded as integers."""

UNSIGNED_MIDDLE = (0.25, 0.75)
"""Where the mean of samples from 0 to 1 lies whose middle stands for silence."""

SILENT_SWING = 6
"""Largest difference between integers that are silence, of 16 bits or more."""

Array = npt.NDArray[Any]


def mono_samples(samples: npt.ArrayLike, whole: bool = False) -> Samples:
    """Mono float32 samples of full scale 1 from floats of that scale or integers of their own.

    Parameters
    ----------
    samples : array_like
        Shape ``(n,)``, ``(n, channels)`` or ``(channels, n)``: of two axes the one with more than
        `MOST_CHANNELS` is time, the first where neither has.
    whole : bool
        All of a recording, not a piece that may be quiet: also integers of a range that is too
        small for their type are refused, and floats without a negative one.

    Raises
    ------
    UsageError
        The array is of another kind or shape, or its range is not that of its type.
    InputError
        There are NaN or infinite samples.
    """
    array = _time_first(np.asarray(samples))
    if array.dtype.kind not in "fiu":
        raise UsageError(f"samples of type {array.dtype}: need floats or integers")
    if array.size == 0:
        return np.empty(0, np.float32)
    if array.dtype.kind == "f":
        frames = array.astype(np.float32, copy=False)
        _check_floats(frames, whole)
    else:
        _check_integers(array, whole)
        frames = _from_integers(array)
    return to_mono("samples", frames)


def _time_first(array: Array) -> Array:
    """The same array with shape ``(n, channels)``."""
    if array.ndim == 1:
        return array[:, None]
    if array.ndim != 2:
        raise UsageError(
            f"samples of shape {array.shape}: need (n,), (n, channels) or (channels, n)"
        )
    first, second = array.shape
    if second <= MOST_CHANNELS:
        return array
    if first > MOST_CHANNELS:
        raise UsageError(
            f"samples of shape {array.shape}: neither (n, channels) nor (channels, n) with at most "
            f"{MOST_CHANNELS} channels; several sounds are classified one by one"
        )
    return array.T


def _from_integers(array: Array) -> Samples:
    middle = 2.0 ** (np.iinfo(array.dtype).bits - 1)
    offset = middle if array.dtype.kind == "u" else 0.0
    return ((array.astype(np.float64) - offset) / middle).astype(np.float32)


def _check_integers(array: Array, whole: bool) -> None:
    """Refuse integers that do not fill their type: they are of another scale."""
    bits = np.iinfo(array.dtype).bits
    if bits > max(INTEGER_BITS):
        raise UsageError(
            f"samples of type {array.dtype}, in which no sound is recorded: convert to the type "
            "they were recorded in, e.g. int16, or divide them to floats of full scale 1"
        )
    lowest, highest = int(array.min()), int(array.max())
    if not whole or bits == min(INTEGER_BITS) or highest - lowest <= SILENT_SWING:
        return
    filled = next(x for x in INTEGER_BITS if _fits(lowest, highest, x, array.dtype.kind == "u"))
    # Samples of fewer bits that were shifted to the top end in zeros.
    shifted = filled < bits and not np.bitwise_and(array, (1 << (bits - filled)) - 1).any()
    if filled < bits and not shifted:
        raise UsageError(
            f"samples of type {array.dtype} from {lowest} to {highest}: {filled} of {bits} bits; "
            f"multiply them by {2 ** (bits - filled)}, or pass floats of full scale 1 where they "
            "are that quiet"
        )


def _fits(lowest: int, highest: int, bits: int, unsigned: bool) -> bool:
    """Whether samples may be of so many bits; those of 8 are unsigned in a signed type, too."""
    if unsigned or (bits == min(INTEGER_BITS) and lowest >= 0):
        return highest < 1 << bits
    half = 1 << (bits - 1)
    return -half <= lowest and highest < half


def _check_floats(frames: Samples, whole: bool) -> None:
    """Refuse floats that are integers, or unsigned ones."""
    lowest, highest = float(frames.min()), float(frames.max())
    loudest = max(-lowest, highest)
    if not np.isfinite(loudest):
        return
    if loudest > MAX_SAMPLE or (loudest > 1 and bool((frames == np.rint(frames)).all())):
        scale = next((x for x in INTEGER_BITS if loudest <= 2 ** (x - 1)), max(INTEGER_BITS))
        raise UsageError(
            f"float samples from {lowest:g} to {highest:g}, where full scale is 1: integers stored "
            f"as floats? divide them, by {2 ** (scale - 1)} where they were of {scale} bits"
        )
    least, most = UNSIGNED_MIDDLE
    if whole and lowest >= 0 and least <= float(frames.mean(dtype=np.float64)) <= most:
        raise UsageError(
            "float samples without a negative one, where silence is 0: subtract 0.5 from unsigned "
            "ones and multiply by 2"
        )
