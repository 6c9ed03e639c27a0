from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from avser_cli.errors import UsageError
from avser_cli.model.backend import keras
from avser_cli.model.known_recipes import find_recipe
from avser_cli.model.networks import build_network, build_optimizer, draw_first_weights
from avser_cli.model.recipe import Sampling
from avser_cli.model.tflite import TFLiteNetwork
from avser_cli.training import trainer
from avser_cli.training.batches import Batches
from avser_cli.training.checkpoint import Checkpoint
from avser_cli.training.ensemble import train
from avser_cli.training.export import to_tflite
from avser_cli.training.history import Epoch
from avser_cli.training.sampling import TrainingSet
from avser_cli.training.trainer import fit, predict_in_parts, train_member

LABELS = np.arange(24) % 4
RECIPE = find_recipe("cnn2d").with_options(epochs=3, batch_size=8, ensemble=1)


def spectrograms():
    found = np.random.default_rng(0).integers(0, 90, (24, 150, 150), dtype=np.uint8)
    for number, label in enumerate(LABELS):
        found[number, 30 * label : 30 * label + 30] += 120
    return found


CLIPS = TrainingSet(spectrograms(), LABELS, 4, LABELS // 2, np.arange(24) // 5)

VECTORS = replace(CLIPS, inputs=np.random.default_rng(0).normal(size=(24, 181)).astype(np.float32))
QUICK = find_recipe("cnn1d").with_options(epochs=3, batch_size=10)


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


def test_an_epoch_gives_the_weights_that_keras_gives():
    # Rare emotions count more, and the last batch is smaller than the others.
    rows = np.flatnonzero((LABELS != 1) | (np.arange(24) < 12))
    clips = replace(CLIPS, inputs=CLIPS.inputs[rows], labels=LABELS[rows])
    clips = replace(clips, corpora=clips.corpora[rows], speakers=clips.speakers[rows])
    recipe = RECIPE.with_options(epochs=1)
    found, history = train_member(recipe, clips, 3, ignore, None, 1)

    trainer.make_deterministic(3)
    peer = build_network(recipe, 4, clips.inputs)
    draw_first_weights(peer, 3)
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
    peer.compile(build_optimizer(recipe, 3), loss, metrics=["accuracy"])
    trainer._seed_dropout(peer, 3, 0)
    batches = Batches(recipe, clips, [3, 0])
    sizes, logs = [], []
    for number in range(len(batches)):
        sizes.append(len(batches[number][0]))
        logs.append(peer.train_on_batch(*batches[number], return_dict=True))
    assert sizes == [8, 8, 5]
    for ours, theirs in zip(found.get_weights(), peer.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)
    for name in ("loss", "accuracy"):
        mean = np.average([line[name] for line in logs], weights=sizes)
        assert getattr(history[0], name) == pytest.approx(mean, rel=1e-3)


def test_an_interrupt_that_tensorflow_wraps_is_one(monkeypatch):
    def interrupted(error):
        def train_epoch(*arguments):
            raise error

        monkeypatch.setattr(trainer, "_train_epoch", train_epoch)
        train(RECIPE, CLIPS, 0, ignore)

    wrapped = "pybind11::error_already_set: ORIGINAL InvalidArgumentError REPLACED BY {}: <EMPTY>"
    with pytest.raises(KeyboardInterrupt):
        interrupted(RuntimeError(wrapped.format("KeyboardInterrupt")))
    with pytest.raises(RuntimeError, match="REPLACED BY MemoryError"):
        interrupted(RuntimeError(wrapped.format("MemoryError")))


def test_an_input_or_none_or_more_than_are_held_at_once_are_predicted_in_order(monkeypatch, capsys):
    monkeypatch.setattr(trainer, "AT_ONCE", 10)
    network = build_network(QUICK, 4, VECTORS.inputs)
    expected = network.predict(VECTORS.inputs, verbose=0)
    for number in (0, 1, 10, 24):
        found = predict_in_parts(network, VECTORS.inputs[:number])
        assert found.shape == (number, 4) and found.dtype == np.float32
        np.testing.assert_allclose(found, expected[:number], atol=1e-6)
    assert capsys.readouterr().out == ""


@pytest.fixture
def heard(monkeypatch):
    """Number of clips and seed of `train_member`, which trains nothing."""
    monkeypatch.setattr(trainer, "fit", lambda network, recipe, clips, seed, *_: (len(clips), seed))

    def of(recipe, clips, member):
        return train_member(recipe, clips, 7, ignore, None, member)[1]

    return of


def test_members_have_seeds_of_their_own(heard):
    recipe = QUICK.with_options(ensemble=3)
    assert [heard(recipe, VECTORS, member) for member in (1, 2, 3)] == [
        (24, 7),
        (24, 1007),
        (24, 2007),
    ]


def test_the_last_member_of_several_is_the_specialist(heard):
    two = replace(VECTORS, corpora=np.arange(24) // 8 % 2, corpus_names=("a", "b"))
    recipe = replace(QUICK, specialist="b")
    assert heard(recipe, two, 1) == (24, 7)
    for ensemble in (2, 3):
        some = recipe.with_options(ensemble=ensemble)
        numbers = [heard(some, two, member)[0] for member in range(1, ensemble + 1)]
        assert numbers == [24] * (ensemble - 1) + [8]
    nobody = QUICK.with_options(ensemble=2)
    assert heard(nobody, two, 2) == (24, 1007)


@pytest.mark.parametrize(("draws", "batches"), [(None, 3), (30, 3), (31, 4)])
def test_the_schedule_spans_all_batches_of_all_epochs(draws, batches):
    """Two of three epochs: the cosine has fallen to a quarter at two thirds of its way down."""
    recipe = QUICK.with_options(schedule="cosine", sampling=Sampling(draws=draws))
    network = build_network(recipe, 4, VECTORS.inputs)
    history = fit(network, recipe, VECTORS, 0, ignore, last=2)
    assert [(line.epoch, line.member) for line in history] == [(1, 1), (2, 1)]
    assert int(network.optimizer.iterations) == 2 * batches
    # The first step warms up, so the fall takes one step fewer.
    way = (2 * batches - 1) / (3 * batches - 1)
    expected = recipe.learning_rate * (1 + np.cos(np.pi * way)) / 2
    assert float(network.optimizer.learning_rate) == pytest.approx(expected, rel=1e-4)


def test_dropout_draws_other_units_in_each_epoch_and_layer():
    network = build_network(RECIPE, 4, spectrograms())
    generators = [x.seed_generator for x in network.layers if hasattr(x, "seed_generator")]
    assert len(generators) > 1
    states = []
    for epoch in range(200):
        trainer._seed_dropout(network, 7, epoch)
        states += [tuple(keras.ops.convert_to_numpy(x.state).tolist()) for x in generators]
    assert len(set(states)) == len(states)
    trainer._seed_dropout(network, 7, 199)
    assert tuple(keras.ops.convert_to_numpy(generators[-1].state).tolist()) == states[-1]


def test_a_loss_that_becomes_no_number_later_names_its_epoch():
    network = build_network(QUICK, 4, VECTORS.inputs)

    def spoil(line):
        weights = network.get_weights()
        network.set_weights([x * np.nan if x.dtype == np.float32 else x for x in weights])

    with pytest.raises(UsageError, match="became nan in epoch 2; lower the learning rate"):
        fit(network, QUICK, VECTORS, 0, spoil)


def test_an_epoch_has_its_number_member_and_seconds_and_prints_nothing(monkeypatch, capsys):
    clock = iter([10.0, 32.5, 40.0, 44.0, 50.0, 58.0])
    monkeypatch.setattr(trainer, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    told: list[Epoch] = []
    network = build_network(QUICK, 4, VECTORS.inputs)
    history = fit(network, QUICK, VECTORS, 0, told.append, member=2)
    assert history == told
    assert [(x.epoch, x.member, x.seconds) for x in told] == [
        (1, 2, 22.5),
        (2, 2, 4.0),
        (3, 2, 8.0),
    ]
    assert all(0 <= x.accuracy <= 1 for x in told)
    assert capsys.readouterr().out == ""


def test_a_checkpoint_is_gone_on_from_up_to_the_last_epoch(tmp_path):
    checkpoint = Checkpoint(tmp_path / "run", "key")
    network = build_network(QUICK, 4, VECTORS.inputs)
    fit(network, QUICK, VECTORS, 0, ignore, checkpoint, last=2)
    told: list[Epoch] = []
    history = fit(network, QUICK, VECTORS, 0, told.append, checkpoint)
    assert [x.epoch for x in told] == [3]
    assert [x.epoch for x in history] == [1, 2, 3]


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
