import json
from pathlib import Path

import numpy as np
import pytest

from avser_cli.errors import OutputError, UsageError
from avser_cli.learn.backend import keras
from avser_cli.learn.history import Epoch
from avser_cli.learn.litert import LiteNetwork
from avser_cli.learn.networks import build_network, build_optimizer
from avser_cli.learn.recipes import find_recipe
from avser_cli.learn.training import (
    MEMBER_SEED_STEP,
    Batches,
    Checkpoint,
    join_networks,
    mix,
    save_weights,
    to_tflite,
    train,
)

LABELS = np.arange(24) % 4
RECIPE = find_recipe("cnn2d").with_options(epochs=3, batch_size=8, ensemble=1)


def pictures():
    found = np.random.default_rng(0).integers(0, 90, (24, 150, 150), dtype=np.uint8)
    for number, label in enumerate(LABELS):
        found[number, 30 * label : 30 * label + 30] += 120
    return found


def network():
    built = build_network(RECIPE, 4, pictures())
    built.compile(build_optimizer(RECIPE, 9), "categorical_crossentropy")
    return built


def ignore(line):
    pass


class StopError(Exception):
    pass


def stop_after(number):
    def callback(line):
        if line.epoch == number:
            raise StopError

    return callback


def test_the_same_seed_gives_the_same_weights_and_resuming_changes_nothing(tmp_path):
    whole = train(RECIPE, pictures(), LABELS, 4, 7, ignore)
    checkpoint = Checkpoint(tmp_path / "run", "key")
    with pytest.raises(StopError):
        train(RECIPE, pictures(), LABELS, 4, 7, stop_after(2), checkpoint)
    told: list[Epoch] = []
    resumed = train(RECIPE, pictures(), LABELS, 4, 7, told.append, checkpoint)
    assert [line.epoch for line in told] == [3]
    assert len(resumed.history) == 3
    for ours, theirs in zip(
        whole.network.get_weights(), resumed.network.get_weights(), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    other = train(RECIPE, pictures(), LABELS, 4, 8, ignore)
    assert not np.allclose(other.network.get_weights()[0], whole.network.get_weights()[0])


def test_checkpoints_of_other_runs_and_damaged_ones_are_refused(tmp_path):
    checkpoint = Checkpoint(tmp_path / "run", "key")
    with pytest.raises(StopError):
        train(RECIPE, pictures(), LABELS, 4, 0, stop_after(1), checkpoint)
    with pytest.raises(UsageError, match="other settings"):
        Checkpoint(tmp_path / "run", "another").of_member(1).load(network())
    (tmp_path / "run" / "member-1" / "epoch-0001.npz").write_bytes(b"half")
    with pytest.raises(UsageError, match="damaged"):
        checkpoint.of_member(1).load(network())


def test_a_checkpoint_of_a_stranger_says_nothing_of_the_network(tmp_path):
    """With the right key: the history is checked, a file it names is not opened."""
    line = {"epoch": 1, "loss": 1.0, "accuracy": 0.5, "seconds": 1.0}
    place = tmp_path / "run"
    Checkpoint(place, "key").save(network(), [Epoch(1, 1.0, 0.5, 1.0)])
    (state,) = place.glob("state.json")
    histories: list[object] = [
        [{**line, "loss": "low"}],
        [line] * 2,
        7,
        [[]],
        [{**line, "module": "os"}],
    ]
    for history in histories:
        state.write_text(json.dumps({"key": "key", "network": "../x.keras", "history": history}))
        with pytest.raises(UsageError, match="damaged"):
            Checkpoint(place, "key").load(network())
        assert Checkpoint(place, "key", forgiving=True).load(network()) == []
    state.write_text(json.dumps({"key": "key", "network": "../x.keras", "history": [line]}))
    assert len(Checkpoint(place, "key").load(network())) == 1


def test_a_network_learns_bands():
    trained = train(RECIPE.with_options(epochs=12), pictures(), LABELS, 4, 0, ignore)
    assert trained.history[-1].loss < trained.history[0].loss
    assert np.mean(trained.predict(pictures()).argmax(axis=1) == LABELS) > 0.6


def test_tflite_answers_as_keras():
    trained = train(RECIPE.with_options(epochs=1), pictures(), LABELS, 4, 0, ignore)
    assert len(to_tflite(trained.network, pictures()[:2])) > 1_000_000


def test_a_rate_that_breaks_the_loss_says_so():
    wild = find_recipe("cnn2d", "paper").with_options(epochs=2, batch_size=4, learning_rate=10.0)
    try:
        train(wild, pictures(), LABELS, 4, 0, ignore)
    except UsageError as error:
        assert "lower --lr" in str(error)


def test_a_checkpoint_that_cannot_be_saved_leaves_no_half_file(tmp_path, monkeypatch):
    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="No space left"):
        Checkpoint(tmp_path / "run", "key").save(network(), [Epoch(1, 1.0, 0.5, 1.0)])
    assert list((tmp_path / "run").iterdir()) == []


def test_an_ensemble_is_the_mean_of_its_members_and_resumes(tmp_path):
    recipe = RECIPE.with_options(epochs=2, ensemble=2)
    alone = [
        train(recipe.with_options(ensemble=1), pictures(), LABELS, 4, seed, ignore)
        for seed in (7, 7 + MEMBER_SEED_STEP)
    ]
    checkpoint = Checkpoint(tmp_path / "run", "key")

    def stop_in_second_member(line):
        if (line.member, line.epoch) == (2, 1):
            raise StopError

    with pytest.raises(StopError):
        train(recipe, pictures(), LABELS, 4, 7, stop_in_second_member, checkpoint)
    told: list[Epoch] = []
    joined = train(recipe, pictures(), LABELS, 4, 7, told.append, checkpoint)
    assert [(line.member, line.epoch) for line in told] == [(2, 2)]
    assert [(x.member, x.epoch) for x in joined.history] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    expected = np.mean([one.predict(pictures()) for one in alone], axis=0)
    np.testing.assert_allclose(joined.predict(pictures()), expected, atol=1e-4)
    assert joined.parameters == 2 * alone[0].parameters
    lite = LiteNetwork(to_tflite(joined.network, pictures()))
    np.testing.assert_allclose(lite.predict(pictures().astype(np.float32)), expected, atol=1e-3)
    save_weights(joined.network, tmp_path / "joined.keras")
    # A file that held the optimizers' states too was three times as large.
    assert (tmp_path / "joined.keras").stat().st_size < 8 * joined.parameters
    loaded = keras.models.load_model(tmp_path / "joined.keras", safe_mode=True)
    found = loaded.predict(pictures().astype(np.float32), verbose=0)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_picture_is_seen_moved_up_and_down_too(tmp_path):
    member = build_network(RECIPE, 4, pictures())
    joined = join_networks([member], 2)
    seen = pictures().astype(np.float32)
    up, down = np.zeros_like(seen), np.zeros_like(seen)
    up[:, :-2], down[:, 2:] = seen[:, 2:], seen[:, :-2]
    alone = [member.predict(view, verbose=0) for view in (seen, up, down)]
    assert np.abs(alone[0] - alone[1]).max() > 1e-4
    expected = np.mean(alone, axis=0)
    np.testing.assert_allclose(joined.predict(seen, verbose=0), expected, atol=1e-5)
    lite = LiteNetwork(to_tflite(joined, pictures()))
    np.testing.assert_allclose(lite.predict(seen), expected, atol=1e-3)
    save_weights(joined, tmp_path / "joined.keras")
    loaded = keras.models.load_model(tmp_path / "joined.keras", safe_mode=True)
    np.testing.assert_allclose(loaded.predict(seen, verbose=0), expected, atol=1e-5)


def test_mixing_keeps_half_of_each_and_mixes_labels_alike():
    inputs = np.arange(8, dtype=np.float32).reshape(8, 1, 1) + np.zeros((8, 2, 3), np.float32)
    targets = np.eye(8, dtype=np.float32)
    mixed, labels = mix(inputs, targets, 0.4, np.random.default_rng(0))
    assert (labels.diagonal() >= 0.5).all()
    assert (labels.diagonal() < 1).any()
    np.testing.assert_allclose(labels.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(mixed[:, 0, 0], labels @ np.arange(8), rtol=1e-5)


def test_balance_makes_rare_emotions_count():
    recipe = RECIPE.with_options(augmentation=None, balance=1.0, batch_size=6)
    targets = np.eye(2, dtype=np.float32)[[0, 0, 0, 0, 1, 1]]
    inputs = np.zeros((6, 150, 150), np.uint8)
    _, found, weights = Batches(recipe, inputs, targets, [0])[0]
    by_emotion = [weights[found[:, emotion] == 1].sum() for emotion in (0, 1)]
    assert by_emotion == pytest.approx([3, 3])
    _, _, plain = Batches(recipe.with_options(balance=0.0), inputs, targets, [0])[0]
    np.testing.assert_array_equal(plain, 1)
