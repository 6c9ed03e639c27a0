"""The engine of experiments learns from the training side alone."""

import numpy as np
import pytest

from avser_cli.data.splits import SplitSettings
from avser_cli.errors import UsageError
from avser_cli.experiments.candidates import Candidate
from avser_cli.experiments.execution import Workers, train_job
from avser_cli.experiments.run_cache import Job, plan_jobs
from avser_cli.experiments.runs import FinishedRun, PlannedRun
from tests.training.test_training_run import (
    CHANCE_AT_MOST,
    EMOTIONS,
    FAR_BELOW_CHANCE,
    HALF,
    RECIPE,
    random_corpus,
)

PERCEPTRON = Candidate("mlp", "features", recipe=RECIPE)
SVM = Candidate("svm", "features", baseline="svm")


def job_of(candidate: Candidate, settings: SplitSettings) -> Job:
    (job,) = plan_jobs(random_corpus(), [candidate], [PlannedRun(settings, 0)])
    return job


def finished(candidate: Candidate, settings: SplitSettings) -> FinishedRun:
    job, corpus = job_of(candidate, settings), random_corpus()
    return train_job(job, corpus, corpus.dataset.inputs, None, lambda job, line: None).finished


def test_random_inputs_score_chance_on_the_held_out_side_for_a_perceptron_and_an_svm():
    for candidate in (PERCEPTRON, SVM):
        found = finished(candidate, HALF)
        assert len(found.names) == 192
        assert FAR_BELOW_CHANCE < found.report(EMOTIONS).accuracy < CHANCE_AT_MOST
        if found.history:
            assert found.history[-1].accuracy > 0.95


def test_names_labels_and_probabilities_are_of_the_held_out_clips():
    settings = SplitSettings("speaker", fold=2)
    found = finished(Candidate("prior", "nothing", baseline="prior"), settings)
    corpus = random_corpus()
    assert set(found.names) == set(corpus.split(settings).split.test)
    labels = {clip.key: EMOTIONS.index(clip.emotion) for clip in corpus.dataset.clips}
    assert [labels[name] for name in found.names] == found.labels.tolist()
    assert found.probabilities == pytest.approx(np.full((len(found.names), 4), 0.25))


def test_fewer_than_one_training_at_once_is_refused():
    with pytest.raises(UsageError, match="--jobs 0"):
        Workers(0)


def test_processes_of_this_machine_and_workers_of_a_cluster_are_not_both_asked_for():
    with pytest.raises(UsageError, match="--jobs is for this machine"):
        Workers(2, "tcp://nowhere:8786")
