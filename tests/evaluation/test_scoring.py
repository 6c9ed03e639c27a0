from dataclasses import replace

import numpy as np
import pytest

from avser_cli.data.splits import SplitSettings
from avser_cli.errors import CorpusError
from avser_cli.evaluation.metrics import score
from avser_cli.evaluation.scoring import evaluate
from avser_cli.inference.classifier import Classifier
from tests.synthetic import ravdess_name, voice, write_wav


@pytest.fixture(scope="module")
def classifier(trained):
    return Classifier.load(trained / "models" / "tiny")


def test_only_held_out_clips_are_scored(trained, classifier):
    found = evaluate(classifier, trained / "png", "test")
    assert found.counts == {"test": 16, "train": 48, "unseen": 0}
    assert found.report.clips == len(found.files) == 16
    assert {stem_of(clip["file"]) for clip in found.files} == set(classifier.config.split.test)


def stem_of(path):
    return path.rsplit("/", 1)[1].removesuffix(".png")


def test_a_copy_of_a_training_clip_under_a_held_out_name_is_not_scored(
    tmp_path, corpus, classifier
):
    trained_name = next(iter(classifier.config.split.train))
    held_out = next(iter(classifier.config.split.test))
    source = next(corpus.rglob(f"{trained_name}.wav"))
    (tmp_path / f"{held_out}.wav").write_bytes(source.read_bytes())
    with pytest.raises(CorpusError, match="1 train,"):
        evaluate(classifier, tmp_path, "test")


def test_clips_that_the_bundle_never_met(tmp_path, classifier):
    for number, emotion in enumerate(classifier.config.labels):
        name = ravdess_name(emotion, actor=20)
        write_wav(tmp_path / f"{name}.wav", voice(emotion, seed=500 + number))
    assert evaluate(classifier, tmp_path, "unseen").report.clips == 4
    with pytest.raises(CorpusError, match="no clip of the test part"):
        evaluate(classifier, tmp_path, "test")


def test_the_report_is_that_of_the_predictions(trained, classifier):
    found = evaluate(classifier, trained / "png", "test")
    order = {label: number for number, label in enumerate(found.report.labels)}
    truth = np.array([order[clip["label"]] for clip in found.files])
    heard = np.array([order[clip["emotion"]] for clip in found.files])
    assert score(found.report.labels, truth, heard) == found.report


def test_intervals_of_held_out_actors_draw_actors(trained, classifier):
    by_clip = evaluate(classifier, trained / "png", "test").intervals
    assert by_clip.resampled == "clips only, of one training"
    split = replace(classifier.config.split, settings=SplitSettings("speaker"))
    speakers = Classifier.load(trained / "models" / "tiny")
    speakers.config = replace(classifier.config, split=split)
    found = evaluate(speakers, trained / "png", "test")
    assert found.intervals.resampled == "speakers only, of one training"
    assert found.intervals.accuracy[0] <= found.report.accuracy <= found.intervals.accuracy[1]
