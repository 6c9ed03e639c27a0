"""Whether the title that Spek writes over a picture gives the emotion away.

``python -m benchmarks.title_leak ./wav``: RAVDESS's names hold the emotion. A logistic regression
sees the title's line and nothing else, in windows shrunk to some sizes as the paper's were to 150
pixels, on the paper's random split. With another clip's name as title it must be at chance.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from avser_cli.data.clips import index_folder
from avser_cli.data.dataset import Dataset, load_dataset
from avser_cli.data.emotions import PAPER_EMOTIONS
from avser_cli.data.network_inputs import read_nothing
from avser_cli.data.splits import SplitSettings
from avser_cli.report.console import print_table
from avser_cli.report.tables import TextTable
from avser_cli.training.training_run import Corpus, corpus_of
from benchmarks.spek_pictures import shuffled_titles, spread, window_of
from benchmarks.spek_window import SpekWindow, shrink

SIDES = (50, 100, 150, 224, 300, 480)
"""Pixels a side of the shrunk window."""


def title_pixels(
    titles: Sequence[str], window: SpekWindow, side: int, averaged: bool
) -> npt.NDArray[np.float32]:
    """The pixels of the titles' lines from 0 to 1, shape ``(titles, pixels)``.

    Those that are the same in all are left out.
    """
    rows = window.title_rows_of(side)
    drawn = [shrink(window.draw_title(title), side, averaged)[rows].ravel() for title in titles]
    pixels = np.array(drawn)
    return pixels[:, np.ptp(pixels, axis=0) > 0].astype(np.float32) / np.float32(255)


def accuracy(pixels: npt.NDArray[np.float32], corpus: Corpus, dataset: Dataset, seed: int) -> float:
    """Of a logistic regression on the clips that the paper's random split of a seed holds out."""
    from sklearn.linear_model import LogisticRegression

    split = corpus.split(SplitSettings(seed=seed)).split
    train, test = dataset.rows(split.train), dataset.rows(split.test)
    model = LogisticRegression(max_iter=1000).fit(pixels[train], dataset.labels[train])
    return float(model.score(pixels[test], dataset.labels[test]))


def measure(
    corpus: Corpus,
    titles: Mapping[str, Sequence[str]],
    window: SpekWindow,
    sides: Sequence[int],
    seeds: Sequence[int],
) -> TextTable:
    """A row for each kind of title, size and way to shrink."""
    rows = []
    for side in sides:
        for averaged in (False, True):
            cells = []
            for texts in titles.values():
                pixels = title_pixels(texts, window, side, averaged)
                found = [accuracy(pixels, corpus, corpus.dataset, seed) for seed in seeds]
                cells.append(spread(found))
            rows.append((f"{side} x {side}", "averaged" if averaged else "as cv2.resize", *cells))
    return TextTable(("picture", "shrunk", *titles), tuple(rows), left=frozenset({0, 1}))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wav", type=Path, help="folder of RAVDESS")
    parser.add_argument("--sides", default=",".join(map(str, SIDES)))
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--window", default="640x480", help="of Spek, in pixels")
    given = parser.parse_args()
    index = index_folder(given.wav, PAPER_EMOTIONS)
    corpus = corpus_of(index, load_dataset(index, PAPER_EMOTIONS, read_nothing))
    paths = corpus.dataset.paths
    shuffled = shuffled_titles(paths)
    titles = {
        "own title": [path.name for path in paths],
        "another clip's": [shuffled[path] for path in paths],
    }
    sides, seeds = ([int(x) for x in text.split(",")] for text in (given.sides, given.seeds))
    print_table(measure(corpus, titles, window_of(given), sides, seeds))


if __name__ == "__main__":
    main()
