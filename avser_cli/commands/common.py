"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from avser_cli.corpus.emotions import PAPER_EMOTIONS, label_order
from avser_cli.corpus.index import LeftOut
from avser_cli.learn.session import Prepared
from avser_cli.report.terminal import safe, say

Emotions = Annotated[
    str, typer.Option(help="Emotions, separated by commas: any of RAVDESS's eight.")
]
Fold = Annotated[
    int, typer.Option(help="Which fold is held out: 1-6 for speaker, 1-2 for statement.")
]
TestSize = Annotated[float, typer.Option(help="Share of clips held out by --split paper.")]
Seed = Annotated[int, typer.Option(help="Draws the random split and the training.")]
SPLIT_HELP = (
    "paper: random, stratified; speaker: no actor on both sides; statement: train on one "
    "sentence, test on the other; none: train on all clips."
)
ALL_EMOTIONS = ",".join(PAPER_EMOTIONS)


def parse_emotions(text: str) -> tuple[str, ...]:
    """Emotions from ``happy,sad``, in label order."""
    return label_order(part.strip() for part in text.split(",") if part.strip())


def tell_left_out(left_out: Sequence[LeftOut]) -> None:
    """One line for each file that is not used."""
    for item in left_out:
        say(f"left out: {safe(item.path)}: {safe(item.reason)}")


def tell_prepared(prepared: Prepared) -> None:
    """What was read, how it is split, and what the leak check found."""
    tell_left_out(prepared.dataset.left_out)
    if prepared.other_emotions:
        say(f"not asked for: {prepared.other_emotions} clips of other emotions")
    split = prepared.split
    say(f"corpus: {prepared.corpus['description']}")
    sides = f"{len(split.train)} to train, {len(split.test)} held out"
    say(f"split: {split.settings.describe()}: {sides}")
    samples = [recording.samples_sha256 for recording in prepared.dataset.recordings]
    copies = len(samples) - len(set(samples))
    kept = f"; {copies} exact copies, kept on one side" if copies and split.test else ""
    say(f"leak check: no recording, take or forbidden actor or statement on both sides{kept}")
