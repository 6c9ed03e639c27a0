"""What `classify` says, in the paper's words (section 3.5, step 7)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from avser_cli.corpus.emotions import CATEGORIES
from avser_cli.infer.classifier import Prediction

PAPER_DOTS = {"sad": "...", "neutral": ".... "}
"""The paper's own spacing between the two halves of the first line, where it is not the rule."""


def paper_lines(emotion: str, labels: Sequence[str]) -> list[str]:
    """The four lines that the paper's algorithm prints, letter for letter.

    Parameters
    ----------
    emotion : str
    labels : sequence of str
        The model's emotions; for the paper's four the last three lines are the paper's.
    """
    dots = PAPER_DOTS.get(emotion, "... ")
    members = {
        category: ", ".join(sorted(label for label in labels if CATEGORIES[label] == category))
        for category in ("positive", "negative")
    }
    return [
        f"Your emotion comes under {CATEGORIES[emotion]} category{dots}your emotion is {emotion}",
        "Emotion categories : Positive & Negative",
        f"Positive emotions : {members['positive']}",
        f"Negative emotions : {members['negative']}",
    ]


def json_line(file: str, prediction: Prediction) -> str:
    """One object: file, emotion, category, confidence, probabilities."""
    values = asdict(prediction)
    values["confidence"] = round(values["confidence"], 6)
    values["probabilities"] = {k: round(v, 6) for k, v in values["probabilities"].items()}
    return json.dumps({"file": file, **values}, ensure_ascii=False)
