"""The paper's multi-layer perceptron: one hidden layer of 300 units (Table 3), as plain arrays."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from avser_cli.features.acoustic import FEATURE_COUNT
from avser_cli.model.arrays import Kind, npz_bytes, read_arrays
from avser_cli.model.calibration import softmax

HIDDEN = 300
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class MlpWeights:
    """A trained perceptron.

    Attributes
    ----------
    mean, spread : numpy.ndarray
        Of each feature over the training part, shape ``(features,)``.
    hidden, hidden_bias : numpy.ndarray
        Shapes ``(features, 300)`` and ``(300,)``.
    output, output_bias : numpy.ndarray
        Shapes ``(300, emotions)`` and ``(emotions,)``.
    """

    mean: Floats
    spread: Floats
    hidden: Floats
    hidden_bias: Floats
    output: Floats
    output_bias: Floats

    @property
    def count(self) -> int:
        """Number of trained weights."""
        return sum(x.size for x in (self.hidden, self.hidden_bias, self.output, self.output_bias))

    def clone(self) -> MlpWeights:
        """The same for another thread: itself."""
        return self

    def predict(self, features: Floats) -> Floats:
        """Probabilities, shape ``(n, emotions)``, for features of shape ``(n, features)``."""
        # Absurd weights overflow; the caller sees that in the probabilities.
        with np.errstate(all="ignore"):
            x = (features.astype(np.float32, copy=False) - self.mean) / self.spread
            x = np.maximum(x @ self.hidden + self.hidden_bias, 0.0) @ self.output + self.output_bias
            return softmax(x)

    def to_npz(self) -> bytes:
        """The weights as an ``.npz`` file."""
        return npz_bytes(asdict(self))

    @classmethod
    def from_npz(cls, content: bytes, emotions: int) -> MlpWeights:
        """Weights from an ``.npz`` file; ``ValueError`` where it does not hold them."""
        shapes = {
            "mean": (FEATURE_COUNT,),
            "spread": (FEATURE_COUNT,),
            "hidden": (FEATURE_COUNT, HIDDEN),
            "hidden_bias": (HIDDEN,),
            "output": (HIDDEN, emotions),
            "output_bias": (emotions,),
        }
        kinds: dict[str, Kind] = {name: (x, np.dtype(np.float32)) for name, x in shapes.items()}
        return cls(**read_arrays(content, kinds))
