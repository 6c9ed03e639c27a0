"""Planned runs and the cache of finished ones: whatever asked for a run, it is trained once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from avser_cli.data.splits import Split
from avser_cli.errors import AvserError
from avser_cli.experiments.candidates import Candidate
from avser_cli.experiments.runs import MAX_RUN_BYTES, RUN, FinishedRun, PlannedRun
from avser_cli.files import BusyError, locked, remove_folder, whole_folder, write_whole
from avser_cli.model.bundle import read_config, read_part, read_weights
from avser_cli.training.provenance import environment
from avser_cli.training.training_run import Corpus


@dataclass(frozen=True)
class Job:
    """One training, with all that determines it but the inputs themselves.

    Attributes
    ----------
    candidate : Candidate
    planned : PlannedRun
    split : Split
    emotions : tuple of str
    environment : dict of str to str
        Run format and versions of the libraries that it is to run with.
    key : str
        A checksum of everything that determines it.
    """

    candidate: Candidate
    planned: PlannedRun
    split: Split
    emotions: tuple[str, ...]
    environment: Mapping[str, str]
    key: str

    @property
    def name(self) -> str:
        """For people, e.g. ``cnn1d, random-seed0``."""
        return f"{self.candidate.name}, {self.planned.name}"


def plan_jobs(
    corpus: Corpus, candidates: Sequence[Candidate], runs: Sequence[PlannedRun]
) -> list[Job]:
    """Every candidate on every split, candidate by candidate.

    Raises
    ------
    CorpusError
        A split leaves an emotion with too few clips, or leaks.
    """
    splits = {run: corpus.split(run.split) for run in runs}
    return [
        Job(
            candidate,
            run,
            splits[run].split,
            corpus.dataset.emotions,
            environment(candidate.libraries),
            candidate.run_key(splits[run], run.seed),
        )
        for candidate in candidates
        for run in runs
    ]


def read_run(folder: Path, job: Job) -> FinishedRun | None:
    """The run that a folder holds, or ``None`` where it is missing, another one or damaged.

    That of a recipe is whole only with its bundle.
    """
    try:
        content = read_part(folder, RUN, most=MAX_RUN_BYTES)
        key, finished = FinishedRun.from_json(content, job.planned, len(job.emotions))
        if job.candidate.recipe is not None:
            config = read_config(folder)
            for name in config.files:
                read_weights(folder, name, config)
    except (AvserError, OSError, ValueError, KeyError, TypeError, OverflowError):
        return None
    same = key == job.key and set(finished.names) == set(job.split.test)
    return finished if same else None


def key_in(folder: Path) -> str | None:
    """The key of the run that a folder holds, or ``None`` where no run can be read."""
    try:
        content = read_part(folder, RUN, most=MAX_RUN_BYTES)
        return FinishedRun.key_of(content)
    except (AvserError, OSError, ValueError, KeyError, TypeError):
        return None


class RunCache:
    """Finished runs, a folder each that is named by its key.

    It holds ``run.json``, the predictions for the clips held out, and, where a recipe was trained,
    the parts of its bundle.

    Parameters
    ----------
    folder : pathlib.Path
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, job: Job) -> Path:
        """Where a run is kept; its checkpoint lies beside it."""
        return self.folder / f"{job.candidate.kind}-seed{job.planned.seed}-{job.key[:16]}"

    def checkpoint(self, job: Job) -> Path:
        """Folder of the checkpoint of a run in progress."""
        path = self.path(job)
        return path.with_name(f"{path.name}.run")

    def load(self, job: Job) -> FinishedRun | None:
        """The finished run, or ``None`` where there is none or it is damaged."""
        finished = read_run(self.path(job), job)
        if finished is not None:
            with suppress(OSError):  # A cache may be for reading only.
                remove_folder(self.checkpoint(job))  # `save` was killed before it did so.
        return finished

    def is_damaged(self, job: Job) -> bool:
        """Whether something is there that is not the whole run."""
        return self.path(job).exists() and self.load(job) is None

    def save(self, job: Job, finished: FinishedRun, bundle: Mapping[str, bytes]) -> None:
        """Keep a run and the parts of its bundle; its checkpoint is not needed any more."""
        with whole_folder(self.path(job)) as part:
            for name, content in bundle.items():
                write_whole(part / name, content)
            write_whole(part / RUN, finished.to_json(job.key))
        with suppress(FileNotFoundError):  # Another run that found this one removed it.
            remove_folder(self.checkpoint(job))

    def copy(self, job: Job, place: Path) -> None:
        """Copy a run that is kept, its bundle included, to a folder; what is there is replaced."""
        with whole_folder(place) as part:
            for file in self.path(job).iterdir():
                shutil.copyfile(file, part / file.name)

    @contextmanager
    def claims(self) -> Iterator[Claims]:
        """Runs that this process alone may train, until the block ends."""
        claims = Claims(self)
        try:
            yield claims
        finally:
            claims.release_all()

    def wait_for(self, job: Job) -> None:
        """Wait until no other process trains a run."""
        with locked(self.path(job), wait=True):
            return


class Claims:
    """The runs of a cache that this process holds; a kill frees them, too.

    Parameters
    ----------
    run_cache : RunCache
    """

    def __init__(self, run_cache: RunCache) -> None:
        self.run_cache = run_cache
        self.held: dict[str, ExitStack] = {}

    def take(self, job: Job) -> bool:
        """Claim a run; whether no other process holds it."""
        stack = ExitStack()
        try:
            stack.enter_context(locked(self.run_cache.path(job)))
        except BusyError:
            return False
        self.held[job.key] = stack
        return True

    def release(self, job: Job) -> None:
        """Let others have a run."""
        self.held.pop(job.key).close()

    def release_all(self) -> None:
        """Let others have all that are held."""
        for stack in self.held.values():
            stack.close()
        self.held.clear()
