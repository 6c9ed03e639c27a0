"""What a comparison shows, as plain values for ``compare.json`` and every table and figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np

from avser_cli import __version__
from avser_cli.data.emotions import PAPER_EMOTIONS
from avser_cli.evaluation.metrics import Report
from avser_cli.experiments.candidates import Candidate
from avser_cli.experiments.provenance import training_environment
from avser_cli.experiments.published import TABLE_2
from avser_cli.experiments.runs import FinishedRun
from avser_cli.experiments.significance import Significance, compare_runs
from avser_cli.experiments.summary import mean_and_spread
from avser_cli.training.training_run import LIBRARIES, Corpus

SCORES = ("precision", "recall", "f1")


def summarize_comparison(
    table: str,
    corpus: Corpus,
    candidates: Sequence[Candidate],
    runs: Mapping[str, Sequence[FinishedRun]],
    quick: bool,
) -> dict[str, Any]:
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

    Returns
    -------
    dict
        ``models`` holds a row for each candidate, ``pairs`` the significance of each pair,
        ``wrong_by_all`` the clips that no model ever got right.
    """
    first = next(iter(runs.values()))
    speaker_of = {clip.key: clip.speaker or clip.key for clip in corpus.dataset.clips}
    significance = compare_runs(runs, speaker_of)
    emotions = corpus.dataset.emotions
    return {
        "table": table,
        "quick": quick,
        "split": first[0].planned.split.kind,
        "runs": [run.planned.split.describe() for run in first],
        "seeds": sorted({run.planned.seed for run in first}),
        "emotions": list(emotions),
        "corpus": corpus.about,
        "resampled": significance.resampled,
        "models": [_row(row, runs[row.name], emotions, significance) for row in candidates],
        "pairs": [asdict(pair) for pair in significance.pairs],
        "wrong_by_all": _wrong_by_all(runs, emotions),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "avser": __version__,
        "engine": training_environment(),
        "libraries": {library: version(library) for library in LIBRARIES},
    }


def _row(
    candidate: Candidate,
    runs: Sequence[FinishedRun],
    emotions: tuple[str, ...],
    significance: Significance,
) -> dict[str, Any]:
    reports = [run.report(emotions) for run in runs]
    recipe = candidate.recipe
    return {
        "name": candidate.name,
        "recipe": recipe.as_dict() if recipe else None,
        "published": asdict(candidate.published) if candidate.published else None,
        "published_table_2": _table_2(candidate, emotions),
        "accuracy": _spread(reports, "accuracy"),
        "accuracy_interval": significance.accuracy[candidate.name],
        "uar": _spread(reports, "uar"),
        "uar_interval": significance.uar[candidate.name],
        "macro": _scores(report.macro for report in reports),
        "weighted": _scores(report.weighted for report in reports),
        "per_emotion": {
            emotion: _scores(report.per_emotion[emotion] for report in reports)
            | {"support": mean_and_spread(r.per_emotion[emotion].support for r in reports)["mean"]}
            for emotion in emotions
        },
        "confusion": np.sum([report.confusion for report in reports], axis=0).tolist(),
        "parameters": runs[0].parameters,
        "seconds": mean_and_spread(run.seconds for run in runs),
        "clip_ms": 1000 * float(np.mean([run.clip_seconds or 0.0 for run in runs])),
        "runs": [
            {"name": run.planned.name, "seed": run.planned.seed, **report.as_dict()}
            for run, report in zip(runs, reports, strict=True)
        ],
    }


def _spread(reports: Sequence[Report], figure: str) -> dict[str, float]:
    return mean_and_spread(getattr(report, figure) for report in reports)


def _scores(found: Any) -> dict[str, dict[str, float]]:
    scores = list(found)
    return {name: mean_and_spread(getattr(x, name) for x in scores) for name in SCORES}


def _table_2(candidate: Candidate, emotions: tuple[str, ...]) -> dict[str, Any] | None:
    """The paper's part for the candidate's optimizer and rate, if it has these four emotions."""
    recipe = candidate.recipe
    if recipe is None or recipe.network != "cnn2d" or emotions != PAPER_EMOTIONS:
        return None
    part = TABLE_2.get((recipe.optimizer, recipe.learning_rate))
    return asdict(part) if part else None


def _wrong_by_all(
    runs: Mapping[str, Sequence[FinishedRun]], emotions: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Clips that every model got wrong in every run, and what each predicted instead."""
    predicted: dict[str, dict[str, list[str]]] = {}
    labels: dict[str, str] = {}
    right: set[str] = set()
    for model, found in runs.items():
        for run in found:
            guesses = run.probabilities.argmax(axis=1)
            for name, label, guess in zip(run.names, run.labels, guesses, strict=True):
                labels[name] = emotions[label]
                predicted.setdefault(name, {}).setdefault(model, []).append(emotions[guess])
                if label == guess:
                    right.add(name)
    return [
        {"clip": name, "label": labels[name], "predicted": predicted[name]}
        for name in sorted(predicted)
        if name not in right
    ]
