"""A bundle's report on labelled clips, with what it was trained on kept apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from avser_cli.audio.decoding import Waveform
from avser_cli.data.audio_hash import Hashes, find_copies
from avser_cli.data.clip import Clip, SkippedFile
from avser_cli.data.clips import Index, index_data
from avser_cli.data.corpora import known_corpora
from avser_cli.data.dataset import Progress, load_dataset
from avser_cli.data.network_inputs import Read, Reader, read_sound_as, reader_of
from avser_cli.data.sources import DataSources
from avser_cli.data.splits import Split
from avser_cli.errors import CorpusError, NoVoiceError
from avser_cli.evaluation.metrics import Report
from avser_cli.evaluation.scoring import ClipAnswer, Scoring, clip_answers, score_answers
from avser_cli.inference.classifier import Classifier
from avser_cli.inference.speaker_normalization import normalize_each

Part = Literal["test", "train", "unseen"]
PARTS: tuple[Part, ...] = ("test", "train", "unseen")
PART_ALIASES: dict[str, Part] = {"held-out": "test", "trained-on": "train", "new": "unseen"}
"""Names of the parts on older command lines."""


@dataclass(frozen=True)
class Evaluation:
    """A bundle's report on a part of labelled clips.

    Attributes
    ----------
    scoring : Scoring
    normalized : Scoring or None
        With each speaker's other clips as reference of the speaker; `None` where no speaker has
        enough.
    part : {"test", "train", "unseen"}
    answers : tuple of ClipAnswer
    counts : dict
        Number of clips in each part.
    copies : int
        Clips that were found to be training clips by their sound alone.
    unknown_labels : dict of str to int
        Labels that the model does not know, and how many clips have them.
    missing : tuple of str
        The model's emotions of which no clip was scored.
    skipped : tuple of SkippedFile
    remarks : tuple of str
        Lines about the sources.
    """

    scoring: Scoring
    normalized: Scoring | None
    part: Part
    answers: tuple[ClipAnswer, ...]
    counts: dict[Part, int]
    copies: int
    unknown_labels: Mapping[str, int]
    missing: tuple[str, ...]
    skipped: tuple[SkippedFile, ...]
    remarks: tuple[str, ...]

    @property
    def report(self) -> Report:
        """The report without references of speakers."""
        return self.scoring.report


def parts_of(
    clips: Sequence[Clip], split: Split, copies: npt.NDArray[np.bool_] | None = None
) -> list[Part]:
    """For each clip, whether a bundle was trained on it, held it out, or never saw it.

    A copy of a training clip under another name was trained on too.

    Parameters
    ----------
    clips : sequence of Clip
    split : Split
        The bundle's.
    copies : numpy.ndarray, optional
        Whether each is a re-encoded copy of a training clip, shape ``(n,)``. Without it, the same
        name of one's own recordings counts as the same clip.
    """
    trained_samples = set(split.train.values())

    def is_of(side: Mapping[str, str], clip: Clip) -> bool:
        # Names of published corpora are unique; 1.wav of a folder of one's own is not.
        trusted = copies is None or clip.corpus in known_corpora()
        return clip.key in side and (trusted or side[clip.key] == clip.samples_sha256)

    def part(number: int, clip: Clip) -> Part:
        if is_of(split.train, clip) or clip.samples_sha256 in trained_samples:
            return "train"
        if is_of(split.test, clip):
            return "test"
        return "train" if copies is not None and copies[number] else "unseen"

    return [part(number, clip) for number, clip in enumerate(clips)]


def answers_as(classifier: Classifier) -> Reader:
    """What answers for sounds with a classifier: probabilities instead of a network's input.

    Parameters
    ----------
    classifier : Classifier
        Of a network that reads spectrograms, by which copies are known, too.
    """
    settings = classifier.config.recipe.spectrogram
    assert settings is not None
    pictures = read_sound_as(settings)

    def of_sound(path: Path, waveform: Waveform) -> Read:
        try:
            answer = classifier.predict_waveform(str(path), waveform)
        except NoVoiceError:
            answer = classifier.with_any_sound().predict_waveform(str(path), waveform)
        row = np.array(list(answer.probabilities.values()), np.float32)
        return replace(pictures.of_sound(path, waveform), inputs=row)

    return Reader(of_sound)


def evaluate(
    classifier: Classifier,
    data: DataSources,
    part: Part | None,
    hashes: Hashes | None = None,
    progress: Progress | None = None,
    scheduler: str | None = None,
) -> Evaluation:
    """Score a bundle on one part of labelled clips or pictures.

    A sound is judged as `classify` does, by all of its speech, be it longer than a picture or not;
    a picture by what it shows. Where no voice is found, that somebody speaks is taken from the
    label.

    Parameters
    ----------
    classifier : Classifier
    data : DataSources
    part : {"test", "train", "unseen"} or None
        `None`: what it held out or, where there is nothing of that, what it never saw.
    hashes : numpy.ndarray, optional
        Those of its training clips, see `avser_cli.model.bundle_arrays.read_hashes`.
    progress : callable, optional
    scheduler : str, optional
        A Dask scheduler whose workers, which see the same files, classify the clips instead.

    Raises
    ------
    CorpusError
        There is no clip of that part; the message counts the others.
    """
    config = classifier.config
    index = index_data(data, config.labels)
    index.check_some(config.labels, config.name)
    settings = config.recipe.spectrogram
    whole_sounds = settings is not None and index.kind == "sounds"
    reader = answers_as(classifier) if whole_sounds else reader_of(index, settings)
    dataset = load_dataset(index, config.labels, reader, progress, scheduler=scheduler)
    copies = None
    if hashes is not None and len(hashes) and dataset.fingerprints is not None:
        copies = find_copies(dataset.fingerprints, hashes) >= 0
    parts = parts_of(dataset.clips, config.split, copies)
    counts = {known: parts.count(known) for known in PARTS}
    if part is None:
        part = "test" if counts["test"] else "unseen"
    rows = np.flatnonzero([found == part for found in parts])
    if len(rows) == 0:
        raise CorpusError(_nothing_to_score(data, config.name, part, counts))
    by_name = parts_of(dataset.clips, config.split)
    trained_on = [number for number, found in enumerate(parts) if found == "train"]
    inputs = dataset.inputs[rows]
    probabilities = inputs.astype(np.float32) if whole_sounds else classifier.probabilities(inputs)
    clips = [dataset.clips[row] for row in rows]
    labels = dataset.labels[rows]

    def scored(answers: npt.NDArray[np.float32]) -> Scoring:
        threshold = config.calibration.threshold if config.calibration else 0.0
        by_speaker = config.split.settings.kind == "speaker"
        return score_answers(config.labels, clips, labels, answers, threshold, by_speaker)

    normalized, changed = normalize_each(probabilities, [clip.speaker for clip in clips])
    return Evaluation(
        scoring=scored(probabilities),
        normalized=scored(normalized) if changed.any() else None,
        part=part,
        answers=clip_answers(config.labels, clips, labels, probabilities),
        counts=counts,
        copies=sum(by_name[number] != "train" for number in trained_on),
        unknown_labels=_unknown_labels(index, config.labels),
        missing=tuple(x for n, x in enumerate(config.labels) if n not in labels),
        skipped=dataset.skipped,
        remarks=index.remarks,
    )


def _unknown_labels(index: Index, known: Sequence[str]) -> dict[str, int]:
    counts = Counter({x: n for x, n in index.labels.items() if x not in known})
    return dict(counts.most_common())


def _nothing_to_score(data: DataSources, name: str, part: Part, counts: dict[Part, int]) -> str:
    found = ", ".join(f"{count} {known}" for known, count in counts.items())
    hint = "name the folder that it was trained from"
    if counts["train"] and part == "unseen":
        hint = "give others, or score those that it was trained on, labelled so, with --part train"
    elif counts["train"] and part == "test":
        hint = (
            "give clips that it never saw with --part unseen, or score its training clips, "
            "labelled so, with --part train"
        )
    return f"{data}: no clip of the {part} part of model {name} in it ({found}); {hint}"
