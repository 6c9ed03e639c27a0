"""Scores of each corpus, language, sex and speaker: what a score over all clips averages away."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from avser_cli.data.clip import Clip
from avser_cli.data.corpora import known_corpora
from avser_cli.evaluation.bootstrap import weighted_scores
from avser_cli.untrusted_input import PositiveInt, Share

FEWEST_CLIPS = 10
"""Groups of fewer clips are listed, but none is called the worst: luck decides theirs."""


@dataclass(frozen=True)
class GroupScores:
    """The scores of a group of clips.

    Attributes
    ----------
    by : {"corpus", "language", "sex", "speaker"}
        What they share.
    name : str
        E.g. ``"emodb"``, ``"de"``, ``"female"``, ``"emodb:03"``.
    clips : int
    emotions : int
        Emotions that these clips have; the UAR is over them.
    uar, accuracy : float
    """

    by: str
    name: str
    clips: PositiveInt
    emotions: PositiveInt
    uar: Share
    accuracy: Share

    def as_dict(self) -> dict[str, Any]:
        """The scores as plain values."""
        return asdict(self)


def language_of(clip: Clip) -> str | None:
    """ISO 639-1 code of a clip's language, or those of its corpus; `None` where it is unknown."""
    corpus = known_corpora().get(clip.corpus)
    return corpus.language_of(clip.speaker) if corpus else None


GROUPINGS: dict[str, Callable[[Clip], str | None]] = {
    "corpus": lambda clip: clip.corpus,
    "language": language_of,
    "sex": lambda clip: clip.sex,
    "speaker": lambda clip: clip.speaker,
}


def score_groups(
    clips: Sequence[Clip], truth: npt.NDArray[np.integer], predicted: npt.NDArray[np.integer]
) -> tuple[GroupScores, ...]:
    """Scores of each group, in the order of `GROUPINGS` and of names.

    Parameters
    ----------
    clips : sequence of Clip
        Those of which something is not known are in no group of that.
    truth, predicted : numpy.ndarray
        Indices of emotions, shape ``(n,)``.
    """
    found = []
    for by, group_of in GROUPINGS.items():
        members: dict[str, list[int]] = {}
        for row, clip in enumerate(clips):
            if (name := group_of(clip)) is not None:
                members.setdefault(name, []).append(row)
        found += [
            _scores(by, name, truth[rows], predicted[rows])
            for name, rows in sorted(members.items())
        ]
    return tuple(found)


def _scores(
    by: str, name: str, truth: npt.NDArray[np.integer], predicted: npt.NDArray[np.integer]
) -> GroupScores:
    ((accuracy,), (uar,)) = weighted_scores(truth == predicted, truth, np.ones((1, len(truth))))
    emotions = len(np.unique(truth))
    return GroupScores(by, name, len(truth), emotions, float(uar), float(accuracy))


def worst_groups(groups: Sequence[GroupScores]) -> tuple[GroupScores, ...]:
    """The group of lowest UAR of each grouping that has several, of `FEWEST_CLIPS` or more."""
    worst = []
    for by in GROUPINGS:
        large = [group for group in groups if group.by == by and group.clips >= FEWEST_CLIPS]
        if len(large) > 1:
            worst.append(min(large, key=lambda group: group.uar))
    return tuple(worst)
