from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from avser_cli.data.clip import Clip
from avser_cli.data.sources import DataSources
from avser_cli.data.splits import Split, SplitSettings
from avser_cli.errors import CorpusError
from avser_cli.evaluation.bundle_evaluation import evaluate, parts_of
from avser_cli.evaluation.metrics import score
from avser_cli.inference.classifier import Classifier
from avser_cli.model.bundle_arrays import read_hashes
from tests.synthetic import NUMBERS, ravdess_name, speech, tone, voice, write_wav


@pytest.fixture(scope="module")
def classifier(trained):
    return Classifier.load(trained / "models" / "tiny")


def test_only_held_out_clips_are_scored(trained, classifier):
    found = evaluate(classifier, DataSources.of(trained / "png"), "test")
    assert found.counts == {"test": 16, "train": 48, "unseen": 0}
    assert found.report.clips == len(found.answers) == 16
    assert {answer.clip.path.stem for answer in found.answers} == set(classifier.config.split.test)


def test_a_copy_of_a_training_clip_under_a_held_out_name_is_not_scored(
    tmp_path, corpus, classifier
):
    trained_name = next(iter(classifier.config.split.train))
    held_out = next(iter(classifier.config.split.test))
    source = next(corpus.rglob(f"{trained_name}.wav"))
    (tmp_path / f"{held_out}.wav").write_bytes(source.read_bytes())
    with pytest.raises(CorpusError, match="1 train,"):
        evaluate(classifier, DataSources.of(tmp_path), "test")


def test_clips_that_the_bundle_never_met(tmp_path, classifier):
    for number, emotion in enumerate(classifier.config.labels):
        name = ravdess_name(emotion, actor=20)
        write_wav(tmp_path / f"{name}.wav", voice(emotion, seed=500 + number))
    assert evaluate(classifier, DataSources.of(tmp_path), "unseen").report.clips == 4
    with pytest.raises(CorpusError, match="no clip of the test part"):
        evaluate(classifier, DataSources.of(tmp_path), "test")


@pytest.mark.parametrize("seconds", [2.0, 8.0])
def test_a_sound_is_judged_as_classify_does_by_all_of_its_speech(tmp_path, classifier, seconds):
    for number, emotion in enumerate(classifier.config.labels):
        name = ravdess_name(emotion, actor=20)
        sound = speech(emotion, seconds=seconds, seed=500 + number)
        write_wav(tmp_path / f"{name}.wav", sound)
    found = evaluate(classifier, DataSources.of(tmp_path), "unseen")
    for answer in found.answers:
        expected = classifier.predict(answer.clip.path)
        assert (expected.windows > 1) == (seconds > 3)
        assert answer.emotion == expected.emotion
        assert answer.confidence == pytest.approx(expected.confidence, abs=1e-6)


def test_what_classify_leaves_out_of_a_sound_is_not_scored(tmp_path):
    beep, pause = tone(440.0, 1.0), np.zeros(16000, np.float32)
    sound = np.concatenate([speech("sad", 3.0), *[pause, beep] * 6])
    path = write_wav(tmp_path / "mine" / "sad" / "x.wav", sound)
    classifier = Classifier.load()
    (answer,) = evaluate(classifier, DataSources.of(tmp_path / "mine"), "unseen").answers
    expected = classifier.predict(path)
    assert expected.windows < classifier.with_any_sound().predict(path).windows
    assert answer.confidence == pytest.approx(expected.confidence, abs=1e-6)


def test_the_report_is_that_of_the_predictions(trained, classifier):
    found = evaluate(classifier, DataSources.of(trained / "png"), "test")
    order = {label: number for number, label in enumerate(found.report.labels)}
    truth = np.array([order[answer.label] for answer in found.answers])
    heard = np.array([order[answer.emotion] for answer in found.answers])
    assert score(found.report.labels, truth, heard) == found.report


def test_intervals_of_held_out_actors_draw_actors(trained, classifier):
    by_clip = evaluate(classifier, DataSources.of(trained / "png"), "test").scoring.intervals
    assert by_clip.resampled == "clips only, of one training"
    split = replace(classifier.config.split, settings=SplitSettings("speaker"))
    speakers = Classifier.load(trained / "models" / "tiny")
    speakers.config = replace(classifier.config, split=split)
    found = evaluate(speakers, DataSources.of(trained / "png"), "test")
    assert found.scoring.intervals.resampled == "speakers only, of one training"
    assert (
        found.scoring.intervals.accuracy[0]
        <= found.report.accuracy
        <= found.scoring.intervals.accuracy[1]
    )


def test_re_encoded_training_clips_are_known_under_any_name(tmp_path, trained, corpus, classifier):
    names = sorted(classifier.config.split.train)[:2]
    for name in names:
        source = next(corpus.rglob(f"{name}.wav"))
        samples, rate = soundfile.read(source)
        emotion = next(x for x, number in NUMBERS.items() if int(name.split("-")[2]) == number)
        (tmp_path / emotion).mkdir(exist_ok=True)
        soundfile.write(tmp_path / emotion / f"renamed-{name}.mp3", samples, rate)
    for seed in range(700, 704):
        write_wav(tmp_path / "angry" / f"{seed}.wav", voice("angry", seconds=2.5, seed=seed))
    hashes = read_hashes(trained / "models" / "tiny", classifier.config)
    found = evaluate(classifier, DataSources.of(tmp_path), None, hashes)
    assert found.part == "unseen"
    assert (found.counts, found.copies) == ({"test": 0, "train": 2, "unseen": 4}, 2)
    assert not any("renamed" in answer.clip.path.name for answer in found.answers)
    without = evaluate(classifier, DataSources.of(tmp_path), None)
    assert without.counts["train"] == without.copies == 0


def test_labels_that_the_model_does_not_know_are_counted_and_left_out(tmp_path, classifier):
    for number, emotion in enumerate(("happy", "sad", "bored", "bored", "afraid")):
        write_wav(tmp_path / emotion / f"{number}.wav", voice("sad", seed=800 + number))
    found = evaluate(classifier, DataSources.of(tmp_path), None)
    assert found.unknown_labels == {"bored": 2, "fearful": 1}
    assert found.report.clips == 2
    assert found.missing == ("angry", "neutral")


def test_the_default_part_is_what_was_held_out(trained, classifier):
    assert evaluate(classifier, DataSources.of(trained / "png"), None).part == "test"


def own(key, samples):
    return Clip(key, Path("1.wav"), "mine", "sad", samples_sha256=samples)


def test_one_name_in_two_folders_of_ones_own_is_not_one_clip():
    split = Split(SplitSettings("none"), {"mine:sad/1": "a" * 64}, {"mine:sad/2": "b" * 64})
    clips = [own("mine:sad/1", "a" * 64), own("mine:sad/1", "c" * 64), own("mine:sad/2", "d" * 64)]
    nothing = np.zeros(3, bool)
    assert parts_of(clips, split, nothing) == ["train", "unseen", "unseen"]
    assert parts_of(clips, split, np.array([False, True, True])) == ["train"] * 3
    # Without hashes the same name cannot be told from the same clip.
    assert parts_of(clips, split) == ["train", "train", "test"]


def test_each_speaker_is_scored_with_and_without_the_others_as_reference(trained, classifier):
    found = evaluate(classifier, DataSources.of(trained / "png"), "train")
    assert found.normalized is not None
    speakers = {x.name for x in found.scoring.groups if x.by == "speaker"}
    assert speakers == {x.name for x in found.normalized.groups if x.by == "speaker"}
    assert len(speakers) == 4
    assert found.normalized.calibration_error != found.scoring.calibration_error
    assert 0 <= found.scoring.calibration_error <= 1
    assert (found.scoring.certain, found.scoring.certain_accuracy) == (
        1.0,
        found.report.accuracy,
    )
