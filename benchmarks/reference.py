"""UAR with a reference of the speaker, for the predictions that a cross-validation kept.

``python -m benchmarks.reference reports/speaker`` takes the leaning that the other statement's
clips of the same actor and vocal channel show off each clip's answer, as ``classify
--speaker-reference`` does. Temperatures are those of the other runs. Nothing is trained or heard.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.table import Table

from avser_cli.corpus.ravdess import Labels, parse_name
from avser_cli.infer.reference import FEWEST, SpeakerReference
from avser_cli.learn.calibration import calibrate, expected_calibration_error
from avser_cli.learn.metrics import score
from avser_cli.report.terminal import show

Rows = npt.NDArray[np.intp]
Choice = Callable[[Rows, npt.NDArray[np.int64], np.random.Generator], Rows]
DRAWS = 10
"""How often a part of the reference is drawn at random."""


def some(count: int) -> Choice:
    """So many recordings of the reference, at random."""
    return lambda rows, labels, draw: draw.permutation(rows)[:count]


def one_mood(rows: Rows, labels: npt.NDArray[np.int64], draw: np.random.Generator) -> Rows:
    """Recordings of one emotion only, `FEWEST` of them."""
    common = [k for k in np.unique(labels[rows]) if (labels[rows] == k).sum() >= FEWEST]
    return draw.permutation(rows[labels[rows] == draw.choice(common)])[:FEWEST]


REFERENCES: dict[str, Choice | None] = {
    "none": None,
    f"{FEWEST} recordings": some(FEWEST),
    "8 recordings": some(8),
    "all (12 to 14)": some(99),
    f"{FEWEST}, all of one mood": one_mood,
}


class Run:
    """The predictions of one run for the clips that it held out, and who they are of."""

    def __init__(self, place: Path) -> None:
        values = json.loads((place / "run.json").read_text())
        self.names = [parse_name(name) for name in values["names"]]
        self.labels = np.array(values["labels"])
        self.probabilities = np.array(values["probabilities"], np.float32)

    def referred(self, choose: Choice, seed: int) -> npt.NDArray[np.float32]:
        """The probabilities, each with a reference from the other statement."""
        draw = np.random.default_rng(seed)
        found = np.empty_like(self.probabilities)
        for key in sorted({_key(name) for name in self.names}):
            mine = np.flatnonzero([_key(name) == key for name in self.names])
            others = np.flatnonzero([_key(name) == _other(key) for name in self.names])
            chosen = choose(others, self.labels, draw)
            reference = SpeakerReference.of(self.probabilities[chosen])
            found[mine] = reference.without(self.probabilities[mine])
        return found


def _key(name: Labels) -> tuple[int, str, int]:
    return name.actor, name.channel, name.statement


def _other(key: tuple[int, str, int]) -> tuple[int, str, int]:
    actor, channel, statement = key
    return actor, channel, 3 - statement


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("report", type=Path, help="folder of `avser evaluate --protocol speaker`")
    given = parser.parse_args()
    emotions = tuple(json.loads((given.report / "report.json").read_text())["emotions"])
    places = sorted(path for path in (given.report / "runs").iterdir() if path.name[0] != ".")
    runs = [Run(place) for place in places]
    _, scaled = calibrate([(run.probabilities, run.labels) for run in runs], "")
    for run, probabilities in zip(runs, scaled, strict=True):
        run.probabilities = probabilities
    table = Table("reference", "UAR", "speech", "song", "ECE", "speech, by fold")
    for name, choose in REFERENCES.items():
        columns = [_scores(emotions, run, choose) for run in runs]
        means = np.mean(columns, axis=0)
        spreads = np.std(columns, axis=0, ddof=1)
        cells = [f"{m:.3f} ± {s:.3f}" for m, s in zip(means[:3], spreads[:3], strict=True)]
        folds = " ".join(f"{column[1]:.3f}" for column in columns)
        table.add_row(name, *cells, f"{means[3]:.3f}", folds)
    show(table)


def _scores(emotions: tuple[str, ...], run: Run, choose: Choice | None) -> list[float]:
    """UAR, UAR of speech, UAR of song and calibration error, the means over draws."""
    if choose is None:
        answers = [run.probabilities]
    else:
        answers = [run.referred(choose, seed) for seed in range(DRAWS)]
    channels = np.array([name.channel for name in run.names])
    parts = [np.ones(len(channels), bool), channels == "speech", channels == "song"]

    def uar(part: npt.NDArray[np.bool_], answer: npt.NDArray[np.float32]) -> float:
        return score(emotions, run.labels[part], answer[part].argmax(axis=1)).uar

    means = [float(np.mean([uar(part, answer) for answer in answers])) for part in parts]
    errors = [expected_calibration_error(answer, run.labels) for answer in answers]
    return [*means, float(np.mean(errors))]


if __name__ == "__main__":
    main()
