"""The bundle that a training goes on from: what it knows, and which clips it was trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from avser_cli.checksums import file_sha256
from avser_cli.data.audio_hash import Hashes, find_copies
from avser_cli.data.clip import Clip
from avser_cli.data.corpus_summary import CorpusSummary
from avser_cli.data.dataset import Dataset
from avser_cli.data.network_inputs import Inputs
from avser_cli.data.splits import Split
from avser_cli.errors import CorpusError, UsageError
from avser_cli.evaluation.bundle_evaluation import Part, parts_of
from avser_cli.evaluation.scoring import BeforeAfter, Scoring, score_answers
from avser_cli.inference.classifier import Classifier
from avser_cli.inference.loading import load_network
from avser_cli.model.bundle import CONFIG, WEIGHTS, BundleConfig, Origin, read_config
from avser_cli.model.bundle_arrays import read_hashes
from avser_cli.model.calibration import Probabilities
from avser_cli.training.adaptation_config import AdaptationConfig
from avser_cli.training.training_run import TrainTestSplit


@dataclass(frozen=True)
class SourceBundle:
    """A bundle to go on from.

    Attributes
    ----------
    folder : pathlib.Path
    config : BundleConfig
    checksum : str
        SHA-256 of its ``config.json``, which names those of its parts.
    hashes : numpy.ndarray
        Of its training clips, none where it has none.
    """

    folder: Path
    config: BundleConfig
    checksum: str
    hashes: Hashes

    @classmethod
    def read(cls, folder: Path) -> SourceBundle:
        """Read what is needed of a bundle, but for its weights.

        Raises
        ------
        ModelError
            It is missing, damaged or of a newer format.
        """
        config = read_config(folder)
        hashes = read_hashes(folder, config)
        return cls(folder, config, file_sha256(folder / CONFIG), hashes)

    def check_trainable(self) -> None:
        """Raise `UsageError` where its weights cannot be trained on."""
        network = self.config.recipe.network
        if network != "cnn2d":
            raise UsageError(
                f"{self.folder}: a {network}; only a cnn2d is trained on, others can be fitted "
                "with --calibrate-only"
            )
        if WEIGHTS not in self.config.files:
            raise UsageError(
                f"{self.folder}: made by an older avser, without {WEIGHTS}; train it anew, or "
                "fit it with --calibrate-only"
            )

    def parts(self, dataset: Dataset) -> list[Part]:
        """For each clip, whether the bundle was trained on it, held it out, or never saw it."""
        copies = None
        if len(self.hashes) and dataset.fingerprints is not None:
            copies = find_copies(dataset.fingerprints, self.hashes) >= 0
        return parts_of(dataset.clips, self.config.split, copies)

    def check_unseen(self, dataset: Dataset) -> None:
        """Raise `CorpusError` where the bundle was trained on some of the clips."""
        parts = self.parts(dataset)
        seen = [x for x, part in zip(dataset.clips, parts, strict=True) if part == "train"]
        if seen:
            raise CorpusError(
                f"{self.config.name} was trained on {len(seen)} of these {len(dataset)} clips, "
                f"e.g. {seen[0].path}: it would be judged by what it knows; leave them out, or "
                "add --allow-known"
            )

    def without_known_held_out(self, prepared: TrainTestSplit) -> TrainTestSplit:
        """The same split with those held-out clips alone that the bundle was not trained on."""
        test = prepared.split.test
        parts = zip(prepared.dataset.clips, self.parts(prepared.dataset), strict=True)
        unknown = {x.key for x, part in parts if part != "train"}
        kept = {key: samples for key, samples in test.items() if key in unknown}
        return replace(prepared, split=replace(prepared.split, test=kept))

    def raw_probabilities(self, inputs: Inputs) -> Probabilities:
        """What its network says, without its calibration."""
        return load_network(self.folder, self.config).predict(inputs)

    def answers(self, inputs: Inputs, labels: Sequence[str]) -> Probabilities:
        """What it says of inputs, see `translate`."""
        return self.translate(Classifier.load(self.folder).probabilities(inputs), labels)

    def translate(self, probabilities: Probabilities, labels: Sequence[str]) -> Probabilities:
        """Its probabilities as those of other labels: of unknown ones 0, the rest adds up to 1."""
        known = self.config.labels
        found = np.zeros((len(probabilities), len(labels)), np.float32)
        for column, label in enumerate(labels):
            if label in known:
                found[:, column] = probabilities[:, known.index(label)]
        totals = found.sum(axis=1, keepdims=True)
        translated: Probabilities = found / np.maximum(totals, 1e-12)
        return translated


@dataclass(frozen=True)
class Lineage:
    """The clips that a bundle's weights come from.

    Attributes
    ----------
    split : Split
    hashes : numpy.ndarray or None
        Of the clips of its training side.
    corpora : tuple of CorpusSummary
        Of those of them that the bundle before it, if there is one, was not trained on.
    origin : Origin or None
    """

    split: Split
    hashes: Hashes | None
    corpora: tuple[CorpusSummary, ...]
    origin: Origin | None = None


@dataclass(frozen=True)
class TrainedFrom:
    """The bundle that was trained on, how, and what it said of the clips that are held out.

    Attributes
    ----------
    source : SourceBundle
    method : str
        What was done, in words.
    held_out : BeforeAfter or None
        `None` where nothing was held out.
    config : AdaptationConfig or None
        `None` where the weights are the source's.
    """

    source: SourceBundle
    method: str
    held_out: BeforeAfter | None
    config: AdaptationConfig | None = None

    def join(self, new: Lineage) -> Lineage:
        """The clips of both bundles; those of the source come first.

        A clip that both were trained on is not counted again; another one of the same name is
        renamed.
        """
        config = self.source.config
        known = config.split.train
        taken = {*known, *new.split.train, *new.split.test}
        inherited: dict[str, str] = {}
        rows = []
        for row, (key, samples) in enumerate(known.items()):
            if new.split.train.get(key) == samples:
                continue
            name = key
            if key in new.split.train or key in new.split.test:
                while name in taken:
                    name = f"{config.name}/{name}"
                taken.add(name)
            inherited[name] = samples
            rows.append(row)
        hashes = None
        if new.hashes is not None and len(self.source.hashes):
            hashes = np.concatenate([self.source.hashes[rows], new.hashes])
        return Lineage(
            replace(new.split, train={**inherited, **new.split.train}),
            hashes,
            _joined(config.corpora, new.corpora),
            Origin(
                config.name,
                self.source.checksum,
                self.method,
                len(inherited),
                self.config.as_dict() if self.config else {},
            ),
        )


def compare(
    source: SourceBundle,
    emotions: tuple[str, ...],
    clips: Sequence[Clip],
    labels: npt.NDArray[np.int64],
    inputs: Inputs,
    answers: Probabilities,
    by_speaker: bool = False,
) -> BeforeAfter | None:
    """How a bundle did on clips, and how the new one does.

    Parameters
    ----------
    source : SourceBundle
    emotions : tuple of str
        Of the new bundle.
    clips : sequence of Clip
    labels : numpy.ndarray
        Indices of the emotions, shape ``(n,)``.
    inputs : numpy.ndarray
        What the network takes, shape ``(n, ...)``.
    answers : numpy.ndarray
        The new bundle's probabilities, shape ``(n, emotions)``.
    by_speaker : bool
        See `score_answers`.

    Returns
    -------
    BeforeAfter or None
        `None` of no clips.
    """
    if not clips:
        return None

    def scored(probabilities: Probabilities) -> Scoring:
        return score_answers(emotions, clips, labels, probabilities, by_speaker=by_speaker)

    known = set(emotions) & set(source.config.labels)
    before = scored(source.answers(inputs, emotions)) if known else None
    return BeforeAfter(before, scored(answers))


def compare_on_held_out(
    source: SourceBundle, prepared: TrainTestSplit, answers: Probabilities
) -> BeforeAfter | None:
    """`compare` on the clips that are held out; `None` where there are none."""
    data = prepared.dataset
    rows = data.rows(prepared.split.test)
    return compare(
        source,
        data.emotions,
        [data.clips[row] for row in rows],
        data.labels[rows],
        data.inputs[rows],
        answers,
        prepared.split.settings.kind == "speaker",
    )


def _joined(
    old: Sequence[CorpusSummary], new: Sequence[CorpusSummary]
) -> tuple[CorpusSummary, ...]:
    """The corpora of both, by name; clips of one that is in both are added up."""
    found = {corpus.name: corpus for corpus in old}
    for corpus in new:
        if (known := found.get(corpus.name)) is not None:
            speakers = max(known.speakers, corpus.speakers)
            corpus = replace(corpus, clips=known.clips + corpus.clips, speakers=speakers)
        found[corpus.name] = corpus
    return tuple(found[name] for name in sorted(found))
