"""The report folder of a protocol: ``report.json``, ``report.md`` and pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from avser_cli.experiments.recipe_report import REPORT, Robustness
from avser_cli.experiments.runs import FinishedRun
from avser_cli.experiments.summary import (
    CHANNEL_UAR,
    CrossValidation,
    MeanAndSpread,
    RunScores,
    calibrated,
)
from avser_cli.files import write_whole
from avser_cli.model.calibration import Calibration, accuracy_by_coverage, reliability
from avser_cli.report.figures import (
    plot_confusion_matrix,
    plot_coverage,
    plot_curves,
    plot_reliability,
)
from avser_cli.report.group_tables import groups_markdown
from avser_cli.report.tables import TextTable, interval_text, to_markdown

NAMES = {"accuracy": "accuracy", "uar": "UAR"}
"""Names of a summary's figures for people, in the order of the columns; channels follow."""
NAMES_BEHIND = {
    "uar_with_reference": "UAR with reference",
    "calibration_error": "calibration error",
    "coverage": "not uncertain",
    "covered_accuracy": "of these right",
}
"""Names of those that follow the channels."""
COVERED = ("coverage", "covered_accuracy")
"""Those that only reports have room for."""
CHANNELS = ("speech", "song")
"""Vocal channels that come first, in this order."""


def write_report(folder: Path, summary: CrossValidation, runs: Sequence[FinishedRun]) -> None:
    """Write what a protocol showed.

    Parameters
    ----------
    folder : pathlib.Path
    summary : CrossValidation
    runs : sequence of FinishedRun
    """
    write_whole(folder / REPORT, (json.dumps(summary.as_dict(), indent=1) + "\n").encode())
    write_whole(folder / "report.md", report_markdown(summary).encode())
    title = f"{summary.protocol}, recipe {summary.recipe.name}, {len(runs)} runs"
    plot_confusion_matrix(
        folder / "confusion.png", summary.emotions, summary.confusion, f"{title}, pooled"
    )
    curves = {finished.planned.name: finished.history for finished in runs}
    plot_curves(folder / "learning-curves.png", curves, title)
    truth = np.concatenate([finished.labels for finished in runs])
    before = np.concatenate([finished.probabilities for finished in runs])
    _, scaled, _ = calibrated(runs, summary.protocol)
    after = np.concatenate(scaled)
    bins = {"as the network says": before, "calibrated": after}
    reliabilities = {name: reliability(values, truth) for name, values in bins.items()}
    plot_reliability(folder / "calibration.png", reliabilities, title)
    plot_coverage(folder / "coverage.png", *accuracy_by_coverage(after, truth), title)


def report_markdown(summary: CrossValidation) -> str:
    """The report for people."""
    recipe, corpus = summary.recipe, summary.corpus
    ensemble = f", {recipe.ensemble} networks" if recipe.ensemble > 1 else ""
    libraries = ", ".join(f"{name} {number}" for name, number in summary.libraries.items())
    return f"""\
# Protocol {summary.protocol}, {recipe.network} recipe {recipe.name}

`{summary.command}`

{recipe.optimizer} at {recipe.learning_rate:g} ({recipe.schedule}), {recipe.describe_epochs()} \
of batches of {recipe.batch_size}, dropout {recipe.dropout:g}, \
{summary.parameters:,} weights{ensemble}; last epoch.
{corpus["description"]}; fingerprint `{corpus["fingerprint"]}`.
Made {summary.created} with avser {summary.avser}; {libraries}.

{to_markdown(runs_table(summary, held_out=True))}

By emotion, mean ± standard deviation over runs: {recall_words(summary)}.
{groups_markdown(summary.groups, "By group, pooled over runs:")}

{calibration_words(summary)}

![Confusion matrix](confusion.png) ![Learning curves](learning-curves.png)
![Calibration](calibration.png) ![Accuracy against coverage](coverage.png)
"""


def runs_table(summary: CrossValidation, held_out: bool = False) -> TextTable:
    """One line a run, then their mean ± standard deviation and its 95 % interval.

    Parameters
    ----------
    summary : CrossValidation
    held_out : bool
        Whether each run is said to have held out what, and how many clips, and how many of its
        answers are not uncertain; a terminal has no room for that.
    """
    figures = _figures(summary)
    if not held_out:
        figures = {key: name for key, name in figures.items() if key not in COVERED}
    head = ["run", *(["held out", "clips"] if held_out else []), *figures.values()]
    rows = [
        (
            line.name,
            *([line.held_out, str(line.clips)] if held_out else []),
            *(f"{line.figures[key]:.3f}" if key in line.figures else "" for key in figures),
        )
        for line in summary.runs
    ]
    blank = ["", ""] if held_out else []
    means = [_spread(summary.mean[key]) if key in summary.mean else "" for key in figures]
    below = [("mean ± sd", *blank, *means)]
    note = ""
    if intervals := summary.intervals:
        cells = (interval_text(intervals[key]) if key in intervals else "" for key in figures)
        below.append(("95 %", *blank, *cells))
        note = f"95 %: bootstrap over {summary.resampled}."
    left = frozenset({0, 1} if held_out else {0})
    return TextTable(tuple(head), tuple(rows), tuple(below), note=note, left=left)


def _figures(summary: CrossValidation) -> dict[str, str]:
    """Names of the columns by key; a channel, or another figure, that some run has is one."""
    there = {key for line in summary.runs for key in line.figures}
    channels = [key for key in there if key.endswith(CHANNEL_UAR) and key not in NAMES]
    known = [f"{name}{CHANNEL_UAR}" for name in CHANNELS]
    channels.sort(key=lambda key: (known.index(key) if key in known else len(known), key))
    behind = {key: name for key, name in NAMES_BEHIND.items() if key in there}
    return NAMES | {key: f"UAR {key.removesuffix(CHANNEL_UAR)}" for key in channels} | behind


def recall_words(summary: CrossValidation) -> str:
    """Recall by emotion, mean ± standard deviation over runs."""
    recalls = (f"{name} {_spread(recall)}" for name, recall in summary.recall.items())
    return f"recall: {', '.join(recalls)}"


def _spread(value: MeanAndSpread) -> str:
    return f"{value.mean:.3f} ± {value.sd:.3f}"


def calibration_words(summary: CrossValidation) -> str:
    """What the calibration over the runs says, in a sentence or two."""
    calibration = summary.calibration
    if calibration is None:
        return "Calibration needs two runs that hold out other clips."
    return (
        f"Calibration: temperature {calibration.temperature:.2f}; expected calibration error "
        f"{calibration.ece_before:.3f} before, {calibration.ece_after:.3f} after (each run "
        f"with the temperature of the others, fitted without its clips). Answers with a confidence "
        f"of {calibration.threshold:.2f} or more: {calibration.coverage:.0%} of the clips, "
        f"{calibration.accuracy:.0%} of them right (threshold from the other runs, too)."
        f"{_of_corpora(calibration, summary.runs) if summary.protocol == 'corpus' else ''}"
    )


def _of_corpora(calibration: Calibration, runs: Sequence[RunScores]) -> str:
    """How runs that left corpora out count in a calibration, and for which it holds least."""
    words = " Each corpus counts as much as any other in these figures."
    if calibration.temperature == 1:
        words += " The temperature is 1 because what some corpora need does not suit the others."
    judged = [(run.covered_accuracy, run) for run in runs if run.covered_accuracy is not None]
    if not judged:
        return words
    accuracy, worst = min(judged, key=lambda x: x[0])
    return (
        f"{words} Fewest of these answers are right for {worst.held_out}: {accuracy:.0%} of those "
        f"for {worst.coverage:.0%} of its clips."
    )


def robustness_table(robustness: Robustness) -> TextTable:
    """UAR with degraded test clips and what that loses."""
    clean = robustness.uar["none"]
    rows = (
        (name, f"{uar:.3f}", f"{100 * (clean - uar):z.1f}") for name, uar in robustness.uar.items()
    )
    return TextTable(("degradation", "UAR", "points lost"), tuple(rows))
