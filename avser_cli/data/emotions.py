"""Emotions, their order as labels, and their positive or negative category."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
MAX_LABEL_LENGTH = 60


def label_order(emotions: Iterable[str]) -> tuple[str, ...]:
    """Distinct emotions in label order: those of `CATEGORIES`, then others by the alphabet.

    Raises
    ------
    UsageError
        A label cannot stand in a line of text, or fewer than two are left.
    """
    wanted = set(emotions)
    for emotion in sorted(wanted):
        if not emotion.isprintable() or len(emotion) > MAX_LABEL_LENGTH or "," in emotion:
            raise UsageError(
                f"emotion {emotion[:MAX_LABEL_LENGTH]!r}: at most {MAX_LABEL_LENGTH} printable "
                "characters, no comma"
            )
    if len(wanted) < 2:
        raise UsageError("at least two emotions are needed, e.g. --emotions happy,sad")
    known = [emotion for emotion in CATEGORIES if emotion in wanted]
    return (*known, *sorted(wanted - set(known)))


def category_of(emotion: str, named: Mapping[str, Category] | None = None) -> Category | None:
    """The category that a user named for an emotion, else the usual one, if it has any."""
    return (named or {}).get(emotion) or CATEGORIES.get(emotion)
