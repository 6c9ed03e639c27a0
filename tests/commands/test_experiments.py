from types import SimpleNamespace
from typing import Any

import pytest

from avser_cli.commands import experiments
from avser_cli.commands.experiments import _RunLines, prepare_folder
from avser_cli.files import BusyError, locked
from avser_cli.model.known_recipes import find_recipe
from avser_cli.training.history import Epoch

RECIPE = find_recipe("cnn2d", "paper").with_options(epochs=4)


def jobs(count):
    candidate = SimpleNamespace(name="row", recipe=RECIPE)
    return [SimpleNamespace(key=f"{n}", name=f"run {n}", candidate=candidate, emotions=())
            for n in range(count)]  # fmt: skip


def finished(seconds):
    report = SimpleNamespace(accuracy=0.5, uar=0.5)
    return SimpleNamespace(seconds=seconds, report=lambda emotions: report)


def test_leftovers_go_while_nobody_else_writes_the_folder(tmp_path, monkeypatch):
    seen = []

    def look(folder):
        with pytest.raises(BusyError), locked(folder):
            pass
        seen.append(folder)

    monkeypatch.setattr(experiments, "remove_leftovers", look)
    prepare_folder(tmp_path / "report")
    assert seen == [tmp_path / "report"]
    assert list(tmp_path.iterdir()) == []


def test_time_left_counts_runs_at_once_and_those_that_wait(capsys):
    planned: list[Any] = jobs(4)
    lines = _RunLines(planned, {})
    for job in planned[:2]:
        lines.on_epoch(job, Epoch(1, 1.0, 0.5, 10.0))
    # Two have 30 s left, two wait with 40 s each, and two run at once.
    assert lines._seconds_left() == pytest.approx((30 + 30 + 40 + 40) / 2)
    said = capsys.readouterr().err
    assert "run 1 of 4: run 0" in said and "run 2 of 4: run 1" in said


def test_an_epoch_may_be_told_after_its_run_is_done(capsys):
    planned: list[Any] = jobs(1)
    lines = _RunLines(planned, {})
    lines.on_epoch(planned[0], Epoch(3, 1.0, 0.5, 10.0))
    lines.done(planned[0], finished(40.0))
    lines.on_epoch(planned[0], Epoch(4, 1.0, 0.5, 10.0))
    assert "epoch 4/4" in capsys.readouterr().err
