"""A model on a corpus that it never met: clips in folders named after their emotion.

``python -m benchmarks.transfer ./nemo`` classifies every clip with the model in the box (or
``--model``) and prints UAR and the confusion matrix. A corpus that a setting was chosen by is no
longer one that the model never met.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from avser_cli.infer.classifier import Classifier
from avser_cli.learn.metrics import score
from avser_cli.report.tables import classification_report, confusion_table
from avser_cli.report.terminal import show
from avser_cli.sound.folder import find_sounds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sounds", type=Path)
    parser.add_argument("--model", type=Path)
    given = parser.parse_args()
    classifier = Classifier.load(given.model)
    labels = classifier.config.labels
    clips = [path for path in find_sounds(given.sounds) if path.parent.name in labels]
    heard = [classifier.predict(path) for path in clips]
    truth = np.array([labels.index(path.parent.name) for path in clips])
    found = np.array([labels.index(prediction.emotion) for prediction in heard])
    certain = np.array([not prediction.uncertain for prediction in heard])
    report = score(labels, truth, found)
    print(classification_report(report))
    show(confusion_table(labels, report.confusion))
    right = (truth == found)[certain].mean()
    print(f"not uncertain: {certain.mean():.0%} of the clips, {right:.0%} of them right")


if __name__ == "__main__":
    main()
