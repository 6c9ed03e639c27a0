"""The engine of experiments learns from the training side alone."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from avser_cli.data.splits import SplitSettings
from avser_cli.errors import UsageError
from avser_cli.experiments.candidates import Candidate
from avser_cli.experiments.execution import Workers, train_job
from avser_cli.experiments.run_cache import Job, plan_jobs
from avser_cli.experiments.runs import FinishedRun, PlannedRun
from tests.conftest import REPOSITORY
from tests.platforms import needs_posix
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


LISTENING = """
import time
from avser_cli.experiments.execution import _told

if __name__ == "__main__":
    with _told({}, print) as queue:
        print(queue._manager._process.pid, flush=True)
        time.sleep(60)
"""


@needs_posix("signals that only ask whether a process is there")
def test_what_listens_to_workers_ends_with_a_killed_command(tmp_path):
    script = tmp_path / "listening.py"
    script.write_text(LISTENING)
    command = subprocess.Popen(
        [sys.executable, str(script)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert command.stdout is not None
    listening = int(command.stdout.readline())
    command.kill()
    command.wait()
    command.stdout.close()
    deadline = time.monotonic() + 20
    while is_running(listening) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(listening)


def is_running(process: int) -> bool:
    """Whether a process is there and has not ended, waited for or not."""
    status = Path(f"/proc/{process}/stat")
    if status.parent.parent.is_dir():
        return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
