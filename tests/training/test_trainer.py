from dataclasses import replace

import numpy as np
import pytest

from avser_cli.errors import UsageError
from avser_cli.model.backend import keras
from avser_cli.model.known_recipes import find_recipe
from avser_cli.model.networks import build_network
from avser_cli.model.recipe import Sampling
from avser_cli.model.tflite import TFLiteNetwork
from avser_cli.training.checkpoint import Checkpoint
from avser_cli.training.ensemble import train
from avser_cli.training.export import to_tflite
from avser_cli.training.history import Epoch
from avser_cli.training.sampling import TrainingSet

LABELS = np.arange(24) % 4
RECIPE = find_recipe("cnn2d").with_options(epochs=3, batch_size=8, ensemble=1)


def spectrograms():
    found = np.random.default_rng(0).integers(0, 90, (24, 150, 150), dtype=np.uint8)
    for number, label in enumerate(LABELS):
        found[number, 30 * label : 30 * label + 30] += 120
    return found


CLIPS = TrainingSet(spectrograms(), LABELS, 4, LABELS // 2, np.arange(24) // 5)


def ignore(line):
    pass


class StopError(Exception):
    pass


def stop_after(number):
    def callback(line):
        if line.epoch == number:
            raise StopError

    return callback


BALANCED = find_recipe("cnn2d", "paper").with_options(
    epochs=3, batch_size=8, sampling=Sampling(corpus=0.5, emotion=0.0, speaker=0.5, draws=30)
)


@pytest.mark.parametrize("recipe", [RECIPE, BALANCED], ids=["each once", "balanced"])
def test_the_same_seed_gives_the_same_weights_and_resuming_changes_nothing(tmp_path, recipe):
    whole = train(recipe, CLIPS, 7, ignore)
    checkpoint = Checkpoint(tmp_path / "run", "key")
    with pytest.raises(StopError):
        train(recipe, CLIPS, 7, stop_after(2), checkpoint)
    told: list[Epoch] = []
    resumed = train(recipe, CLIPS, 7, told.append, checkpoint)
    assert [line.epoch for line in told] == [3]
    assert len(resumed.history) == 3
    for ours, theirs in zip(
        whole.network.get_weights(), resumed.network.get_weights(), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    other = train(recipe, CLIPS, 8, ignore)
    assert not np.allclose(other.network.get_weights()[0], whole.network.get_weights()[0])


def test_a_network_learns_bands():
    trained = train(RECIPE.with_options(epochs=12), CLIPS, 0, ignore)
    assert trained.history[-1].loss < trained.history[0].loss
    assert np.mean(trained.predict(spectrograms()).argmax(axis=1) == LABELS) > 0.6


def test_tflite_answers_as_keras():
    trained = train(RECIPE.with_options(epochs=1), CLIPS, 0, ignore)
    assert len(to_tflite(trained.network, spectrograms()[:2])) > 4 * trained.parameters


@pytest.mark.parametrize("difference", [2e-3, np.nan])
def test_a_tflite_model_that_answers_otherwise_is_refused(monkeypatch, difference):
    network = build_network(RECIPE, 4, spectrograms())
    answer = TFLiteNetwork.predict
    monkeypatch.setattr(TFLiteNetwork, "predict", lambda *x: answer(*x) + difference)
    with pytest.raises(RuntimeError, match="does not answer as the Keras network"):
        to_tflite(network, spectrograms()[:2])


def test_a_loss_that_is_no_number_says_so():
    recipe = find_recipe("cnn1d").with_options(epochs=2, batch_size=8)
    beyond = replace(CLIPS, inputs=np.full((24, 181), np.nan, np.float32))
    with pytest.raises(
        UsageError, match=r"the loss became nan in epoch 1; lower the learning rate"
    ):
        train(recipe, beyond, 0, ignore)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_is_of_smoothed_labels(smoothing):
    still = find_recipe("cnn2d", "paper").with_options(
        epochs=1, batch_size=24, dropout=0.0, learning_rate=1e-12, label_smoothing=smoothing
    )
    trained = train(still, CLIPS, 0, ignore)
    targets = np.eye(4)[LABELS] * (1 - smoothing) + smoothing / 4
    expected = -(targets * np.log(trained.predict(spectrograms()))).sum(axis=1).mean()
    assert trained.history[0].loss == pytest.approx(expected, rel=1e-4)


def test_an_interrupt_that_tensorflow_wraps_is_one(monkeypatch):
    def interrupted(error):
        def fit(*arguments, **options):
            raise error

        monkeypatch.setattr(keras.Model, "fit", fit)
        train(RECIPE, CLIPS, 0, ignore)

    wrapped = "pybind11::error_already_set: ORIGINAL InvalidArgumentError REPLACED BY {}: <EMPTY>"
    with pytest.raises(KeyboardInterrupt):
        interrupted(RuntimeError(wrapped.format("KeyboardInterrupt")))
    with pytest.raises(RuntimeError, match="REPLACED BY MemoryError"):
        interrupted(RuntimeError(wrapped.format("MemoryError")))
