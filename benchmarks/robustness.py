"""UAR with degraded test clips, for the bundles that a cross-validation kept.

``python -m benchmarks.robustness ./wav reports/speaker`` degrades the clips that each run held out,
classifies them with that run's bundle, and writes ``robustness.json`` beside the report. Of a
report on corpora left out, all their folders are named. Nothing is trained.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed

from avser_cli.audio.decoding import Waveform, read_waveform
from avser_cli.audio.streams import Samples
from avser_cli.data.clip import Clip
from avser_cli.evaluation.metrics import score
from avser_cli.experiments.recipe_report import ROBUSTNESS, Robustness
from avser_cli.features.render import clip_spectrogram
from avser_cli.inference.classifier import Classifier
from avser_cli.report.cross_validation_report import robustness_table
from avser_cli.report.tables import to_markdown
from benchmarks.degradations import DEGRADATIONS, Degradation, resampled
from benchmarks.kept_runs import kept_runs
from benchmarks.labelled_folders import corpus_clips

VOICES = 8
"""Clips that are laid over each other for babble."""


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sounds", type=Path, nargs="+", help="folders of the corpora")
    parser.add_argument("report", type=Path, help="folder of `avser evaluate --protocol`")
    given = parser.parse_args()
    clips = {clip.key: clip for folder in given.sounds for clip in corpus_clips(folder)}
    by_run = {run.name: _of_run(run, clips) for run in kept_runs(given.report)}
    names = ["none", *DEGRADATIONS]
    mean = {name: float(np.mean([uars[name] for uars in by_run.values()])) for name in names}
    measured = Robustness(mean, by_run)
    content = json.dumps(asdict(measured), indent=1) + "\n"
    (given.report / ROBUSTNESS).write_text(content, encoding="utf-8")
    print(to_markdown(robustness_table(measured)))


def _of_run(run: Path, clips: dict[str, Clip]) -> dict[str, float]:
    """UAR of one bundle on the clips that it held out, by degradation."""
    classifier = Classifier.load(run)
    split, labels = classifier.config.split, classifier.config.labels
    sounds = [read_waveform(clips[name].path) for name in split.test]
    truth = np.array([labels.index(clips[name].emotion) for name in split.test])
    babble = Babble([clips[name] for name in sorted(split.train)])
    degradations: dict[str, Degradation | None] = {"none": None, **DEGRADATIONS}
    uars = {}
    for number, (name, degradation) in enumerate(degradations.items()):
        spectrograms = Parallel(n_jobs=-1, prefer="threads")(
            delayed(_picture)(classifier, sound, degradation, babble, [number, row])
            for row, sound in enumerate(sounds)
        )
        predicted = classifier.probabilities(np.stack(spectrograms)).argmax(axis=1)
        uars[name] = score(labels, truth, predicted).uar
    print(run.name, *(f"{name}: {uar:.3f};" for name, uar in uars.items()), flush=True)
    return uars


class Babble:
    """Voices that a bundle was trained on, over each other; evenly spread over its clips."""

    def __init__(self, clips: Sequence[Clip]) -> None:
        chosen = [read_waveform(x.path) for x in clips[:: len(clips) // VOICES][:VOICES]]
        self.rate = chosen[0].rate
        voices = [
            resampled(x.samples / np.abs(x.samples).max(), x.rate, to=self.rate)[0] for x in chosen
        ]
        length = min(map(len, voices))
        self.samples = np.asarray(np.sum([x[:length] for x in voices], axis=0), np.float32)
        self.at = cache(self._at)

    def _at(self, rate: int) -> Samples:
        """The same at another sampling rate."""
        return resampled(self.samples, self.rate, to=rate)[0]


def _picture(
    classifier: Classifier,
    clip: Waveform,
    degradation: Degradation | None,
    babble: Babble,
    seed: list[int],
) -> npt.NDArray[np.uint8]:
    settings = classifier.config.recipe.spectrogram
    assert settings is not None
    samples, rate = clip.samples, clip.rate
    if degradation is not None:
        samples, rate = degradation(samples, rate, np.random.default_rng(seed), babble.at(rate))
    return clip_spectrogram("clip", Waveform(samples, rate, clip.stream), settings)


if __name__ == "__main__":
    main()
