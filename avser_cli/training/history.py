"""The history of a training, epoch by epoch."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self


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

    epoch: int
    loss: float
    accuracy: float
    seconds: float
    member: int = 1

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """An epoch from plain values; `TypeError` where they are of the wrong kind."""
        epoch = cls(**values)
        numbers = (epoch.loss, epoch.accuracy, epoch.seconds)
        if not all(type(x) in (int, float) for x in numbers) or not all(
            type(x) is int for x in (epoch.epoch, epoch.member)
        ):
            raise TypeError("an epoch of the wrong kind")
        return epoch


def history_csv(history: Sequence[Epoch]) -> bytes:
    """The content of ``history.csv``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["member", "epoch", "loss", "accuracy", "seconds"])
    for line in history:
        values = (f"{line.loss:.5f}", f"{line.accuracy:.5f}", f"{line.seconds:.2f}")
        writer.writerow([line.member, line.epoch, *values])
    return text.getvalue().encode()
