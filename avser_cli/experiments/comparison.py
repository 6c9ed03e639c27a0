"""Candidates on the same clips and the same splits: which runs there are, and running them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from avser_cli.data.clips import index_folder
from avser_cli.data.dataset import Dataset, Progress, load_dataset, read_nothing
from avser_cli.errors import CorpusError
from avser_cli.experiments.candidates import Candidate
from avser_cli.experiments.execution import Workers, run_jobs
from avser_cli.experiments.provenance import training_environment
from avser_cli.experiments.run_cache import Job, RunCache
from avser_cli.experiments.runs import FinishedRun, PlannedRun
from avser_cli.model.bundle import sha256
from avser_cli.training.history import Epoch
from avser_cli.training.training_run import Corpus, corpus_of

TIMED_CLIPS = 20
"""Clips on which the time to read one is measured."""


def read_recordings(
    folder: Path, emotions: tuple[str, ...], progress: Progress | None = None
) -> Corpus:
    """The clips of a folder of sound, checked and with their checksums, without inputs.

    Raises
    ------
    InputError, CorpusError
        See `avser_cli.training.training_run.read_corpus`; also where the folder holds pictures.
    """
    index = index_folder(folder, emotions)
    if index.kind == "pictures":
        raise CorpusError(f"{folder}: holds pictures; give the folder of sound that was drawn")
    return corpus_of(index, load_dataset(index, emotions, read_nothing, progress))


def plan_jobs(
    corpus: Corpus, candidates: Sequence[Candidate], runs: Sequence[PlannedRun]
) -> list[Job]:
    """Every candidate on every split, candidate by candidate.

    Raises
    ------
    CorpusError
        A split leaves an emotion with too few clips, or leaks.
    """
    emotions, engine = corpus.dataset.emotions, training_environment()
    splits = {run: corpus.split(run.split).split for run in runs}
    jobs = []
    for candidate in candidates:
        for run in runs:
            about = [candidate.as_dict(), run.seed, asdict(splits[run]), emotions]
            parts = [*about, corpus.about["fingerprint"], engine]
            key = sha256(json.dumps(parts, sort_keys=True).encode())
            jobs.append(Job(candidate, run, splits[run], emotions, engine, key))
    return jobs


def finish(
    folder: Path,
    corpus: Corpus,
    jobs: Sequence[Job],
    run_cache: RunCache,
    workers: Workers,
    on_read: Callable[[str, int, int], None],
    on_epoch: Callable[[Job, Epoch], None],
) -> Iterator[tuple[Job, FinishedRun]]:
    """Train the runs that are not in the store, those that read the same inputs together.

    Parameters
    ----------
    folder : pathlib.Path
        Of sound, as `corpus` was read from.
    corpus : Corpus
    jobs : sequence of Job
        Without those that the store holds.
    run_cache : RunCache
    workers : Workers
    on_read : callable
        Called with what is read, files done and all files.
    on_epoch : callable
        Called after each epoch of a run on this machine.

    Yields
    ------
    tuple of Job and FinishedRun
        As they finish, already kept.

    Raises
    ------
    CorpusError
        A candidate cannot use a clip that others can, so that they would not be comparable.
    """
    by_inputs: dict[str, list[Job]] = {}
    for job in jobs:
        by_inputs.setdefault(job.candidate.inputs_key, []).append(job)
    for group in by_inputs.values():
        candidate = group[0].candidate
        dataset, read_seconds = corpus.dataset, 0.0
        if candidate.reads != "nothing":
            dataset = _read_inputs(folder, corpus, candidate, on_read)
            read_seconds = _timed_where_read(candidate, dataset.paths)
        for job, finished in run_jobs(group, dataset, run_cache, workers, on_epoch):
            predict_seconds = finished.clip_seconds or 0.0
            timed = replace(finished, clip_seconds=read_seconds + predict_seconds)
            run_cache.save(job, timed)
            yield job, timed


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

    (seconds,) = Parallel(n_jobs=2, backend="loky")(
        [delayed(reading_seconds)(candidate.reader(), paths)]
    )
    return float(seconds)


def _read_inputs(
    folder: Path, corpus: Corpus, candidate: Candidate, on_read: Callable[[str, int, int], None]
) -> Dataset:
    index = index_folder(folder, corpus.dataset.emotions)
    usable = {path.name for path in corpus.dataset.paths}
    index = replace(index, clips=tuple(x for x in index.clips if x.path.name in usable))
    dataset = load_dataset(
        index,
        corpus.dataset.emotions,
        candidate.reader(),
        lambda done, total: on_read(candidate.reads, done, total),
        candidate.reads_in,
    )
    if dataset.clips != corpus.dataset.clips:
        odd = set(corpus.dataset.clips) ^ set(dataset.clips)
        names = ", ".join(sorted({clip.key for clip in odd})[:3])
        reasons = {item.reason for item in dataset.skipped[len(index.skipped) :]}
        raise CorpusError(
            f"{folder}: {candidate.name} cannot use clips that others can: {names} "
            f"({'; '.join(sorted(reasons)[:1])}); leave them out"
        )
    return dataset
