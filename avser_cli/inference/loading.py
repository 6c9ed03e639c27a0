"""Which model is asked, and its network."""

from __future__ import annotations

import os
from pathlib import Path

from avser_cli.errors import ModelError
from avser_cli.features.acoustic import FEATURE_COUNT
from avser_cli.files import replaced_folder
from avser_cli.model.bundle import MLP, TFLITE, BundleConfig, read_weights
from avser_cli.model.mlp import MlpWeights
from avser_cli.model.tflite import TFLiteNetwork

MODEL_VARIABLE = "AVSER_MODEL"
"""Environment variable that names the bundle to use where none is given."""


def bundled_model() -> Path:
    """The bundle that ships with avser: inside the package, or at the top of a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "models" / "default"
    return inside if inside.is_dir() else package.parent / "models" / "default"


def resolve_model(given: Path | None) -> Path:
    """The bundle to use: the given one, else ``AVSER_MODEL``, else the bundled model.

    One that a kill left between two names is found, too.
    """
    from_environment = os.environ.get(MODEL_VARIABLE)
    place = given or (Path(from_environment) if from_environment else bundled_model())
    return replaced_folder(place)


def load_network(folder: Path, config: BundleConfig) -> TFLiteNetwork | MlpWeights:
    """The network of a bundle.

    Raises
    ------
    ModelError
        Its part is missing, damaged, or not what the config says.
    """
    if config.recipe.network == "mlp":
        return _mlp(folder, read_weights(folder, MLP, config), config)
    return _lite(folder, read_weights(folder, TFLITE, config), config)


def _mlp(folder: Path, content: bytes, config: BundleConfig) -> MlpWeights:
    try:
        return MlpWeights.from_npz(content, len(config.labels))
    except ValueError as error:
        raise ModelError(f"{folder}: {MLP} is damaged ({error}); train or copy again") from None


def _lite(folder: Path, content: bytes, config: BundleConfig) -> TFLiteNetwork:
    try:
        network = TFLiteNetwork(content)
    except (ValueError, RuntimeError, MemoryError) as error:
        raise ModelError(f"{folder}: {TFLITE} cannot be loaded ({error})") from None
    if network.outputs != len(config.labels):
        raise ModelError(
            f"{folder}: {TFLITE} gives {network.outputs} labels, the config names "
            f"{len(config.labels)}; train or copy again"
        )
    spectrogram = config.recipe.spectrogram
    wanted = (spectrogram.height, spectrogram.width) if spectrogram else (FEATURE_COUNT,)
    if network.input_shape != wanted:
        raise ModelError(
            f"{folder}: {TFLITE} reads {_size(network.input_shape)}, its settings give "
            f"{_size(wanted)}; train or copy again"
        )
    return network


def _size(shape: tuple[int, ...]) -> str:
    """In words: width and height of a picture, or how many features."""
    return f"{shape[1]}x{shape[0]}" if len(shape) == 2 else f"{'x'.join(map(str, shape))} numbers"
