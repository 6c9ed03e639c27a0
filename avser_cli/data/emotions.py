"""Emotions, their order as labels, and their positive or negative category."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from avser_cli.errors import UsageError

Category = Literal["positive", "negative"]

PAPER_EMOTIONS = ("happy", "sad", "angry", "neutral")
"""The paper's four, in its label order: happy is ``[1, 0, 0, 0]`` (section 3.5, step 4)."""

CATEGORIES: dict[str, Category] = {
    "happy": "positive",
    "sad": "negative",
    "angry": "negative",
    "neutral": "positive",
    "calm": "positive",
    "fearful": "negative",
    "disgust": "negative",
    "surprised": "positive",
}
"""Every emotion of RAVDESS in label order. The paper gives the categories of the first four; the
others are ours: by valence, with surprise, which goes either way, counted as positive."""


def label_order(emotions: Iterable[str]) -> tuple[str, ...]:
    """Distinct emotions in label order.

    Raises
    ------
    UsageError
        A name is unknown, or fewer than two are left.
    """
    wanted = set(emotions)
    unknown = sorted(wanted - set(CATEGORIES))
    if unknown:
        known = ", ".join(CATEGORIES)
        raise UsageError(f"unknown emotion {unknown[0]!r}; known: {known}")
    if len(wanted) < 2:
        raise UsageError("at least two emotions are needed, e.g. --emotions happy,sad")
    return tuple(emotion for emotion in CATEGORIES if emotion in wanted)
