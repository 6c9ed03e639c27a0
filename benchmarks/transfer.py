"""A model on a corpus that it never saw: clips in folders named after their emotion.

``python -m benchmarks.transfer ./nemo`` classifies every clip with the bundled model (or
``--model``) and prints UAR and the confusion matrix. A corpus that a setting was chosen by is no
longer one that the model never saw.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from avser_cli.audio.folder import find_sounds
from avser_cli.errors import UsageError
from avser_cli.evaluation.metrics import score
from avser_cli.inference.classifier import Classifier
from avser_cli.inference.speaker_normalization import SpeakerNormalization
from avser_cli.report.console import print_table
from avser_cli.report.tables import classification_report, confusion_table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sounds", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--speakers", type=re.compile, metavar="REGEX")
    given = parser.parse_args()
    classifier = Classifier.load(given.model)
    labels = classifier.config.labels
    clips = [path for path in find_sounds(given.sounds) if path.parent.name in labels]
    truth = np.array([labels.index(path.parent.name) for path in clips])
    probabilities = np.array(
        [list(classifier.predict(path).probabilities.values()) for path in clips]
    )
    calibration = classifier.config.calibration
    threshold = calibration.threshold if calibration else 0.0
    _report(labels, truth, probabilities, threshold)
    if given.speakers:
        print("\nwith a reference of the speaker: the other clips of theirs")
        speakers = [_speaker(given.speakers, path.stem) for path in clips]
        _report(labels, truth, referred(probabilities, speakers), threshold)


def referred(
    probabilities: npt.NDArray[np.float32], speakers: Sequence[str]
) -> npt.NDArray[np.float32]:
    """Each clip's probabilities without what the speaker's other clips show.

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape ``(n, emotions)``.
    speakers : sequence of str
        The speaker of each clip.
    """
    names, found = np.array(speakers), np.empty_like(probabilities)
    for row, name in enumerate(names):
        others = np.flatnonzero((names == name) & (np.arange(len(names)) != row))
        found[row] = SpeakerNormalization.of(probabilities[others]).apply(
            probabilities[row : row + 1]
        )[0]
    return found


def _speaker(pattern: re.Pattern[str], name: str) -> str:
    match = pattern.search(name)
    if match is None:
        raise UsageError(f"{name}: --speakers finds nobody in it")
    return match.group()


def _report(
    labels: tuple[str, ...],
    truth: npt.NDArray[np.intp],
    probabilities: npt.NDArray[np.float32],
    threshold: float,
) -> None:
    found = probabilities.argmax(axis=1)
    certain = probabilities.max(axis=1) >= threshold
    report = score(labels, truth, found)
    print(classification_report(report))
    print_table(confusion_table(labels, report.confusion))
    right = (truth == found)[certain].mean()
    print(f"not uncertain: {certain.mean():.0%} of the clips, {right:.0%} of them right")


if __name__ == "__main__":
    main()
