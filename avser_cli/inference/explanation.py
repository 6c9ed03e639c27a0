"""Which parts of a picture an answer depends on, found without gradients: by occlusion.

A patch that slides over the picture takes its sound away: every pixel of it gets the mean gray
of its row, so that the band keeps its level and loses its course. How much less probable the
answer gets is how much it depends on the patch. After Zeiler and Fergus, "Visualizing and
understanding convolutional networks", ECCV 2014, section 4.2.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from avser_cli.features.spectrogram import SpectrogramImage

PATCH, STEP = 20, 10
"""Side of the patch and its step in pixels: 0.4 s and 0.9 octaves of the shipped model's."""


def occlusion_map(
    spectrogram: SpectrogramImage,
    probability: Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]],
) -> npt.NDArray[np.float32]:
    """How much the answer depends on each pixel.

    Parameters
    ----------
    spectrogram : numpy.ndarray
        uint8, shape ``(height, width)``.
    probability : callable
        The probability of the answer for pictures of shape ``(n, height, width)``: shape ``(n,)``.

    Returns
    -------
    numpy.ndarray
        float32, shape ``(height, width)``: what is lost of the answer's probability when the
        patches over the pixel are hidden, on average; negative where they speak against it.
    """
    height, width = spectrogram.shape
    patch = min(PATCH, height, width)
    hidden = np.repeat(np.rint(spectrogram.mean(axis=1, keepdims=True)), width, axis=1)
    corners = [(top, left) for top in _starts(height, patch) for left in _starts(width, patch)]
    before = float(probability(spectrogram[None])[0])
    lost, covered = np.zeros((height, width)), np.zeros((height, width))
    for top, left in corners:
        place = (slice(top, top + patch), slice(left, left + patch))
        changed = spectrogram.copy()
        changed[place] = hidden[place]
        lost[place] += before - float(probability(changed[None])[0])
        covered[place] += 1
    return (lost / covered).astype(np.float32)


def _starts(length: int, patch: int) -> list[int]:
    """Where patches start; the last one ends with the picture."""
    return sorted({*range(0, length - patch, STEP), length - patch})
