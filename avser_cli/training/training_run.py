"""One training from a folder to a bundle: read, split, look for leaks, train, score, write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from avser_cli.data.clip import Clip
from avser_cli.data.clips import Index, corpus_checksum, describe, index_data
from avser_cli.data.dataset import Dataset, Progress, load_dataset
from avser_cli.data.emotions import Category
from avser_cli.data.leaks import PART, RE_ENCODED, Leak, find_leaks, without_copies
from avser_cli.data.network_inputs import Inputs, reader_of
from avser_cli.data.sources import DataSources
from avser_cli.data.splits import Split, SplitSettings, split_clips
from avser_cli.errors import CorpusError
from avser_cli.evaluation.group_scores import GroupScores, score_groups
from avser_cli.evaluation.metrics import Report, score
from avser_cli.model.recipe import EACH_CLIP_ONCE, Recipe
from avser_cli.training.provenance import libraries_of, run_key
from avser_cli.training.sampling import TrainingSet


@dataclass(frozen=True)
class Corpus:
    """A folder of labelled clips, read.

    Attributes
    ----------
    dataset : Dataset
    about : dict
        ``folder``, ``fingerprint`` (of the samples), ``labels`` (of these with their emotions),
        ``description`` and ``corpora`` (names, separated by commas) of what was read.
    other_emotions : int
        Clips of emotions that were not asked for.
    remarks : tuple of str
        Lines about the sources.
    categories : Mapping
        What the user named for an emotion, ``positive`` or ``negative``.
    drop_copies : bool
        Training clips that are copies of held-out ones are left out; else such a split is refused.
    """

    dataset: Dataset
    about: dict[str, str]
    other_emotions: int
    remarks: tuple[str, ...] = ()
    categories: Mapping[str, Category] = field(default_factory=dict)
    drop_copies: bool = False

    def split(self, settings: SplitSettings) -> TrainTestSplit:
        """Split the clips and look for leaks.

        Raises
        ------
        CorpusError
            See `split_clips`; also where the split leaks.
        """
        split = split_clips(self.dataset.clips, settings)
        if self.drop_copies:
            split = without_copies(self.dataset.clips, split)
        check_no_leaks(find_leaks(self.dataset.clips, split))
        return TrainTestSplit(self, split)


@dataclass(frozen=True)
class TrainTestSplit:
    """What a training needs, read and checked."""

    corpus: Corpus
    split: Split

    @property
    def dataset(self) -> Dataset:
        """The corpus's clips, of both sides."""
        return self.corpus.dataset

    @property
    def held_out_inputs(self) -> Inputs:
        """What the network takes of the clips that are held out."""
        return self.dataset.inputs[self.dataset.rows(self.split.test)]

    def key(self, recipe: Recipe, seed: int) -> str:
        """A checksum of everything that determines the training of a recipe."""
        clips = self.dataset.clips
        drawn_by = recipe.sampling != EACH_CLIP_ONCE or recipe.specialist is not None
        labels = {x.key: [x.emotion, *([x.corpus, x.speaker] if drawn_by else [])] for x in clips}
        model = {"recipe": recipe.as_dict()}
        return run_key(model, seed, self.split, labels, self.dataset.emotions, libraries_of(recipe))


@dataclass(frozen=True)
class Result:
    """A trained model and how it did on the clips that were held out.

    Attributes
    ----------
    trained : avser_cli.training.ensemble.Trained
    report : Report or None
        ``None`` where nothing was held out.
    probabilities : numpy.ndarray
        Of the held-out clips in the order of the corpus, shape ``(n, emotions)``.
    groups : tuple of GroupScores
        Of the held-out clips.
    """

    trained: Any
    report: Report | None
    probabilities: npt.NDArray[np.float32]
    groups: tuple[GroupScores, ...] = ()


def read_corpus(
    data: DataSources,
    emotions: tuple[str, ...],
    recipe: Recipe,
    progress: Progress | None = None,
    check: Callable[[Sequence[Clip]], object] | None = None,
    fixed: bool = False,
) -> Corpus:
    """Read clips or pictures as a recipe's network takes them.

    Parameters
    ----------
    data : DataSources
    emotions : tuple of str
    recipe : Recipe
    progress : callable, optional
    check : callable, optional
        Called with the clips before they are read, to raise at once what would be raised later.
    fixed : bool
        Whether the emotions are a bundle's, so that others cannot be named.

    Raises
    ------
    InputError, CorpusError
        See `index_data` and `load_dataset`; also where an emotion has no usable clip.
    """
    index = index_data(data, emotions)
    index.check_emotions(emotions, fixed)
    if check:
        check(index.clips)
    dataset = load_dataset(index, emotions, reader_of(index, recipe.spectrogram), progress)
    return corpus_of(index, dataset)


def corpus_of(index: Index, dataset: Dataset) -> Corpus:
    """The corpus of an index and what was read of it; every emotion must have a clip."""
    emotions = dataset.emotions
    present = {clip.emotion for clip in dataset.clips}
    missing = [emotion for emotion in emotions if emotion not in present]
    if missing:
        wanted = {clip.path for clip in index.clips if clip.emotion in missing}
        left_out = [item for item in dataset.skipped if item.path in wanted]
        raise CorpusError(
            f"{index.sources}: no usable clip of {', '.join(missing)}; {len(left_out)} are left "
            f"out, the first: {left_out[0]}"
        )
    about = {
        "folder": ", ".join(source.path.name for source in index.sources.sources),
        "corpora": ", ".join(sorted({clip.corpus for clip in dataset.clips})),
        "fingerprint": corpus_checksum(clip.samples_sha256 for clip in dataset.clips),
        "labels": corpus_checksum(f"{x.samples_sha256} {x.emotion}" for x in dataset.clips),
        "description": describe(dataset.clips),
    }
    return Corpus(
        dataset,
        about,
        len(index.others),
        index.remarks,
        index.sources.categories,
        index.sources.drop_copies,
    )


def check_no_leaks(leaks: list[Leak]) -> None:
    """Raise `CorpusError` that shows the first of the leaks, if there are any."""
    if leaks:
        copies = leaks[0].kind in ("samples", PART, RE_ENCODED)
        way = "; leave one of them out, or add --drop-copies" if copies else ""
        raise CorpusError(f"the split leaks in {len(leaks)} places; the first: {leaks[0]}{way}")


def run(
    prepared: TrainTestSplit,
    recipe: Recipe,
    seed: int,
    on_epoch: Callable[[Any], None],
    checkpoint_folder: Path | None = None,
    forgiving: bool = False,
    scheduler: str | None = None,
    side_by_side: bool = True,
) -> Result:
    """Train on the training side and score the held-out side with the last epoch's weights.

    Parameters
    ----------
    prepared : TrainTestSplit
    recipe : Recipe
    seed : int
    on_epoch : callable
        Called after each epoch.
    checkpoint_folder : pathlib.Path, optional
        Where to go on from and to save to.
    forgiving : bool
        Whether a damaged checkpoint is passed over, see `Checkpoint`.
    scheduler, side_by_side
        See `avser_cli.training.ensemble.train`.
    """
    from avser_cli.training.checkpoint import Checkpoint
    from avser_cli.training.ensemble import train

    data, split = prepared.dataset, prepared.split
    checkpoint = None
    if checkpoint_folder is not None:
        checkpoint = Checkpoint(checkpoint_folder, prepared.key(recipe, seed), forgiving)
    rows = data.rows(split.train)
    emotions = len(data.emotions)
    clips = [data.clips[row] for row in rows]
    training_side = TrainingSet.of(data.inputs[rows], data.labels[rows], emotions, clips)
    trained = train(recipe, training_side, seed, on_epoch, checkpoint, scheduler, side_by_side)
    held_out = data.rows(split.test)
    if len(held_out) == 0:
        return Result(trained, None, np.empty((0, emotions), np.float32))
    probabilities = trained.predict(data.inputs[held_out])
    labels, predicted = data.labels[held_out], probabilities.argmax(axis=1)
    report = score(data.emotions, labels, predicted)
    groups = score_groups([data.clips[row] for row in held_out], labels, predicted)
    return Result(trained, report, probabilities, groups)
