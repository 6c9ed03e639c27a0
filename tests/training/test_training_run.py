"""A perceptron on random inputs scores chance on what it has not seen, and nothing more."""

from collections.abc import Iterable

import numpy as np
import pytest

from avser_cli.data.dataset import Dataset
from avser_cli.data.ravdess import parse_name
from avser_cli.data.splits import Recording, SplitSettings
from avser_cli.errors import CorpusError
from avser_cli.features.acoustic import FEATURE_COUNT
from avser_cli.model.recipe import find_recipe
from avser_cli.training.training_run import Corpus, check_no_leaks, run
from tests.synthetic import PITCH, ravdess_name

EMOTIONS = tuple(PITCH)
RECIPE = find_recipe("mlp").with_options(epochs=15)
CHANCE_AT_MOST = 0.36
"""Four standard errors above 1/4 for the 192 clips of a half."""
FAR_BELOW_CHANCE = 0.14


def random_dataset(actors: Iterable[int] = range(1, 25)) -> Dataset:
    """Inputs that say nothing of the labels; 384 clips of 24 actors."""
    names = [
        ravdess_name(emotion, actor, statement, repetition)
        for actor in actors
        for emotion in EMOTIONS
        for statement in (1, 2)
        for repetition in (1, 2)
    ]
    recordings = tuple(Recording(name, parse_name(name), f"sha-{name}") for name in names)
    draw = np.random.default_rng(0)
    return Dataset(
        emotions=EMOTIONS,
        inputs=draw.standard_normal((len(names), FEATURE_COUNT)).astype(np.float32),
        labels=np.array([EMOTIONS.index(r.labels.emotion) for r in recordings]),
        recordings=recordings,
        paths=(),
        skipped=(),
    )


def random_corpus() -> Corpus:
    return Corpus(random_dataset(), {"fingerprint": "made"}, 0)


HALF = SplitSettings("random", test_size=0.5)


@pytest.mark.parametrize("settings", [HALF, SplitSettings("statement", fold=2)])
def test_random_inputs_are_learned_by_heart_and_score_chance_on_the_held_out_side(settings):
    found = run(random_corpus().split(settings), RECIPE, 0, lambda line: None)
    assert found.trained.history[-1].accuracy > 0.95
    assert found.report is not None
    assert found.report.clips == 192
    assert FAR_BELOW_CHANCE < found.report.accuracy < CHANCE_AT_MOST


def test_the_report_and_the_probabilities_are_of_the_held_out_clips_in_the_corpus_order():
    corpus = random_corpus()
    prepared = corpus.split(SplitSettings("speaker", fold=1))
    found = run(prepared, RECIPE.with_options(epochs=2), 0, lambda line: None)
    data = corpus.dataset
    rows = [i for i, r in enumerate(data.recordings) if r.name in prepared.split.test]
    expected = found.trained.predict(data.inputs[rows])
    np.testing.assert_array_equal(found.probabilities, expected)
    assert found.report is not None
    right = (expected.argmax(axis=1) == data.labels[rows]).mean()
    assert found.report.accuracy == pytest.approx(right)


def test_nothing_held_out_gives_no_report():
    recipe = RECIPE.with_options(epochs=1)
    found = run(random_corpus().split(SplitSettings("none")), recipe, 0, lambda line: None)
    assert found.report is None
    assert found.probabilities.shape == (0, len(EMOTIONS))


def test_a_split_that_leaks_is_refused():
    data = random_dataset()
    first, *others = data.recordings
    twin = next(r for r in others if r.labels.actor == 2)
    copied = tuple(
        Recording(r.name, r.labels, first.samples_sha256) if r is twin else r
        for r in data.recordings
    )
    corpus = Corpus(
        Dataset(EMOTIONS, data.inputs, data.labels, copied, (), ()), {"fingerprint": "made"}, 0
    )
    with pytest.raises(CorpusError, match=f"same samples: {twin.name} .*{first.name} .held out"):
        corpus.split(SplitSettings("speaker", fold=1))
    check_no_leaks([])
