import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from avser_cli.audio.selection import SoundSelection
from avser_cli.errors import ModelError
from avser_cli.inference.calibrated_network import CalibratedNetwork
from avser_cli.inference.classifier import Classifier
from avser_cli.inference.loading import bundled_model
from avser_cli.model.bundle import read_config
from avser_cli.model.calibration import with_temperature

ROW = np.array([[0.7, 0.1, 0.1, 0.1]], np.float32)
PICTURE = np.zeros((1, 4, 4), np.uint8)


class Network:
    """Gives what it is told to, and notices a second thread."""

    def __init__(self, outputs, made=None):
        self.outputs, self.made = outputs, [] if made is None else made
        self.made.append(self)
        self.busy = threading.Lock()

    def clone(self):
        return Network(self.outputs, self.made)

    def predict(self, inputs):
        assert self.busy.acquire(blocking=False)
        time.sleep(0.01)
        self.busy.release()
        if isinstance(self.outputs, Exception):
            raise self.outputs
        return self.outputs


@pytest.fixture(scope="module")
def config():
    return read_config(bundled_model())


def test_probabilities_are_calibrated_where_the_bundle_says_how(config):
    assert config.calibration is not None
    warmer = replace(config, calibration=replace(config.calibration, temperature=2.0))
    found = CalibratedNetwork(warmer, Network(ROW)).probabilities(PICTURE)
    np.testing.assert_allclose(found, with_temperature(ROW, 2.0))
    assert found.max() < ROW.max()
    plain = CalibratedNetwork(replace(config, calibration=None), Network(ROW))
    np.testing.assert_array_equal(plain.probabilities(PICTURE), ROW)


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        (np.full((1, 4), np.nan, np.float32), "no probabilities"),
        (np.array([[1.2, -0.2, 0, 0]], np.float32), "no probabilities"),
        (np.full((1, 4), 0.3, np.float32), "no probabilities"),
        (ValueError("wrong shape"), r"cannot be asked \(wrong shape\)"),
    ],
    ids=["nan", "negative", "sum", "error"],
)
def test_answers_that_are_none_are_refused(config, outputs, reason):
    with pytest.raises(ModelError, match=f"^{config.name}: .*{reason}"):
        CalibratedNetwork(config, Network(outputs)).probabilities(PICTURE)


def test_no_two_threads_ask_one_network_and_there_are_no_more_than_threads(config):
    network = Network(ROW)
    asked = CalibratedNetwork(config, network)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: asked.probabilities(PICTURE), range(20)))
    assert len(found) == 20
    assert 1 < len(network.made) <= 4


def test_another_process_starts_with_one_network():
    asked = Classifier.load()._network
    again = pickle.loads(pickle.dumps(asked))
    pictures = np.zeros((1, 150, 150), np.uint8)
    np.testing.assert_array_equal(again.probabilities(pictures), asked.probabilities(pictures))


def test_classifiers_of_channels_share_one():
    classifier = Classifier.load()
    left, right = (classifier.with_selection(SoundSelection(number)) for number in (1, 2))
    assert left._network is right._network is classifier._network
