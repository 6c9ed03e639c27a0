"""How the answers for a recording's windows become one: ways to pool them, side by side.

``python -m benchmarks.pooling ./wav reports/speaker`` joins the clips that each run of a
cross-validation held out to recordings of one actor, vocal channel and emotion (two, four or eight
clips, in an order that a hash of their names decides), and to recordings of eight clips of one
emotion with one of another in the middle. Each run's bundle judges its own, with the temperature
that the report fitted to all runs' single clips; how much surer several windows make is fitted on
the recordings of the other runs. ``--natural FOLDER...`` adds the clips of other corpora that are
longer than the network's span, judged by ``--model``. Nothing is trained.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from avser_cli.audio.decoding import read_waveform
from avser_cli.audio.folder import find_sounds
from avser_cli.audio.streams import Samples
from avser_cli.data.corpora import find_corpus
from avser_cli.features.spectrogram import draw_spectrogram, trim_silence
from avser_cli.inference.classifier import Classifier
from avser_cli.inference.pooling import AGREEMENT, TINY, pool
from avser_cli.model.calibration import (
    Probabilities,
    expected_calibration_error,
    softmax,
    with_temperature,
)
from avser_cli.report.console import print_table
from avser_cli.report.tables import TextTable
from benchmarks.kept_runs import in_any_order
from benchmarks.labelled_folders import corpus_clips

Lengths = npt.NDArray[np.intp]
Pooling = Callable[[Probabilities, Lengths], Probabilities]

CLIPS = (2, 4, 8)
"""Clips of one emotion in a recording."""
MIXED = 8
"""Clips of one emotion around one of another."""


@dataclass(frozen=True)
class Judged:
    """A recording and what the network answered.

    Attributes
    ----------
    kind : str
        What sort of recording it is, in words.
    label : int
        Index of its emotion; of most of its clips.
    rows, lengths : numpy.ndarray
        For its windows: probabilities ``(n, emotions)``, frames ``(n,)``.
    middle : numpy.ndarray
        For its middle three seconds, ``(emotions,)``.
    """

    kind: str
    label: int
    rows: Probabilities
    lengths: Lengths
    middle: Probabilities


def _weighted(
    rows: npt.NDArray[np.float32], weights: npt.NDArray[np.floating]
) -> npt.NDArray[np.float32]:
    return np.asarray(np.average(rows, axis=0, weights=weights), np.float32)


def _logits(rows: Probabilities) -> npt.NDArray[np.float32]:
    return np.asarray(np.log(np.maximum(rows, TINY)), np.float32)


def mean_of_probabilities(rows: Probabilities, lengths: Lengths) -> Probabilities:
    """Each window counts by its length."""
    return _weighted(rows, lengths.astype(float))


def mean_of_logits(rows: Probabilities, lengths: Lengths) -> Probabilities:
    """Each window counts by its length."""
    return np.asarray(softmax(_weighted(_logits(rows), lengths.astype(float))[None])[0])


def attention_over_probabilities(rows: Probabilities, lengths: Lengths) -> Probabilities:
    """Each window counts by its length times its confidence."""
    return _weighted(rows, lengths * rows.max(axis=1))


def attention_over_logits(rows: Probabilities, lengths: Lengths) -> Probabilities:
    """Each window counts by its length times its confidence."""
    return np.asarray(softmax(_weighted(_logits(rows), lengths * rows.max(axis=1))[None])[0])


POOLINGS: dict[str, Pooling] = {
    "mean of probabilities": mean_of_probabilities,
    "mean of logits": mean_of_logits,
    "attention over probabilities": attention_over_probabilities,
    "attention over logits": attention_over_logits,
}
MIDDLE = "middle three seconds"


def main() -> None:
    """Measure and print a table a kind of recording."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sounds", type=Path)
    parser.add_argument("report", type=Path, help="folder of `avser evaluate --protocol speaker`")
    parser.add_argument("--natural", type=Path, nargs="*", default=[], help="corpora of their own")
    parser.add_argument("--model", default="default", help="bundle that judges these")
    given = parser.parse_args()
    sounds = {path.stem: path for path in find_sounds(given.sounds)}
    bundles = sorted(path for path in (given.report / "runs").iterdir() if path.name[0] != ".")
    temperature = json.loads((given.report / "report.json").read_text())["calibration"][
        "temperature"
    ]
    runs = [
        [_scaled(judged, temperature) for judged in _of_run(Classifier.load(bundle), sounds)]
        for bundle in bundles
    ]
    exponents = [
        fit_agreement([j for other in runs if other is not run for j in other]) for run in runs
    ]
    agreement = fit_agreement([judged for run in runs for judged in run])
    others = f"{min(exponents):.3f} to {max(exponents):.3f}"
    print(f"agreement: {agreement:.3f} of all runs; of all but one {others}")
    for kind in dict.fromkeys(judged.kind for run in runs for judged in run):
        print_table(
            _table(kind, [[one for one in run if one.kind == kind] for run in runs], exponents)
        )
    for folder in given.natural:
        judged_alone = list(_of_folder(Classifier.load(given.model), folder))
        print_table(_table(folder.name, [judged_alone], [AGREEMENT]))


def fit_agreement(recordings: Sequence[Judged]) -> float:
    """The exponent of the number of windows at which the pooled answers are likeliest."""
    from scipy.optimize import minimize_scalar

    def loss(agreement: float) -> float:
        rows = [pool(judged.rows, judged.lengths, agreement) for judged in recordings]
        right = [row[judged.label] for row, judged in zip(rows, recordings, strict=True)]
        return -float(np.log(np.maximum(right, TINY)).mean())

    return float(minimize_scalar(loss, bounds=(0.0, 1.0), method="bounded").x)


def _scaled(judged: Judged, temperature: float) -> Judged:
    """As if the run's bundle were calibrated on all runs' single clips."""
    rows = with_temperature(judged.rows, temperature)
    middle = with_temperature(judged.middle[None], temperature)[0]
    return replace(judged, rows=rows, middle=middle)


def _of_folder(classifier: Classifier, folder: Path) -> Iterator[Judged]:
    """Clips of another corpus whose speech is longer than the network's span."""
    config = classifier.config.recipe.spectrogram
    assert config is not None and config.seconds is not None
    for clip in corpus_clips(folder):
        waveform = read_waveform(clip.path)
        kept = trim_silence(waveform.samples, waveform.rate, config.trim or np.inf)
        if clip.emotion in classifier.config.labels and len(kept) > config.seconds * waveform.rate:
            yield _judged(classifier, folder.name, clip.emotion, waveform.samples, waveform.rate)


def _of_run(classifier: Classifier, sounds: dict[str, Path]) -> Iterator[Judged]:
    ravdess = find_corpus("ravdess")
    groups: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in sorted(classifier.config.split.test, key=in_any_order):
        labels = ravdess.labels(name)
        groups[labels["speaker"], labels["channel"]][labels["emotion"]].append(name)
    for by_emotion in groups.values():
        for emotion, names in by_emotion.items():
            for count in CLIPS:
                parts = [names[start : start + count] for start in range(0, len(names), count)]
                for part in parts:
                    if len(part) == count:
                        kind = f"{count} clips"
                        yield _judged(classifier, kind, emotion, *_joined(part, sounds))
            others = [
                name for other in by_emotion if other != emotion for name in by_emotion[other]
            ]
            if len(names) >= MIXED:
                part = [*names[: MIXED // 2], others[0], *names[MIXED // 2 : MIXED]]
                kind = f"{MIXED} clips around another"
                yield _judged(classifier, kind, emotion, *_joined(part, sounds))


def _joined(names: Sequence[str], sounds: dict[str, Path]) -> tuple[Samples, int]:
    clips = [read_waveform(sounds[name]) for name in names]
    return np.concatenate([clip.samples for clip in clips]), clips[0].rate


def _judged(classifier: Classifier, kind: str, emotion: str, samples: Samples, rate: int) -> Judged:
    answers = [
        (row, window.end - window.start)
        for window, row in classifier.window_rows([samples], rate)
        if row is not None
    ]
    config = classifier.config.recipe.spectrogram
    assert config is not None
    middle = classifier.probabilities(draw_spectrogram(samples, rate, config)[None])[0]
    rows = [row for row, _ in answers] or [middle]
    lengths = [length for _, length in answers] or [1]
    label = classifier.config.labels.index(emotion)
    return Judged(kind, label, np.stack(rows), np.array(lengths), middle)


def _table(kind: str, runs: Sequence[Sequence[Judged]], exponents: Sequence[float]) -> TextTable:
    every = [judged for run in runs for judged in run]
    truth = np.array([judged.label for judged in every])
    lines: list[tuple[str, ...]] = []

    def add(name: str, rows: Sequence[Probabilities]) -> None:
        stacked = np.stack(rows)
        right = stacked.argmax(axis=1) == truth
        uar = np.mean([right[truth == label].mean() for label in np.unique(truth)])
        error = expected_calibration_error(stacked, truth)
        lines.append((name, f"{right.mean():.3f}", f"{uar:.3f}", f"{error:.3f}"))

    add(MIDDLE, [judged.middle for judged in every])
    for name, pooling in POOLINGS.items():
        add(name, [pooling(judged.rows, judged.lengths) for judged in every])
    of_runs = [
        pool(judged.rows, judged.lengths, agreement)
        for run, agreement in zip(runs, exponents, strict=True)
        for judged in run
    ]
    add("mean of logits, agreement of the other runs", of_runs)
    title = f"{kind}: {len(every)} recordings"
    return TextTable(("pooling", "accuracy", "UAR", "ECE"), tuple(lines), title=title)


if __name__ == "__main__":
    main()
