"""Scoring a bundle on labelled clips, with what it was trained on kept apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from avser_cli.data.clip import Clip, SkippedFile
from avser_cli.data.clips import index_folder
from avser_cli.data.dataset import Progress, load_dataset, reader_of
from avser_cli.data.splits import Split
from avser_cli.errors import CorpusError
from avser_cli.evaluation.bootstrap import Intervals, clip_intervals
from avser_cli.evaluation.metrics import Report, score
from avser_cli.inference.classifier import Classifier

Part = Literal["test", "train", "unseen"]
PARTS: tuple[Part, ...] = ("test", "train", "unseen")
PART_ALIASES: dict[str, Part] = {"held-out": "test", "trained-on": "train", "new": "unseen"}
"""Names of the parts on older command lines."""


@dataclass(frozen=True)
class Evaluation:
    """A bundle's report on a part of a folder.

    Attributes
    ----------
    report : Report
    part : {"test", "train", "unseen"}
    files : list of dict
        For each clip: ``file``, ``label``, ``emotion``, ``confidence``.
    counts : dict
        Number of the folder's clips in each part.
    skipped : tuple of SkippedFile
    intervals : Intervals
        Of this one training; whole speakers are drawn where the bundle held out speakers.
    """

    report: Report
    part: Part
    files: list[dict[str, Any]]
    counts: dict[Part, int]
    skipped: tuple[SkippedFile, ...]
    intervals: Intervals


def parts_of(clips: Iterable[Clip], split: Split) -> list[Part]:
    """For each clip, whether a bundle was trained on it, held it out, or never saw it.

    A copy of a training clip under another name was trained on too.
    """
    trained_samples = set(split.train.values())

    def part(clip: Clip) -> Part:
        if clip.key in split.train or clip.samples_sha256 in trained_samples:
            return "train"
        return "test" if clip.key in split.test else "unseen"

    return [part(clip) for clip in clips]


def evaluate(
    classifier: Classifier, folder: Path, part: Part, progress: Progress | None = None
) -> Evaluation:
    """Score a bundle on one part of a folder of labelled clips or pictures.

    Raises
    ------
    CorpusError
        The folder has no clip of that part; the message counts the others.
    """
    config = classifier.config
    index = index_folder(folder, config.labels)
    dataset = load_dataset(
        index, config.labels, reader_of(index, config.recipe.spectrogram), progress
    )
    parts = parts_of(dataset.clips, config.split)
    counts = {known: parts.count(known) for known in PARTS}
    rows = np.flatnonzero([found == part for found in parts])
    if len(rows) == 0:
        raise CorpusError(_nothing_to_score(folder, config.name, part, counts))
    probabilities = classifier.probabilities(dataset.inputs[rows])
    predicted = probabilities.argmax(axis=1)
    files = [
        {
            "file": str(dataset.paths[row]),
            "label": config.labels[dataset.labels[row]],
            "emotion": config.labels[best],
            "confidence": round(float(probability[best]), 6),
        }
        for row, best, probability in zip(rows, predicted, probabilities, strict=True)
    ]
    labels = dataset.labels[rows]
    report = score(config.labels, labels, predicted)
    speakers = None
    if config.split.settings.kind == "speaker":
        speakers = [dataset.clips[row].speaker for row in rows]
    intervals = clip_intervals(labels, predicted, speakers)
    return Evaluation(report, part, files, counts, dataset.skipped, intervals)


def _nothing_to_score(folder: Path, name: str, part: Part, counts: dict[Part, int]) -> str:
    found = ", ".join(f"{count} {known}" for known, count in counts.items())
    hint = "name the folder that it was trained from"
    if counts["train"] and part == "test":
        hint = (
            "give clips that it never saw with --part unseen, or score its training clips, "
            "labelled so, with --part train"
        )
    return f"{folder}: no clip of the {part} part of model {name} in it ({found}); {hint}"
