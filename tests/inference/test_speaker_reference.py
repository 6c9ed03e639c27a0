import numpy as np
import pytest

from avser_cli.errors import InputError
from avser_cli.inference.classifier import Classifier
from avser_cli.inference.speaker_normalization import MIN_RECORDINGS, SpeakerNormalization
from avser_cli.inference.speaker_reference import normalize_speaker
from tests.synthetic import PITCH, speech, write_wav


@pytest.fixture(scope="module")
def anna(tmp_path_factory):
    """Clips of one made voice in every mood."""
    folder = tmp_path_factory.mktemp("anna")
    return [
        write_wav(folder / f"{emotion}-{take}.wav", speech(emotion, seconds=1.0 + take / 4))
        for emotion in PITCH
        for take in (0, 1)
    ]


def row(prediction):
    return np.array(list(prediction.probabilities.values()), np.float32)


def test_what_all_recordings_have_is_taken_off(anna):
    bundled = Classifier.load()
    plain = np.stack([row(bundled.predict(path)) for path in anna])
    knowing = normalize_speaker(bundled, anna)
    found = np.stack([row(knowing.predict(path)) for path in anna])
    np.testing.assert_allclose(found, SpeakerNormalization.of(plain).apply(plain), atol=1e-5)
    assert np.abs(found - plain).max() > 0.01
    assert knowing.normalization is not None
    assert knowing.name == f"{bundled.name}+{knowing.normalization.key}"
    again = np.stack([row(bundled.predict(path)) for path in anna])
    np.testing.assert_array_equal(again, plain)


def test_a_second_reference_is_not_built_upon_the_first(anna):
    knowing = normalize_speaker(Classifier.load(), anna)
    assert (
        normalize_speaker(knowing, anna[:5]).name
        == normalize_speaker(Classifier.load(), anna[:5]).name
    )


def test_confidence_and_uncertain_follow(anna):
    knowing = normalize_speaker(Classifier.load(), anna)
    assert knowing.config.calibration is not None
    threshold = knowing.config.calibration.threshold
    for path in anna:
        heard = knowing.predict(path)
        assert heard.confidence == max(heard.probabilities.values())
        assert heard.uncertain == (heard.confidence < threshold)


def test_windows_are_heard_with_windows(anna, tmp_path):
    long = np.concatenate([speech(emotion, seconds=4.0) for emotion in PITCH])
    path = write_wav(tmp_path / "long.wav", long)
    bundled = Classifier.load()
    knowing = normalize_speaker(bundled, [path], windows=True)
    assert knowing.normalization is not None
    assert knowing.normalization.count > MIN_RECORDINGS
    plain, found = list(bundled.segments(path)), list(knowing.segments(path))
    assert [row(s.prediction).tolist() for s in plain] != [
        row(s.prediction).tolist() for s in found
    ]


def test_too_few_recordings(anna):
    with pytest.raises(InputError, match=f"at least {MIN_RECORDINGS} recordings.*; 3 can be used"):
        normalize_speaker(Classifier.load(), anna[:3])
    with pytest.raises(InputError, match="windows of voice"):
        normalize_speaker(Classifier.load(), anna[:3], windows=True)


@pytest.mark.parametrize("windows", [False, True])
def test_one_that_cannot_be_heard_is_told_or_raised(anna, tmp_path, windows):
    bad = tmp_path / "bad.wav"
    bad.write_text("no sound")
    errors: list[InputError] = []
    done: list[tuple[int, int]] = []
    bundled = Classifier.load()
    normalize_speaker(
        bundled,
        [*anna, bad],
        windows,
        failed=errors.append,
        on_progress=lambda *at: done.append(at),
    )
    assert ["bad.wav" in str(error) for error in errors] == [True]
    assert done[-1] == (len(anna) + 1, len(anna) + 1)
    with pytest.raises(InputError, match=r"bad\.wav"):
        normalize_speaker(bundled, [*anna, bad], windows)
