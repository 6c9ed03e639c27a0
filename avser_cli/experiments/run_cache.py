"""Trainings that a comparison needs, and those that it has already: never trained twice."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from avser_cli.data.splits import Split
from avser_cli.experiments.candidates import Candidate
from avser_cli.experiments.runs import MAX_RUN_BYTES, FinishedRun, PlannedRun
from avser_cli.files import remove_folder, write_whole
from avser_cli.untrusted_input import read_bounded


@dataclass(frozen=True)
class Job:
    """One training, with all that determines it but the inputs themselves.

    Attributes
    ----------
    candidate : Candidate
    planned : PlannedRun
    split : Split
    emotions : tuple of str
    engine : str
        `training_environment` of the code that is to run it.
    key : str
        A checksum of everything that determines it.
    """

    candidate: Candidate
    planned: PlannedRun
    split: Split
    emotions: tuple[str, ...]
    engine: str
    key: str

    @property
    def name(self) -> str:
        """For people, e.g. ``cnn1d, random-seed0``."""
        return f"{self.candidate.name}, {self.planned.name}"


class RunCache:
    """Finished runs as files, named by their keys.

    Parameters
    ----------
    folder : pathlib.Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, job: Job) -> Path:
        """Where a run is kept; its checkpoint lies beside it."""
        return self.folder / f"{job.candidate.name}-{job.planned.name}-{job.key[:16]}.json"

    def load(self, job: Job) -> FinishedRun | None:
        """The finished run, or ``None`` where there is none or its file is damaged."""
        try:
            content = read_bounded(self.path(job), MAX_RUN_BYTES)
            key, finished = FinishedRun.from_json(content, job.planned, len(job.emotions))
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            return None
        if key != job.key or set(finished.names) != set(job.split.test):
            return None
        with suppress(OSError):  # A cache may be for reading only.
            remove_folder(self.checkpoint(job))  # `save` was killed before it did so.
        return finished

    def is_damaged(self, job: Job) -> bool:
        """Whether a file is there that does not hold the run."""
        return self.path(job).exists() and self.load(job) is None

    def save(self, job: Job, finished: FinishedRun) -> None:
        """Keep a run; its checkpoint is not needed any more."""
        write_whole(self.path(job), finished.to_json(job.key))
        remove_folder(self.checkpoint(job))

    def checkpoint(self, job: Job) -> Path:
        """Folder of the checkpoint of a run in progress."""
        return self.path(job).with_suffix(".run")
