import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from avser_cli.data.sources import DataSources
from avser_cli.errors import UsageError
from avser_cli.experiments.cross_validation import RUN, plan, run_planned
from avser_cli.experiments.summary import mean_and_spread, read_report, summarize
from avser_cli.model.recipe import find_recipe
from avser_cli.training.training_run import read_corpus
from tests.synthetic import PITCH

EMOTIONS = ("happy", "sad", "angry", "neutral")
RECIPE = find_recipe("mlp").with_options(epochs=3)


def ignore(line):
    pass


@pytest.fixture(scope="module")
def clips(corpus):
    assert set(PITCH) == set(EMOTIONS)
    return read_corpus(DataSources.of(corpus), EMOTIONS, RECIPE)


def test_plans_cover_folds_and_seeds():
    assert [run.name for run in plan("random")] == [f"random-seed{seed}" for seed in range(5)]
    assert [run.split.seed for run in plan("random")] == [0, 1, 2, 3, 4]
    assert [run.name for run in plan("speaker")] == [f"speaker{n}-seed0" for n in range(1, 7)]
    chosen = plan("statement", folds=[2], seeds=[3, 4])
    assert [(run.split.fold, run.seed) for run in chosen] == [(2, 3), (2, 4)]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(("speaker", [7]), "folds 1 to 6"), (("random", [2]), "folds 1 to 1"),
     (("statement", [1, 1]), "named twice"), (("none",), "unknown protocol")],
)  # fmt: skip
def test_plans_that_cannot_be(arguments, expected):
    with pytest.raises(UsageError, match=expected):
        plan(*arguments)


def test_a_finished_run_is_read_not_trained(clips, tmp_path):
    planned = plan("statement")[0]
    told: list[object] = []
    first = run_planned(planned, clips, RECIPE, tmp_path, told.append)
    assert len(told) == RECIPE.epochs
    # As if it had been killed before its checkpoint was removed.
    (tmp_path / "runs" / f".{planned.name}.run").mkdir()
    second = run_planned(planned, clips, RECIPE, tmp_path, told.append)
    assert len(told) == RECIPE.epochs
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [planned.name]
    np.testing.assert_allclose(first.probabilities, second.probabilities, atol=1e-6)
    assert first.history == second.history
    assert {name.split("-")[4] for name in first.names} == {"01"}


def test_a_damaged_run_is_trained_again_and_one_of_other_settings_refused(clips, tmp_path):
    planned = plan("statement")[0]
    run_planned(planned, clips, RECIPE, tmp_path, ignore)
    path = tmp_path / "runs" / planned.name / RUN
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    told: list[object] = []
    run_planned(planned, clips, RECIPE, tmp_path, told.append)
    assert len(told) == RECIPE.epochs
    with pytest.raises(UsageError, match="other settings"):
        run_planned(planned, clips, RECIPE.with_options(epochs=2), tmp_path, ignore)


def test_the_summary_adds_up(clips, tmp_path):
    runs = [run_planned(x, clips, RECIPE, tmp_path, ignore) for x in plan("statement")]
    summary = summarize(runs, clips, RECIPE, "statement")
    assert json.loads(json.dumps(summary)) == summary
    assert np.sum(summary["confusion"]) == 64
    accuracies = [line["accuracy"] for line in summary["runs"]]
    assert summary["mean"]["accuracy"]["mean"] == pytest.approx(np.mean(accuracies))
    assert summary["mean"]["accuracy"]["sd"] == pytest.approx(np.std(accuracies, ddof=1))
    low, high = summary["intervals"]["accuracy"]
    assert low <= summary["mean"]["accuracy"]["mean"] <= high
    assert summary["resampled"] == "folds and clips"
    assert summary["calibration"]["clips"] == 64
    assert "speech_uar" not in summary["mean"]
    again = [replace(runs[0], planned=x) for x in plan("statement", [1], [0, 1])]
    assert summarize(again, clips, RECIPE, "statement")["calibration"] is None
    alone = summarize(runs[:1], clips, RECIPE, "statement")
    assert alone["calibration"] is None
    assert alone["resampled"] == "clips only, of one training"
    assert alone["mean"]["uar"]["sd"] == 0.0


def test_mean_and_spread_by_hand():
    assert mean_and_spread([1.0, 2.0, 3.0]) == {"mean": 2.0, "sd": 1.0}


def test_reports_that_cannot_vouch(clips, tmp_path):
    with pytest.raises(UsageError, match="not a report"):
        read_report(tmp_path, RECIPE, EMOTIONS)
    run = run_planned(plan("statement")[0], clips, RECIPE, tmp_path / "x", ignore)
    summary = summarize([run], clips, RECIPE, "statement")
    (tmp_path / "report.json").write_text(json.dumps(summary))
    assert read_report(tmp_path, RECIPE, EMOTIONS).calibration is None
    with pytest.raises(UsageError, match="another recipe"):
        read_report(tmp_path, RECIPE.with_options(epochs=2), EMOTIONS)
    with pytest.raises(UsageError, match="other emotions"):
        read_report(tmp_path, RECIPE, EMOTIONS[:3])
    shutil.rmtree(tmp_path / "x")
