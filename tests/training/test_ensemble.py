import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from avser_cli.errors import UsageError
from avser_cli.model.backend import keras, tensorflow
from avser_cli.model.known_recipes import find_recipe
from avser_cli.model.networks import build_network
from avser_cli.model.tflite import TFLiteNetwork
from avser_cli.training import ensemble
from avser_cli.training.checkpoint import Checkpoint
from avser_cli.training.ensemble import join_networks, train
from avser_cli.training.export import save_weights, to_tflite
from avser_cli.training.history import Epoch
from avser_cli.training.trainer import MEMBER_SEED_STEP
from tests.conftest import REPOSITORY
from tests.platforms import needs_posix
from tests.training.test_trainer import (
    CLIPS,
    RECIPE,
    StopError,
    ignore,
    spectrograms,
    stop_after,
)

FAST = find_recipe("cnn1d").with_options(epochs=2, batch_size=8, ensemble=2)
FEATURES = replace(CLIPS, inputs=np.random.default_rng(0).normal(size=(24, 181)).astype("f4"))


def stopped_and_resumed(recipe, clips, folder):
    """Stopped in the second network and gone on with: the networks, and what was told since."""
    checkpoint = Checkpoint(folder, "key")

    def stop_in_second_member(line):
        if (line.member, line.epoch) == (2, 1):
            raise StopError

    with pytest.raises(StopError):
        train(recipe, clips, 7, stop_in_second_member, checkpoint)
    told: list[Epoch] = []
    joined = train(recipe, clips, 7, told.append, checkpoint)
    return joined, told


def test_an_ensemble_is_the_mean_of_its_members_and_resumes(tmp_path):
    recipe = RECIPE.with_options(epochs=2, ensemble=2, tta_shift=0)
    alone = train(recipe.with_options(ensemble=1), CLIPS, 7 + MEMBER_SEED_STEP, ignore)
    joined, told = stopped_and_resumed(recipe, CLIPS, tmp_path / "run")
    assert [(line.member, line.epoch) for line in told] == [(1, 2), (2, 2)]
    assert [(x.member, x.epoch) for x in joined.history] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    seen = spectrograms().astype(np.float32)
    answers = [joined.members[0].predict(seen, verbose=0), alone.predict(spectrograms())]
    expected = np.mean(answers, axis=0)
    np.testing.assert_allclose(joined.predict(spectrograms()), expected, atol=1e-4)
    assert joined.parameters == 2 * alone.parameters
    lite = TFLiteNetwork(to_tflite(joined.network, spectrograms()))
    np.testing.assert_allclose(lite.predict(seen), expected, atol=1e-3)
    save_weights(joined.network, tmp_path / "joined.keras")
    # A file that held the optimizers' states too was three times as large.
    assert (tmp_path / "joined.keras").stat().st_size < 8 * joined.parameters
    loaded = keras.models.load_model(tmp_path / "joined.keras", safe_mode=True)
    found = loaded.predict(seen, verbose=0)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_a_longer_second_network_trains_and_resumes_as_one_of_as_many_epochs(tmp_path):
    recipe = FAST.with_options(epochs=1, ensemble=3, second_longer=2)
    alone = train(FAST.with_options(ensemble=1), FEATURES, 7 + MEMBER_SEED_STEP, ignore)
    joined, told = stopped_and_resumed(recipe, FEATURES, tmp_path / "run")
    assert [(line.member, line.epoch) for line in told] == [(1, 1), (2, 2), (3, 1)]
    assert [(x.member, x.epoch) for x in joined.history] == [(1, 1), (2, 1), (2, 2), (3, 1)]
    second = joined.members[1].predict(FEATURES.inputs, verbose=0)
    np.testing.assert_allclose(second, alone.predict(FEATURES.inputs), atol=1e-5)


def test_the_last_network_of_an_ensemble_is_the_specialist():
    corpora = (np.arange(24) // 4) % 2
    clips = replace(CLIPS, corpora=corpora, corpus_names=("a", "b"))
    recipe = RECIPE.with_options(
        epochs=1, ensemble=2, tta_shift=0, specialist="b", specialist_share=0.25
    )
    trained = train(recipe, clips, 0, ignore)
    alone = recipe.with_options(ensemble=1)
    of_b = train(alone, clips.of_specialist("b"), MEMBER_SEED_STEP, ignore)
    inputs = CLIPS.inputs.astype(np.float32)
    general, special = (x.predict(inputs, verbose=0) for x in trained.members)
    np.testing.assert_allclose(special, of_b.predict(CLIPS.inputs), atol=1e-5)
    expected = 0.75 * general + 0.25 * special
    np.testing.assert_allclose(trained.predict(CLIPS.inputs), expected, atol=1e-5)
    lite = TFLiteNetwork(to_tflite(trained.network, CLIPS.inputs))
    np.testing.assert_allclose(lite.predict(inputs), expected, atol=1e-3)


def test_networks_that_workers_train_are_the_same_and_kept(tmp_path, workers):
    recipe = FAST.with_options(epochs=1)
    here = train(recipe, FEATURES, 7, ignore)
    checkpoint = Checkpoint(tmp_path / "run", "key")
    told: list[Epoch] = []
    there = train(recipe, FEATURES, 7, told.append, checkpoint, workers.scheduler_address)
    assert sorted((line.member, line.epoch) for line in told) == [(1, 1), (2, 1)]
    assert [(x.member, x.epoch) for x in there.history] == [(1, 1), (2, 1)]
    for ours, theirs in zip(here.network.get_weights(), there.network.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    # Started again it asks nobody: all networks are there.
    again = train(recipe, FEATURES, 7, stop_after(1), checkpoint, "tcp://127.0.0.1:9")
    assert again.history == there.history
    # Of another training they are refused, not trained anew over what is there.
    another = Checkpoint(tmp_path / "run", "another")
    with pytest.raises(UsageError, match="other settings"):
        train(recipe, FEATURES, 7, ignore, another, workers.scheduler_address)
    assert len(checkpoint.of_member(1).history()) == 1


@pytest.fixture
def processes(monkeypatch):
    """Ensembles of any size are trained by processes."""
    monkeypatch.setattr(ensemble, "FEWEST_FOR_PROCESSES", 0)
    monkeypatch.setattr("joblib.cpu_count", lambda: 2)


def test_networks_side_by_side_are_the_same_and_gone_on_with(tmp_path, processes):
    here = train(FAST, FEATURES, 7, ignore, side_by_side=False)
    checkpoint = Checkpoint(tmp_path / "run", "key")
    told: list[Epoch] = []
    there = train(FAST, FEATURES, 7, told.append, checkpoint)
    every = [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert sorted((line.member, line.epoch) for line in told) == every
    assert [(x.member, x.epoch) for x in there.history] == every
    for ours, theirs in zip(here.network.get_weights(), there.network.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    by_member = [sum(x.seconds for x in there.history if x.member == n) for n in (1, 2)]
    assert there.seconds == max(by_member)
    assert here.seconds == sum(x.seconds for x in here.history)
    # Started again it trains nothing.
    assert train(FAST, FEATURES, 7, stop_after(1), checkpoint).history == there.history


def kill_worker(*arguments):
    os.kill(os.getpid(), signal.SIGKILL)


@needs_posix("SIGKILL")
def test_what_a_process_does_not_finish_is_trained_here(monkeypatch, processes):
    monkeypatch.setattr(ensemble, "_train_and_report", kill_worker)
    told: list[Epoch] = []
    train(FAST.with_options(epochs=1), FEATURES, 7, told.append)
    assert [(line.member, line.epoch) for line in told] == [(1, 1), (2, 1)]


INTERRUPTED = """
import time

from avser_cli.training.history import Epoch


def train_and_report(recipe, clips, seed, checkpoint, member, tell):
    for number in range(1, 10_000):
        tell.put(Epoch(number, 1.0, 0.5, 0.01, member))
        time.sleep(0.01)


if __name__ == "__main__":
    from avser_cli.training import ensemble
    from tests.training.test_ensemble import FAST, FEATURES

    ensemble.FEWEST_FOR_PROCESSES = 0
    ensemble._train_and_report = train_and_report
    try:
        ensemble.train(FAST, FEATURES, 7, lambda line: print(line.member, flush=True))
    except KeyboardInterrupt:
        print("stopped", flush=True)
"""


@needs_posix("signals to a group of processes")
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="needs two cores")
def test_ctrl_c_stops_all_processes(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED, encoding="utf-8")
    paths = os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])
    running = subprocess.Popen(
        [sys.executable, script],
        env=os.environ | {"PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert running.stdout is not None
    heard: set[str] = set()
    while len(heard) < 2:
        line = running.stdout.readline()
        assert line, running.communicate()
        heard.add(line.strip())
    # As a terminal does it: to all of its processes.
    os.killpg(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert out.splitlines()[-1] == "stopped"
    assert err == ""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            os.killpg(running.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("a process goes on")


@pytest.mark.parametrize(
    ("changes", "cores", "graphics", "expected"),
    [
        ({}, 2, [], True),
        ({}, 1, [], False),
        ({}, 8, ["GPU:0"], False),
        ({"ensemble": 1}, 8, [], False),
        ({"epochs": 2}, 8, [], False),
    ],
)
def test_processes_train_where_that_pays(monkeypatch, changes, cores, graphics, expected):
    monkeypatch.setattr("joblib.cpu_count", lambda: cores)
    monkeypatch.setattr(tensorflow.config, "list_physical_devices", lambda kind: graphics)
    recipe = RECIPE.with_options(**{"epochs": 500, "ensemble": 3} | changes)
    assert ensemble.pays_processes(recipe, CLIPS) is expected


def test_a_picture_is_seen_moved_up_and_down_too(tmp_path):
    member = build_network(RECIPE, 4, spectrograms())
    joined = join_networks([member], 2)
    seen = spectrograms().astype(np.float32)
    up, down = np.zeros_like(seen), np.zeros_like(seen)
    up[:, :-2], down[:, 2:] = seen[:, 2:], seen[:, :-2]
    alone = [member.predict(view, verbose=0) for view in (seen, up, down)]
    assert np.abs(alone[0] - alone[1]).max() > 1e-4
    expected = np.mean(alone, axis=0)
    np.testing.assert_allclose(joined.predict(seen, verbose=0), expected, atol=1e-5)
    lite = TFLiteNetwork(to_tflite(joined, spectrograms()))
    np.testing.assert_allclose(lite.predict(seen), expected, atol=1e-3)
    save_weights(joined, tmp_path / "joined.keras")
    loaded = keras.models.load_model(tmp_path / "joined.keras", safe_mode=True)
    np.testing.assert_allclose(loaded.predict(seen, verbose=0), expected, atol=1e-5)
