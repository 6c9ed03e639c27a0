"""The folder of a comparison: CSV, JSON, Markdown, figures, and one HTML page with all of it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from avser_cli.data.clip import Clip
from avser_cli.experiments.comparison import Comparison, WrongClip
from avser_cli.experiments.runs import FinishedRun
from avser_cli.files import write_whole
from avser_cli.report.comparison_page import write_comparison_page
from avser_cli.report.comparison_tables import (
    QUICK,
    comparison_tables,
    published_of,
    with_spread,
)
from avser_cli.report.figures import new_figure, plot_confusion_matrix, save_figure
from avser_cli.report.page_media import Media, SoundPart
from avser_cli.report.tables import to_markdown

PAGE = "report.html"
FIGURE_9, HEAT_MAP, CURVES = "figure-9.png", "heat-map.png", "learning-curves.png"


def write_comparison(
    folder: Path,
    comparison: Comparison,
    runs: Mapping[str, Sequence[FinishedRun]],
    wrong: Sequence[tuple[WrongClip, Clip]],
    media: Mapping[SoundPart, Media],
) -> list[str]:
    """Write all files of a comparison.

    Parameters
    ----------
    folder : pathlib.Path
    comparison : Comparison
    runs : mapping
        By model.
    wrong : sequence of tuple of WrongClip and Clip
        Which clips the page shows.
    media : mapping
        Their pictures and sounds.

    Returns
    -------
    list of str
        Names of the files.
    """
    figures = _draw(folder, comparison, runs)
    texts = {
        "compare.json": json.dumps(comparison.as_dict(), indent=1) + "\n",
        "compare.csv": _csv(comparison),
        "compare.md": _markdown(comparison, figures),
    }
    for name, text in texts.items():
        write_whole(folder / name, text.encode())
    about = _about(comparison).replace("`", "")
    write_comparison_page(folder / PAGE, comparison, about, figures, wrong, media)
    return [*texts, PAGE, *figures]


def _draw(
    folder: Path, comparison: Comparison, runs: Mapping[str, Sequence[FinishedRun]]
) -> dict[str, str]:
    """Draw the figures; what each shows, by file name."""
    figures = {FIGURE_9: "Accuracy, with the published values (Figure 9)"}
    plot_accuracies(folder / FIGURE_9, comparison)
    if comparison.table == "optimizers":
        figures[HEAT_MAP] = "Accuracy by optimizer and learning rate"
        plot_heat_map(folder / HEAT_MAP, comparison)
    for model in comparison.models:
        name = f"figure-8-{model.name}.png"
        figures[name] = f"Confusion matrix of {model.name} (Figure 8), all runs together"
        plot_confusion_matrix(
            folder / name, comparison.emotions, model.confusion, _headed(model.name, comparison)
        )
    if any(run.history for found in runs.values() for run in found):
        figures[CURVES] = "Learning curves: accuracy on the training side"
        plot_learning(folder / CURVES, comparison, runs)
    return figures


def _headed(title: str, comparison: Comparison) -> str:
    return f"{title}\n(quick run: not a measurement)" if comparison.quick else title


def plot_accuracies(path: Path, comparison: Comparison) -> None:
    """Bars with standard deviations, and the published value as a mark (the paper's Figure 9)."""
    models = comparison.models
    names = [model.name for model in models]
    figure = new_figure(5.5, 0.9 + 0.42 * len(names))
    axes = figure.subplots()
    places = np.arange(len(names))[::-1]
    means = [model.accuracy.mean for model in models]
    if len(comparison.runs) > 1:
        spreads, label = [model.accuracy.sd for model in models], "measured, ± standard deviation"
    else:
        spreads, label = None, "measured"
    axes.barh(places, means, xerr=spreads, color="0.75", ecolor="black", capsize=3, label=label)
    for place, mean in zip(places, means, strict=True):
        axes.text(0.01, place, f"{mean:.3f}", va="center", fontsize=9)
    published = [published_of(comparison, model) for model in models]
    marks = [
        (x.accuracy, place) for x, place in zip(published, places, strict=True) if x is not None
    ]
    if marks:
        axes.plot(*zip(*marks, strict=True), "kD", markersize=6, label="published")
    axes.set_yticks(places, names)
    axes.set(xlim=(0, 1), xlabel="accuracy")
    runs = len(comparison.runs)
    title = f"split {comparison.split}, {runs} run{'s'[: runs > 1]}"
    axes.set_title(_headed(title, comparison), fontsize=10)
    figure.legend(loc="outside lower center", ncols=2, fontsize=8)
    save_figure(figure, path)


def plot_heat_map(path: Path, comparison: Comparison) -> None:
    """Mean accuracy over optimizer and learning rate, the published value under it."""
    models = [(model, model.recipe) for model in comparison.models if model.recipe is not None]
    rates = sorted({recipe.learning_rate for _, recipe in models})
    optimizers = list(dict.fromkeys(recipe.optimizer for _, recipe in models))
    figure = new_figure(2.2 + 1.3 * len(rates), 1.4 + 0.8 * len(optimizers))
    axes = figure.subplots()
    shown = np.full((len(optimizers), len(rates)), np.nan)
    for model, recipe in models:
        row = optimizers.index(recipe.optimizer)
        column = rates.index(recipe.learning_rate)
        mean = shown[row, column] = model.accuracy.mean
        printed = model.published_table_2
        under = f"\npublished {printed.accuracy:.2f}" if printed else ""
        text = f"{with_spread(model.accuracy, len(comparison.runs))}{under}"
        color = "white" if mean > 0.6 else "black"
        axes.text(column, row, text, ha="center", va="center", fontsize=8, color=color)
    image = axes.imshow(shown, cmap="Greys", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
    axes.set_yticks(range(len(optimizers)), optimizers)
    axes.set_xlabel("learning rate")
    axes.set_title(_headed("accuracy", comparison), fontsize=10)
    figure.colorbar(image, ax=axes)
    save_figure(figure, path)


def plot_learning(
    path: Path, comparison: Comparison, runs: Mapping[str, Sequence[FinishedRun]]
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


def _csv(comparison: Comparison) -> str:
    """One line a run."""
    buffer = io.StringIO()
    emotions = comparison.emotions
    scores = ("precision", "recall", "f1", "support")
    head = ["model", "run", "seed", "clips", "accuracy", "uar"]
    head += [f"{average}_{name}" for average in ("macro", "weighted") for name in scores[:3]]
    head += [f"{emotion}_{name}" for emotion in emotions for name in scores]
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(head)
    for model in comparison.models:
        for run in model.runs:
            report = run.report
            averages = (report.macro, report.weighted)
            numbers = [getattr(average, x) for average in averages for x in scores[:3]]
            numbers += [getattr(report.per_emotion[y], x) for y in emotions for x in scores]
            about = [run.name, run.seed, report.clips, report.accuracy, report.uar]
            writer.writerow([model.name, *about, *numbers])
    return buffer.getvalue()


def _markdown(comparison: Comparison, figures: Mapping[str, str]) -> str:
    parts = ["# Comparison", f"`{comparison.command}`"]
    if comparison.quick:
        parts.append(f"**{QUICK}**")
    parts.append(_about(comparison))
    parts += [to_markdown(table) for table in comparison_tables(comparison)]
    parts += [f"![{what}]({name})" for name, what in figures.items()]
    wrong = ", ".join(f"{item.clip} ({item.label})" for item in comparison.wrong_by_all)
    parts += ["## Clips that every model got wrong", wrong or "none"]
    return "\n\n".join(parts) + "\n"


def _about(comparison: Comparison) -> str:
    libraries = ", ".join(f"{name} {number}" for name, number in comparison.libraries.items())
    return (
        f"{comparison.corpus['description']}; fingerprint `{comparison.corpus['fingerprint']}`. "
        f"Made {comparison.created} with avser {comparison.avser}; {libraries}. Last epoch; "
        "nothing was chosen on the clips held out."
    )
