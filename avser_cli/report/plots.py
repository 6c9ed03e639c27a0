"""Figures as PNG files."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from avser_cli.errors import MissingExtraError
from avser_cli.files import write_whole
from avser_cli.learn.comparison import PUBLISHED, Row
from avser_cli.learn.metrics import Report


def _figure(width: float, height: float) -> Any:
    """A figure that needs no screen and leaves pyplot's global state alone."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise MissingExtraError(
            "figures need matplotlib; install it with: pip install 'avser[train]'"
        ) from None
    return Figure(figsize=(width, height), layout="constrained")


def _save(figure: Any, path: Path) -> None:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    write_whole(path, buffer.getvalue())


def plot_confusion(path: Path, report: Report, title: str) -> None:
    """The confusion matrix (the paper's Figure 8): counts, shaded by share of the row."""
    counts = np.array(report.confusion)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.6 + 0.7 * len(report.labels)
    figure = _figure(side + 0.6, side)
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ticks = range(len(report.labels))
    axes.set_xticks(ticks, report.labels)
    axes.set_yticks(ticks, report.labels)
    axes.set_xlabel("heard")
    axes.set_ylabel("label")
    axes.set_title(f"{title}\naccuracy {report.accuracy:.3f}, UAR {report.uar:.3f}", fontsize=10)
    for (row, column), count in np.ndenumerate(counts):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(count), ha="center", va="center", color=colour)
    figure.colorbar(image, ax=axes, label="share of the label's clips", shrink=0.8)
    _save(figure, path)


def plot_history(path: Path, history: Sequence[Any], title: str) -> None:
    """Loss and accuracy on the training side over the epochs."""
    figure = _figure(6.4, 3.2)
    epochs = [line.epoch for line in history]
    for axes, name in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        axes.plot(epochs, [getattr(line, name) for line in history], color="black")
        axes.set_xlabel("epoch")
        axes.set_ylabel(f"training {name}")
        axes.grid(alpha=0.3)
    figure.suptitle(title, fontsize=10)
    _save(figure, path)


def plot_comparison(path: Path, rows: Sequence[Row], title: str) -> None:
    """Accuracy of each model (the paper's Figure 9), with the published value as a mark."""
    figure = _figure(5.2, 3.8)
    axes = figure.subplots()
    names = [row.recipe.network.upper().replace("CNN", "CNN-") for row in rows]
    bars = axes.bar(names, [row.report.accuracy for row in rows], color="0.6", label="measured")
    axes.bar_label(bars, fmt="%.2f", label_type="center")
    published = [PUBLISHED[row.recipe.network] for row in rows]
    axes.plot(names, published, "kD", label="published")
    axes.set_ylim(0, 1)
    axes.set_ylabel("accuracy")
    axes.set_title(title, fontsize=10)
    axes.legend(loc="lower right")
    _save(figure, path)
