"""The engine of experiments learns from the training side alone."""

from pathlib import Path

import numpy as np
import pytest

from avser_cli.data.splits import SplitSettings
from avser_cli.experiments.candidates import Candidate
from avser_cli.experiments.cross_validation import run_planned
from avser_cli.experiments.execution import Clips, train_job
from avser_cli.experiments.run_cache import Job
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


def finished(candidate: Candidate, settings: SplitSettings) -> FinishedRun:
    corpus = random_corpus()
    split, planned = corpus.split(settings).split, PlannedRun(settings, 0)
    job = Job(candidate, planned, split, EMOTIONS, "engine", "key")
    data = corpus.dataset
    return train_job(job, data.inputs, Clips.of(data), None, lambda job, line: None)


def test_random_inputs_score_chance_on_the_held_out_side_for_a_perceptron_and_an_svm():
    for candidate in (PERCEPTRON, SVM):
        found = finished(candidate, HALF)
        assert len(found.names) == 192
        assert FAR_BELOW_CHANCE < found.report(EMOTIONS).accuracy < CHANCE_AT_MOST
        if found.history:
            assert found.history[-1].accuracy > 0.95


def test_random_inputs_score_chance_in_the_runs_of_a_protocol(tmp_path: Path):
    found = run_planned(PlannedRun(HALF, 0), random_corpus(), RECIPE, tmp_path, lambda line: None)
    assert found.history[-1].accuracy > 0.95
    assert FAR_BELOW_CHANCE < found.report(EMOTIONS).accuracy < CHANCE_AT_MOST


def test_names_labels_and_probabilities_are_of_the_held_out_clips():
    settings = SplitSettings("speaker", fold=2)
    found = finished(Candidate("prior", "nothing", baseline="prior"), settings)
    corpus = random_corpus()
    assert set(found.names) == set(corpus.split(settings).split.test)
    labels = {clip.key: EMOTIONS.index(clip.emotion) for clip in corpus.dataset.clips}
    assert [labels[name] for name in found.names] == found.labels.tolist()
    assert found.probabilities == pytest.approx(np.full((len(found.names), 4), 0.25))
