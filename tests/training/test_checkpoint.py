import json

import pytest

from avser_cli import files
from avser_cli.errors import OutputError, UsageError
from avser_cli.model.networks import build_network, build_optimizer
from avser_cli.training.checkpoint import Checkpoint
from avser_cli.training.ensemble import train
from avser_cli.training.history import Epoch
from tests.training.test_trainer import CLIPS, RECIPE, StopError, spectrograms, stop_after


def network():
    built = build_network(RECIPE, 4, spectrograms())
    built.compile(build_optimizer(RECIPE, 9), "categorical_crossentropy")
    return built


def test_checkpoints_of_other_runs_and_damaged_ones_are_refused(tmp_path):
    checkpoint = Checkpoint(tmp_path / "run", "key")
    with pytest.raises(StopError):
        train(RECIPE, CLIPS, 0, stop_after(1), checkpoint)
    another = Checkpoint(tmp_path / "run", "another").of_member(1)
    for asked in (lambda: another.load(network()), another.history):
        with pytest.raises(UsageError, match="other settings"):
            asked()
    assert Checkpoint(tmp_path / "run", "another", forgiving=True).of_member(1).history() == []
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


def test_a_checkpoint_that_cannot_be_saved_leaves_no_half_file(tmp_path, monkeypatch):
    def full(path, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_rename", full)
    with pytest.raises(OutputError, match="No space left"):
        Checkpoint(tmp_path / "run", "key").save(network(), [Epoch(1, 1.0, 0.5, 1.0)])
    assert list((tmp_path / "run").iterdir()) == []
