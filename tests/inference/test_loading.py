from pathlib import Path

from avser_cli.inference.loading import MODEL_VARIABLE, bundled_model, load_network, resolve_model
from avser_cli.model.bundle import read_config
from avser_cli.model.mlp import MlpWeights
from avser_cli.model.tflite import TFLiteNetwork


def test_which_model_is_meant(monkeypatch, tmp_path):
    assert resolve_model(None) == bundled_model()
    monkeypatch.setenv(MODEL_VARIABLE, str(tmp_path))
    assert resolve_model(None) == tmp_path
    assert resolve_model(Path("given")) == Path("given")


def test_a_bundle_has_the_network_that_its_config_names(corpus, avser, tmp_path):
    lite = load_network(bundled_model(), read_config(bundled_model()))
    assert isinstance(lite, TFLiteNetwork)
    assert (lite.input_shape, lite.outputs) == ((150, 150), 4)
    done = avser("train", corpus, "--network", "mlp", "--epochs", "2", "--out", "m")
    assert done.returncode == 0, done.stderr
    assert isinstance(load_network(tmp_path / "m", read_config(tmp_path / "m")), MlpWeights)
