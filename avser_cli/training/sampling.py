"""Which clips an epoch takes: all of them, or a draw that balances corpora, emotions and speakers.

A draw is systematic (Madow 1949): clips lie on a line, each as long as the number of times that it
is to be drawn, and points at equal steps from a random start fall on them. Clips of one corpus, one
emotion and one speaker lie together, so that each of these groups, and each clip, gets what is due
to it in every epoch, rounded up or down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from avser_cli.data.clip import Clip
from avser_cli.data.group_numbers import group_numbers
from avser_cli.data.network_inputs import Inputs
from avser_cli.model.recipe import EACH_CLIP_ONCE, Sampling

Numbers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TrainingSet:
    """The training side of a split.

    Attributes
    ----------
    inputs : numpy.ndarray
        uint8 pictures ``(n, height, width)`` or float32 features ``(n, 181)``.
    labels : numpy.ndarray
        Indices of emotions, shape ``(n,)``.
    emotions : int
        Number of emotions.
    corpora, speakers : numpy.ndarray
        Equal numbers for clips of one corpus, and of one speaker, shape ``(n,)``. Clips whose
        speaker is not known count as one speaker's.
    corpus_names : tuple of str
        By their numbers.
    """

    inputs: Inputs
    labels: Numbers
    emotions: int
    corpora: Numbers
    speakers: Numbers
    corpus_names: tuple[str, ...] = ()

    @classmethod
    def of(cls, inputs: Inputs, labels: Numbers, emotions: int, clips: Sequence[Clip]) -> Self:
        """The same of clips, in the order of the inputs."""
        names = tuple(dict.fromkeys(clip.corpus for clip in clips))
        corpora = group_numbers([clip.corpus for clip in clips])
        speakers = group_numbers([clip.speaker for clip in clips])
        return cls(inputs, labels, emotions, corpora, speakers, names)

    def __len__(self) -> int:
        return len(self.labels)

    def of_specialist(self, corpus: str | None) -> TrainingSet:
        """The clips of one corpus, where there are others, too, and it has every emotion."""
        if corpus not in self.corpus_names or len(self.corpus_names) == 1:
            return self
        rows = np.flatnonzero(self.corpora == self.corpus_names.index(corpus))
        if len(np.unique(self.labels[rows])) < self.emotions:
            return self
        return TrainingSet(
            self.inputs[rows],
            self.labels[rows],
            self.emotions,
            np.zeros(len(rows), np.int64),
            self.speakers[rows],
            (corpus,),
        )

    def draw_counts(self, sampling: Sampling) -> Floats:
        """How often an epoch draws each clip, on the average, shape ``(n,)``."""
        if sampling == EACH_CLIP_ONCE:
            return np.ones(len(self))
        shares = np.ones(len(self))
        above = np.zeros(len(self), np.int64)
        for groups, power in (
            (self.corpora, sampling.corpus),
            (self.labels, sampling.emotion),
            (self.speakers, sampling.speaker),
        ):
            inside = group_numbers(list(zip(above.tolist(), groups.tolist(), strict=True)))
            shares *= _shares(above, inside, power)
            above = inside
        shares /= np.bincount(above)[above]
        counts: Floats = shares * (sampling.draws or len(self)) / shares.sum()
        return counts

    def epoch(self, sampling: Sampling, seed: Sequence[int]) -> npt.NDArray[np.intp]:
        """The rows that an epoch takes, in random order; nothing but the seed decides it."""
        rng = np.random.default_rng(seed)
        if sampling == EACH_CLIP_ONCE:
            return rng.permutation(len(self))
        order = rng.permutation(len(self))
        order = order[np.lexsort([x[order] for x in (self.speakers, self.labels, self.corpora)])]
        draws = sampling.draws or len(self)
        ends = np.cumsum(self.draw_counts(sampling)[order])
        # The last point lies before the last end, whatever the sum was rounded to.
        points = (np.arange(draws) + rng.random()) * ends[-1] / draws
        drawn = order[np.minimum(np.searchsorted(ends, points, side="right"), len(self) - 1)]
        return rng.permutation(drawn)


def _shares(above: Numbers, groups: Numbers, power: float) -> Floats:
    """Each clip's group's share of the group above it."""
    sizes = np.bincount(groups).astype(np.float64) ** power
    _, first = np.unique(groups, return_index=True)
    totals = np.bincount(above[first], weights=sizes)
    shares: Floats = sizes[groups] / totals[above]
    return shares
