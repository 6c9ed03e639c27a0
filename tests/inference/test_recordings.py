import gc
import pickle
import weakref

import numpy as np
import pytest

from avser_cli.audio.selection import OpenSound, SoundSelection
from avser_cli.errors import InputError, NoVoiceError, of_path
from avser_cli.inference.classifier import Classifier
from avser_cli.inference.recordings import answer_recording
from avser_cli.inference.speaker_normalization import SpeakerNormalization
from tests.synthetic import speech, tone, voice, write_wav


def test_one_answer_or_one_for_each_channel(tmp_path):
    classifier = Classifier.load()
    both = np.stack([speech(), tone(seconds=len(speech()) / 16000)], axis=1)
    path = write_wav(tmp_path / "two.wav", both)
    (whole,) = answer_recording(classifier, path, by_channel=False)
    assert (whole.channel, whole.answer) == ("", classifier.predict(path))
    left, right = answer_recording(classifier, path, by_channel=True)
    assert (left.channel, right.channel) == ("left", "right")
    alone = classifier.with_selection(SoundSelection(1))
    assert left.answer == alone.predict(path)
    assert isinstance(right.answer, NoVoiceError)
    (missing,) = answer_recording(classifier, tmp_path / "nowhere.wav", by_channel=True)
    assert isinstance(missing.answer, InputError)


def test_a_classifier_and_its_errors_travel(tmp_path):
    path = write_wav(tmp_path / "a.wav", speech())
    bias = SpeakerNormalization(np.array([0.5, -0.5, 0.0, 0.0], np.float32), 4)
    classifier = Classifier.load().with_normalization(bias).with_any_sound()
    there = pickle.loads(pickle.dumps(classifier))
    assert there.name == classifier.name
    assert there.predict(path) == classifier.predict(path)
    error = pickle.loads(pickle.dumps(NoVoiceError("b.wav", 2.5)))
    assert (str(error), error.seconds) == (str(NoVoiceError("b.wav", 2.5)), 2.5)


def test_a_file_is_named_as_it_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    relative = (tmp_path / "in" / "a.wav").relative_to(tmp_path)
    place = str(relative.absolute())
    for error in (InputError(f"{place}: no such file"), NoVoiceError(place, 1.0)):
        of_path(error, relative)
        assert str(error).startswith("in/a.wav: no ")


@pytest.mark.parametrize("by_channel", [False, True])
def test_of_a_sound_without_an_answer_nothing_is_held(tmp_path, monkeypatch, by_channel):
    # Of hundreds of thousands some fail: what was decoded of them is not to stay.
    sounds = []
    blocks = OpenSound.blocks

    def watched(self):
        for block in blocks(self):
            sounds.append(weakref.ref(block))
            yield block

    monkeypatch.setattr(OpenSound, "blocks", watched)
    write_wav(tmp_path / "hum.wav", voice())
    gc.disable()
    try:
        (found,) = answer_recording(Classifier.load(), tmp_path / "hum.wav", by_channel)
        assert isinstance(found.answer, NoVoiceError)
        assert sounds
        assert all(sound() is None for sound in sounds)
    finally:
        gc.enable()
