"""UAR with speaker normalisation, for the predictions that a cross-validation kept.

``python -m benchmarks.speaker_normalization reports/speaker`` subtracts from each clip's
answer the bias that the other statement's clips of the same actor and vocal channel show, as
``classify --speaker-reference`` does. Temperatures are those of the other runs. Nothing is trained
or classified.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from avser_cli.data.corpora import find_corpus
from avser_cli.data.splits import SplitSettings
from avser_cli.experiments.runs import RUN, FinishedRun, PlannedRun
from avser_cli.inference.speaker_normalization import MIN_RECORDINGS, SpeakerNormalization
from avser_cli.model.calibration import calibrate, expected_calibration_error
from avser_cli.report.console import print_table
from avser_cli.report.tables import TextTable

Rows = npt.NDArray[np.intp]
Choice = Callable[[Rows, npt.NDArray[np.int64], np.random.Generator], Rows]
DRAWS = 10
"""How often a part of the reference is drawn at random."""


def some(count: int) -> Choice:
    """So many recordings of the reference, at random."""
    return lambda rows, labels, draw: draw.permutation(rows)[:count]


def one_mood(rows: Rows, labels: npt.NDArray[np.int64], draw: np.random.Generator) -> Rows:
    """Recordings of one emotion only, `MIN_RECORDINGS` of them."""
    common = [k for k in np.unique(labels[rows]) if (labels[rows] == k).sum() >= MIN_RECORDINGS]
    return draw.permutation(rows[labels[rows] == draw.choice(common)])[:MIN_RECORDINGS]


REFERENCES: dict[str, Choice | None] = {
    "none": None,
    f"{MIN_RECORDINGS} recordings": some(MIN_RECORDINGS),
    "8 recordings": some(8),
    "all (12 to 14)": some(99),
    f"{MIN_RECORDINGS}, all of one emotion": one_mood,
}


def referred(run: FinishedRun, choose: Choice, seed: int) -> FinishedRun:
    """The run with a reference from the other statement for each clip."""
    draw = np.random.default_rng(seed)
    keys = [_key(name) for name in run.names]
    found = np.empty_like(run.probabilities)
    for speaker, channel, text in sorted(set(keys)):
        mine, others = (
            np.flatnonzero(
                [key[:2] == (speaker, channel) and (key[2] == text) == same for key in keys]
            )
            for same in (True, False)
        )
        normalization = SpeakerNormalization.of(run.probabilities[choose(others, run.labels, draw)])
        found[mine] = normalization.apply(run.probabilities[mine])
    return replace(run, probabilities=found)


def _key(name: str) -> tuple[str, str, str]:
    labels = find_corpus("ravdess").labels(name)
    return labels["speaker"], labels["channel"], labels["text"]


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("report", type=Path, help="folder of `avser evaluate --protocol speaker`")
    given = parser.parse_args()
    emotions = tuple(
        json.loads((given.report / "report.json").read_text(encoding="utf-8"))["emotions"]
    )
    runs = [
        FinishedRun.from_json((given.report / "runs" / planned.name / RUN).read_bytes(), planned)[1]
        for planned in (PlannedRun(SplitSettings("speaker", fold=n), 0) for n in range(1, 7))
    ]
    _, scaled, _ = calibrate([(run.probabilities, run.labels) for run in runs], "")
    runs = [replace(run, probabilities=p) for run, p in zip(runs, scaled, strict=True)]
    rows = []
    for name, choose in REFERENCES.items():
        columns = [_scores(emotions, run, choose) for run in runs]
        means = np.mean(columns, axis=0)
        spreads = np.std(columns, axis=0, ddof=1)
        cells = [f"{m:.3f} ± {s:.3f}" for m, s in zip(means[:3], spreads[:3], strict=True)]
        folds = " ".join(f"{column[1]:.3f}" for column in columns)
        rows.append((name, *cells, f"{means[3]:.3f}", folds))
    head = ("reference", "UAR", "speech", "song", "ECE", "speech, by fold")
    print_table(TextTable(head, tuple(rows)))


def _scores(emotions: tuple[str, ...], run: FinishedRun, choose: Choice | None) -> list[float]:
    """UAR, UAR of speech, UAR of song and calibration error, the means over draws."""
    draws = [run] if choose is None else [referred(run, choose, seed) for seed in range(DRAWS)]
    channels = np.array([_key(name)[1] for name in run.names])
    parts = [None, channels == "speech", channels == "song"]
    scores = [
        [
            *(drawn.report(emotions, rows).uar for rows in parts),
            expected_calibration_error(drawn.probabilities, drawn.labels),
        ]
        for drawn in draws
    ]
    return [float(mean) for mean in np.mean(scores, axis=0)]


if __name__ == "__main__":
    main()
