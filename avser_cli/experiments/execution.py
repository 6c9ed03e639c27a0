"""Where the runs of a comparison are trained: here, in several processes, or on a Dask cluster."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from avser_cli.cluster import TRIES, dask_client, worker_losses
from avser_cli.data.dataset import Dataset, Inputs
from avser_cli.errors import UsageError
from avser_cli.experiments.baselines import fit_boosting, fit_prior, fit_svm
from avser_cli.experiments.provenance import training_environment
from avser_cli.experiments.run_cache import Job, RunCache
from avser_cli.experiments.runs import FinishedRun
from avser_cli.training.history import Epoch

OnEpoch = Callable[[Job, Epoch], None]


@dataclass(frozen=True)
class Workers:
    """Where runs are trained.

    Attributes
    ----------
    jobs : int
        Processes on this machine; 1 trains in this one.
    scheduler : str or None
        Address of a Dask scheduler whose workers train instead, e.g. ``tcp://HOST:8786``.
    """

    jobs: int = 1
    scheduler: str | None = None


def run_jobs(
    group: Sequence[Job], dataset: Dataset, run_cache: RunCache, workers: Workers, on_epoch: OnEpoch
) -> Iterator[tuple[Job, FinishedRun]]:
    """Train jobs that read the same inputs.

    Yields
    ------
    tuple of Job and FinishedRun
        As they finish; in their order where they are trained in this process.

    Raises
    ------
    UsageError
        The scheduler does not answer, its workers run another version of avser, or workers
        died too often.
    """
    if workers.jobs == 1 and workers.scheduler is None:
        for job in group:
            checkpoint = run_cache.checkpoint(job)
            yield job, train_job(job, dataset.inputs, Clips.of(dataset), checkpoint, on_epoch)
        return
    remaining = {job.key: job for job in group}
    spread = _over_cluster if workers.scheduler else _over_processes
    losses = worker_losses()
    for attempt in range(1, TRIES + 1):
        try:
            for key, finished in spread(
                list(remaining.values()), dataset, run_cache, workers, on_epoch
            ):
                yield remaining.pop(key), finished
            return
        except losses as error:
            if attempt == TRIES:
                raise UsageError(
                    f"{workers.scheduler or 'this machine'}: workers died {TRIES} times "
                    f"({type(error).__name__}); finished runs are kept, so see to the workers "
                    "(memory?) and start again"
                ) from None


@dataclass(frozen=True)
class Clips:
    """What a worker must know of the clips besides their inputs.

    Attributes
    ----------
    names, channels : tuple of str
    labels : numpy.ndarray
        Indices of emotions, shape ``(n,)``.
    """

    names: tuple[str, ...]
    channels: tuple[str, ...]
    labels: npt.NDArray[np.int64]

    @classmethod
    def of(cls, dataset: Dataset) -> Clips:
        """Those of a dataset."""
        return cls(
            tuple(clip.key for clip in dataset.clips),
            tuple(clip.channel or "" for clip in dataset.clips),
            dataset.labels,
        )


def train_job(
    job: Job, inputs: Inputs, clips: Clips, checkpoint: Path | None, on_epoch: OnEpoch
) -> FinishedRun:
    """Train one run and predict the clips that it holds out."""
    train = np.flatnonzero([name in job.split.train for name in clips.names])
    test = np.flatnonzero([name in job.split.test for name in clips.names])
    emotions = len(job.emotions)
    history: tuple[Epoch, ...] = ()
    predict: Callable[[Inputs], npt.NDArray[np.float32]]
    start = time.perf_counter()
    if job.candidate.recipe is not None:
        from avser_cli.training.checkpoint import Checkpoint
        from avser_cli.training.sampling import TrainingSet
        from avser_cli.training.trainer import train as train_network

        kept = Checkpoint(checkpoint, job.key, forgiving=True) if checkpoint else None
        trained = train_network(
            job.candidate.recipe,
            TrainingSet(inputs[train], clips.labels[train], emotions, *2 * [np.zeros_like(train)]),
            job.planned.seed,
            lambda line: on_epoch(job, line),
            kept,
        )
        predict, parameters, history = trained.predict, trained.parameters, trained.history
        seconds = trained.seconds
    else:
        if job.candidate.baseline == "svm":
            predict, parameters = fit_svm(inputs[train], clips.labels[train], emotions)
        elif job.candidate.baseline == "boosting":
            predict, parameters = fit_boosting(inputs[train], clips.labels[train], emotions)
        else:
            predict, parameters = fit_prior(clips.labels[train], emotions)
        seconds = time.perf_counter() - start
    predict(inputs[test[:1]])
    start = time.perf_counter()
    probabilities = predict(inputs[test])
    clip_seconds = (time.perf_counter() - start) / len(test)
    return FinishedRun(
        planned=job.planned,
        names=tuple(clips.names[row] for row in test),
        channels=tuple(clips.channels[row] for row in test),
        labels=clips.labels[test],
        probabilities=probabilities,
        history=history,
        parameters=parameters,
        seconds=seconds,
        clip_seconds=clip_seconds,
    )


def _train_elsewhere(
    job: Job, inputs: Inputs, clips: Clips, checkpoint: Path | None, tell: Any, threads: int | None
) -> tuple[str, FinishedRun]:
    """`train_job` in another process, which may be on another machine."""
    if training_environment() != job.engine:
        raise UsageError(
            "a worker runs another version of avser, Keras, TensorFlow, NumPy, librosa or "
            "scikit-learn than this machine; install the same ones there"
        )
    if threads is not None:
        # Read when TensorFlow starts; without it, each process would take all cores.
        os.environ["TF_NUM_INTRAOP_THREADS"] = str(threads)

    def on_epoch(_: Job, line: Epoch) -> None:
        if tell is not None:
            tell.put((job.key, line))

    return job.key, train_job(job, inputs, clips, checkpoint, on_epoch)


def _over_processes(
    group: Sequence[Job], dataset: Dataset, run_cache: RunCache, workers: Workers, on_epoch: OnEpoch
) -> Iterator[tuple[str, FinishedRun]]:
    from joblib import Parallel, cpu_count, delayed

    threads = max(1, cpu_count() // workers.jobs)
    clips = Clips.of(dataset)
    with _told({job.key: job for job in group}, on_epoch) as tell:
        spread = Parallel(n_jobs=workers.jobs, return_as="generator_unordered", batch_size=1)
        yield from spread(
            delayed(_train_elsewhere)(
                job, dataset.inputs, clips, run_cache.checkpoint(job), tell, threads
            )
            for job in group
        )


@contextmanager
def _told(jobs: dict[str, Job], on_epoch: OnEpoch) -> Iterator[Any]:
    """A queue on which other processes tell their epochs."""
    from multiprocessing import Manager

    with Manager() as manager:
        queue = manager.Queue()

        def listen() -> None:
            while (told := queue.get()) is not None:
                key, line = told
                on_epoch(jobs[key], line)

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        try:
            yield queue
        finally:
            queue.put(None)
            listener.join()


def _over_cluster(
    group: Sequence[Job], dataset: Dataset, run_cache: RunCache, workers: Workers, on_epoch: OnEpoch
) -> Iterator[tuple[str, FinishedRun]]:
    from joblib import Parallel, delayed, parallel_config

    clips = Clips.of(dataset)
    assert workers.scheduler is not None
    # Every worker gets the inputs, so that they are not lost with one of them.
    with (
        dask_client(workers.scheduler) as client,
        parallel_config(backend="dask", client=client, scatter=[dataset.inputs]),
    ):
        spread = Parallel(return_as="generator_unordered", batch_size=1, pre_dispatch="all")
        yield from spread(
            delayed(_train_elsewhere)(job, dataset.inputs, clips, None, None, None) for job in group
        )
