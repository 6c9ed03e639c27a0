"""A clip's spectrogram with the parts that its answer depends on, and the probabilities."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from avser_cli.inference.predictions import Explanation
from avser_cli.report.figures import emotion_color, new_figure, save_figure


def plot_explanation(path: Path, title: str, explanation: Explanation) -> None:
    """Draw the picture twice, plain and under the map, and the probabilities, as a PNG."""
    spectrogram, lost, prediction = (
        explanation.spectrogram,
        explanation.lost,
        explanation.prediction,
    )
    frequencies = explanation.frequencies
    figure = new_figure(11, 4.2)
    plain, under, bars = figure.subplots(1, 3, width_ratios=[1, 1.15, 0.6])
    height = len(frequencies)
    extent = (explanation.start, explanation.end, height, 0)
    wanted = [
        hertz for hertz in (100, 200, 500, 1000, 2000, 4000, 8000) if _inside(hertz, frequencies)
    ]
    rows = np.interp(wanted, frequencies[::-1], np.arange(height)[::-1] + 0.5)
    for axes in (plain, under):
        axes.imshow(spectrogram, cmap="gray", extent=extent, aspect="auto", vmin=0, vmax=255)
        axes.set_yticks(rows, [f"{hertz / 1000:g}" for hertz in wanted])
        axes.set_xlabel("time (s)")
    plain.set_ylabel("kHz")
    plain.set_title("what the network saw", fontsize=10)
    most = max(float(np.abs(lost).max()), 1e-6)
    heat = under.imshow(
        lost, cmap="RdBu_r", extent=extent, aspect="auto", vmin=-most, vmax=most, alpha=0.6
    )
    under.set_title(f"what speaks for (red) and against {prediction.emotion} (blue)", fontsize=10)
    figure.colorbar(heat, ax=under, label="probability lost when hidden")
    names = list(prediction.probabilities)
    values = list(prediction.probabilities.values())
    drawn = bars.barh(names, values, color=[emotion_color(name) for name in names])
    bars.bar_label(drawn, [f"{value:.2f}" for value in values], padding=3)
    bars.set_xlim(0, 1.25)
    bars.set_xticks([0, 0.5, 1])
    bars.invert_yaxis()
    bars.set_title("probability" + (" (uncertain)" if prediction.uncertain else ""), fontsize=10)
    figure.suptitle(title, fontsize=10, parse_math=False)
    save_figure(figure, path)


def _inside(hertz: float, frequencies: npt.NDArray[np.float64]) -> bool:
    return bool(frequencies.min() <= hertz <= frequencies.max() * 1.02)
