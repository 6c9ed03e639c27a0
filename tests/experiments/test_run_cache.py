import json
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from avser_cli.data.folds import split_folds
from avser_cli.experiments.candidates import BASELINES, MODELS, of_recipe, select_optimizers
from avser_cli.experiments.execution import train_job
from avser_cli.experiments.run_cache import Job, RunCache, key_in, plan_jobs
from avser_cli.experiments.runs import RUN, plan
from avser_cli.model.known_recipes import find_recipe
from avser_cli.model.recipe import Sampling
from avser_cli.training import provenance
from tests.conftest import REPOSITORY
from tests.training.test_training_run import random_corpus

RECIPE = find_recipe("mlp").with_options(epochs=1)
PERCEPTRON = of_recipe("mlp", RECIPE)


def job_of(candidate=PERCEPTRON, protocol="text", corpus=None, **planned) -> Job:
    corpus = corpus or random_corpus()
    folds = split_folds(corpus.dataset.clips, protocol)
    first = [1] if folds else None
    (job,) = plan_jobs(corpus, [candidate], plan(protocol, folds, first, [0], **planned))
    return job


def trained(job: Job):
    corpus = random_corpus()
    return train_job(job, corpus, corpus.dataset.inputs, None, lambda job, line: None)


@pytest.fixture
def kept(tmp_path):
    """A cache with the perceptron's run, and the job."""
    cache, job = RunCache(tmp_path / "cache"), job_of()
    run = trained(job)
    cache.save(job, run.finished, run.bundle)
    return cache, job


def test_the_test_size_of_a_split_that_has_none_does_not_count():
    assert job_of(protocol="speaker", test_size=0.4).key == job_of(protocol="speaker").key
    assert job_of(protocol="random", test_size=0.4).key != job_of(protocol="random").key


def test_one_name_in_two_tables_is_one_run():
    paper = find_recipe("cnn2d", "paper")
    (row,) = select_optimizers(["adam"], [0.005], paper, None, False)
    same = [job_of(x) for x in (row, MODELS["cnn2d-paper"], of_recipe("cnn2d-paper", paper))]
    assert len({job.key for job in same}) == len({RunCache(REPOSITORY).path(x) for x in same}) == 1
    here = [name for name in BASELINES if name != "opensmile" or find_spec("opensmile")]
    jobs = [job_of(x) for x in [*MODELS.values(), *(x for name in here for x in BASELINES[name])]]
    assert len({job.key for job in jobs}) == len(jobs)


@pytest.mark.parametrize("candidate", [PERCEPTRON, BASELINES["svm"][0]])
def test_changed_labels_make_another_run(candidate):
    corpus = random_corpus()
    first, *rest = corpus.dataset.clips
    other = next(clip.emotion for clip in rest if clip.emotion != first.emotion)

    def key(**labels):
        dataset = replace(corpus.dataset, clips=(replace(first, **labels), *rest))
        return job_of(candidate, corpus=replace(corpus, dataset=dataset)).key

    known = key()
    assert key(emotion=other) != known
    assert key(intensity="strong") == known


def test_speakers_count_where_the_clips_are_drawn_by_them():
    corpus = random_corpus()
    first, *rest = corpus.dataset.clips
    dataset = replace(corpus.dataset, clips=(replace(first, speaker="another"), *rest))
    recipe = find_recipe("cnn1d")
    drawn = recipe.with_options(sampling=Sampling(speaker=0.5))
    for chosen, same in ((recipe, True), (drawn, False)):
        candidate = of_recipe("cnn1d", chosen)
        changed = job_of(candidate, corpus=replace(corpus, dataset=dataset)).key
        assert (changed == job_of(candidate).key) is same


@pytest.mark.parametrize(
    ("candidate", "library"),
    [
        (BASELINES["svm"][0], "scikit-learn"),
        (BASELINES["svm"][0], "librosa"),
        (BASELINES["opensmile"][0], "opensmile"),
        (BASELINES["opensmile"][2], "scikit-learn"),
    ],
)
def test_baselines_count_what_they_are_fitted_and_read_with(candidate, library, monkeypatch):
    monkeypatch.setattr(provenance, "_version", lambda name: "1")
    known = job_of(candidate)
    assert library in known.environment
    monkeypatch.setattr(provenance, "_version", lambda name: "2" if name == library else "1")
    assert job_of(candidate).key != known.key
    monkeypatch.setattr(provenance, "_version", lambda name: "2" if name == "keras" else "1")
    assert job_of(candidate).key == known.key


def test_what_is_kept_is_found_with_its_bundle(kept):
    cache, job = kept
    found = cache.load(job)
    assert found is not None
    np.testing.assert_allclose(found.probabilities, trained(job).finished.probabilities, atol=1e-6)
    assert {path.name for path in cache.path(job).iterdir()} == {
        RUN,
        "clips.csv",
        "config.json",
        "mlp.npz",
        "metrics.json",
        "history.csv",
    }
    assert key_in(cache.path(job)) == job.key
    assert cache.load(job_of(of_recipe("mlp", RECIPE.with_options(epochs=2)))) is None


@pytest.mark.parametrize("name", [RUN, "clips.csv", "config.json", "mlp.npz"])
def test_a_half_file_is_damage(kept, name):
    cache, job = kept
    path = cache.path(job) / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert cache.load(job) is None
    assert cache.is_damaged(job)


def test_a_run_of_other_clips_is_not_taken(kept):
    cache, job = kept
    path = cache.path(job) / RUN
    values = json.loads(path.read_text())
    values["names"][0] = "another"
    path.write_text(json.dumps(values))
    assert cache.load(job) is None


def test_a_checkpoint_that_a_kill_left_goes(kept):
    cache, job = kept
    cache.checkpoint(job).mkdir()
    assert cache.load(job) is not None
    assert not cache.checkpoint(job).exists()


HOLD = """
import sys
from pathlib import Path
from avser_cli.files import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_run_is_claimed_by_one_process_and_free_after_a_kill(tmp_path):
    cache, job = RunCache(tmp_path), job_of()
    other = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(cache.path(job))],
        cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    with cache.claims() as claims:
        assert not claims.take(job)
        other.kill()
        other.wait()
        other.communicate()
        assert claims.take(job)
        with cache.claims() as others:
            assert not others.take(job)
    cache.wait_for(job)
    assert not any(path.suffix == ".lock" for path in tmp_path.iterdir())
