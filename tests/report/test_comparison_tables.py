import json
from dataclasses import replace

import numpy as np
import pytest

from avser_cli.data.clips import describe
from avser_cli.data.dataset import Dataset
from avser_cli.data.emotions import PAPER_EMOTIONS
from avser_cli.data.splits import SplitSettings
from avser_cli.experiments.candidates import select_models, select_optimizers
from avser_cli.experiments.comparison import summarize_comparison
from avser_cli.experiments.runs import FinishedRun, PlannedRun
from avser_cli.experiments.summary import MeanAndSpread
from avser_cli.model.known_recipes import find_recipe
from avser_cli.report.comparison_tables import comparison_tables
from avser_cli.report.tables import to_markdown, to_rich
from avser_cli.training.training_run import Corpus
from tests.report.test_tables import rendered
from tests.synthetic import ravdess_clip

CODES = ("03", "04", "05", "01")
"""RAVDESS's of happy, sad, angry, neutral."""
NAMES = [f"03-01-{code}-01-01-01-{actor:02d}" for actor in range(1, 5) for code in CODES]
LABELS = np.tile(np.arange(4), 4)


def corpus():
    clips = tuple(ravdess_clip(name) for name in NAMES)
    dataset = Dataset(PAPER_EMOTIONS, np.zeros((16, 0)), LABELS, clips, ())
    about = {"folder": "wav", "fingerprint": "f" * 64, "description": describe([])}
    return Corpus(dataset, about, 0)


def run_of(guesses, seed=0, kind="random"):
    probabilities = np.eye(4, dtype=np.float32)[guesses]
    planned = PlannedRun(SplitSettings(kind, seed=seed), seed)
    return FinishedRun(planned, tuple(NAMES), LABELS, probabilities, (), 7, 3.0, 0.01)


def wrong(count):
    guesses = LABELS.copy()
    guesses[:count] = (guesses[:count] + 1) % 4
    return guesses


@pytest.fixture
def models():
    rows = select_models(["mlp", "cnn2d-default"], [], None, False)
    runs = {
        "mlp": [run_of(wrong(4), 0), run_of(wrong(8), 1)],
        "cnn2d-default": [run_of(wrong(2), 0), run_of(wrong(2), 1)],
    }
    return summarize_comparison("models", corpus(), rows, runs, False, "avser compare")


def test_means_and_spreads_over_runs(models):
    first, second = models.models
    assert first.accuracy.mean == 0.625
    assert first.accuracy.sd == pytest.approx(0.25 / 2**0.5)
    assert second.accuracy == MeanAndSpread(0.875, 0.0)
    assert np.sum(first.confusion) == 32
    assert first.per_emotion["happy"].support == 4


def test_clips_that_every_model_got_wrong(models):
    assert [item.clip for item in models.wrong_by_all] == sorted(NAMES[:2])
    predicted = {item.clip: item.predicted for item in models.wrong_by_all}
    assert predicted[NAMES[0]] == {"mlp": ["sad", "sad"], "cnn2d-default": ["sad", "sad"]}


def test_runs_on_pictures_say_nothing_of_the_time_for_a_clip():
    rows = select_models(["mlp"], [], None, False)
    runs = [replace(run_of(wrong(4)), clip_seconds=None), run_of(wrong(4), 1)]
    some = summarize_comparison("models", corpus(), rows, {"mlp": runs}, False, "")
    assert some.models[0].clip_ms == pytest.approx(10.0)
    none = summarize_comparison("models", corpus(), rows, {"mlp": runs[:1]}, False, "")
    assert none.models[0].clip_ms is None
    (shown,) = comparison_tables(none)
    assert shown.rows[0][-1] == "-"
    assert "-: not timed, of pictures" in shown.note
    assert "-:" not in comparison_tables(some)[0].note


def test_plain_values_have_a_runs_report_on_one_level(models):
    values = models.as_dict()
    json.dumps(values)
    first = values["models"][0]
    assert first["accuracy"]["mean"] == 0.625
    assert first["runs"][0]["seed"] == 0
    assert first["runs"][0]["per_emotion"]["happy"]["support"] == 4
    assert first["recipe"]["network"] == "mlp"
    assert values["pairs"][0]["mcnemar"] is None
    assert "opensmile" not in values["libraries"]


def test_table_3(models):
    shown, _, pairs = comparison_tables(models)
    assert shown.rows[0][:3] == ("mlp", "0.79", "0.625 ± 0.177")
    assert shown.rows[1][1] == "-"
    assert pairs.rows[0][0] == "mlp - cnn2d-default"
    assert pairs.rows[0][1] == "-0.250"
    # Two runs: no test that takes the networks as given.
    assert len(pairs.rows[0]) == len(pairs.head) == 5
    assert "McNemar" not in pairs.note
    assert pairs.note == "95 %: paired bootstrap over runs and clips."
    text = rendered(to_rich(shown))
    assert "…" not in text.replace(" … ", "")
    lines = to_markdown(shown).splitlines()
    assert lines[2].count("|") == lines[4].count("|") == len(shown.head) + 1


def test_the_lowest_group_of_each_model_stands_beside_its_uar(models):
    """Of 32 answers an actor has 8, too few to be called the lowest; 16 are of each sex."""
    _, worst, _ = comparison_tables(models)
    assert worst.head == ("model", "UAR", "lowest sex")
    # All wrong answers are for the first two actors, a man and a woman.
    assert worst.rows == (("mlp", "0.625", "male 0.500"), ("cnn2d-default", "0.875", "male 0.750"))
    assert worst.title == "Lowest UAR by group" and "10 clips or more, pooled" in worst.note
    first = models.as_dict()["models"][0]
    assert [group["name"] for group in first["worst_groups"]] == ["male"]
    assert [group["name"] for group in first["groups"] if group["by"] == "sex"] == [
        "female",
        "male",
    ]


def test_networks_of_one_split_are_tested():
    rows = select_models(["mlp", "cnn2d-default"], [], None, False)
    runs = {"mlp": [run_of(wrong(4))], "cnn2d-default": [run_of(wrong(2))]}
    _, pairs = comparison_tables(
        summarize_comparison("models", corpus(), rows, runs, False, "avser compare")
    )
    # The first two clips are wrong in both.
    assert pairs.rows[0][5:] == ("0 : 2", "0.500", "0.500")
    assert "two trained networks on one split, not their recipes" in pairs.note
    assert "clips only, of one training" in pairs.note


def test_table_2_sets_each_emotion_beside_the_published():
    rows = select_optimizers(["rmsprop"], [0.005, 0.1], find_recipe("cnn2d", "paper"), None, False)
    runs = {row.name: [run_of(wrong(0))] for row in rows}
    values = summarize_comparison("optimizers", corpus(), rows, runs, False, "avser compare")
    _, shown, _ = comparison_tables(values)
    assert shown.rows[0] == ("e  rmsprop-0.005", "happy", ".84 .78 .81", "1.00 1.00 1.00", "4")
    assert shown.rows[3][2] == ".70 .74 .72"
    assert shown.rows[4] == ("rmsprop-0.1", "happy", "-", "1.00 1.00 1.00", "4")


def test_one_run_has_no_spread(models):
    rows = select_models(["mlp"], [], None, False)
    values = summarize_comparison(
        "models", corpus(), rows, {"mlp": [run_of(wrong(4))]}, False, "avser compare"
    )
    (shown,) = comparison_tables(values)
    assert shown.rows[0][2] == "0.750"
    assert "one run" in shown.note


def test_whole_actors_are_resampled_where_they_are_held_out():
    rows = select_models(["mlp"], [], None, False)
    run = run_of(wrong(4))
    actors = replace(run, planned=PlannedRun(SplitSettings("speaker"), 0))
    values = summarize_comparison("models", corpus(), rows, {"mlp": [actors]}, False, "")
    assert values.resampled == "speakers only, of one training"
    low, high = values.models[0].accuracy_interval
    assert (low, high) == (0.25, 1.0)
