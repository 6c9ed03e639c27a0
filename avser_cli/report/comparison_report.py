"""The folder of a comparison: CSV, JSON, Markdown, figures, and one HTML page with all of it."""

from __future__ import annotations

import base64
import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from avser_cli.errors import MissingExtraError
from avser_cli.experiments.runs import FinishedRun
from avser_cli.files import write_whole
from avser_cli.report.figures import new_figure, plot_confusion_matrix, save_figure
from avser_cli.report.grids import QUICK, comparison_tables, published_of, to_markdown

FIGURE_9, HEAT_MAP, CURVES = "figure-9.png", "heat-map.png", "learning-curves.png"


def write_comparison(
    folder: Path,
    values: dict[str, Any],
    runs: Mapping[str, Sequence[FinishedRun]],
    command: str,
) -> list[str]:
    """Write all files of a comparison.

    Parameters
    ----------
    folder : pathlib.Path
    values : dict
        See `avser_cli.experiments.comparison_summary.summarize_comparison`.
    runs : mapping
        By model.
    command : str
        What made it.

    Returns
    -------
    list of str
        Names of the files.
    """
    values = {**values, "command": command}
    figures = _draw(folder, values, runs)
    texts = {
        "compare.json": json.dumps(values, indent=1) + "\n",
        "compare.csv": _csv(values),
        "compare.md": _markdown(values, figures),
        "report.html": _html(folder, values, figures),
    }
    for name, text in texts.items():
        write_whole(folder / name, text.encode())
    return [*texts, *figures]


def _draw(
    folder: Path, values: dict[str, Any], runs: Mapping[str, Sequence[FinishedRun]]
) -> dict[str, str]:
    """Draw the figures; what each shows, by file name."""
    figures = {FIGURE_9: "Accuracy, with the published values (Figure 9)"}
    plot_accuracies(folder / FIGURE_9, values)
    if values["table"] == "optimizers":
        figures[HEAT_MAP] = "Accuracy by optimizer and learning rate"
        plot_heat_map(folder / HEAT_MAP, values)
    for model in values["models"]:
        name = f"figure-8-{model['name']}.png"
        figures[name] = f"Confusion matrix of {model['name']} (Figure 8), all runs together"
        plot_confusion_matrix(
            folder / name, values["emotions"], model["confusion"], _headed(model["name"], values)
        )
    if any(run.history for found in runs.values() for run in found):
        figures[CURVES] = "Learning curves: accuracy on the training side"
        plot_learning(folder / CURVES, values, runs)
    return figures


def _headed(title: str, values: dict[str, Any]) -> str:
    return f"{title}\n(quick run: not a measurement)" if values["quick"] else title


def plot_accuracies(path: Path, values: dict[str, Any]) -> None:
    """Bars with standard deviations, and the published value as a mark (the paper's Figure 9)."""
    models = values["models"]
    names = [model["name"] for model in models]
    figure = new_figure(5.5, 0.9 + 0.42 * len(names))
    axes = figure.subplots()
    places = np.arange(len(names))[::-1]
    means = [model["accuracy"]["mean"] for model in models]
    spreads = [model["accuracy"]["sd"] for model in models]
    axes.barh(places, means, xerr=spreads, color="0.75", ecolor="black", capsize=3,
              label="measured, ± standard deviation")  # fmt: skip
    for place, mean in zip(places, means, strict=True):
        axes.text(0.01, place, f"{mean:.3f}", va="center", fontsize=9)
    published = [published_of(values, model) for model in models]
    marks = [
        (x["accuracy"], place) for x, place in zip(published, places, strict=True) if x is not None
    ]
    if marks:
        axes.plot(*zip(*marks, strict=True), "kD", markersize=6, label="published")
    axes.set_yticks(places, names)
    axes.set(xlim=(0, 1), xlabel="accuracy")
    axes.set_title(_headed(f"split {values['split']}, {len(values['runs'])} runs", values),
                   fontsize=10)  # fmt: skip
    figure.legend(loc="outside lower center", ncols=2, fontsize=8)
    save_figure(figure, path)


def plot_heat_map(path: Path, values: dict[str, Any]) -> None:
    """Mean accuracy over optimizer and learning rate, the published value under it."""
    models = values["models"]
    rates = sorted({model["recipe"]["learning_rate"] for model in models})
    optimizers = list(dict.fromkeys(model["recipe"]["optimizer"] for model in models))
    figure = new_figure(2.2 + 1.3 * len(rates), 1.4 + 0.8 * len(optimizers))
    axes = figure.subplots()
    shown = np.full((len(optimizers), len(rates)), np.nan)
    for model in models:
        row = optimizers.index(model["recipe"]["optimizer"])
        column = rates.index(model["recipe"]["learning_rate"])
        mean = shown[row, column] = model["accuracy"]["mean"]
        printed = model["published_table_2"]
        under = f"\npublished {printed['accuracy']:.2f}" if printed else ""
        text = f"{mean:.3f} ± {model['accuracy']['sd']:.3f}{under}"
        color = "white" if mean > 0.6 else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=color)
    image = axes.imshow(shown, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
    axes.set_yticks(range(len(optimizers)), optimizers)
    axes.set_xlabel("learning rate")
    axes.set_title(_headed("accuracy", values), fontsize=10)
    figure.colorbar(image, ax=axes)
    save_figure(figure, path)


def plot_learning(
    path: Path, values: dict[str, Any], runs: Mapping[str, Sequence[FinishedRun]]
) -> None:
    """Training accuracy over the epochs, a panel for each model, a line for each network."""
    shown = {name: found for name, found in runs.items() if found[0].history}
    columns = min(3, len(shown))
    lines = -(-len(shown) // columns)
    figure = new_figure(2.6 * columns, 2.1 * lines + 0.3)
    panels = np.atleast_1d(figure.subplots(lines, columns, sharey=True, squeeze=False)).ravel()
    for axes, (name, found) in zip(panels, shown.items(), strict=False):
        for run in found:
            for member in sorted({line.member for line in run.history}):
                points = [(x.epoch, x.accuracy) for x in run.history if x.member == member]
                axes.plot(*zip(*points, strict=True), color="black", alpha=0.5, lw=0.8)
        axes.set_title(name, fontsize=8)
        axes.set_ylim(0, 1)
        axes.grid(alpha=0.3)
    for axes in panels[len(shown) :]:
        axes.set_visible(False)
    figure.supxlabel("epoch", fontsize=9)
    figure.supylabel("training accuracy", fontsize=9)
    save_figure(figure, path)


def _csv(values: dict[str, Any]) -> str:
    """One line a run."""
    buffer = io.StringIO()
    emotions = values["emotions"]
    scores = ("precision", "recall", "f1", "support")
    head = ["model", "run", "seed", "clips", "accuracy", "uar"]
    head += [f"{average}_{name}" for average in ("macro", "weighted") for name in scores[:3]]
    head += [f"{emotion}_{name}" for emotion in emotions for name in scores]
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(head)
    for model in values["models"]:
        for run in model["runs"]:
            averages = [run[average][x] for average in ("macro", "weighted") for x in scores[:3]]
            parts = [run["per_emotion"][emotion][name] for emotion in emotions for name in scores]
            about = [run["name"], run["seed"], run["clips"], run["accuracy"], run["uar"]]
            writer.writerow([model["name"], *about, *averages, *parts])
    return buffer.getvalue()


def _markdown(values: dict[str, Any], figures: Mapping[str, str]) -> str:
    parts = ["# Comparison", f"`{values['command']}`"]
    if values["quick"]:
        parts.append(f"**{QUICK}**")
    parts.append(_about(values))
    parts += [to_markdown(grid) for grid in comparison_tables(values)]
    parts += [f"![{what}]({name})" for name, what in figures.items()]
    wrong = ", ".join(f"{item['clip']} ({item['label']})" for item in values["wrong_by_all"])
    parts += ["## Clips that every model got wrong", wrong or "none"]
    return "\n\n".join(parts) + "\n"


def _about(values: dict[str, Any]) -> str:
    libraries = ", ".join(f"{name} {number}" for name, number in values["libraries"].items())
    return (
        f"{values['corpus']['description']}; fingerprint `{values['corpus']['fingerprint']}`. "
        f"Made {values['created']} with avser {values['avser']} (engine "
        f"`{values['engine'][:12]}`); {libraries}. Last epoch; nothing was chosen on the clips "
        "held out."
    )


def _html(folder: Path, values: dict[str, Any], figures: Mapping[str, str]) -> str:
    """One page that needs nothing else: pictures are inside, no script, no network."""
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError:
        raise MissingExtraError(
            "compare needs Jinja2; install it with: pip install 'avser[train]'"
        ) from None
    environment = Environment(
        loader=PackageLoader("avser_cli.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    embedded = [
        (what, base64.b64encode((folder / name).read_bytes()).decode())
        for name, what in figures.items()
    ]
    about = _about(values).replace("`", "")
    template = environment.get_template("comparison.html.j2")
    return template.render(
        values=values,
        about=about,
        comparison_tables=comparison_tables(values),
        figures=embedded,
        quick=QUICK,
    )
