import shutil

import pytest

from avser_cli.data.folds import split_folds
from avser_cli.errors import UsageError
from avser_cli.experiments.candidates import of_recipe
from avser_cli.experiments.cross_validation import find_runs, keep_runs
from avser_cli.experiments.execution import train_job
from avser_cli.experiments.run_cache import RunCache, plan_jobs
from avser_cli.experiments.runs import RUN, plan
from avser_cli.inference.classifier import Classifier
from avser_cli.model.known_recipes import find_recipe
from tests.training.test_training_run import random_corpus

RECIPE = find_recipe("mlp").with_options(epochs=1)
FOLDS = split_folds(random_corpus().dataset.clips, "text")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A cache, and its jobs: both statements."""
    cache, corpus = RunCache(tmp_path_factory.mktemp("cache")), random_corpus()
    jobs = plan_jobs(corpus, [of_recipe("mlp", RECIPE)], plan("text", FOLDS))
    for job in jobs:
        run = train_job(job, corpus, corpus.dataset.inputs, None, lambda job, line: None)
        cache.save(job, run.finished, run.bundle)
    return cache, jobs


def test_bundles_are_copied_once_and_found(made, tmp_path):
    cache, jobs = made
    assert find_runs(tmp_path, jobs) == {}
    keep_runs(tmp_path, jobs, cache)
    bundle = tmp_path / "runs" / "text1-seed0"
    assert Classifier.load(bundle).config.name == "text1-seed0"
    stamp = bundle.stat().st_mtime_ns
    found = find_runs(tmp_path, jobs)
    assert set(found) == {job.key for job in jobs}
    # The report folder serves without the cache, too.
    keep_runs(tmp_path, jobs, RunCache(tmp_path / "nothing"))
    assert bundle.stat().st_mtime_ns == stamp


def test_a_damaged_run_is_copied_again_and_one_of_other_settings_refused(made, tmp_path):
    cache, jobs = made
    keep_runs(tmp_path, jobs, cache)
    path = tmp_path / "runs" / "text2-seed0" / RUN
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert set(find_runs(tmp_path, jobs)) == {jobs[0].key}
    keep_runs(tmp_path, jobs, cache)
    assert path.read_bytes() == content
    other = of_recipe("mlp", RECIPE.with_options(epochs=2))
    others = plan_jobs(random_corpus(), [other], plan("text", FOLDS))
    with pytest.raises(UsageError, match=r"text1-seed0: was made with other settings"):
        find_runs(tmp_path, others)
    shutil.rmtree(tmp_path / "runs")
    assert find_runs(tmp_path, others) == {}
