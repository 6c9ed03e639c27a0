import json
import os
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avser_cli.checksums import sha256
from avser_cli.data.audio_hash import find_copies
from avser_cli.data.clips import index_folder
from avser_cli.data.dataset import load_dataset, reader_of
from avser_cli.errors import ModelError
from avser_cli.inference.classifier import Classifier
from avser_cli.inference.loading import load_network
from avser_cli.model.bundle import (
    CONFIG,
    HASHES,
    TFLITE,
    WEIGHTS,
    hashes_part,
    newest_bundle,
    read_config,
    read_hashes,
    read_member_weights,
    weights_part,
)
from avser_cli.model.networks import build_network
from avser_cli.training.trainer import join_networks
from tests.conftest import REPOSITORY
from tests.synthetic import PITCH, speech, voice, write_wav


@pytest.fixture
def bundle(trained, tmp_path):
    return shutil.copytree(trained / "models" / "tiny", tmp_path / "tiny")


def change(bundle, **values):
    path = bundle / CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_config_says_what_was_trained(bundle):
    config = read_config(bundle)
    assert config.labels == ("happy", "sad", "angry", "neutral")
    assert (config.recipe.name, config.recipe.epochs, config.seed) == ("default", 2, 0)
    assert (len(config.split.train), len(config.split.test)) == (48, 16)
    assert not set(config.split.train) & set(config.split.test)
    assert set(config.files) == {"model.keras", "model.tflite", "hashes.npz", "weights.npz"}
    parts = {path.name for path in bundle.iterdir()}
    assert parts >= {"metrics.json", "history.csv", "MODEL_CARD.md", "confusion.png"}


def test_hashes_are_of_the_training_clips(bundle, trained):
    config = read_config(bundle)
    index = index_folder(trained / "png", config.labels)
    dataset = load_dataset(index, config.labels, reader_of(index, config.recipe.spectrogram))
    hashes = read_hashes(bundle, config)
    rows = [[clip.key for clip in dataset.clips].index(key) for key in config.split.train]
    assert dataset.fingerprints is not None
    assert find_copies(dataset.fingerprints[rows], hashes).tolist() == list(range(48))


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


def test_bundles_without_hashes_are_read(bundle):
    values = json.loads((bundle / CONFIG).read_text())
    del values["files"][HASHES], values["corpora"]
    change(bundle, files=values["files"], format=3)
    config = read_config(bundle)
    assert read_hashes(bundle, config).shape == (0, 128)


@pytest.mark.parametrize("hashes", [np.zeros((47, 128), np.uint8), np.zeros((48, 128), np.float32)])
def test_hashes_of_another_number_or_kind_are_refused(bundle, hashes):
    content = hashes_part(hashes)
    (bundle / HASHES).write_bytes(content)
    values = json.loads((bundle / CONFIG).read_text())
    change(bundle, files=values["files"] | {HASHES: sha256(content)})
    with pytest.raises(ModelError, match=r"hashes\.npz is damaged"):
        read_hashes(bundle, read_config(bundle))


def kinds_of(network):
    return [(tuple(weight.shape), np.dtype(weight.dtype)) for weight in network.weights]


def test_weights_make_the_network_that_answers(bundle, trained):
    config = read_config(bundle)
    pictures = np.random.default_rng(0).integers(0, 255, (3, 150, 150)).astype(np.float32)
    member = build_network(config.recipe, 4, pictures)
    (weights,) = read_member_weights(bundle, config, kinds_of(member))
    member.set_weights(weights)
    found = join_networks([member], config.recipe.tta_shift).predict(pictures, verbose=0)
    expected = load_network(bundle, config).predict(pictures)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_weights_of_another_network_or_none_are_refused(bundle):
    values = json.loads((bundle / CONFIG).read_text())
    other = weights_part([[np.zeros((2, 3), np.float32)]])
    (bundle / WEIGHTS).write_bytes(other)
    change(bundle, files=values["files"] | {WEIGHTS: sha256(other)})
    wider = [((2, 4), np.dtype(np.float32))]
    with pytest.raises(ModelError, match=r"weights\.npz is damaged"):
        read_member_weights(bundle, read_config(bundle), wider)
    del values["files"][WEIGHTS]
    change(bundle, files=values["files"], format=4)
    with pytest.raises(ModelError, match=r"has no weights\.npz, the weights to go on from; train"):
        read_member_weights(bundle, read_config(bundle), wider)


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
        ("link out", "outside the bundle"),
        ("list", "damaged"),
    ],
)
def test_bad_bundles_are_one_line(bundle, how, expected):
    damage(bundle, how)
    with pytest.raises(ModelError, match=expected) as caught:
        Classifier.load(bundle)
    assert str(bundle) in str(caught.value)
    assert "\n" not in str(caught.value)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
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
