import json
from dataclasses import asdict, replace

import numpy as np
import pytest

from avser_cli.data.folds import split_folds
from avser_cli.evaluation.metrics import score
from avser_cli.experiments.candidates import of_recipe
from avser_cli.experiments.execution import train_job
from avser_cli.experiments.recipe_report import read_report
from avser_cli.experiments.run_cache import plan_jobs
from avser_cli.experiments.runs import plan
from avser_cli.experiments.summary import CrossValidation, MeanAndSpread, calibrated, summarize
from avser_cli.inference.speaker_normalization import normalize_each
from avser_cli.model.calibration import calibrate, expected_calibration_error
from avser_cli.model.known_recipes import find_recipe
from tests.conftest import REPOSITORY
from tests.training.test_training_run import EMOTIONS, random_corpus

RECIPE = find_recipe("mlp").with_options(epochs=3)
CORPUS = replace(
    random_corpus(), about={"folder": "wav", "fingerprint": "f", "description": "made clips"}
)

FIGURES = {"accuracy", "uar", "uar_with_reference", "calibration_error", "coverage"}
FOLDS = split_folds(CORPUS.dataset.clips, "text")


@pytest.fixture(scope="module")
def runs():
    jobs = plan_jobs(CORPUS, [of_recipe("mlp", RECIPE)], plan("text", FOLDS))
    inputs = CORPUS.dataset.inputs
    return [train_job(x, CORPUS, inputs, None, lambda job, line: None).finished for x in jobs]


@pytest.fixture
def summary(runs):
    return summarize(runs, CORPUS, RECIPE, "text", "avser evaluate")


def test_the_summary_adds_up(runs, summary):
    assert np.sum(summary.confusion) == 384
    accuracies = [line.accuracy for line in summary.runs]
    assert summary.mean["accuracy"].mean == pytest.approx(np.mean(accuracies))
    assert summary.mean["accuracy"].sd == pytest.approx(np.std(accuracies, ddof=1))
    low, high = summary.intervals["accuracy"]
    assert low <= summary.mean["accuracy"].mean <= high
    assert summary.resampled == "folds and clips"
    assert summary.calibration.clips == 384
    assert set(summary.mean) == FIGURES
    by_sex = {x.name: x for x in summary.groups if x.by == "sex"}
    assert {name: x.clips for name, x in by_sex.items()} == {"female": 192, "male": 192}
    right = sum(x.accuracy * x.clips for x in by_sex.values())
    assert right == pytest.approx(np.trace(summary.confusion))
    again = [replace(runs[0], planned=x) for x in plan("text", FOLDS, [1], [0, 1])]
    assert summarize(again, CORPUS, RECIPE, "text", "").calibration is None
    alone = summarize(runs[:1], CORPUS, RECIPE, "text", "")
    assert alone.calibration is None
    assert alone.resampled == "clips only, of one training"
    assert alone.mean["uar"].sd == 0.0


def with_channels(channels):
    clips = zip(CORPUS.dataset.clips, channels, strict=True)
    relabelled = tuple(replace(clip, channel=channel) for clip, channel in clips)
    return replace(CORPUS, dataset=replace(CORPUS.dataset, clips=relabelled))


def test_vocal_channels_are_told_apart_where_the_corpus_has_several(runs):
    channels = ["song" if row % 3 else "speech" for row in range(len(CORPUS.dataset))]
    mixed = with_channels(channels)
    summary = summarize(runs, mixed, RECIPE, "text", "")
    assert set(summary.mean) == FIGURES | {"song_uar", "speech_uar"}
    line = summary.as_dict()["runs"][0]
    spoken = {clip.key for clip in mixed.dataset.clips if clip.channel == "speech"}
    rows = np.array([name in spoken for name in runs[0].names])
    assert 0 < rows.sum() < len(rows)
    assert line["speech_uar"] == runs[0].report(EMOTIONS, rows).uar
    assert "channel_uar" not in line
    some = with_channels([None, *channels[1:]])
    of_first, of_second = summarize(runs, some, RECIPE, "text", "").runs
    assert {bool(of_first.channel_uar), bool(of_second.channel_uar)} == {False, True}


def test_a_run_tells_how_many_of_its_answers_are_not_uncertain_and_right(runs):
    known = []
    for run in runs:
        number = np.arange(len(run.labels))
        # A third is judged wrongly and unsurely, the rest surely, and rightly but for a few.
        sure, wrong = number % 3 > 0, (number % 3 == 0) | (number % 24 == 1)
        answers = np.eye(4)[(run.labels + wrong) % 4]
        odds = 1 + np.where(sure, 9, 1)[:, None] * answers
        probabilities = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
        known.append(replace(run, probabilities=probabilities))
    folds, names = [(x.probabilities, x.labels) for x in known], [x.names for x in known]
    _, scaled, surest = calibrate(folds, "", names)
    lines = summarize(known, CORPUS, RECIPE, "text", "").runs
    for run, line, answers, above in zip(known, lines, scaled, surest, strict=True):
        assert line.coverage is not None
        assert 0.6 < line.coverage < 0.9
        assert line.coverage == pytest.approx(above.mean())
        right = (answers.argmax(axis=1) == run.labels)[above]
        assert line.covered_accuracy == pytest.approx(right.mean())


def test_corpora_left_out_count_alike_in_the_calibration(runs):
    fewer = runs[0]
    rows = slice(0, len(fewer.labels), 4)
    fewer = replace(
        fewer,
        names=fewer.names[rows],
        labels=fewer.labels[rows],
        probabilities=fewer.probabilities[rows],
    )
    uneven = [fewer, *runs[1:]]
    folds = [(run.probabilities, run.labels) for run in uneven]
    names = [run.names for run in uneven]
    of_corpora, of_texts = calibrated(uneven, "corpus")[0], calibrated(uneven, "text")[0]
    assert of_corpora is not None
    assert of_texts is not None
    alike, _, _ = calibrate(folds, of_corpora.source, names, folds_alike=True)
    assert of_corpora == alike
    assert of_texts == calibrate(folds, of_texts.source, names)[0]
    assert of_texts.temperature != of_corpora.temperature


def test_a_reference_of_the_speaker_and_the_calibration_stand_beside(runs, summary):
    speaker_of = {clip.key: clip.speaker for clip in CORPUS.dataset.clips}
    for run, line in zip(runs, summary.runs, strict=True):
        speakers = [speaker_of[name] for name in run.names]
        normalized, _ = normalize_each(run.probabilities, speakers)
        right = score(EMOTIONS, run.labels, normalized.argmax(axis=1))
        assert line.uar_with_reference == right.uar
        plain = expected_calibration_error(run.probabilities, run.labels)
        assert 0 <= line.calibration_error < plain
        assert (line.coverage, line.covered_accuracy) == (0, None)
    nobody = replace(
        CORPUS,
        dataset=replace(
            CORPUS.dataset, clips=tuple(replace(x, speaker=None) for x in CORPUS.dataset.clips)
        ),
    )
    assert summarize(runs, nobody, RECIPE, "text", "").runs[0].uar_with_reference is None
    assert summarize(runs[:1], CORPUS, RECIPE, "text", "").runs[0].calibration_error is None


def test_a_report_is_read_as_it_was_written(summary, tmp_path):
    (tmp_path / "report.json").write_text(json.dumps(summary.as_dict()))
    (tmp_path / "robustness.json").write_text(json.dumps({"uar": {"none": 0.5}, "runs": {}}))
    measured = read_report(tmp_path, RECIPE, EMOTIONS)
    assert measured.summary == summary
    assert measured.calibration == summary.calibration
    assert measured.robustness is not None
    assert measured.robustness.uar == {"none": 0.5}
    assert set(summary.as_dict()) == set(asdict(summary))


@pytest.mark.parametrize("name", ["random", "speaker", "speaker-2026-11-24", "statement"])
def test_reports_of_older_versions_are_read(name):
    content = (REPOSITORY / "docs" / "reports" / name / "report.json").read_text()
    found = CrossValidation.from_dict(json.loads(content))
    assert found.mean["speech_uar"].mean > 0.5
    assert found.protocol in ("random", "speaker", "text")


@pytest.mark.parametrize(("then", "now"), [("paper", "random"), ("statement", "text")])
def test_protocols_of_older_reports_have_their_names_of_today(summary, then, now):
    assert CrossValidation.from_dict({**summary.as_dict(), "protocol": then}).protocol == now


def test_mean_and_spread_by_hand():
    assert MeanAndSpread.of([1.0, 2.0, 3.0]) == MeanAndSpread(2.0, 1.0)
