import json
import threading
from pathlib import Path

import numpy as np
import pytest

from avser_cli.infer.classifier import MODEL_VARIABLE, Classifier, box_model, chosen_model
from avser_cli.learn.backend import keras
from avser_cli.learn.calibration import with_temperature
from avser_cli.sound.drawing import picture_of
from tests.conftest import REPOSITORY
from tests.sounds import PITCH, tone, voice, write_wav

STORED = REPOSITORY / "tests" / "data" / "box_probabilities.json"
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
    classifier = Classifier.load(box_model())
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


def test_tflite_and_keras_agree_on_the_box(tmp_path):
    classifier = Classifier.load(box_model())
    settings = classifier.config.recipe.picture
    assert settings is not None
    network = keras.models.load_model(box_model() / "model.keras", safe_mode=True)
    pictures = np.stack(
        [
            picture_of(write_wav(tmp_path / f"{n}.wav", samples), settings)[0]
            for n, samples in enumerate(SOUNDS.values())
        ]
    )
    assert classifier.config.calibration is not None
    outputs = network.predict(pictures.astype(np.float32), verbose=0)
    np.testing.assert_allclose(
        classifier.probabilities(pictures),
        with_temperature(outputs, classifier.config.calibration.temperature),
        atol=1e-3,
    )


def test_prediction_is_whole(trained, tmp_path):
    found = Classifier.load(trained / "models" / "tiny").predict(
        write_wav(tmp_path / "a.wav", voice())
    )
    assert sum(found.probabilities.values()) == pytest.approx(1, abs=1e-4)
    assert (
        found.probabilities[found.emotion] == found.confidence == max(found.probabilities.values())
    )


def test_which_model_is_meant(monkeypatch, tmp_path):
    assert chosen_model(None) == box_model()
    monkeypatch.setenv(MODEL_VARIABLE, str(tmp_path))
    assert chosen_model(None) == tmp_path
    assert chosen_model(Path("given")) == Path("given")


def test_many_threads_hear_the_same(tmp_path):
    path = write_wav(tmp_path / "a.wav", voice())
    classifier = Classifier.load(box_model())
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
