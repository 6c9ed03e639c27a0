"""The paper's multi-layer perceptron: scikit-learn trains it, its weights alone are kept.

Alpha 0.01, batches of 256, one hidden layer of 300, epsilon 1e-8 (Table 3). Features are
standardised by the training part.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from avser_cli.features.acoustic import FEATURE_COUNT
from avser_cli.learn.arrays import Kind, npz_bytes, read_arrays
from avser_cli.learn.calibration import softmax
from avser_cli.learn.recipes import Recipe

HIDDEN, ALPHA, EPSILON = 300, 0.01, 1e-8
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

    def predict(self, features: Floats) -> Floats:
        """Probabilities, shape ``(n, emotions)``, for features of shape ``(n, features)``."""
        # Absurd weights overflow; whoever asks sees that by the answers.
        with np.errstate(all="ignore"):
            x = (features - self.mean) / self.spread
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


def train_mlp(
    recipe: Recipe,
    features: Floats,
    labels: npt.NDArray[np.int64],
    emotions: int,
    seed: int,
    on_epoch: Callable[[int, float, float], None],
) -> MlpWeights:
    """Train the perceptron; `on_epoch` is called with the epoch (from 1), loss and accuracy."""
    from sklearn.neural_network import MLPClassifier

    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-6
    scaled = (features - mean) / spread
    model = MLPClassifier(
        hidden_layer_sizes=(HIDDEN,),
        solver="adam",
        alpha=ALPHA,
        batch_size=min(recipe.batch_size, len(features)),
        learning_rate_init=recipe.learning_rate,
        epsilon=EPSILON,
        random_state=seed,
    )
    for epoch in range(1, recipe.epochs + 1):
        model.partial_fit(scaled, labels, classes=np.arange(emotions))
        on_epoch(epoch, float(model.loss_), float(model.score(scaled, labels)))
    (hidden, output), (hidden_bias, output_bias) = model.coefs_, model.intercepts_
    if emotions == 2:
        # scikit-learn gives two classes one logistic output; as a softmax that is (0, x).
        output = np.hstack([np.zeros_like(output), output])
        output_bias = np.hstack([np.zeros_like(output_bias), output_bias])
    arrays = (mean, spread, hidden, hidden_bias, output, output_bias)
    return MlpWeights(*(np.asarray(array, dtype=np.float32) for array in arrays))
