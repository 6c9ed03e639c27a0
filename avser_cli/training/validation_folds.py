"""Folds of the training side: what is tried on one of them was trained on the others."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from avser_cli.data.clip import Clip
from avser_cli.data.overlaps import overlap_chains
from avser_cli.errors import CorpusError

FEWEST_CLIPS = 20
"""Clips on the training side from which on anything is fitted to them."""

Rows = npt.NDArray[np.intp]


@dataclass(frozen=True)
class ValidationFolds:
    """Which clips are tried together.

    Attributes
    ----------
    rows : tuple of numpy.ndarray
        Positions of the clips of each fold; every clip is in one.
    by : {"speakers", "clips"}
        What is in one fold only.
    """

    rows: tuple[Rows, ...]
    by: str

    def describe(self) -> str:
        """In words, with the reason where speakers are on both sides."""
        reason = "" if self.by == "speakers" else ", the speakers being too few or not known"
        return f"{len(self.rows)} folds of {self.by}{reason}"


def check_enough(clips: int, use: str, way: str) -> None:
    """Raise `CorpusError` where there are too few clips, and say how many lack.

    Parameters
    ----------
    clips : int
        Those of the training side.
    use : str
        What they are for, e.g. ``"fit on"``.
    way : str
        What to do with so few.
    """
    if clips < FEWEST_CLIPS:
        raise CorpusError(
            f"{clips} clips to {use}: {FEWEST_CLIPS} are needed, {FEWEST_CLIPS - clips} more; {way}"
        )


def validation_folds(
    clips: Sequence[Clip], labels: npt.NDArray[np.int64], count: int
) -> ValidationFolds | None:
    """Folds of speakers, or of clips where speakers do not do.

    Speakers do where there are two or more, all known, and the others of each fold have every
    emotion that there is.

    Parameters
    ----------
    clips : sequence of Clip
    labels : numpy.ndarray
        Indices of emotions, shape ``(n,)``.
    count : int
        Folds wanted, 2 or more; there are fewer where there are fewer speakers.

    Returns
    -------
    ValidationFolds or None
        `None` where some emotion has fewer than two clips.
    """
    speakers = [clip.speaker for clip in clips]
    if None not in speakers and len(set(speakers)) > 1:
        rows = _grouped([str(speaker) for speaker in speakers], labels, count)
        if rows is not None:
            return ValidationFolds(rows, "speakers")
    rows = _grouped(_sounds(clips), labels, count)
    return None if rows is None else ValidationFolds(rows, "clips")


def _sounds(clips: Sequence[Clip]) -> list[str]:
    """For each clip, what it shares with its copies and with parts of its file that overlap it."""
    joined: dict[str, str] = {}

    def head(sound: str) -> str:
        while sound in joined:
            sound = joined[sound]
        return sound

    for first, *others in overlap_chains(clips):
        for clip in others:
            if head(clip.sound) != head(first.sound):
                joined[head(clip.sound)] = head(first.sound)
    return [head(clip.sound) for clip in clips]


def _grouped(
    groups: Sequence[str], labels: npt.NDArray[np.int64], count: int
) -> tuple[Rows, ...] | None:
    """Folds with a like share of each emotion that divide no group; `None` where some lack one."""
    from sklearn.model_selection import StratifiedGroupKFold

    # No more than the commonest emotion has clips: more cannot be stratified.
    count = min(count, len(set(groups)), int(np.bincount(labels).max()))
    if count < 2:
        return None
    with warnings.catch_warnings():
        # Emotions with fewer clips than folds are seen to below.
        warnings.simplefilter("ignore", UserWarning)
        splits = list(StratifiedGroupKFold(count).split(groups, labels, groups))
    emotions = set(labels.tolist())
    if any(set(labels[others].tolist()) != emotions for others, _ in splits):
        return None
    return tuple(rows for _, rows in splits if len(rows))
