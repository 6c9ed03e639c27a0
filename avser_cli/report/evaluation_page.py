"""One HTML page of an evaluation: scores, the confusion matrix, and every clip to listen to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avser_cli.evaluation.bootstrap import Interval
from avser_cli.evaluation.bundle_evaluation import Evaluation
from avser_cli.evaluation.group_scores import GroupScores
from avser_cli.evaluation.scoring import ClipAnswer, clip_answers
from avser_cli.experiments.runs import FinishedRun
from avser_cli.experiments.summary import CrossValidation, calibrated
from avser_cli.model.bundle import BundleConfig
from avser_cli.report.cross_validation_report import runs_table
from avser_cli.report.evaluation_report import left_out_lines, title_of
from avser_cli.report.group_tables import groups_table, speakers_table, worst_words
from avser_cli.report.html_page import made_now, write_html
from avser_cli.report.page_media import (
    Media,
    SoundPart,
    clip_name,
    common_folder,
    media_fields,
    part_of,
)
from avser_cli.report.tables import TextTable, interval_text, scores_table
from avser_cli.training.training_run import Corpus


@dataclass(frozen=True)
class EvaluationPage:
    """What the page shows.

    Attributes
    ----------
    title : str
    about : tuple of str
        Lines on what was scored, and what was not.
    warning : str
        Set off; empty where there is none.
    figures : tuple of tuple of str
        Names and values, the most important first.
    tables : dict of str to TextTable
        By what is written over each.
    worst : str
        The groups of lowest UAR, in words.
    emotions : tuple of str
        In label order.
    confusion : list of list of int
        Row: the label; column: the answer.
    answers : tuple of ClipAnswer
    runs : tuple of str
        The run of each answer, by name; empty where there is one model.
    threshold : float
        Answers of less confidence are uncertain.
    """

    title: str
    about: tuple[str, ...]
    warning: str
    figures: tuple[tuple[str, str], ...]
    tables: dict[str, TextTable]
    worst: str
    emotions: tuple[str, ...]
    confusion: list[list[int]]
    answers: tuple[ClipAnswer, ...]
    runs: tuple[str, ...] = ()
    threshold: float = 0.0

    @property
    def parts(self) -> list[SoundPart]:
        """What is shown and played, each once."""
        return list(dict.fromkeys(part_of(answer.clip) for answer in self.answers))


def page_of_bundle(config: BundleConfig, evaluation: Evaluation) -> EvaluationPage:
    """What the page shows of a bundle's scores."""
    scoring, normalized = evaluation.scoring, evaluation.normalized
    report, intervals = scoring.report, scoring.intervals
    figures = [
        ("clips", f"{report.clips:,}"),
        ("UAR", _with_interval(report.uar, intervals.uar)),
        ("accuracy", _with_interval(report.accuracy, intervals.accuracy)),
        ("calibration error", f"{scoring.calibration_error:.3f}"),
    ]
    if scoring.certain < 1 and scoring.certain_accuracy is not None:
        figures.append(("not uncertain", f"{scoring.certain:.0%}"))
        figures.append(("of them right", f"{scoring.certain_accuracy:.0%}"))
    if normalized is not None:
        uar = _with_interval(normalized.report.uar, normalized.intervals.uar)
        figures.append(("UAR with speakers' references", uar))
    groups = _group_tables(scoring.groups, normalized.groups if normalized else None)
    title, trained_on = title_of(config, evaluation), evaluation.part == "train"
    unread = len(evaluation.skipped)
    return EvaluationPage(
        title=f"Evaluation of {config.name}",
        about=(
            *([] if trained_on else [title]),
            f"95 %: bootstrap over {intervals.resampled}.",
            *left_out_lines(evaluation),
            *([f"left out: {unread} files that could not be used"] if unread else []),
        ),
        warning=title if trained_on else "",
        figures=tuple(figures),
        tables={"By emotion": scores_table(report), **groups},
        worst=worst_words(scoring.groups),
        emotions=report.labels,
        confusion=report.confusion,
        answers=evaluation.answers,
        threshold=config.calibration.threshold if config.calibration else 0.0,
    )


def page_of_protocol(
    summary: CrossValidation, runs: Sequence[FinishedRun], corpus: Corpus
) -> EvaluationPage:
    """What the page shows of a cross-validation; a clip stands in it once a run that held it out.

    Confidences are calibrated, each run's by the others.
    """
    clips = {clip.key: clip for clip in corpus.dataset.clips}
    _, scaled, _ = calibrated(runs, summary.protocol)
    answers: list[ClipAnswer] = []
    names: list[str] = []
    for finished, probabilities in zip(runs, scaled, strict=True):
        held_out = [clips[name] for name in finished.names]
        answers += clip_answers(summary.emotions, held_out, finished.labels, probabilities)
        names += [finished.planned.name] * len(held_out)
    held_out_clips = {name for finished in runs for name in finished.names}
    figures = [("clips held out", f"{len(held_out_clips):,}"), ("runs", str(len(runs)))]
    for key, name in (("uar", "UAR"), ("accuracy", "accuracy")):
        interval = summary.intervals.get(key)
        figures.append((name, _with_interval(summary.mean[key].mean, interval)))
    if calibration := summary.calibration:
        figures.append(("calibration error", f"{calibration.ece_after:.3f}"))
        figures.append(("not uncertain", f"{calibration.coverage:.0%}"))
        figures.append(("of them right", f"{calibration.accuracy:.0%}"))
    groups = _group_tables(summary.groups)
    return EvaluationPage(
        title=f"Protocol {summary.protocol}, {summary.recipe.network} recipe {summary.recipe.name}",
        about=(
            f"{summary.corpus['description']}.",
            "UAR and accuracy: means over runs. The matrix, the groups and the clips: all runs "
            "together.",
            summary.command,
        ),
        warning="",
        figures=tuple(figures),
        tables={"By run": runs_table(summary, held_out=True), **groups},
        worst=worst_words(summary.groups),
        emotions=summary.emotions,
        confusion=summary.confusion,
        answers=tuple(answers),
        runs=tuple(names) if len(runs) > 1 else (),
        threshold=calibration.threshold if calibration else 0.0,
    )


def _group_tables(
    groups: Sequence[GroupScores], normalized: Sequence[GroupScores] | None = None
) -> dict[str, TextTable]:
    found = {"By group": groups_table(groups), "By speaker": speakers_table(groups, normalized)}
    return {heading: table for heading, table in found.items() if table is not None}


def _with_interval(value: float, interval: Interval | None) -> str:
    return f"{value:.3f}" + (f" (95 % {interval_text(interval)})" if interval else "")


def write_evaluation_page(
    target: Path, page: EvaluationPage, media: Mapping[SoundPart, Media]
) -> None:
    """Write the page.

    Parameters
    ----------
    target : pathlib.Path
    page : EvaluationPage
    media : mapping
        By clip; those without are shown without picture.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    folder = common_folder([answer.clip.path for answer in page.answers])
    names = page.runs or (None,) * len(page.answers)
    rows = [
        _row(answer, run, folder, page.threshold)
        | media_fields(part, media.get(part, Media()), target)
        for answer, run in zip(page.answers, names, strict=True)
        for part in [part_of(answer.clip)]
    ]
    # Wrong ones first, those that the model was surest of before all.
    rows.sort(key=lambda row: (row["right"], -row["confidence"]))
    pictures = sum(part.is_picture for part in page.parts)
    counts = np.array(page.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    write_html(
        target,
        "evaluation.html.j2",
        title=page.title,
        made=f"{len(rows)} answers for clips in {folder}, {made_now()}",
        about=page.about,
        warning=page.warning,
        page=page,
        pictures=pictures,
        all_pictures=pictures == len(page.parts),
        shares=shares.tolist(),
        data={"emotions": list(page.emotions), "recordings": rows},
    )


def _row(answer: ClipAnswer, run: str | None, folder: Path, threshold: float) -> dict[str, Any]:
    """An answer as the page's script reads it."""
    clip = answer.clip
    return {
        "file": clip_name(part_of(clip), folder),
        "label": answer.label,
        "emotion": answer.emotion,
        "right": answer.right,
        "uncertain": answer.confidence < threshold,
        "confidence": round(answer.confidence, 4),
        "probabilities": [round(x, 3) for x in answer.probabilities],
        "speaker": clip.speaker,
        "corpus": clip.corpus,
        "run": run,
        "text": clip.text,
    }
