import json
import os
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avser_cli.errors import ModelError
from avser_cli.inference.classifier import Classifier
from avser_cli.model.bundle import CONFIG, TFLITE, newest_bundle, read_config
from avser_cli.model.bundle_arrays import read_hashes
from tests.conftest import REPOSITORY
from tests.model.conftest import change
from tests.platforms import needs_posix
from tests.synthetic import PITCH, speech, voice, write_wav


def test_config_says_what_was_trained(bundle):
    config = read_config(bundle)
    assert config.labels == ("happy", "sad", "angry", "neutral")
    assert (config.recipe.name, config.recipe.epochs, config.seed) == ("default", 2, 0)
    assert (len(config.split.train), len(config.split.test)) == (48, 16)
    assert not set(config.split.train) & set(config.split.test)
    assert set(config.files) == {
        "model.keras", "model.tflite", "hashes.npz", "weights.npz", "clips.csv",
    }  # fmt: skip
    parts = {path.name for path in bundle.iterdir()}
    assert parts >= {"metrics.json", "history.csv", "MODEL_CARD.md", "confusion.png"}


def test_the_bundled_model_knows_its_training_clips():
    folder = REPOSITORY / "models" / "default"
    config = read_config(folder)
    assert len(read_hashes(folder, config)) == len(config.split.train) == 7726
    clips = {x.name: x.clips for x in config.corpora}
    assert clips == {
        "ased": 1959, "emodb": 339, "emovo": 336, "kemotts": 300, "nemo": 3076, "ravdess": 1316,
        "urdu": 400,
    }  # fmt: skip
    card = (folder / "MODEL_CARD.md").read_text()
    assert "- not for commercial use (" in card
    assert all(licence in card for licence in ("CC BY-NC-SA 4.0", "research only"))


def damage(bundle, how):
    tflite, config = bundle / TFLITE, bundle / CONFIG
    match how:
        case "no folder":
            shutil.rmtree(bundle)
        case "no config":
            config.unlink()
        case "no tflite":
            tflite.unlink()
        case "cut tflite":
            tflite.write_bytes(tflite.read_bytes()[:1000])
        case "changed byte":
            content = bytearray(tflite.read_bytes())
            content[len(content) // 2] ^= 1
            tflite.write_bytes(content)
        case "newer":
            change(bundle, format=99)
        case "no recipe":
            values = json.loads(config.read_text())
            del values["recipe"]
            config.write_text(json.dumps(values))
        case "other picture":
            values = json.loads(config.read_text())
            values["recipe"]["spectrogram"]["width"] = 100
            change(bundle, recipe=values["recipe"])
        case "fewer labels":
            change(bundle, labels=["happy", "sad"])
        case "link out":
            tflite.rename(bundle.parent / "elsewhere")
            tflite.symlink_to(bundle.parent / "elsewhere")
        case "list":
            config.write_text("[]")


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("no folder", "no such model bundle"),
        ("no config", "config.json is missing"),
        ("no tflite", "model.tflite is missing"),
        ("cut tflite", "wrong checksum"),
        ("changed byte", "wrong checksum"),
        ("newer", "newer than this avser reads"),
        ("no recipe", "damaged"),
        ("other picture", "its settings give 100x150"),
        ("fewer labels", "gives 4 labels"),
        pytest.param(
            "link out", "outside the bundle", marks=needs_posix("links without privileges")
        ),
        ("list", "damaged"),
    ],
)
def test_bad_bundles_are_one_line(bundle, how, expected):
    damage(bundle, how)
    with pytest.raises(ModelError, match=expected) as caught:
        Classifier.load(bundle)
    assert str(bundle) in str(caught.value)
    assert "\n" not in str(caught.value)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=8),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner),
        max_leaves=10,
    ),
    st.sampled_from(["labels", "recipe", "split", "format", "corpus", "files"]),
)
def test_any_json_in_the_config_is_a_model_error_or_read(bundle, value, key):
    original = (bundle / CONFIG).read_text()
    change(bundle, **{key: value})
    try:
        read_config(bundle)
    except ModelError:
        pass
    finally:
        (bundle / CONFIG).write_text(original)


def test_newest_bundle(bundle, tmp_path):
    older = shutil.copytree(bundle, tmp_path / "older")
    os.utime(older / CONFIG, (1, 1))
    assert newest_bundle(tmp_path) == bundle
    with pytest.raises(ModelError, match="no model bundle"):
        newest_bundle(tmp_path / "empty")


OLD = REPOSITORY / "tests" / "stored" / "bundle-format-1"


def test_a_bundle_of_format_1_still_answers_as_recorded(tmp_path):
    classifier = Classifier.load(OLD).with_any_sound()
    assert classifier.config.calibration is None
    assert classifier.config.recipe.ensemble == 1
    for emotion in PITCH:
        found = classifier.predict(write_wav(tmp_path / f"{emotion}.wav", voice(emotion)))
        assert (found.emotion, found.uncertain) == (emotion, False)
        assert found.confidence > 0.99


CALIBRATION = {
    "temperature": 2.0, "threshold": 0.9, "accuracy": 0.9, "coverage": 0.5, "ece_before": 0.1,
    "ece_after": 0.05, "clips": 100, "source": "made up",
}  # fmt: skip


def test_confidence_is_calibrated_as_the_bundle_says(bundle, tmp_path):
    path = write_wav(tmp_path / "a.wav", speech())
    plain = Classifier.load(bundle).predict(path)
    change(bundle, calibration=CALIBRATION)
    found = Classifier.load(bundle).predict(path)
    assert found.emotion == plain.emotion
    odds = [plain.probabilities[name] ** 0.5 for name in plain.probabilities]
    assert found.confidence == pytest.approx(max(odds) / sum(odds), abs=1e-5)
    assert (plain.uncertain, found.uncertain) == (False, True)
    change(bundle, calibration={**CALIBRATION, "threshold": 0.0})
    assert not Classifier.load(bundle).predict(path).uncertain
    change(bundle, calibration={**CALIBRATION, "temperature": 0})
    with pytest.raises(ModelError, match="damaged"):
        Classifier.load(bundle)
