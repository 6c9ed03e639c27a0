"""Training of the paper's multi-layer perceptron with scikit-learn.

Alpha 0.01, batches of 256, one hidden layer of 300, epsilon 1e-8 (Table 3). Features are
standardized with the training side's mean and standard deviation.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from avser_cli.model.mlp import HIDDEN, Floats, MlpWeights
from avser_cli.model.recipe import Recipe

ALPHA, EPSILON = 0.01, 1e-8


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
    from threadpoolctl import threadpool_limits

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
        # Sums over several cores are rounded otherwise: weights would depend on their number.
        with threadpool_limits(1):
            model.partial_fit(scaled, labels, classes=np.arange(emotions))
            accuracy = float(model.score(scaled, labels))
        on_epoch(epoch, float(model.loss_), accuracy)
    (hidden, output), (hidden_bias, output_bias) = model.coefs_, model.intercepts_
    if emotions == 2:
        # scikit-learn gives two classes one logistic output; as a softmax that is (0, x).
        output = np.hstack([np.zeros_like(output), output])
        output_bias = np.hstack([np.zeros_like(output_bias), output_bias])
    arrays = (mean, spread, hidden, hidden_bias, output, output_bias)
    return MlpWeights(*(np.asarray(array, dtype=np.float32) for array in arrays))
