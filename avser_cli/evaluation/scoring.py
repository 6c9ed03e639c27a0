"""How answers agree with labels: scores, intervals, calibration, groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from avser_cli.data.clip import Clip
from avser_cli.evaluation.bootstrap import Intervals, clip_intervals
from avser_cli.evaluation.group_scores import GroupScores, score_groups
from avser_cli.evaluation.metrics import Report, score
from avser_cli.model.calibration import expected_calibration_error

FEWEST_SPEAKERS = 5
"""Speakers from which on intervals draw them, and not single clips."""


@dataclass(frozen=True)
class Scoring:
    """How answers agree with labels.

    Attributes
    ----------
    report : Report
    intervals : Intervals
        Of this one training; whole speakers are drawn where there are `FEWEST_SPEAKERS` or more.
    calibration_error : float
        Expected calibration error, see `avser_cli.model.calibration`.
    certain : float
        Share of answers that are not uncertain.
    certain_accuracy : float or None
        Share of right ones among these; `None` where there are none.
    groups : tuple of GroupScores
    """

    report: Report
    intervals: Intervals
    calibration_error: float
    certain: float
    certain_accuracy: float | None
    groups: tuple[GroupScores, ...]


@dataclass(frozen=True)
class ClipAnswer:
    """What a model says of a labelled clip.

    Attributes
    ----------
    clip : Clip
    label, emotion : str
        What it is, and the answer.
    probabilities : tuple of float
        In label order.
    """

    clip: Clip
    label: str
    emotion: str
    probabilities: tuple[float, ...]

    @property
    def confidence(self) -> float:
        """The answer's probability."""
        return max(self.probabilities)

    @property
    def right(self) -> bool:
        """Whether it is what the label says."""
        return self.label == self.emotion

    def as_dict(self) -> dict[str, Any]:
        """The answer in short, as plain values."""
        return {
            "file": str(self.clip.path),
            "label": self.label,
            "emotion": self.emotion,
            "confidence": round(self.confidence, 6),
        }


@dataclass(frozen=True)
class BeforeAfter:
    """How a bundle did on held-out clips before it was changed, and after.

    Attributes
    ----------
    before : Scoring or None
        `None` where it knew none of the emotions.
    after : Scoring
    """

    before: Scoring | None
    after: Scoring


def score_answers(
    emotions: tuple[str, ...],
    clips: Sequence[Clip],
    labels: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.float32],
    threshold: float = 0.0,
    by_speaker: bool = False,
) -> Scoring:
    """Compare answers with labels.

    Parameters
    ----------
    emotions : tuple of str
        In label order.
    clips : sequence of Clip
    labels : numpy.ndarray
        Indices of emotions, shape ``(n,)``.
    probabilities : numpy.ndarray
        Shape ``(n, emotions)``.
    threshold : float
        Answers with less confidence are uncertain.
    by_speaker : bool
        Whether intervals draw speakers also where they are few.
    """
    predicted = probabilities.argmax(axis=1)
    certain = probabilities.max(axis=1) >= threshold
    speakers = [clip.speaker for clip in clips]
    fewest = 2 if by_speaker else FEWEST_SPEAKERS
    drawn = None if None in speakers or len(set(speakers)) < fewest else speakers
    return Scoring(
        report=score(emotions, labels, predicted),
        intervals=clip_intervals(labels, predicted, drawn),
        calibration_error=expected_calibration_error(probabilities, labels),
        certain=float(certain.mean()),
        certain_accuracy=float((predicted == labels)[certain].mean()) if certain.any() else None,
        groups=score_groups(clips, labels, predicted),
    )


def clip_answers(
    emotions: Sequence[str],
    clips: Sequence[Clip],
    labels: npt.NDArray[np.int64],
    probabilities: npt.NDArray[np.float32],
) -> tuple[ClipAnswer, ...]:
    """The answers for some clips.

    Parameters
    ----------
    emotions : sequence of str
        In label order.
    clips : sequence of Clip
    labels : numpy.ndarray
        Indices of emotions, shape ``(n,)``.
    probabilities : numpy.ndarray
        Shape ``(n, emotions)``.
    """
    return tuple(
        ClipAnswer(clip, emotions[label], emotions[int(row.argmax())], tuple(row.tolist()))
        for clip, label, row in zip(clips, labels, probabilities, strict=True)
    )
