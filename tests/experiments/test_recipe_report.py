import json

import pytest

from avser_cli.errors import UsageError
from avser_cli.experiments.recipe_report import check_same_corpus, read_report
from avser_cli.experiments.summary import CrossValidation
from tests.conftest import REPOSITORY

REPORTS = REPOSITORY / "docs" / "reports"


def stored(protocol):
    return json.loads((REPORTS / protocol / "report.json").read_text(encoding="utf-8"))


SPEAKER = CrossValidation.from_dict(stored("speaker"))


def read(folder, recipe=SPEAKER.recipe, emotions=SPEAKER.emotions):
    return read_report(folder, recipe, emotions)


def write(folder, **changes):
    content = json.dumps(stored("speaker") | changes)
    (folder / "report.json").write_text(content, encoding="utf-8")


def test_a_report_vouches_for_its_recipe():
    measured = read(REPORTS / "speaker")
    assert measured.summary == SPEAKER
    assert measured.calibration == SPEAKER.calibration is not None
    assert measured.robustness is None


@pytest.mark.parametrize(
    "changes",
    [
        {"mean": {"uar": {"mean": "x", "sd": 0.0}}},
        {"runs": [{"name": "x"}]},
        {"runs": 7},
        {"unknown": 1},
        {"calibration": [1]},
    ],
)
def test_damaged_reports_do_not_vouch(changes, tmp_path):
    with pytest.raises(UsageError, match="not a report"):
        read(tmp_path)
    write(tmp_path, **changes)
    with pytest.raises(UsageError, match="not a report"):
        read(tmp_path)


def test_reports_on_something_else_do_not_vouch(tmp_path):
    write(tmp_path)
    with pytest.raises(UsageError, match="another recipe"):
        read(tmp_path, SPEAKER.recipe.with_options(epochs=2))
    with pytest.raises(UsageError, match="other emotions"):
        read(tmp_path, emotions=SPEAKER.emotions[:3])
    random = CrossValidation.from_dict(stored("random"))
    with pytest.raises(UsageError, match="random splits hold out clips of speakers that were"):
        read(REPORTS / "random", random.recipe)
    (tmp_path / "robustness.json").write_text(json.dumps({"uar": {}, "runs": {}}))
    with pytest.raises(UsageError, match="no UAR of clips without degradation"):
        read(tmp_path)


MADE = {"fingerprint": "f", "labels": "l", "description": "made clips"}


def test_a_report_is_of_the_clips_and_labels_that_are_trained_on(tmp_path):
    write(tmp_path, corpus=MADE)
    measured = read(tmp_path)
    check_same_corpus(tmp_path, measured, {**MADE, "description": "the same"})
    other = {**MADE, "fingerprint": "g", "description": "others"}
    with pytest.raises(UsageError, match=r"another corpus \(made clips\) than .* \(others\)"):
        check_same_corpus(tmp_path, measured, other)
    with pytest.raises(UsageError, match="these clips with other labels"):
        check_same_corpus(tmp_path, measured, {**MADE, "labels": "m"})


def test_an_older_report_says_nothing_of_labels(tmp_path):
    write(tmp_path, corpus={name: MADE[name] for name in ("fingerprint", "description")})
    check_same_corpus(tmp_path, read(tmp_path), MADE)
