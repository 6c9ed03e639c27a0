from pathlib import Path

import numpy as np
import pytest

from avser_cli.data.clip import Clip
from avser_cli.model.backend import keras
from avser_cli.training.adapted_network import clip_weights, reestimate_statistics
from avser_cli.training.rehearsal import LabelledInputs, RehearsedSet
from avser_cli.training.sampling import TrainingSet


def training_set(labels, clips=()):
    labels = np.array(labels)
    inputs = np.zeros((len(labels), 2, 2), np.uint8)
    none = np.zeros(len(labels), np.int64)
    return TrainingSet(inputs, labels, 3, none, none, ("one",))


def test_emotions_weigh_as_much_whatever_their_number():
    weights = clip_weights(training_set([0, 0, 0, 1, 2, 2]), 0.0)
    np.testing.assert_allclose(weights, [1 / 9, 1 / 9, 1 / 9, 1 / 3, 1 / 6, 1 / 6])


def test_what_is_rehearsed_weighs_its_share():
    new = training_set([0, 1])
    clips = tuple(
        Clip(key=str(number), path=Path("x.wav"), corpus="old", emotion="sad", speaker="a")
        for number in range(4)
    )
    old = LabelledInputs(clips, np.zeros((4, 2, 2), np.uint8), np.array([0, 1, 1, 1]))
    weights = clip_weights(RehearsedSet.joined(new, old, 16, 0.25), 0.25)
    assert weights.sum() == pytest.approx(1)
    assert weights[2:].sum() == pytest.approx(0.25)
    assert weights[2] == pytest.approx(3 * weights[3])


def test_statistics_become_those_of_the_inputs_and_nothing_else_changes():
    layers = keras.layers
    network = keras.Sequential(
        [
            layers.Input((8,)),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(2),
        ]
    )
    inputs = np.random.default_rng(0).integers(0, 255, (64, 8)).astype(np.uint8)
    kernel = network.layers[-1].get_weights()[0]
    reestimate_statistics(network, inputs)
    norm = network.layers[0]
    np.testing.assert_allclose(norm.moving_mean, inputs.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(norm.moving_variance, inputs.var(axis=0), rtol=1e-3)
    assert (norm.momentum, network.layers[1].rate) == (0.99, 0.5)
    np.testing.assert_array_equal(network.layers[-1].get_weights()[0], kernel)
