"""UAR with degraded test clips, for the bundles that a cross-validation kept.

``python -m benchmarks.robustness ./wav reports/cnn2d-default-speaker`` degrades the clips that each
run held out, classifies them with that run's bundle, and writes ``robustness.json`` beside the
report. Nothing is trained.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed

from avser_cli.audio.decoding import Waveform, read_waveform
from avser_cli.audio.streams import Samples
from avser_cli.data.corpora import find_corpus
from avser_cli.evaluation.metrics import score
from avser_cli.experiments.recipe_report import ROBUSTNESS, Robustness
from avser_cli.features.render import clip_spectrogram
from avser_cli.inference.classifier import Classifier
from avser_cli.report.cross_validation_report import robustness_table
from avser_cli.report.tables import to_markdown
from benchmarks.degradations import DEGRADATIONS, Degradation
from benchmarks.kept_runs import parse_arguments

VOICES = 8
"""Clips that are laid over each other for babble."""


def main() -> None:
    """Measure and print the table."""
    given = parse_arguments(__doc__)
    by_run = {run.name: _of_run(run, given.sounds) for run in given.runs}
    names = ["none", *DEGRADATIONS]
    mean = {name: float(np.mean([uars[name] for uars in by_run.values()])) for name in names}
    measured = Robustness(mean, by_run)
    content = json.dumps(asdict(measured), indent=1) + "\n"
    (given.report / ROBUSTNESS).write_text(content, encoding="utf-8")
    print(to_markdown(robustness_table(measured)))


def _of_run(run: Path, sounds: dict[str, Path]) -> dict[str, float]:
    """UAR of one bundle on the clips that it held out, by degradation."""
    classifier = Classifier.load(run)
    split, labels = classifier.config.split, classifier.config.labels
    ravdess = find_corpus("ravdess")
    clips = [read_waveform(sounds[name]) for name in split.test]
    truth = np.array([labels.index(ravdess.labels(name)["emotion"]) for name in split.test])
    voices = _babble([read_waveform(sounds[name]) for name in sorted(split.train)])
    degradations: dict[str, Degradation | None] = {"none": None, **DEGRADATIONS}
    uars = {}
    for number, (name, degradation) in enumerate(degradations.items()):
        spectrograms = Parallel(n_jobs=-1, prefer="threads")(
            delayed(_picture)(classifier, clip, degradation, voices, [number, row])
            for row, clip in enumerate(clips)
        )
        predicted = classifier.probabilities(np.stack(spectrograms)).argmax(axis=1)
        uars[name] = score(labels, truth, predicted).uar
    print(run.name, *(f"{name}: {uar:.3f};" for name, uar in uars.items()), flush=True)
    return uars


def _babble(clips: list[Waveform]) -> Samples:
    """Voices that the bundle was trained on, over each other; evenly spread over the clips."""
    chosen = clips[:: len(clips) // VOICES][:VOICES]
    length = min(len(clip.samples) for clip in chosen)
    voices = [clip.samples[:length] / np.abs(clip.samples).max() for clip in chosen]
    return np.asarray(np.sum(voices, axis=0), np.float32)


def _picture(
    classifier: Classifier,
    clip: Waveform,
    degradation: Degradation | None,
    voices: Samples,
    seed: list[int],
) -> npt.NDArray[np.uint8]:
    settings = classifier.config.recipe.spectrogram
    assert settings is not None
    samples, rate = clip.samples, clip.rate
    if degradation is not None:
        samples, rate = degradation(samples, rate, np.random.default_rng(seed), voices)
    return clip_spectrogram("clip", Waveform(samples, rate, clip.stream), settings)


if __name__ == "__main__":
    main()
