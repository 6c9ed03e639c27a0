"""The report folder of a protocol: ``report.json``, ``report.md`` and pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from avser_cli.experiments.runs import FinishedRun
from avser_cli.experiments.summary import REPORT, calibrated
from avser_cli.files import write_whole
from avser_cli.model.calibration import accuracy_by_coverage, reliability
from avser_cli.report.figures import (
    plot_confusion_matrix,
    plot_coverage,
    plot_curves,
    plot_reliability,
)

FIGURES = {
    "accuracy": "accuracy",
    "uar": "UAR",
    "speech_uar": "UAR speech",
    "song_uar": "UAR song",
}
"""Names of a summary's figures for people, in the order of the columns."""


def write_report(
    folder: Path, summary: dict[str, Any], runs: Sequence[FinishedRun], command: str
) -> None:
    """Write what a protocol showed.

    Parameters
    ----------
    folder : pathlib.Path
    summary : dict
        See `avser_cli.experiments.summary.summarise`.
    runs : sequence of FinishedRun
    command : str
        What made it, so that a reader can make it again.
    """
    values = {**summary, "command": command}
    write_whole(folder / REPORT, (json.dumps(values, indent=1) + "\n").encode())
    write_whole(folder / "report.md", report_markdown(values).encode())
    title = f"{summary['protocol']}, recipe {summary['recipe']['name']}, {len(runs)} runs"
    labels = tuple(summary["emotions"])
    plot_confusion_matrix(
        folder / "confusion.png", labels, summary["confusion"], f"{title}, pooled"
    )
    curves = {finished.planned.name: finished.history for finished in runs}
    plot_curves(folder / "learning-curves.png", curves, title)
    truth = np.concatenate([finished.labels for finished in runs])
    before = np.concatenate([finished.probabilities for finished in runs])
    _, scaled = calibrated(runs, summary["protocol"])
    after = np.concatenate(scaled)
    bins = {"as the network says": before, "calibrated": after}
    reliabilities = {name: reliability(values, truth) for name, values in bins.items()}
    plot_reliability(folder / "calibration.png", reliabilities, title)
    plot_coverage(folder / "coverage.png", *accuracy_by_coverage(after, truth), title)


def report_markdown(values: dict[str, Any]) -> str:
    """The report for people.

    Parameters
    ----------
    values : dict
        What ``report.json`` holds.
    """
    recipe = values["recipe"]
    ensemble = f", {recipe['ensemble']} networks" if recipe["ensemble"] > 1 else ""
    libraries = ", ".join(f"{name} {number}" for name, number in values["libraries"].items())
    return f"""\
# Protocol {values["protocol"]}, {recipe["network"]} recipe {recipe["name"]}

`{values["command"]}`

{recipe["optimizer"]} at {recipe["learning_rate"]:g} ({recipe["schedule"]}), {recipe["epochs"]} \
epochs of batches of {recipe["batch_size"]}, dropout {recipe["dropout"]:g}, \
{values["parameters"]:,} weights{ensemble}; last epoch.
{values["corpus"]["description"]}; fingerprint `{values["corpus"]["fingerprint"]}`.
Made {values["created"]} with avser {values["avser"]}; {libraries}.

{runs_table(values)}

By emotion, mean ± standard deviation over runs: {recall_words(values)}.

{calibration_words(values["calibration"])}

![Confusion matrix](confusion.png) ![Learning curves](learning-curves.png)
![Calibration](calibration.png) ![Accuracy against coverage](coverage.png)
"""


def runs_table(values: dict[str, Any]) -> str:
    """One line a run, then their mean ± standard deviation and its 95 % interval, as Markdown."""
    figures = [key for key in FIGURES if key in values["mean"]]
    lines = [
        "| run | held out | clips | " + " | ".join(FIGURES[key] for key in figures) + " |",
        "| --- | --- | --- |" + " --- |" * len(figures),
    ]
    for line in values["runs"]:
        cells = " | ".join(f"{line[key]:.3f}" for key in figures)
        lines.append(f"| {line['name']} | {line['held_out']} | {line['clips']} | {cells} |")
    cells = " | ".join(_spread(values["mean"][key]) for key in figures)
    lines.append(f"| **mean ± sd** | | | {cells} |")
    if intervals := values.get("intervals"):  # Reports before 2026-11-25 have none.
        cells = " | ".join(
            "{:.3f} … {:.3f}".format(*intervals[key]) if key in intervals else "" for key in figures
        )
        lines.append(f"| {interval_note(values)} | | | {cells} |")
    return "\n".join(lines)


def protocol_table(values: dict[str, Any]) -> Table:
    """One line a run, then mean, standard deviation and 95 % interval."""
    figures = [key for key in FIGURES if key in values["mean"]]
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("run", no_wrap=True)
    for figure in figures:
        table.add_column(FIGURES[figure], justify="right", no_wrap=True)
    for line in values["runs"]:
        table.add_row(line["name"], *(f"{line[figure]:.3f}" for figure in figures))
    table.add_section()
    for name, part in (("mean", "mean"), ("± sd", "sd")):
        table.add_row(name, *(f"{values['mean'][figure][part]:.3f}" for figure in figures))
    for name, end in (("95 % from", 0), ("to", 1)):
        cells = (f"{x[end]:.3f}" if (x := values["intervals"].get(key)) else "" for key in figures)
        table.add_row(name, *cells)
    return table


def interval_note(values: dict[str, Any]) -> str:
    """What the intervals count."""
    return f"95 %: bootstrap over {values['resampled']}"


def recall_words(values: dict[str, Any]) -> str:
    """Recall by emotion, mean ± standard deviation over runs."""
    recalls = (f"{name} {_spread(recall)}" for name, recall in values["recall"].items())
    return f"recall: {', '.join(recalls)}"


def _spread(value: dict[str, float]) -> str:
    return f"{value['mean']:.3f} ± {value['sd']:.3f}"


def calibration_words(calibration: dict[str, Any] | None) -> str:
    """What a calibration says, in a sentence or two."""
    if calibration is None:
        return "Calibration needs two runs that hold out other clips."
    return (
        f"Calibration: temperature {calibration['temperature']:.2f}; expected calibration error "
        f"{calibration['ece_before']:.3f} before, {calibration['ece_after']:.3f} after (each run "
        f"with the temperature of the others, fitted without its clips). Answers with a confidence "
        f"of {calibration['threshold']:.2f} or more: {calibration['coverage']:.0%} of the clips, "
        f"{calibration['accuracy']:.0%} of them right (threshold from the other runs, too)."
    )


def robustness_table(robustness: dict[str, Any]) -> str:
    """UAR with degraded test clips and what that loses, as Markdown.

    Parameters
    ----------
    robustness : dict
        ``uar``: UAR by name of degradation, ``none`` first.
    """
    clean = robustness["uar"]["none"]
    lines = ["| degradation | UAR | points lost |", "| --- | --- | --- |"]
    for name, uar in robustness["uar"].items():
        lines.append(f"| {name} | {uar:.3f} | {100 * (clean - uar):.1f} |")
    return "\n".join(lines)
