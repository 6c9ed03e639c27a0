import json

import numpy as np
import pytest

from avser_cli.checksums import sha256
from avser_cli.data.audio_hash import find_copies
from avser_cli.data.clips import index_folder
from avser_cli.data.dataset import load_dataset
from avser_cli.data.network_inputs import reader_of
from avser_cli.errors import ModelError
from avser_cli.inference.loading import load_network
from avser_cli.model.bundle import CONFIG, HASHES, WEIGHTS, read_config
from avser_cli.model.bundle_arrays import (
    hashes_part,
    read_hashes,
    read_member_weights,
    weights_part,
)
from avser_cli.model.networks import build_network
from avser_cli.training.ensemble import join_networks
from tests.model.conftest import change


def test_hashes_are_of_the_training_clips(bundle, trained):
    config = read_config(bundle)
    index = index_folder(trained / "png", config.labels)
    dataset = load_dataset(index, config.labels, reader_of(index, config.recipe.spectrogram))
    hashes = read_hashes(bundle, config)
    rows = [[clip.key for clip in dataset.clips].index(key) for key in config.split.train]
    assert dataset.fingerprints is not None
    assert find_copies(dataset.fingerprints[rows], hashes).tolist() == list(range(48))


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
    expected = load_network(bundle, config).predict(pictures.astype(np.uint8))
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
