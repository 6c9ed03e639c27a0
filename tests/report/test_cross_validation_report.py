from avser_cli.report.cross_validation_report import (
    calibration_words,
    protocol_table,
    recall_words,
    robustness_table,
    runs_table,
)
from tests.report.test_tables import rendered

VALUES = {
    "runs": [
        {"name": "speaker1-seed0", "held_out": "fold 1", "clips": 10, "accuracy": 0.5, "uar": 0.25},
        {"name": "speaker2-seed0", "held_out": "fold 2", "clips": 12, "accuracy": 0.7, "uar": 0.75},
    ],
    "mean": {"accuracy": {"mean": 0.6, "sd": 0.1414}, "uar": {"mean": 0.5, "sd": 0.3536}},
    "recall": {"happy": {"mean": 0.5, "sd": 0.1}, "sad": {"mean": 0.25, "sd": 0.0}},
}


def test_runs_table_has_a_line_a_run_and_their_mean():
    lines = runs_table(VALUES).splitlines()
    assert lines[0] == "| run | held out | clips | accuracy | UAR |"
    assert lines[2] == "| speaker1-seed0 | fold 1 | 10 | 0.500 | 0.250 |"
    assert lines[-1] == "| **mean ± sd** | | | 0.600 ± 0.141 | 0.500 ± 0.354 |"
    assert {line.count("|") for line in lines} == {6}


def test_the_mean_has_an_interval():
    intervals = {"accuracy": [0.5, 0.7], "uar": [0.25, 0.75]}
    values = {**VALUES, "intervals": intervals, "resampled": "folds and actors"}
    last = runs_table(values).splitlines()[-1]
    assert last == "| 95 %: bootstrap over folds and actors | | | 0.500 … 0.700 | 0.250 … 0.750 |"
    rows = [line.split() for line in rendered(protocol_table(values)).splitlines()]
    assert ["95", "%", "from", "0.500", "0.250"] in rows
    assert ["to", "0.700", "0.750"] in rows


def test_recalls_in_words():
    assert recall_words(VALUES) == "recall: happy 0.500 ± 0.100, sad 0.250 ± 0.000"


def test_robustness_counts_points_lost():
    lines = robustness_table({"uar": {"none": 0.8, "gain": 0.81, "noise": 0.655}}).splitlines()
    assert lines[2:] == ["| none | 0.800 | 0.0 |", "| gain | 0.810 | -1.0 |",
                         "| noise | 0.655 | 14.5 |"]  # fmt: skip


def test_calibration_in_words():
    assert calibration_words(None) == "Calibration needs two runs that hold out other clips."
    words = calibration_words(
        {"temperature": 1.5, "threshold": 0.62, "coverage": 0.7, "accuracy": 0.91,
         "ece_before": 0.1, "ece_after": 0.02}
    )  # fmt: skip
    assert "temperature 1.50" in words
    assert "0.100 before, 0.020 after" in words
    assert "70% of the clips, 91% of them right" in words
