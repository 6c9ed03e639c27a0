"""Runs that an experiment needs: found in the cache, or trained and kept there.

`avser evaluate --protocol` and `avser compare` are both experiments: candidates on the splits of a
protocol. What one of them has trained serves the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from avser_cli.data.clip import Clip
from avser_cli.data.clips import Index, index_data
from avser_cli.data.dataset import Dataset, Progress, load_dataset
from avser_cli.data.network_inputs import Inputs, read_nothing, reader_of
from avser_cli.data.sources import DataSources
from avser_cli.errors import CorpusError
from avser_cli.experiments.candidates import Candidate
from avser_cli.experiments.execution import Workers, run_jobs
from avser_cli.experiments.run_cache import Claims, Job, RunCache
from avser_cli.experiments.runs import FinishedRun
from avser_cli.processes import end_idle_processes
from avser_cli.training.history import Epoch
from avser_cli.training.training_run import Corpus, corpus_of

TIMED_CLIPS = 20
"""Clips on which the time to read one is measured."""


class Listener(Protocol):
    """Callbacks that follow an experiment."""

    def on_read(self, what: str, done: int, total: int) -> None:
        """After each file of those that are read: what of it, files done and all files."""
        ...

    def on_epoch(self, job: Job, line: Epoch) -> None:
        """After each epoch of a run on this machine."""
        ...

    def on_wait(self, job: Job) -> None:
        """Where another process trains a run, which is waited for."""
        ...


@dataclass(frozen=True)
class ExperimentData:
    """The clips of an experiment, checked and with their checksums.

    Attributes
    ----------
    index : Index
    corpus : Corpus
    inputs_key : str or None
        Whose inputs the corpus holds, see `Candidate.inputs_key`; ``None`` for nobody's.
    """

    index: Index
    corpus: Corpus
    inputs_key: str | None = None


def read_recordings(
    sources: DataSources,
    emotions: tuple[str, ...],
    progress: Progress | None = None,
    check: Callable[[Sequence[Clip]], object] | None = None,
) -> ExperimentData:
    """Read sound for candidates that take different inputs, and none of these yet.

    Parameters
    ----------
    sources : DataSources
    emotions : tuple of str
    progress : callable, optional
    check : callable, optional
        Called with the clips before they are read, to raise at once what would be raised later.

    Raises
    ------
    InputError, CorpusError
        See `avser_cli.training.training_run.read_corpus`; also where there are pictures.
    """
    index = index_data(sources, emotions)
    if index.kind == "pictures":
        raise CorpusError(f"{sources}: holds pictures; give the folder of sound that was drawn")
    index.check_emotions(emotions)
    if check:
        check(index.clips)
    dataset = load_dataset(index, emotions, read_nothing, progress)
    return ExperimentData(index, corpus_of(index, dataset))


def read_inputs_of(
    candidate: Candidate,
    sources: DataSources,
    emotions: tuple[str, ...],
    progress: Progress | None = None,
    check: Callable[[Sequence[Clip]], object] | None = None,
) -> ExperimentData:
    """Read sound or pictures for a candidate that trains a recipe.

    Raises
    ------
    InputError, CorpusError
        See `avser_cli.training.training_run.read_corpus`.
    """
    assert candidate.recipe is not None
    index = index_data(sources, emotions)
    index.check_emotions(emotions)
    if check:
        check(index.clips)
    reader = reader_of(index, candidate.recipe.spectrogram)
    dataset = load_dataset(index, emotions, reader, progress)
    return ExperimentData(index, corpus_of(index, dataset), candidate.inputs_key)


def finish(
    data: ExperimentData,
    jobs: Sequence[Job],
    run_cache: RunCache,
    workers: Workers,
    listener: Listener,
) -> Iterator[tuple[Job, FinishedRun]]:
    """Train the runs that are not in the cache, those that read the same inputs together.

    A run that another process trains meanwhile is waited for, not trained again.

    Parameters
    ----------
    data : ExperimentData
    jobs : sequence of Job
        Without those that the cache holds.
    run_cache : RunCache
    workers : Workers
    listener : Listener

    Yields
    ------
    tuple of Job and FinishedRun
        As they finish, already kept.

    Raises
    ------
    CorpusError
        A candidate cannot use a clip that others can, so that they would not be comparable.
    """
    by_inputs: dict[str, dict[str, Job]] = {}
    for job in jobs:
        by_inputs.setdefault(job.candidate.inputs_key, {})[job.key] = job
    for group in by_inputs.values():
        yield from _Group(data, run_cache, workers, listener).finish(list(group.values()))


@dataclass
class _Group:
    """Jobs that read the same inputs, which are read once, when the first is trained."""

    data: ExperimentData
    run_cache: RunCache
    workers: Workers
    listener: Listener
    inputs: Inputs | None = None
    corpus: Corpus = field(init=False)
    read_seconds: float | None = None

    def __post_init__(self) -> None:
        self.corpus = self.data.corpus

    def finish(self, jobs: list[Job]) -> Iterator[tuple[Job, FinishedRun]]:
        waited_for: str | None = None
        while jobs:
            with self.run_cache.claims() as claims:
                claimed, others = self._claim(claims, jobs)
                found = {job.key: kept for job in claimed if (kept := self.run_cache.load(job))}
                for job in claimed:
                    if job.key in found:
                        claims.release(job)
                        yield job, found[job.key]
                yield from self._train(claims, [job for job in claimed if job.key not in found])
            if not claimed:
                if others[0].key != waited_for:
                    self.listener.on_wait(others[0])
                    waited_for = others[0].key
                self.run_cache.wait_for(others[0])
            jobs = others

    def _claim(self, claims: Claims, jobs: Sequence[Job]) -> tuple[list[Job], list[Job]]:
        """Jobs to do now, and those that are left to another process or for later."""
        # One at a time where this process trains: another one may take the next.
        most = 1 if self.workers.here else len(jobs)
        claimed: list[Job] = []
        others: list[Job] = []
        for job in jobs:
            (claimed if len(claimed) < most and claims.take(job) else others).append(job)
        return claimed, others

    def _train(self, claims: Claims, jobs: list[Job]) -> Iterator[tuple[Job, FinishedRun]]:
        if not jobs:
            return
        if self.inputs is None:
            self._read(jobs[0].candidate)
        assert self.inputs is not None
        on_epoch = self.listener.on_epoch
        for job, trained in run_jobs(
            jobs, self.corpus, self.inputs, self.run_cache, self.workers, on_epoch
        ):
            finished = trained.finished
            seconds = finished.clip_seconds
            if seconds is not None:
                seconds = None if self.read_seconds is None else self.read_seconds + seconds
            finished = replace(finished, clip_seconds=seconds)
            self.run_cache.save(job, finished, trained.bundle)
            claims.release(job)
            yield job, finished

    def _read(self, candidate: Candidate) -> None:
        """Read the inputs, and measure how long one takes where clips are whole files of sound."""
        dataset = self.data.corpus.dataset
        if candidate.reads == "nothing":
            self.inputs, self.read_seconds = dataset.inputs, 0.0
            return
        if candidate.inputs_key == self.data.inputs_key:
            self.inputs = dataset.inputs
        else:
            read = _read_again(self.data, candidate, self.listener)
            self.inputs = read.inputs
            if candidate.reads == "picture":
                # A bundle tells its training clips by the picture that its network takes.
                dataset = replace(dataset, fingerprints=read.fingerprints)
                self.corpus = replace(self.corpus, dataset=dataset)
        whole = all(clip.start is clip.end is None for clip in dataset.clips)
        if self.data.index.kind == "sounds" and whole:
            self.read_seconds = _timed_where_read(candidate, dataset.paths)


def reading_seconds(reader: Callable[[Path], object], paths: Sequence[Path]) -> float:
    """Mean time to read a clip and make its input, over up to `TIMED_CLIPS`, one after the other.

    One call before is not counted: it loads libraries.
    """
    chosen = paths[:: -(-len(paths) // TIMED_CLIPS)]
    reader(chosen[0])
    start = time.perf_counter()
    for path in chosen:
        reader(path)
    return (time.perf_counter() - start) / len(chosen)


def _timed_where_read(candidate: Candidate, paths: Sequence[Path]) -> float:
    """`reading_seconds`, in a process of its own where the corpus is read in processes, too.

    openSMILE aborts in a process that other threads have worked in.
    """
    if candidate.reads_in == "threads":
        return reading_seconds(candidate.reader(), paths)
    from joblib import Parallel, delayed

    end_idle_processes()
    (seconds,) = Parallel(n_jobs=2, backend="loky")(
        [delayed(reading_seconds)(candidate.reader(), paths)]
    )
    return float(seconds)


def _read_again(data: ExperimentData, candidate: Candidate, listener: Listener) -> Dataset:
    """The same clips with what a candidate takes of each."""
    known = data.corpus.dataset
    usable = {clip.key for clip in known.clips}
    index = replace(data.index, clips=tuple(x for x in data.index.clips if x.key in usable))
    dataset = load_dataset(
        index,
        known.emotions,
        candidate.reader(),
        lambda done, total: listener.on_read(candidate.reads, done, total),
        candidate.reads_in,
    )
    if dataset.clips != known.clips:
        odd = set(known.clips) ^ set(dataset.clips)
        names = ", ".join(sorted({clip.key for clip in odd})[:3])
        reasons = {item.reason for item in dataset.skipped[len(index.skipped) :]}
        raise CorpusError(
            f"{index.sources}: {candidate.name} cannot use clips that others can: {names} "
            f"({'; '.join(sorted(reasons)[:1])}); leave them out"
        )
    return dataset
