"""The runs of a report folder: a whole model bundle for each fold and seed, with its predictions.

They are copied from the cache of finished runs; a folder whose cache is gone serves as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avser_cli.errors import UsageError
from avser_cli.experiments.run_cache import Job, RunCache, key_in, read_run
from avser_cli.experiments.runs import FinishedRun


def find_runs(folder: Path, jobs: Sequence[Job]) -> dict[str, FinishedRun]:
    """The runs that a report folder holds already, by key.

    Raises
    ------
    UsageError
        A run there was made with other settings, clips or versions.
    """
    found = {}
    for job in jobs:
        place = _place(folder, job)
        kept = read_run(place, job)
        if kept is not None:
            found[job.key] = kept
        elif key_in(place) not in (None, job.key):
            raise UsageError(
                f"{place}: was made with other settings, clips or versions; give the same ones to "
                "go on, or another --out"
            )
    return found


def keep_runs(folder: Path, jobs: Sequence[Job], run_cache: RunCache) -> None:
    """Copy the runs that a report folder lacks to it."""
    for job in jobs:
        place = _place(folder, job)
        if read_run(place, job) is None:
            run_cache.copy(job, place)


def _place(folder: Path, job: Job) -> Path:
    return folder / "runs" / job.planned.name
