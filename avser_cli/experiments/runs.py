"""Trainings that are planned, and finished ones with their predictions."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt

from avser_cli.data.folds import Fold
from avser_cli.data.splits import FOLDED, SplitKind, SplitSettings, check_seed, find_fold
from avser_cli.errors import UsageError
from avser_cli.evaluation.metrics import Report, score
from avser_cli.training.history import Epoch
from avser_cli.untrusted_input import decode, parse_json

SEEDS: dict[SplitKind, tuple[int, ...]] = {"random": (0, 1, 2, 3, 4)}
"""Seeds that a protocol runs where none are given; (0,) where it has folds."""
RUN = "run.json"
"""The file of a finished run's predictions, in its folder."""
MAX_RUN_BYTES = 256 * 2**20
"""Largest file of a run that is read; it has a hundred bytes a clip, so two million fit."""


@dataclass(frozen=True)
class PlannedRun:
    """One training of a protocol; the seed draws the random split, if it is one, and the rest."""

    split: SplitSettings
    seed: int

    @property
    def name(self) -> str:
        """A name that tells runs apart, e.g. ``speaker1-seed0`` or ``corpus-emodb-seed0``."""
        fold = self.split.fold if self.split.kind in FOLDED else ""
        if self.split.kind in ("corpus", "table") and re.fullmatch(r"[\w.-]+", self.fold_name):
            fold = f"-{self.fold_name}"
        return f"{self.split.kind}{fold}-seed{self.seed}"

    @property
    def fold_name(self) -> str:
        """What is held out, where that is one corpus or one word of a table."""
        return self.split.held_out[0] if len(self.split.held_out) == 1 else ""


def plan(
    protocol: SplitKind,
    available: Sequence[Fold] = (),
    folds: Sequence[int | str] | None = None,
    seeds: Sequence[int] | None = None,
    test_size: float = 0.25,
) -> list[PlannedRun]:
    """The runs of a protocol; all its folds and its usual seeds where none are given.

    Parameters
    ----------
    protocol : str
    available : sequence of Fold
        From `avser_cli.data.folds.split_folds`; none for ``random``.
    folds : sequence of int or str, optional
        Numbers, or names of corpora or of a table's words.
    seeds : sequence of int, optional
    test_size : float

    Raises
    ------
    UsageError
        A fold that the protocol does not have, or a run named twice.
    """
    if protocol == "none":
        raise UsageError("protocol none holds nothing out")
    if folds and protocol not in FOLDED:
        raise UsageError(f"--folds: split {protocol} has none; --seeds draws it anew")
    settings = [SplitSettings(protocol, test_size, fold) for fold in folds or ()]
    if available:
        chosen = [find_fold(available, asked) for asked in settings] or available
        settings = [
            SplitSettings(
                protocol, test_size, fold.number, held_out=fold.held_out, folds=len(available)
            )
            for fold in chosen
        ]
    settings = settings or [SplitSettings(protocol, test_size)]
    runs = []
    drawn: Sequence[int] = seeds or SEEDS.get(protocol, (0,))
    for seed in drawn:
        check_seed(seed)
        split_seed = seed if protocol == "random" else 0
        runs += [PlannedRun(replace(split, seed=split_seed), seed) for split in settings]
    if len(set(runs)) < len(runs):
        raise UsageError("a fold or a seed is named twice")
    return runs


@dataclass(frozen=True)
class FinishedRun:
    """One training of a protocol, and what it says of the clips that it held out.

    Attributes
    ----------
    planned : PlannedRun
    names : tuple of str
        Key of each clip held out.
    labels : numpy.ndarray
        Indices of emotions, shape ``(n,)``.
    probabilities : numpy.ndarray
        Shape ``(n, emotions)``.
    history : tuple of Epoch
    parameters : int
    seconds : float
        Training time.
    clip_seconds : float or None
        Time to read a clip, make the network's input and predict; ``None`` where it was not
        measured, because the clips were pictures or parts of files.
    """

    planned: PlannedRun
    names: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    probabilities: npt.NDArray[np.float32]
    history: tuple[Epoch, ...]
    parameters: int
    seconds: float
    clip_seconds: float | None = None

    def report(
        self, emotions: tuple[str, ...], rows: npt.NDArray[np.bool_] | None = None
    ) -> Report:
        """The report on the clips held out, or on some of them."""
        chosen = slice(None) if rows is None else rows
        return score(emotions, self.labels[chosen], self.probabilities[chosen].argmax(axis=1))

    def to_json(self, key: str) -> bytes:
        """The run as a file that says what determined it."""
        values = {
            "key": key,
            "names": self.names,
            "labels": self.labels.tolist(),
            "probabilities": [[float(str(x)) for x in row] for row in self.probabilities],
            "history": [asdict(line) for line in self.history],
            "parameters": self.parameters,
            "seconds": self.seconds,
            "clip_seconds": self.clip_seconds,
        }
        return (json.dumps(values) + "\n").encode()

    @staticmethod
    def key_of(content: bytes) -> str:
        """The key that a file states.

        Raises
        ------
        ValueError, KeyError, TypeError
            It is damaged.
        """
        return str(parse_json(content)["key"])

    @classmethod
    def from_json(
        cls, content: bytes, planned: PlannedRun, emotions: int | None = None
    ) -> tuple[str, Self]:
        """The key and the run of a file, of so many emotions, where they are known.

        Raises
        ------
        ValueError, KeyError, TypeError, OverflowError
            It is damaged.
        """
        values = parse_json(content)
        finished = cls(
            planned=planned,
            names=tuple(values["names"]),
            labels=np.array(values["labels"], np.int64),
            probabilities=np.array(values["probabilities"], np.float32),
            history=tuple(decode(Epoch, line) for line in values["history"]),
            parameters=int(values["parameters"]),
            seconds=float(values["seconds"]),
            clip_seconds=values.get("clip_seconds"),
        )
        count, columns = finished.probabilities.shape
        if not len(finished.names) == len(np.atleast_1d(finished.labels)) == count:
            raise ValueError("clips and predictions differ in number")
        if not all(isinstance(name, str) for name in finished.names):
            raise TypeError("names are texts")
        if columns != (emotions or columns) or set(finished.labels.tolist()) - set(range(columns)):
            raise ValueError("labels or probabilities of other emotions")
        if not ((finished.probabilities >= 0) & (finished.probabilities <= 1)).all():
            raise ValueError("probabilities are shares")
        for name in ("parameters", "seconds", "clip_seconds"):
            if not 0 <= (getattr(finished, name) or 0) < math.inf:
                raise ValueError(f"{name} is a number from 0 on")
        return str(values["key"]), finished
