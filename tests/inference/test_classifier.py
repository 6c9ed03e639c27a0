import json
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from avser_cli.errors import InputError, NoVoiceError, UsageError
from avser_cli.features.render import render_spectrogram
from avser_cli.inference.classifier import Classifier
from avser_cli.inference.loading import bundled_model
from avser_cli.inference.windows import windows
from avser_cli.model.backend import keras
from avser_cli.model.calibration import with_temperature
from tests.conftest import REPOSITORY
from tests.synthetic import PITCH, speech, tone, voice, write_wav

STORED = REPOSITORY / "tests" / "stored" / "bundled_model_probabilities.json"
TOLERANCE = 0.02
"""A library upgrade may move a probability of the model in the box by this much, no more."""

SOUNDS = {
    **{f"voice-{emotion}": voice(emotion, rate=16000) for emotion in PITCH},
    "voice-48k": voice("angry", rate=48000),
    "tone-440": tone(440.0),
    "short": voice("sad", seconds=0.4),
    "long": voice("neutral", seconds=5.0),
}


def heard(folder: Path):
    # Some of these sounds hold no voice.
    classifier = Classifier.load(bundled_model()).with_any_sound()
    found = {}
    for name, samples in SOUNDS.items():
        rate = 48000 if name.endswith("48k") else 16000
        path = write_wav(folder / f"{name}.wav", samples, rate)
        found[name] = classifier.predict(path).probabilities
    return found


def test_the_model_in_the_box_answers_as_recorded(tmp_path):
    stored = json.loads(STORED.read_text())
    found = heard(tmp_path)
    assert set(found) == set(stored)
    for name, probabilities in found.items():
        assert list(probabilities) == ["happy", "sad", "angry", "neutral"]
        for emotion, value in probabilities.items():
            assert value == pytest.approx(stored[name][emotion], abs=TOLERANCE), name


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def test_tflite_and_keras_agree_on_the_box(tmp_path):
    classifier = Classifier.load(bundled_model())
    settings = classifier.config.recipe.spectrogram
    assert settings is not None
    if numbers(keras.__version__) < numbers(classifier.config.libraries["keras"]):
        pytest.skip("Keras does not read files of newer versions; avser reads none")
    network = keras.models.load_model(
        REPOSITORY / "models" / "default" / "model.keras", safe_mode=True
    )
    spectrograms = np.stack(
        [
            render_spectrogram(write_wav(tmp_path / f"{n}.wav", samples), settings)[0]
            for n, samples in enumerate(SOUNDS.values())
        ]
    )
    assert classifier.config.calibration is not None
    outputs = network.predict(spectrograms.astype(np.float32), verbose=0)
    np.testing.assert_allclose(
        classifier.probabilities(spectrograms),
        with_temperature(outputs, classifier.config.calibration.temperature),
        atol=1e-3,
    )


def test_prediction_is_whole(trained, tmp_path):
    found = Classifier.load(trained / "models" / "tiny").predict(
        write_wav(tmp_path / "a.wav", speech())
    )
    assert sum(found.probabilities.values()) == pytest.approx(1, abs=1e-4)
    assert (
        found.probabilities[found.emotion] == found.confidence == max(found.probabilities.values())
    )


def test_many_threads_hear_the_same(tmp_path):
    path = write_wav(tmp_path / "a.wav", speech())
    classifier = Classifier.load(bundled_model())
    expected = classifier.predict(path)
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(classifier.predict(path))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 8


def test_samples_are_heard_as_their_file(tmp_path):
    classifier = Classifier.load()
    samples = speech()
    from_file = classifier.predict(write_wav(tmp_path / "a.wav", samples, subtype="FLOAT"))
    assert classifier.predict_samples(samples, 16000) == from_file
    two = np.stack([samples, samples], axis=1)
    assert classifier.predict_samples(two, 16000).emotion == from_file.emotion
    whole = np.rint(samples * 32767).astype(np.int16)
    rounded = classifier.predict_samples(whole, 16000)
    assert rounded.confidence == pytest.approx(from_file.confidence, abs=0.02)
    with pytest.raises(UsageError, match="shape"):
        classifier.predict_samples(np.zeros((2, 2, 2)), 16000)
    with pytest.raises(InputError, match="NaN"):
        classifier.predict_samples([np.nan] * 16000, 16000)


def test_many_come_in_order_and_failures_among_them(tmp_path):
    paths = [write_wav(tmp_path / f"{n}.wav", speech(seed=n)) for n in range(12)]
    paths[5].write_text("no sound")
    classifier = Classifier.load()
    found = list(classifier.predict_many(paths, jobs=2))
    assert [path for path, _ in found] == paths
    assert isinstance(found[5][1], InputError)
    assert [answer for n, (_, answer) in enumerate(found) if n != 5] == [
        classifier.predict(path) for n, path in enumerate(paths) if n != 5
    ]


def test_a_stream_is_heard_as_its_file(tmp_path):
    pause = np.zeros(16000, np.float32)
    sound = np.concatenate([pause, speech(seconds=5.0), pause, speech("sad", 2.0), pause])
    classifier = Classifier.load()
    whole = list(classifier.segments(write_wav(tmp_path / "a.wav", sound, subtype="FLOAT")))
    chunks = [sound[at : at + 5000] for at in range(0, len(sound), 5000)]
    assert list(classifier.stream(chunks, 16000)) == whole
    assert whole[-1].end == pytest.approx(9.0, abs=0.3)


def test_explanation_fits_the_picture(tmp_path):
    found = Classifier.load().explain(write_wav(tmp_path / "a.wav", speech(seconds=2.0)))
    assert found.spectrogram.shape == found.lost.shape == (150, 150)
    assert found.end - found.start == pytest.approx(3.0)
    assert found.start == pytest.approx(-0.5, abs=0.2)
    assert found.frequencies[0] > found.frequencies[-1]
    assert np.abs(found.lost).max() > 0


@pytest.mark.parametrize("rate", [0, 100])
def test_rates_and_jobs_that_cannot_be(rate):
    classifier = Classifier.load()
    with pytest.raises(UsageError, match="holds no voice"):
        classifier.predict_samples(tone(), rate)
    with pytest.raises(UsageError, match="holds no voice"):
        list(classifier.stream([tone()], rate))
    with pytest.raises(UsageError, match="jobs=0"):
        list(classifier.predict_many(["a.wav", "b.wav"], jobs=0))


def joined(*emotions, seconds=2.0):
    """Voices with pauses of a second."""
    pause = np.zeros(16000, np.float32)
    return np.concatenate([x for e in emotions for x in (pause, speech(e, seconds), pause)])


def test_a_clip_within_the_span_is_judged_as_one_whatever_silence_surrounds_it():
    classifier = Classifier.load()
    found = classifier.predict_samples(joined("sad"), 16000)
    assert (found.seconds, found.windows) == (4.0, 1)
    assert found.speech == pytest.approx(1.9, abs=0.15)


def test_a_longer_recording_is_judged_by_all_of_its_speech(tmp_path):
    classifier = Classifier.load()
    sound = joined("happy", "sad", "sad", "sad")
    found = classifier.predict_samples(sound, 16000)
    assert found.seconds == 16.0
    assert found.speech == pytest.approx(8.0, abs=1.0)
    assert found.windows >= 4
    rows = [row for _, row in classifier.window_rows([sound], 16000) if row is not None]
    assert found.windows == len(rows)
    # Neither the middle three seconds' answer nor one window's.
    middle = classifier.predict_samples(sound[6 * 16000 : 10 * 16000], 16000)
    assert middle.probabilities != found.probabilities
    path = write_wav(tmp_path / "long.wav", sound, subtype="FLOAT")
    assert classifier.predict(path) == found
    assert classifier.predict(path, jobs=2) == found
    assert next(classifier.predict_many([path]))[1] == found


def test_a_recording_longer_than_is_held_is_judged_alike(tmp_path, monkeypatch):
    classifier = Classifier.load()
    path = write_wav(tmp_path / "long.wav", joined("happy", "sad", "sad"), subtype="FLOAT")
    seen = []
    whole = classifier.predict(path, on_progress=lambda done, total: seen.append((done, total)))
    monkeypatch.setattr("avser_cli.inference.classifier.HELD_SECONDS", 1.0)
    monkeypatch.setattr("avser_cli.audio.soundfile_reader.BLOCK_SAMPLES", 16000)
    assert classifier.predict(path) == whole
    assert seen[-1] == (12.0, 12.0)


def test_where_nobody_speaks_there_is_no_emotion(tmp_path):
    classifier = Classifier.load()
    for seconds in (2.0, 10.0):
        sound = tone(350.0, seconds) + tone(440.0, seconds)
        with pytest.raises(NoVoiceError, match="samples: no voice found") as caught:
            classifier.predict_samples(sound, 16000)
        assert caught.value.seconds == seconds
        assert classifier.with_any_sound().predict_samples(sound, 16000).seconds == seconds
        assert list(classifier.stream([sound], 16000)) == []
    assert classifier.with_any_sound().name == f"{classifier.name}+any-sound"


def test_the_name_tells_bundles_apart_that_answer_differently():
    classifier = Classifier.load()
    config = classifier.config
    assert config.calibration is not None
    others = [
        replace(config, calibration=replace(config.calibration, bias=(0.5, 0.0, -0.5, 0.0))),
        replace(config, calibration=replace(config.calibration, threshold=0.5)),
        replace(config, calibration=None),
        replace(config, categories={"neutral": "negative"}),
        replace(config, files={**config.files, "model.tflite": "0" * 64}),
    ]
    names = [Classifier(other, classifier._network).name for other in (config, *others)]
    assert names[0] == classifier.name == Classifier.load().name
    assert len(set(names)) == len(names)
    assert {name.partition("@")[0] for name in names} == {"default"}


def test_what_cannot_be_decoded_is_told_of_a_recording_read_whole(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, joined("happy", "sad", "angry", "happy", seconds=3.0), 16000)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    path.write_bytes(content)
    classifier = Classifier.load()
    recipe = classifier.config.recipe
    assert recipe.spectrogram is not None
    whole = replace(recipe, spectrogram=replace(recipe.spectrogram, seconds=None))
    reader = Classifier(replace(classifier.config, recipe=whole), classifier._network)
    assert reader.predict(path).damaged
    assert not reader.predict(write_wav(tmp_path / "a.wav", speech(seconds=3.0))).damaged


def test_a_voice_that_does_not_stand_out_by_its_energy_is_judged_all_the_same():
    # Without a pause, in hiss that fills the gaps: no quiet place to compare with.
    hiss = 0.05 * np.random.default_rng(0).standard_normal(8 * 16000).astype(np.float32)
    steady = np.tanh(20 * (speech(seconds=8.0) + hiss)) / 4
    classifier = Classifier.load()
    assert not list(windows([steady], 16000, 3.0, lambda seconds: None))
    found = classifier.predict_samples(steady, 16000)
    assert found.windows == 6


def test_so_is_one_that_is_too_long_to_be_held(tmp_path, monkeypatch):
    hiss = 0.05 * np.random.default_rng(0).standard_normal(66 * 16000).astype(np.float32)
    steady = np.tanh(20 * (speech(seconds=66.0) + hiss)) / 4
    classifier = Classifier.load()
    path = write_wav(tmp_path / "call.wav", steady)
    found = classifier.predict(path, jobs=2)
    assert (found.seconds, found.windows) == (66.0, 64)
    at_once = classifier.predict_samples(steady, 16000)
    assert found.emotion == at_once.emotion
    assert found.confidence == pytest.approx(at_once.confidence, abs=1e-3)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=path.open("rb")))
    assert classifier.predict("-") == found
    # Whatever it is, none of it stands out.
    noise = write_wav(tmp_path / "noise.wav", 10 * hiss)
    with pytest.raises(NoVoiceError):
        classifier.predict(noise)
    assert classifier.with_any_sound().predict(noise).windows == 64


def test_windows_without_a_voice_are_left_out():
    classifier = Classifier.load()
    pause = np.zeros(16000, np.float32)
    beep = tone(440.0, 2.0)
    sound = np.concatenate([speech(seconds=2.0), pause, beep, pause, speech("sad", 2.0)])
    spans = [(segment.start, segment.end) for segment in classifier.stream([sound], 16000)]
    assert len(spans) == 2
    assert spans[0][1] < 3.0 < 5.5 < spans[1][0]


def test_what_is_explained_of_a_long_recording_speaks_for_its_answer(tmp_path):
    classifier = Classifier.load()
    path = write_wav(tmp_path / "long.wav", joined("happy", "sad", "angry"), subtype="FLOAT")
    found = classifier.explain(path)
    assert found.prediction == classifier.predict(path)
    assert found.end - found.start == pytest.approx(3.0)
    assert 0 <= found.start + 0.6 < 12
