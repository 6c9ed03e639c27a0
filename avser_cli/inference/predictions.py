"""What a model answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from avser_cli.data.emotions import Category
from avser_cli.features.spectrogram import SpectrogramImage


@dataclass(frozen=True)
class Prediction:
    """The answer for one clip.

    Attributes
    ----------
    emotion : str
        The most probable one.
    category : {"positive", "negative"} or None
        `None` for an emotion that has neither.
    confidence : float
        Its probability, calibrated where the bundle says how.
    probabilities : dict of str to float
        Every emotion of the model, in label order.
    uncertain : bool
        The confidence is under the bundle's threshold; never, where it states none.
    """

    emotion: str
    category: Category | None
    confidence: float
    probabilities: dict[str, float]
    uncertain: bool = False


@dataclass(frozen=True)
class RecordingPrediction(Prediction):
    """The answer for a whole recording.

    Attributes
    ----------
    seconds : float
        Length of the recording.
    speech : float
        Seconds of it that were judged.
    windows : int
        Number of windows whose answers were pooled; 1 for a recording within the model's span.
    damaged : bool
        Some of the file could not be decoded; a warning of the logger said where.
    """

    seconds: float = 0.0
    speech: float = 0.0
    windows: int = 1
    damaged: bool = False


@dataclass(frozen=True)
class Segment:
    """The answer for a part of a recording.

    Attributes
    ----------
    start, end : float
        Seconds from the start of the recording.
    prediction : Prediction
        Of its windows, averaged.
    speaker : str
        Who speaks in it, where somebody has said so.
    """

    start: float
    end: float
    prediction: Prediction
    speaker: str = ""


@dataclass(frozen=True)
class Explanation:
    """What an answer depends on.

    Attributes
    ----------
    prediction : Prediction
    spectrogram : numpy.ndarray
        What the network saw, uint8, shape ``(height, width)``.
    lost : numpy.ndarray
        `avser_cli.inference.explanation.occlusion_map` of it, float32, shape ``(height, width)``.
    frequencies : numpy.ndarray
        The middle of each row in Hz, row 0 (the highest) first, shape ``(height,)``.
    start, end : float
        What the picture spans, in seconds of the recording; the start may be negative.
    """

    prediction: Prediction
    spectrogram: SpectrogramImage
    lost: npt.NDArray[np.float32]
    frequencies: npt.NDArray[np.float64]
    start: float
    end: float
