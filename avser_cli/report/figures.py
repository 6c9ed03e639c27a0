"""Figures as PNG files."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from avser_cli.caches import provide_library_caches
from avser_cli.evaluation.metrics import Report
from avser_cli.files import remove_leftovers_of, write_whole

EMOTION_COLORS = {
    "happy": "#E69F00",
    "sad": "#0072B2",
    "angry": "#D55E00",
    "neutral": "#999999",
    "calm": "#56B4E9",
    "fearful": "#CC79A7",
    "disgust": "#009E73",
    "surprised": "#F0E442",
}
"""Okabe and Ito's, which people without red-green vision tell apart."""
OTHER_COLOR = "#BBBBBB"
TITLE_POINTS = 10
TITLE_CHARACTERS = 11
"""Characters of a title on an inch: digits are that wide, and most letters narrower."""


def emotion_color(emotion: str) -> str:
    """The colour of an emotion; of those that are not RAVDESS's a common one."""
    return EMOTION_COLORS.get(emotion, OTHER_COLOR)


def new_figure(
    width: float, height: float, layout: Literal["constrained", "compressed"] = "constrained"
) -> Any:
    """A figure that needs no screen and leaves pyplot's global state alone."""
    provide_library_caches()
    from matplotlib.figure import Figure  # 0.3 s: only where something is drawn

    return Figure(figsize=(width, height), layout=layout)


def add_title(figure: Any, title: str) -> None:
    """Put a title over a figure, in as many lines as it needs."""
    most = int(figure.get_figwidth() * TITLE_CHARACTERS)
    lines = [line for part in title.split("\n") for line in textwrap.wrap(part, most)]
    figure.suptitle("\n".join(lines), fontsize=TITLE_POINTS, parse_math=False)


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure as a PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    remove_leftovers_of(path)
    write_whole(path, buffer.getvalue())


def plot_confusion(path: Path, report: Report, title: str) -> None:
    """A report's confusion matrix (the paper's Figure 8)."""
    title = f"{title}\naccuracy {report.accuracy:.3f}, UAR {report.uar:.3f}"
    plot_confusion_matrix(path, report.labels, report.confusion, title)


def plot_confusion_matrix(
    path: Path, labels: Sequence[str], confusion: Sequence[Sequence[int]], title: str
) -> None:
    """Counts, shaded by share of the row; a row for each label, a column for what was predicted."""
    counts = np.array(confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.6 + 0.7 * len(labels)
    figure = new_figure(side + 0.6, side, "compressed")  # cells are square: no gaps beside them
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ticks = range(len(labels))
    axes.set_xticks(ticks, labels)
    axes.set_yticks(ticks, labels)
    axes.set_xlabel("predicted")
    axes.set_ylabel("label")
    add_title(figure, title)
    for (row, column), count in np.ndenumerate(counts):
        color = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(count), ha="center", va="center", color=color)
    figure.colorbar(image, ax=axes, label="share of the label's clips", shrink=0.8)
    save_figure(figure, path)


def plot_history(path: Path, history: Sequence[Any], title: str) -> None:
    """Loss and accuracy on the training side over the epochs."""
    plot_curves(path, {"": history}, title)


def plot_curves(path: Path, histories: Mapping[str, Sequence[Any]], title: str) -> None:
    """Loss and accuracy of several trainings over their epochs, told apart by their names."""
    figure = new_figure(7.2, 3.2)
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for number, (label, history) in enumerate(histories.items()):
            color = f"C{number % 10}" if len(histories) > 1 else "black"
            for member in sorted({line.member for line in history}):
                lines = [line for line in history if line.member == member]
                values = [getattr(line, name) for line in lines]
                shown = label if member == 1 and label else None
                axes.plot([x.epoch for x in lines], values, color=color, lw=1, label=shown)
        if len(histories) > 1 and name == "loss":
            axes.legend(fontsize=7)
        axes.set_xlabel("epoch")
        axes.set_ylabel(f"training {name}")
        axes.grid(alpha=0.3)
    add_title(figure, title)
    save_figure(figure, path)


def plot_reliability(
    path: Path, bins: Mapping[str, Sequence[tuple[float, float, int]]], title: str
) -> None:
    """Share of right answers against confidence; on the diagonal, confidence means what it says.

    Parameters
    ----------
    path : pathlib.Path
    bins : mapping
        By name: mean confidence, share of right answers and number of clips of each bin.
    title : str
    """
    figure = new_figure(4.4, 4.2)
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.6", lw=1)
    for (name, lines), style in zip(bins.items(), ("s--", "o-"), strict=False):
        sure, right, _ = zip(*lines, strict=True)
        axes.plot(sure, right, style, label=name)
    axes.set(xlabel="confidence", ylabel="share of right answers", xlim=(0, 1), ylim=(0, 1))
    add_title(figure, title)
    axes.grid(alpha=0.3)
    axes.legend()
    save_figure(figure, path)


def plot_coverage(
    path: Path,
    coverage: npt.NDArray[np.float64],
    accuracy: npt.NDArray[np.float64],
    title: str,
) -> None:
    """Accuracy over the surest answers against the share of clips that they are."""
    figure = new_figure(4.4, 3.6)
    axes = figure.subplots()
    axes.plot(coverage, accuracy, color="black")
    axes.set(xlabel="coverage: share of clips, surest first", ylabel="accuracy", xlim=(0, 1))
    axes.set_ylim(min(0.5, float(accuracy.min())), 1.0)
    add_title(figure, title)
    axes.grid(alpha=0.3)
    save_figure(figure, path)
