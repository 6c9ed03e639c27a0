import numpy as np
import pytest

from avser_cli.training.batches import Batches, mix
from tests.training.test_trainer import RECIPE


def test_mixing_keeps_half_of_each_and_mixes_labels_alike():
    inputs = np.arange(8, dtype=np.float32).reshape(8, 1, 1) + np.zeros((8, 2, 3), np.float32)
    targets = np.eye(8, dtype=np.float32)
    mixed, labels = mix(inputs, targets, 0.4, np.random.default_rng(0))
    assert (labels.diagonal() >= 0.5).all()
    assert (labels.diagonal() < 1).any()
    np.testing.assert_allclose(labels.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(mixed[:, 0, 0], labels @ np.arange(8), rtol=1e-5)


def test_balance_makes_rare_emotions_count():
    recipe = RECIPE.with_options(augmentation=None, class_weight_power=1.0, batch_size=6)
    targets = np.eye(2, dtype=np.float32)[[0, 0, 0, 0, 1, 1]]
    inputs = np.zeros((6, 150, 150), np.uint8)
    _, found, weights = Batches(recipe, inputs, targets, [0])[0]
    by_emotion = [weights[found[:, emotion] == 1].sum() for emotion in (0, 1)]
    assert by_emotion == pytest.approx([3, 3])
    _, _, plain = Batches(recipe.with_options(class_weight_power=0.0), inputs, targets, [0])[0]
    np.testing.assert_array_equal(plain, 1)
