"""What the commands that run experiments share: the cache, and progress lines."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from avser_cli.caches import cache_folder
from avser_cli.commands.cluster_options import Scheduler
from avser_cli.commands.epoch_progress import EpochProgress
from avser_cli.experiments.execution import Workers
from avser_cli.experiments.experiment import ExperimentData, finish
from avser_cli.experiments.run_cache import Job, RunCache
from avser_cli.experiments.runs import FinishedRun
from avser_cli.files import check_writable, locked, remove_leftovers
from avser_cli.report.console import echo, format_time_left
from avser_cli.training.history import Epoch


@dataclass(frozen=True)
class ExecutionOptions:
    """Where runs are trained, and where finished ones are kept."""

    jobs: Annotated[int, typer.Option(help="Trainings at once, on this machine.")] = 1
    scheduler: Scheduler = None
    cache: Annotated[
        Path | None,
        typer.Option(help="Finished runs; default: $AVSER_CACHE, else runs in your cache folder."),
    ] = None

    @property
    def workers(self) -> Workers:
        """What trains."""
        return Workers(self.jobs, self.scheduler)

    def open_cache(self) -> RunCache:
        """The cache that is asked for, else the one for all folders and commands."""
        run_cache = RunCache(self.cache or _default_cache())
        remove_leftovers(run_cache.folder, shared=True)
        return run_cache


def folds_option(panel: str | None = None) -> Any:
    """`--folds`, in a panel of the help."""
    return typer.Option(
        help="E.g. 1,3-5, or names of corpora; default: all.", rich_help_panel=panel
    )


def seeds_option(default: str, panel: str | None = None) -> Any:
    """`--seeds`, with the command's default in words."""
    return typer.Option(help=f"E.g. 0-4; default: {default}.", rich_help_panel=panel)


def _default_cache() -> Path:
    given = os.environ.get("AVSER_CACHE")
    return Path(given) if given else cache_folder() / "runs"


def prepare_folder(target: Path) -> None:
    """Check that a folder can be written to, and see to what killed runs left in it.

    Raises
    ------
    OutputError
        It cannot be written to.
    """
    check_writable(target)
    with locked(target, wait=True):
        remove_leftovers(target)


def command_line() -> str:
    """What was typed, for reports."""
    return shlex.join(["avser", *sys.argv[1:]])


def run_jobs(
    data: ExperimentData,
    jobs: Sequence[Job],
    found: dict[str, FinishedRun],
    run_cache: RunCache,
    workers: Workers,
) -> dict[str, FinishedRun]:
    """The run of each job by its key, trained where neither `found` nor the cache holds it."""
    kept = {job.key: run for job in jobs if (run := found.get(job.key) or run_cache.load(job))}
    missing = [job for job in jobs if job.key not in kept]
    if missing:
        check_writable(run_cache.folder)
    for job in missing:
        if run_cache.is_damaged(job):
            echo(f"{run_cache.path(job)}: damaged; {job.name} is trained again")
    echo(f"runs: {len(jobs)}; {len(jobs) - len(missing)} kept from before, {len(missing)} to train")
    seconds = {job.candidate.name: kept[job.key].seconds for job in jobs if job.key in kept}
    lines = _RunLines(missing, seconds)
    try:
        for job, finished in finish(data, missing, run_cache, workers, lines):
            kept[job.key] = finished
            lines.done(job, finished)
    except KeyboardInterrupt:
        echo("stopped; finished runs are kept: the same command goes on")
        raise
    return kept


class _RunLines:
    """Progress lines of the runs, with the time left.

    Parameters
    ----------
    missing : list of Job
    seconds : dict
        Training time of a run by candidate, where one is kept.
    """

    def __init__(self, missing: list[Job], seconds: dict[str, float]) -> None:
        self.missing, self.seconds = missing, seconds
        self.finished: set[str] = set()
        self.progress: dict[str, EpochProgress] = {}
        self.numbers: dict[str, int] = {}

    def on_read(self, what: str, done: int, total: int) -> None:
        """After each file."""
        if done == total:
            echo(f"read: {what} of {total} clips")

    def on_wait(self, job: Job) -> None:
        """Where another process trains a run."""
        echo(f"{job.name}: another run of avser is training it; waiting for that one")

    def on_epoch(self, job: Job, line: Epoch) -> None:
        """After each epoch; of many short ones, now and then."""
        recipe = job.candidate.recipe
        assert recipe is not None
        progress = self.progress.setdefault(job.key, EpochProgress(recipe))
        progress.add(line)
        number = self.numbers.setdefault(job.key, len(self.finished | set(self.numbers)) + 1)
        self.seconds[job.candidate.name] = progress.seconds_in_all
        if progress.done % max(1, recipe.epochs // 20) == 0 or progress.done == progress.total:
            echo(
                f"run {number} of {len(self.missing)}: {job.name}  "
                f"epoch {progress.done}/{progress.total}  loss {line.loss:.4f}  accuracy "
                f"{line.accuracy:.3f}  {format_time_left(self._seconds_left())}"
            )

    def _seconds_left(self) -> float:
        """Of all runs, as many at once as now; those never seen count as the mean of others."""
        mean = sum(self.seconds.values()) / len(self.seconds)
        unfinished = [job for job in self.missing if job.key not in self.finished]
        begun = [self.progress[job.key] for job in unfinished if job.key in self.progress]
        waiting = [job for job in unfinished if job.key not in self.progress]
        left = sum(progress.seconds_left for progress in begun)
        left += sum(self.seconds.get(job.candidate.name, mean) for job in waiting)
        return left / max(1, len(begun))  # The last word of a run may come after its end.

    def done(self, job: Job, finished: FinishedRun) -> None:
        """After each run."""
        self.finished.add(job.key)
        self.seconds[job.candidate.name] = finished.seconds
        report = finished.report(job.emotions)
        echo(
            f"done {len(self.finished)} of {len(self.missing)}: {job.name}: accuracy "
            f"{report.accuracy:.3f}, UAR {report.uar:.3f}, {finished.seconds:.0f} s"
        )
