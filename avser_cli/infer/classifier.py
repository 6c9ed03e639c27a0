"""From a sound to an emotion, without TensorFlow."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from avser_cli.corpus.emotions import CATEGORIES, Category
from avser_cli.errors import ModelError
from avser_cli.learn.bundle import MLP, TFLITE, BundleConfig, read_config, read_part
from avser_cli.learn.calibration import with_temperature
from avser_cli.learn.litert import LiteNetwork
from avser_cli.learn.mlp import MlpWeights
from avser_cli.sound.decode import Clip, read_clip, refuse_silence
from avser_cli.sound.drawing import draw_clip

MODEL_VARIABLE = "AVSER_MODEL"
"""Environment variable that names the bundle to use where none is given."""


@dataclass(frozen=True)
class Prediction:
    """What a model hears in one clip.

    Attributes
    ----------
    emotion : str
        The most probable one.
    category : {"positive", "negative"}
    confidence : float
        Its probability, calibrated where the bundle says how.
    probabilities : dict of str to float
        Every emotion of the model, in label order.
    uncertain : bool
        The confidence is under the bundle's threshold; never, where it states none.
    """

    emotion: str
    category: Category
    confidence: float
    probabilities: dict[str, float]
    uncertain: bool = False


def box_model() -> Path:
    """The bundle that ships with avser: inside the package, or at the top of a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "models" / "default"
    return inside if inside.is_dir() else package.parent / "models" / "default"


def chosen_model(given: Path | None) -> Path:
    """The bundle that is meant: the given one, else ``AVSER_MODEL``, else the one in the box."""
    named = os.environ.get(MODEL_VARIABLE)
    return given or (Path(named) if named else box_model())


class Classifier:
    """A loaded model bundle. Make one with `Classifier.load`; it may be used by many threads.

    Attributes
    ----------
    config : BundleConfig
    """

    def __init__(self, config: BundleConfig, network: LiteNetwork | MlpWeights) -> None:
        self.config = config
        self._network = network
        self._lock = threading.Lock()

    @classmethod
    def load(cls, folder: Path | str | None = None) -> Self:
        """Load a bundle: `folder`, else ``AVSER_MODEL``, else the model in the box.

        Raises
        ------
        ModelError
            The bundle is missing, incomplete, damaged or of a newer format.
        """
        place = chosen_model(Path(folder) if folder is not None else None)
        config = read_config(place)
        if config.recipe.network == "mlp":
            content = read_part(place, MLP, config.files.get(MLP))
            return cls(config, _mlp(place, content))
        content = read_part(place, TFLITE, config.files.get(TFLITE))
        return cls(config, _lite(place, content, config))

    def predict(self, path: Path | str) -> Prediction:
        """Classify a sound file.

        Raises
        ------
        InputError
            The file cannot be decoded, is silent, or is too short to be judged.
        """
        path = Path(path)
        return self.predict_clip(path, read_clip(path))

    def predict_clip(self, name: Path | str, clip: Clip) -> Prediction:
        """Classify a decoded clip; `name` stands in the messages of errors."""
        picture = self.config.recipe.picture
        if picture is not None:
            return self._prediction(self.probabilities(draw_clip(name, clip, picture)[None])[0])
        from avser_cli.sound.features import feature_vector

        refuse_silence(name, clip.samples)
        features = feature_vector(clip.samples, clip.rate)
        return self._prediction(self.probabilities(features[None])[0])

    def probabilities(self, inputs: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Probabilities for what the network reads, calibrated where the bundle says how.

        Parameters
        ----------
        inputs : numpy.ndarray
            uint8 pictures, shape ``(n, height, width)``, or float32 features ``(n, 181)``.

        Returns
        -------
        numpy.ndarray
            float32, shape ``(n, emotions)``; rows add up to 1.
        """
        inputs = inputs.astype(np.float32)
        with self._lock:
            outputs = self._network.predict(inputs)
        calibration = self.config.calibration
        if calibration is None:
            return outputs
        return with_temperature(outputs, calibration.temperature)

    def _prediction(self, row: npt.NDArray[np.float32]) -> Prediction:
        best = int(row.argmax())
        emotion = self.config.labels[best]
        calibration = self.config.calibration
        return Prediction(
            emotion=emotion,
            category=CATEGORIES[emotion],
            confidence=float(row[best]),
            probabilities={
                label: float(value) for label, value in zip(self.config.labels, row, strict=True)
            },
            uncertain=calibration is not None and float(row[best]) < calibration.threshold,
        )


def _mlp(folder: Path, content: bytes) -> MlpWeights:
    try:
        return MlpWeights.from_npz(content)
    except (ValueError, KeyError, OSError) as error:
        raise ModelError(f"{folder}: {MLP} is damaged ({error}); train or copy again") from None


def _lite(folder: Path, content: bytes, config: BundleConfig) -> LiteNetwork:
    try:
        network = LiteNetwork(content)
    except (ValueError, RuntimeError) as error:
        raise ModelError(f"{folder}: {TFLITE} cannot be loaded ({error})") from None
    if network.outputs != len(config.labels):
        raise ModelError(
            f"{folder}: {TFLITE} gives {network.outputs} labels, the config names "
            f"{len(config.labels)}; train or copy again"
        )
    picture = config.recipe.picture
    if picture is not None and network.input_shape != (picture.height, picture.width):
        height, width = network.input_shape
        raise ModelError(
            f"{folder}: {TFLITE} reads pictures of {width}x{height}, its settings draw "
            f"{picture.width}x{picture.height}; train or copy again"
        )
    return network
