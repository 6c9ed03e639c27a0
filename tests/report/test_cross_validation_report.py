from dataclasses import replace

import pytest

from avser_cli.evaluation.group_scores import GroupScores
from avser_cli.experiments.recipe_report import Robustness
from avser_cli.experiments.summary import CrossValidation, MeanAndSpread, RunScores
from avser_cli.model.calibration import Calibration
from avser_cli.model.known_recipes import find_recipe
from avser_cli.report.cross_validation_report import (
    calibration_words,
    recall_words,
    report_markdown,
    robustness_table,
    runs_table,
)
from avser_cli.report.tables import to_markdown, to_rich
from tests.report.test_tables import rendered


def line(name, held_out, clips, accuracy, uar):
    return RunScores(name, held_out, 0, clips, accuracy, uar, {}, {"happy": 0.5}, 1.0)


SUMMARY = CrossValidation(
    protocol="speaker",
    recipe=find_recipe("mlp"),
    emotions=("happy", "sad"),
    corpus={"folder": "wav", "fingerprint": "f" * 8, "description": "22 clips"},
    parameters=7,
    runs=(
        line("speaker1-seed0", "fold 1", 10, 0.5, 0.25),
        line("speaker2-seed0", "fold 2", 12, 0.7, 0.75),
    ),
    mean={"accuracy": MeanAndSpread(0.6, 0.1414), "uar": MeanAndSpread(0.5, 0.3536)},
    recall={"happy": MeanAndSpread(0.5, 0.1), "sad": MeanAndSpread(0.25, 0.0)},
    confusion=[[1, 0], [0, 1]],
    calibration=None,
    created="2026-11-25",
    avser="0",
    libraries={"numpy": "2"},
    command="avser evaluate",
    intervals={"accuracy": (0.5, 0.7), "uar": (0.25, 0.75)},
    resampled="folds and actors",
)


def test_runs_table_has_a_line_a_run_their_mean_and_its_interval():
    lines = to_markdown(runs_table(SUMMARY, held_out=True)).splitlines()
    assert lines[0] == "| run | held out | clips | accuracy | UAR |"
    assert lines[2] == "| speaker1-seed0 | fold 1 | 10 | 0.500 | 0.250 |"
    assert lines[4] == "| mean ± sd |  |  | 0.600 ± 0.141 | 0.500 ± 0.354 |"
    assert lines[5] == "| 95 % |  |  | 0.500 … 0.700 | 0.250 … 0.750 |"
    assert lines[7] == "95 %: bootstrap over folds and actors."
    assert {line.count("|") for line in lines[:6]} == {6}


def test_the_terminal_gets_the_same_without_what_was_held_out():
    rows = [line.split() for line in rendered(to_rich(runs_table(SUMMARY)), 80).splitlines()]
    assert ["speaker1-seed0", "0.500", "0.250"] in rows
    assert ["95", "%", "0.500", "…", "0.700", "0.250", "…", "0.750"] in rows


def test_reports_before_intervals_have_none():
    table = runs_table(replace(SUMMARY, intervals={}, resampled=""))
    assert (len(table.summary), table.note) == (1, "")


def test_vocal_channels_have_columns_speech_first():
    by_channel = {"song": 0.1, "speech": 0.2}
    runs = tuple(replace(x, channel_uar=by_channel) for x in SUMMARY.runs)
    means = {f"{name}_uar": MeanAndSpread(uar, 0.0) for name, uar in by_channel.items()}
    table = runs_table(replace(SUMMARY, runs=runs, mean=SUMMARY.mean | means))
    assert table.head == ("run", "accuracy", "UAR", "UAR speech", "UAR song")
    assert table.rows[0] == ("speaker1-seed0", "0.500", "0.250", "0.200", "0.100")
    assert table.summary[1] == ("95 %", "0.500 … 0.700", "0.250 … 0.750", "", "")


def test_a_figure_of_some_runs_alone_leaves_the_others_blank():
    first, second = SUMMARY.runs
    runs = (replace(first, channel_uar={"speech": 0.2}, uar_with_reference=0.4), second)
    table = runs_table(replace(SUMMARY, runs=runs))
    assert table.head == ("run", "accuracy", "UAR", "UAR speech", "UAR with reference")
    assert table.rows[0][3:] == ("0.200", "0.400")
    assert table.rows[1][3:] == table.summary[0][3:] == ("", "")


def test_groups_and_the_worst_of_them_stand_on_the_page():
    groups = tuple(
        GroupScores(by, name, 20, 2, uar, uar)
        for by, name, uar in (
            ("corpus", "emodb", 0.6),
            ("sex", "female", 0.7),
            ("sex", "male", 0.5),
            ("speaker", "emodb:03", 0.5),
            ("speaker", "emodb:08", 0.7),
        )
    )
    lines = report_markdown(replace(SUMMARY, groups=groups)).splitlines()
    assert "By group, pooled over runs:" in lines
    assert "| sex | male | 20 | 0.50 | 0.50 |" in lines
    assert "| emodb:03 | 20 | 2 | 0.50 | 0.50 |" in lines
    assert "| corpus | emodb | 20 | 0.60 | 0.60 |" not in lines
    assert any(line.startswith("lowest UAR: sex male 0.50 (20 clips of 2") for line in lines)
    assert "By group" not in report_markdown(SUMMARY)


def test_the_page_says_what_made_it():
    text = report_markdown(SUMMARY)
    assert "`avser evaluate`" in text
    assert "22 clips; fingerprint `ffffffff`" in text
    assert "recall: happy 0.500 ± 0.100" in text


def test_recalls_in_words():
    assert recall_words(SUMMARY) == "recall: happy 0.500 ± 0.100, sad 0.250 ± 0.000"


def test_robustness_counts_points_lost():
    table = robustness_table(
        Robustness({"none": 0.8, "16 kHz": 0.8001, "gain": 0.81, "noise": 0.655}, {})
    )
    assert table.rows == (
        ("none", "0.800", "0.0"),
        ("16 kHz", "0.800", "0.0"),
        ("gain", "0.810", "-1.0"),
        ("noise", "0.655", "14.5"),
    )
    with pytest.raises(ValueError, match="without degradation"):
        Robustness({"noise": 0.5}, {})


def test_calibration_in_words():
    assert calibration_words(SUMMARY) == "Calibration needs two runs that hold out other clips."
    calibration = Calibration(1.5, 0.62, 0.91, 0.7, 0.1, 0.02, 22, "two runs")
    words = calibration_words(replace(SUMMARY, calibration=calibration))
    assert "temperature 1.50" in words
    assert "0.100 before, 0.020 after" in words
    assert "70% of the clips, 91% of them right" in words
    assert "orpus" not in words


def test_of_corpora_left_out_the_one_is_named_for_which_sure_answers_are_least_often_right():
    calibration = Calibration(1.5, 0.62, 0.91, 0.7, 0.1, 0.02, 22, "two runs")
    sure = ((0.5, 0.8), (0.25, 0.4), (0.0, None))
    runs = tuple(
        replace(SUMMARY.runs[0], held_out=f"c{number}", coverage=share, covered_accuracy=right)
        for number, (share, right) in enumerate(sure)
    )
    left_out = replace(SUMMARY, protocol="corpus", calibration=calibration, runs=runs)
    assert "right for c1: 40% of those for 25% of its clips" in calibration_words(left_out)
    none = replace(left_out, runs=runs[2:])
    assert calibration_words(none).endswith("counts as much as any other in these figures.")
    unused = replace(none, calibration=replace(calibration, temperature=1.0))
    assert calibration_words(unused).endswith("what some corpora need does not suit the others.")
    # Reports have a column for each; a terminal has not.
    rows = runs_table(left_out, held_out=True)
    assert rows.head[-2:] == ("not uncertain", "of these right")
    assert [row[-2:] for row in rows.rows] == [
        ("0.500", "0.800"),
        ("0.250", "0.400"),
        ("0.000", ""),
    ]
    assert "uncertain" not in " ".join(runs_table(left_out).head)
