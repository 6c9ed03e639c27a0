"""A recording's spectrogram with the predicted emotions below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from avser_cli.audio.streams import Samples
from avser_cli.features.spectrogram import SpectrogramConfig, draw_spectrogram
from avser_cli.inference.predictions import Segment
from avser_cli.report.figures import emotion_color, new_figure, save_figure
from avser_cli.report.text_output import clock

COLUMN = 0.1
"""Seconds that a column of the overview spans."""
TILE = 64
"""Columns that are drawn at once."""
WIDEST = 4000
"""Most columns of the figure; longer recordings are drawn with the loudest of several in one."""

TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600)
"""Seconds between ticks, of which there are twelve at most."""

OVERVIEW = SpectrogramConfig(width=TILE, height=128, fmin=60.0, seconds=TILE * COLUMN, trim=None)


class Overview:
    """A spectrogram of a recording of any length, drawn while it comes in.

    Parameters
    ----------
    column : float
        Seconds that a column spans.
    """

    def __init__(self, column: float = COLUMN) -> None:
        self._config = replace(OVERVIEW, seconds=TILE * column)
        self._tile_seconds = TILE * column
        self._held = np.empty(0, np.float32)
        self._tiles: list[npt.NDArray[np.uint8]] = []
        self._rate = 0
        self.seconds = 0.0

    def feed(self, block: Samples, rate: int) -> None:
        """Take in mono samples, shape ``(n,)``."""
        self._rate = rate
        self.seconds += len(block) / rate
        self._held = np.concatenate([self._held, block])
        length = round(self._tile_seconds * rate)
        while len(self._held) >= length:
            self._tiles.append(draw_spectrogram(self._held[:length], rate, self._config))
            self._held = self._held[length:]

    def spectrogram(self) -> npt.NDArray[np.uint8]:
        """Shape ``(128, columns)``; row 0 is the highest frequency."""
        tiles = list(self._tiles)
        if len(self._held):
            length = round(self._tile_seconds * self._rate)
            rest = np.pad(self._held, (0, length - len(self._held)))
            columns = max(1, round(len(self._held) / length * TILE))
            tiles.append(draw_spectrogram(rest, self._rate, self._config)[:, :columns])
        whole = np.concatenate(tiles, axis=1)
        step = -(-whole.shape[1] // WIDEST)
        starts = np.arange(0, whole.shape[1], step)
        return np.asarray(np.maximum.reduceat(whole, starts, axis=1), np.uint8)


def plot_timeline(
    path: Path, title: str, overview: Overview, segments: Sequence[Segment], labels: Sequence[str]
) -> None:
    """Draw spectrogram, emotions in colour and letters, and each segment's confidence.

    Parameters
    ----------
    path : pathlib.Path
        A PNG.
    title : str
    overview : Overview
    segments : sequence of Segment
    labels : sequence of str
        The model's emotions: one row each, so that the track reads without colour.
    """
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    figure = new_figure(14, 5.5)
    sound, track = figure.subplots(2, 1, sharex=True, height_ratios=[3, 0.4 * len(labels)])
    spectrogram = overview.spectrogram()
    edges = np.geomspace(OVERVIEW.fmin, OVERVIEW.fmax or 0, spectrogram.shape[0] + 1) / 1000
    times = np.linspace(0, overview.seconds, spectrogram.shape[1] + 1)
    sound.pcolormesh(
        times, edges, spectrogram[::-1], cmap="gray", vmin=60, vmax=230, rasterized=True
    )
    sound.set_yscale("log")
    sound.set_yticks([0.1, 0.2, 0.5, 1, 2, 5], ["0.1", "0.2", "0.5", "1", "2", "5"])
    sound.minorticks_off()
    sound.set_ylabel("kHz")
    sound.set_title(title, fontsize=10, parse_math=False)
    for segment in segments:
        prediction = segment.prediction
        track.barh(
            labels.index(prediction.emotion),
            segment.end - segment.start,
            left=segment.start,
            height=0.8,
            color=emotion_color(prediction.emotion),
            alpha=0.35 if prediction.uncertain else 1.0,
        )
    track.set_yticks(range(len(labels)), labels)
    track.set_ylim(len(labels) - 0.5, -0.5)
    track.grid(axis="x", alpha=0.3)
    step = next((step for step in TICKS if overview.seconds <= 12 * step), TICKS[-1])
    track.xaxis.set_major_locator(MultipleLocator(step))
    track.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: clock(seconds, 0)))
    track.set_xlabel("time; pale: uncertain")
    save_figure(figure, path)
