import numpy as np
import pytest

from avser_cli.model.recipe import Sampling
from avser_cli.training.batches import Batches, mix
from avser_cli.training.sampling import TrainingSet
from tests.training.test_trainer import RECIPE


def test_mixing_keeps_half_of_each_and_mixes_labels_alike():
    inputs = np.arange(8, dtype=np.float32).reshape(8, 1, 1) + np.zeros((8, 2, 3), np.float32)
    targets = np.eye(8, dtype=np.float32)
    mixed, labels = mix(inputs, targets, 0.4, np.random.default_rng(0))
    assert (labels.diagonal() >= 0.5).all()
    assert (labels.diagonal() < 1).any()
    np.testing.assert_allclose(labels.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(mixed[:, 0, 0], labels @ np.arange(8), rtol=1e-5)


def small_set(labels, corpora=None):
    labels = np.array(labels)
    corpora = np.zeros_like(labels) if corpora is None else np.array(corpora)
    return TrainingSet(
        np.zeros((len(labels), 150, 150), np.uint8), labels, 2, corpora, np.zeros_like(labels)
    )


def test_balance_makes_rare_emotions_count():
    recipe = RECIPE.with_options(augmentation=None, class_weight_power=1.0, batch_size=6)
    clips = small_set([0, 0, 0, 0, 1, 1])
    _, found, weights = Batches(recipe, clips, [0])[0]
    by_emotion = [weights[found[:, emotion] == 1].sum() for emotion in (0, 1)]
    assert by_emotion == pytest.approx([3, 3])
    _, _, plain = Batches(recipe.with_options(class_weight_power=0.0), clips, [0])[0]
    np.testing.assert_array_equal(plain, 1)


def test_emotions_that_are_drawn_alike_weigh_alike():
    """Weights by the clips that there are would count a rare emotion twice."""
    recipe = RECIPE.with_options(
        augmentation=None, class_weight_power=1.0, batch_size=6, sampling=Sampling(emotion=0.0)
    )
    batches = Batches(recipe, small_set([0, 0, 0, 0, 1, 1]), [0])
    _, targets, weights = batches[0]
    assert targets.sum(axis=0).tolist() == [3, 3]
    np.testing.assert_allclose(weights, 1)


def test_an_epoch_has_as_many_clips_as_are_to_be_drawn():
    recipe = RECIPE.with_options(augmentation=None, batch_size=4, sampling=Sampling(draws=9))
    batches = Batches(recipe, small_set([0, 0, 0, 1, 1, 1]), [0])
    assert [len(batches[number][0]) for number in range(len(batches))] == [4, 4, 1]
