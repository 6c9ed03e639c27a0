"""What a comparison shows: the content of ``compare.json`` and of every table and figure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Self

import numpy as np

from avser_cli import __version__
from avser_cli.data.emotions import PAPER_EMOTIONS
from avser_cli.evaluation.bootstrap import Interval
from avser_cli.evaluation.group_scores import GroupScores, worst_groups
from avser_cli.evaluation.metrics import Report, Scores
from avser_cli.experiments.candidates import Candidate
from avser_cli.experiments.published import TABLE_2, PublishedModel, PublishedOptimizer
from avser_cli.experiments.runs import FinishedRun
from avser_cli.experiments.significance import Pair, Significance, compare_runs
from avser_cli.experiments.summary import MeanAndSpread, pooled_groups
from avser_cli.model.recipe import Recipe
from avser_cli.training.provenance import LIBRARIES, RUN_FORMAT, library_versions
from avser_cli.training.training_run import Corpus


@dataclass(frozen=True)
class MeanScores:
    """Precision, recall and F1 over runs."""

    precision: MeanAndSpread
    recall: MeanAndSpread
    f1: MeanAndSpread

    @classmethod
    def of(cls, scores: Iterable[Scores]) -> Self:
        """Those of each run's scores."""
        scores = list(scores)
        return cls(
            MeanAndSpread.of(x.precision for x in scores),
            MeanAndSpread.of(x.recall for x in scores),
            MeanAndSpread.of(x.f1 for x in scores),
        )


@dataclass(frozen=True)
class EmotionScores(MeanScores):
    """The same of an emotion, with its mean number of clips."""

    support: float = 0.0


@dataclass(frozen=True)
class ModelRun:
    """One run of a model."""

    name: str
    seed: int
    report: Report

    def as_dict(self) -> dict[str, Any]:
        """The run as plain values, on one level with its report."""
        return {"name": self.name, "seed": self.seed, **self.report.as_dict()}


@dataclass(frozen=True)
class ModelSummary:
    """A row of a comparison.

    Attributes
    ----------
    name : str
    recipe : Recipe or None
        ``None`` for a baseline.
    published : PublishedModel or None
        What the paper's Table 3 reports for it.
    published_table_2 : PublishedOptimizer or None
        What its Table 2 does.
    accuracy, uar : MeanAndSpread
    accuracy_interval, uar_interval : tuple of float
        95 % intervals of the means.
    macro, weighted : MeanScores
        Averages over emotions.
    per_emotion : dict of str to EmotionScores
    confusion : list of list of int
        Pooled over runs.
    parameters : int
    seconds : MeanAndSpread
        Training time.
    clip_ms : float or None
        Mean time for a clip in ms, from reading to prediction, over the runs where it was measured.
    runs : tuple of ModelRun
    groups : tuple of GroupScores
        Pooled over runs: a clip counts in each run that held it out.
    """

    name: str
    recipe: Recipe | None
    published: PublishedModel | None
    published_table_2: PublishedOptimizer | None
    accuracy: MeanAndSpread
    accuracy_interval: Interval
    uar: MeanAndSpread
    uar_interval: Interval
    macro: MeanScores
    weighted: MeanScores
    per_emotion: dict[str, EmotionScores]
    confusion: list[list[int]]
    parameters: int
    seconds: MeanAndSpread
    clip_ms: float | None
    runs: tuple[ModelRun, ...]
    groups: tuple[GroupScores, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The row as plain values."""
        return {
            **asdict(self),
            "runs": [run.as_dict() for run in self.runs],
            "worst_groups": [group.as_dict() for group in worst_groups(self.groups)],
        }


@dataclass(frozen=True)
class WrongClip:
    """A clip that a model got wrong in every run that held it out.

    Attributes
    ----------
    clip, label : str
    predicted : dict of str to list of str
        By model, what each run predicted.
    """

    clip: str
    label: str
    predicted: dict[str, list[str]]

    @property
    def models(self) -> tuple[str, ...]:
        """Those that got it wrong in every run."""
        return tuple(name for name, found in self.predicted.items() if self.label not in found)


@dataclass(frozen=True)
class Comparison:
    """Candidates side by side: the content of ``compare.json``.

    Attributes
    ----------
    table : {"models", "optimizers"}
    quick : bool
        Whether it was a smoke run.
    split : str
    runs : tuple of str
        What each run held out, in words.
    seeds : tuple of int
    emotions : tuple of str
    corpus : dict of str to str
        See `avser_cli.training.training_run.Corpus`.
    resampled : str
        What the bootstrap behind the intervals drew.
    models : tuple of ModelSummary
    pairs : tuple of Pair
        The significance of each pair of models.
    wrong_by_all : tuple of WrongClip
        Those that every model got wrong in every run.
    created, avser : str
        Date and time (UTC, ISO 8601) and version.
    run_format : int
        See `avser_cli.training.provenance.RUN_FORMAT`.
    libraries : dict of str to str
        Versions, openSMILE's too where a model reads its features.
    command : str
        What made it.
    """

    table: str
    quick: bool
    split: str
    runs: tuple[str, ...]
    seeds: tuple[int, ...]
    emotions: tuple[str, ...]
    corpus: dict[str, str]
    resampled: str
    models: tuple[ModelSummary, ...]
    pairs: tuple[Pair, ...]
    wrong_by_all: tuple[WrongClip, ...]
    created: str
    avser: str
    run_format: int
    libraries: dict[str, str]
    command: str

    def as_dict(self) -> dict[str, Any]:
        """The content of ``compare.json``."""
        return {**asdict(self), "models": [model.as_dict() for model in self.models]}


def summarize_comparison(
    table: str,
    corpus: Corpus,
    candidates: Sequence[Candidate],
    runs: Mapping[str, Sequence[FinishedRun]],
    quick: bool,
    command: str,
) -> Comparison:
    """What the runs of all candidates show.

    Parameters
    ----------
    table : {"models", "optimizers"}
    corpus : Corpus
    candidates : sequence of Candidate
    runs : mapping
        By candidate's name, in the same order of runs.
    quick : bool
        Whether it was a smoke run.
    command : str
        What made it.
    """
    first = next(iter(runs.values()))
    speaker_of = {clip.key: clip.speaker or clip.key for clip in corpus.dataset.clips}
    significance = compare_runs(runs, speaker_of)
    emotions = corpus.dataset.emotions
    used = dict.fromkeys([*LIBRARIES, *(name for row in candidates for name in row.libraries)])
    return Comparison(
        table=table,
        quick=quick,
        split=first[0].planned.split.kind,
        runs=tuple(run.planned.split.describe() for run in first),
        seeds=tuple(sorted({run.planned.seed for run in first})),
        emotions=emotions,
        corpus=corpus.about,
        resampled=significance.resampled,
        models=tuple(
            _summarize_model(row, runs[row.name], corpus, significance) for row in candidates
        ),
        pairs=significance.pairs,
        wrong_by_all=tuple(x for x in wrong_clips(runs, emotions) if len(x.models) == len(runs)),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        avser=__version__,
        run_format=RUN_FORMAT,
        libraries=library_versions(used),
        command=command,
    )


def _summarize_model(
    candidate: Candidate,
    runs: Sequence[FinishedRun],
    corpus: Corpus,
    significance: Significance,
) -> ModelSummary:
    emotions = corpus.dataset.emotions
    reports = [run.report(emotions) for run in runs]
    timed = [run.clip_seconds for run in runs if run.clip_seconds is not None]
    return ModelSummary(
        name=candidate.name,
        recipe=candidate.recipe,
        published=candidate.published,
        published_table_2=_table_2(candidate, emotions),
        accuracy=MeanAndSpread.of(report.accuracy for report in reports),
        accuracy_interval=significance.accuracy[candidate.name],
        uar=MeanAndSpread.of(report.uar for report in reports),
        uar_interval=significance.uar[candidate.name],
        macro=MeanScores.of(report.macro for report in reports),
        weighted=MeanScores.of(report.weighted for report in reports),
        per_emotion={name: _of_emotion(reports, name) for name in emotions},
        confusion=np.sum([report.confusion for report in reports], axis=0).tolist(),
        parameters=runs[0].parameters,
        seconds=MeanAndSpread.of(run.seconds for run in runs),
        clip_ms=1000 * float(np.mean(timed)) if timed else None,
        runs=tuple(
            ModelRun(run.planned.name, run.planned.seed, report)
            for run, report in zip(runs, reports, strict=True)
        ),
        groups=pooled_groups(runs, corpus),
    )


def _of_emotion(reports: Sequence[Report], emotion: str) -> EmotionScores:
    scores = [report.per_emotion[emotion] for report in reports]
    mean = MeanScores.of(scores)
    support = float(np.mean([x.support for x in scores]))
    return EmotionScores(mean.precision, mean.recall, mean.f1, support)


def _table_2(candidate: Candidate, emotions: tuple[str, ...]) -> PublishedOptimizer | None:
    """The paper's part for the candidate's optimizer and rate, if it has these four emotions."""
    recipe = candidate.recipe
    if recipe is None or recipe.network != "cnn2d" or emotions != PAPER_EMOTIONS:
        return None
    return TABLE_2.get((recipe.optimizer, recipe.learning_rate))


def wrong_clips(
    runs: Mapping[str, Sequence[FinishedRun]], emotions: tuple[str, ...]
) -> tuple[WrongClip, ...]:
    """Clips that at least one model got wrong in every run, and what each model predicted."""
    predicted: dict[str, dict[str, list[str]]] = {}
    labels: dict[str, str] = {}
    for model, found in runs.items():
        for run in found:
            guesses = run.probabilities.argmax(axis=1)
            for name, label, guess in zip(run.names, run.labels, guesses, strict=True):
                labels[name] = emotions[label]
                predicted.setdefault(name, {}).setdefault(model, []).append(emotions[guess])
    clips = (WrongClip(name, labels[name], predicted[name]) for name in sorted(predicted))
    return tuple(clip for clip in clips if clip.models)
