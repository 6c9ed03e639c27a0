"""The history of a training, epoch by epoch."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass

from avser_cli.untrusted_input import NonNegative, PositiveInt, Share


@dataclass(frozen=True)
class Epoch:
    """Loss and accuracy of one epoch on the training side, as it was trained on.

    Attributes
    ----------
    epoch : int
        From 1.
    loss, accuracy : float
    seconds : float
    member : int
        Which network of an ensemble, from 1.
    """

    epoch: PositiveInt
    loss: float
    accuracy: Share
    seconds: NonNegative
    member: PositiveInt = 1


def history_csv(history: Sequence[Epoch]) -> bytes:
    """The content of ``history.csv``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["member", "epoch", "loss", "accuracy", "seconds"])
    for line in history:
        values = (f"{line.loss:.5f}", f"{line.accuracy:.5f}", f"{line.seconds:.2f}")
        writer.writerow([line.member, line.epoch, *values])
    return text.getvalue().encode()
