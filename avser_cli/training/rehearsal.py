"""Clips that a bundle was trained on already, trained on again so that they are not forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from avser_cli.checksums import sha256
from avser_cli.data.clip import Clip
from avser_cli.data.clips import index_data
from avser_cli.data.dataset import Progress, load_dataset
from avser_cli.data.network_inputs import Inputs, reader_of
from avser_cli.data.sources import DataSources
from avser_cli.data.splits import Split
from avser_cli.errors import CorpusError, UsageError
from avser_cli.model.recipe import Sampling
from avser_cli.training.sampling import Floats, Numbers, TrainingSet
from avser_cli.training.source_bundle import SourceBundle

OLD_SAMPLING = Sampling(corpus=0.5, emotion=0.0, speaker=0.5)
"""How the old clips are drawn."""


@dataclass(frozen=True)
class LabelledInputs:
    """Clips as a network takes them.

    Attributes
    ----------
    clips : tuple of Clip
    inputs : numpy.ndarray
        Shape ``(n, height, width)``.
    labels : numpy.ndarray
        Indices of the new bundle's emotions, shape ``(n,)``.
    """

    clips: tuple[Clip, ...]
    inputs: Inputs
    labels: Numbers

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Rehearsal:
    """Clips of the corpora that a bundle was trained on.

    Attributes
    ----------
    known : LabelledInputs
        Those that it was trained on: they are trained on again.
    judged : LabelledInputs
        Those that it held out or, where there are none of these, never met: they show what is
        forgotten. There may be none.
    """

    known: LabelledInputs
    judged: LabelledInputs

    @property
    def checksum(self) -> str:
        """Of the clips that are trained on again, and of their labels."""
        lines = [
            f"{clip.key} {clip.samples_sha256} {clip.emotion}"
            for clip in sorted(self.known.clips, key=lambda clip: clip.key)
        ]
        return sha256("\n".join(lines).encode())


def read_rehearsal(
    data: DataSources,
    source: SourceBundle,
    emotions: Sequence[str],
    split: Split,
    progress: Progress | None = None,
) -> Rehearsal:
    """Read clips of the emotions that a bundle and the new clips share.

    Parameters
    ----------
    data : DataSources
    source : SourceBundle
    emotions : sequence of str
        Of the new bundle, in label order.
    split : Split
        Of the new clips; what is on either side of it is not rehearsed.
    progress : callable, optional

    Raises
    ------
    UsageError
        No emotion is shared.
    CorpusError
        The bundle was trained on none of the clips, or see `load_dataset`.
    """
    shared = tuple(label for label in source.config.labels if label in emotions)
    if not shared:
        raise UsageError(
            f"--rehearse: {source.config.name} knows none of {', '.join(emotions)}; leave it out"
        )
    index = index_data(data, shared)
    index.check_some(shared, source.config.name)
    reader = reader_of(index, source.config.recipe.spectrogram)
    dataset = load_dataset(index, shared, reader, progress)
    new = {*split.train.values(), *split.test.values()}
    parts = [
        None if clip.samples_sha256 in new else part
        for clip, part in zip(dataset.clips, source.parts(dataset), strict=True)
    ]
    numbers = np.array([list(emotions).index(label) for label in shared])

    def chosen(part: str) -> LabelledInputs:
        rows = np.flatnonzero([found == part for found in parts])
        clips = tuple(dataset.clips[row] for row in rows)
        return LabelledInputs(clips, dataset.inputs[rows], numbers[dataset.labels[rows]])

    known, held_out = chosen("train"), chosen("test")
    if len(known) == 0:
        raise CorpusError(
            f"{data}: {source.config.name} was trained on none of these {len(dataset)} clips; "
            "--rehearse takes the corpora that it was trained on"
        )
    return Rehearsal(known, held_out if len(held_out) else chosen("unseen"))


@dataclass(frozen=True)
class RehearsedSet(TrainingSet):
    """New clips and old ones, a share of each batch from the old.

    Attributes
    ----------
    new : TrainingSet
        The first of all clips.
    old : TrainingSet
        The others.
    batch_size : int
    old_a_batch : int
        How many clips of a batch are old.
    """

    new: TrainingSet | None = None
    old: TrainingSet | None = None
    batch_size: int = 1
    old_a_batch: int = 0

    @classmethod
    def joined(
        cls, new: TrainingSet, old: LabelledInputs, batch_size: int, share: float
    ) -> RehearsedSet:
        """New and old clips, the old ones about this share of each batch, one at least."""
        before = TrainingSet.of(old.inputs, old.labels, new.emotions, old.clips)
        zeros = np.zeros(len(new) + len(before), np.int64)
        return cls(
            inputs=np.concatenate([new.inputs, before.inputs]),
            labels=np.concatenate([new.labels, before.labels]),
            emotions=new.emotions,
            corpora=zeros,
            speakers=zeros,
            new=new,
            old=before,
            batch_size=batch_size,
            old_a_batch=min(max(1, round(share * batch_size)), batch_size - 1),
        )

    def draws(self, new_draws: int) -> int:
        """Clips of an epoch with so many new ones."""
        batches = -(-new_draws // (self.batch_size - self.old_a_batch))
        return new_draws + batches * self.old_a_batch

    def draw_counts(self, sampling: Sampling) -> Floats:
        """How often an epoch draws each clip, on the average, shape ``(n,)``."""
        new, old = self._samplings(sampling)
        assert self.new is not None and self.old is not None
        return np.concatenate([self.new.draw_counts(new), self.old.draw_counts(old)])

    def epoch(self, sampling: Sampling, seed: Sequence[int]) -> npt.NDArray[np.intp]:
        """The rows that an epoch takes, batch by batch new ones and then old ones."""
        new, old = self._samplings(sampling)
        assert self.new is not None and self.old is not None
        first = self.new.epoch(new, seed)
        second = self.old.epoch(old, [*seed, 1]) + len(self.new)
        step = self.batch_size - self.old_a_batch
        batches = -(-len(first) // step)
        parts = []
        for number in range(batches):
            parts.append(first[number * step : (number + 1) * step])
            parts.append(second[number * self.old_a_batch : (number + 1) * self.old_a_batch])
        return np.concatenate(parts)

    def _samplings(self, sampling: Sampling) -> tuple[Sampling, Sampling]:
        """How new and old clips are drawn for an epoch of so many in all."""
        assert sampling.draws is not None
        batches = -(-sampling.draws // self.batch_size)
        old_draws = batches * self.old_a_batch
        new_draws = max(sampling.draws - old_draws, 1)
        return replace(sampling, draws=new_draws), replace(OLD_SAMPLING, draws=old_draws)
