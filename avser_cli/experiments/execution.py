"""Where runs are trained: here, in several processes, or on a Dask cluster."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt

from avser_cli.cluster import spread
from avser_cli.data.network_inputs import Inputs
from avser_cli.errors import UsageError
from avser_cli.experiments.baselines import fit_boosting, fit_prior, fit_svm
from avser_cli.experiments.run_cache import Job, RunCache
from avser_cli.experiments.runs import FinishedRun
from avser_cli.model.recipe import Recipe
from avser_cli.processes import message_queue
from avser_cli.training.export import write_parts
from avser_cli.training.history import Epoch
from avser_cli.training.provenance import check_environment
from avser_cli.training.training_run import Corpus, TrainTestSplit
from avser_cli.training.training_run import run as train_and_score

Predict = Callable[[Inputs], npt.NDArray[np.float32]]
OnEpoch = Callable[[Job, Epoch], None]

TRIES = 3
"""How often processes of this machine are started that die at their trainings."""


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

    def __post_init__(self) -> None:
        if self.jobs < 1:
            raise UsageError(f"--jobs {self.jobs}: at least 1")
        if self.jobs > 1 and self.scheduler is not None:
            raise UsageError("--jobs is for this machine; of a --scheduler all workers train")

    @property
    def here(self) -> bool:
        """Whether this process trains."""
        return self.jobs == 1 and self.scheduler is None


@dataclass(frozen=True)
class TrainedRun:
    """A run as it comes from where it was trained.

    Attributes
    ----------
    finished : FinishedRun
        Its `clip_seconds` count the prediction alone.
    bundle : dict of str to bytes
        The parts of the recipe's bundle; empty for a baseline.
    """

    finished: FinishedRun
    bundle: Mapping[str, bytes]


def run_jobs(
    group: Sequence[Job],
    corpus: Corpus,
    inputs: Inputs,
    run_cache: RunCache,
    workers: Workers,
    on_epoch: OnEpoch,
) -> Iterator[tuple[Job, TrainedRun]]:
    """Train jobs that read the same inputs.

    Yields
    ------
    tuple of Job and TrainedRun
        As they finish; in their order where they are trained in this process.

    Raises
    ------
    UsageError
        Workers run other versions, or processes of this machine died too often.
    ClusterError
        See `avser_cli.cluster.spread`.
    """
    if workers.here:
        for job in group:
            checkpoint = run_cache.checkpoint(job)
            yield job, train_job(job, corpus, inputs, checkpoint, on_epoch)
        return
    remaining = {job.key: job for job in group}
    # Workers are sent the inputs once, apart from the clips.
    corpus = replace(corpus, dataset=replace(corpus.dataset, inputs=np.empty(0, inputs.dtype)))
    if workers.scheduler is not None:
        train = partial(_train_elsewhere, corpus=corpus, inputs=inputs)
        for key, trained in spread(
            workers.scheduler, train, group, in_order=False, name_of=attrgetter("name")
        ):
            yield remaining[key], trained
        return
    for attempt in range(1, TRIES + 1):
        try:
            for key, trained in _over_processes(
                list(remaining.values()), corpus, inputs, run_cache, workers.jobs, on_epoch
            ):
                yield remaining.pop(key), trained
            return
        except BrokenProcessPool:
            if attempt == TRIES:
                raise UsageError(
                    f"processes of this machine died {TRIES} times; finished runs are kept, so see "
                    "to its memory and start again"
                ) from None


def train_job(
    job: Job,
    corpus: Corpus,
    inputs: Inputs,
    checkpoint: Path | None,
    on_epoch: OnEpoch,
    side_by_side: bool = True,
) -> TrainedRun:
    """Train one run and predict the clips that it holds out.

    Parameters
    ----------
    job : Job
    corpus : Corpus
        Its own inputs are not used.
    inputs : numpy.ndarray
        What the candidate reads of each clip of the corpus.
    checkpoint : pathlib.Path or None
    on_epoch : callable
    side_by_side : bool
        See `avser_cli.training.ensemble.train`.
    """
    dataset = replace(corpus.dataset, inputs=inputs)
    prepared = TrainTestSplit(replace(corpus, dataset=dataset), job.split)
    if job.candidate.recipe is not None:
        return _train_recipe(
            job, job.candidate.recipe, prepared, checkpoint, on_epoch, side_by_side
        )
    start = time.perf_counter()
    predict, parameters = _fit_baseline(job, prepared)
    seconds = time.perf_counter() - start
    rows = dataset.rows(job.split.test)
    run = _finished(job, prepared, predict(inputs[rows]), (), parameters, seconds)
    return TrainedRun(replace(run, clip_seconds=_predict_seconds(predict, inputs[rows])), {})


def _train_recipe(
    job: Job,
    recipe: Recipe,
    prepared: TrainTestSplit,
    checkpoint: Path | None,
    on_epoch: OnEpoch,
    side_by_side: bool,
) -> TrainedRun:
    seed = job.planned.seed
    result = train_and_score(
        prepared,
        recipe,
        seed,
        lambda line: on_epoch(job, line),
        checkpoint,
        forgiving=True,
        side_by_side=side_by_side,
    )
    trained = result.trained
    run = _finished(
        job, prepared, result.probabilities, trained.history, trained.parameters, trained.seconds
    )
    held_out = prepared.dataset.inputs[prepared.dataset.rows(job.split.test)]
    run = replace(run, clip_seconds=_predict_seconds(trained.predict, held_out))
    with TemporaryDirectory(prefix="avser-") as folder:
        write_parts(Path(folder), job.planned.name, prepared, recipe, seed, result)
        bundle = {path.name: path.read_bytes() for path in Path(folder).iterdir()}
    return TrainedRun(run, bundle)


def _fit_baseline(job: Job, prepared: TrainTestSplit) -> tuple[Predict, int]:
    """What predicts, and the number of its parameters."""
    dataset = prepared.dataset
    rows = dataset.rows(job.split.train)
    inputs, labels, emotions = dataset.inputs[rows], dataset.labels[rows], len(dataset.emotions)
    if job.candidate.baseline == "svm":
        return fit_svm(inputs, labels, emotions)
    if job.candidate.baseline == "boosting":
        return fit_boosting(inputs, labels, emotions)
    return fit_prior(labels, emotions)


def _predict_seconds(predict: Predict, inputs: Inputs) -> float:
    """Mean time to predict a clip, once it has predicted some."""
    start = time.perf_counter()
    predict(inputs)
    return (time.perf_counter() - start) / len(inputs)


def _finished(
    job: Job,
    prepared: TrainTestSplit,
    probabilities: npt.NDArray[np.float32],
    history: tuple[Epoch, ...],
    parameters: int,
    seconds: float,
) -> FinishedRun:
    dataset = prepared.dataset
    rows = dataset.rows(job.split.test)
    return FinishedRun(
        planned=job.planned,
        names=tuple(dataset.clips[row].key for row in rows),
        labels=dataset.labels[rows],
        probabilities=probabilities,
        history=history,
        parameters=parameters,
        seconds=seconds,
    )


def _train_elsewhere(
    job: Job,
    corpus: Corpus,
    inputs: Inputs,
    checkpoint: Path | None = None,
    queue: Any = None,
) -> tuple[str, TrainedRun]:
    """`train_job` in another process, which may be on another machine."""
    check_environment(job.environment)

    def on_epoch(_: Job, line: Epoch) -> None:
        if queue is not None:
            queue.put((job.key, line))

    return job.key, train_job(job, corpus, inputs, checkpoint, on_epoch, side_by_side=False)


def _over_processes(
    group: Sequence[Job], corpus: Corpus, inputs: Inputs, run_cache: RunCache, jobs: int,
    on_epoch: OnEpoch,
) -> Iterator[tuple[str, TrainedRun]]:  # fmt: skip
    from joblib import Parallel, delayed

    planned = {job.key: job for job in group}
    with message_queue(lambda message: on_epoch(planned[message[0]], message[1])) as queue:
        parallel = Parallel(n_jobs=jobs, return_as="generator_unordered", batch_size=1)
        yield from parallel(
            delayed(_train_elsewhere)(job, corpus, inputs, run_cache.checkpoint(job), queue)
            for job in group
        )
