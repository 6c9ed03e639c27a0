"""Fitting a network's output layer to clips, on what the layer before it gives.

The layer is a multinomial logistic regression, held near the one that it was: the mode of a normal
prior about the old weights. The cost is convex, so that nothing but the clips decides, in a moment.
That the output layer is fitted before other layers are trained is after Kumar et al. 2022,
"Fine-tuning can distort pretrained features and underperform out-of-distribution".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from avser_cli.model.arrays import Array

Floats = npt.NDArray[np.float64]

BIAS_SHARE = 0.01
"""How strongly biases are held, to weights: hardly, since what changes most from one corpus to
another is how readily each emotion is answered."""


@dataclass(frozen=True)
class OutputLayer:
    """Weights from features to logits.

    Attributes
    ----------
    kernel : numpy.ndarray
        Shape ``(features, emotions)``.
    bias : numpy.ndarray
        Shape ``(emotions,)``.
    """

    kernel: Array
    bias: Array

    def logits(self, features: npt.NDArray[np.floating]) -> Floats:
        """Shape ``(n, emotions)``, of features ``(n, features)``."""
        return features.astype(np.float64) @ self.kernel + self.bias

    def fitted(
        self,
        features: npt.NDArray[np.floating],
        labels: npt.NDArray[np.int64],
        weights: Floats,
        temperature: float,
        hold: float,
    ) -> OutputLayer:
        """The same, changed as labelled clips ask for.

        Parameters
        ----------
        features : numpy.ndarray
            Shape ``(n, features)``.
        labels : numpy.ndarray
            Indices of emotions, shape ``(n,)``.
        weights : numpy.ndarray
            Of the clips in the cost, shape ``(n,)``, together 1.
        temperature : float
            By which the logits are divided, so that the old layer is as sure as it may be.
        hold : float
            Half of it times the squared change of the weights, of features of spread 1, is added to
            the cost.
        """
        from scipy.optimize import minimize
        from scipy.special import log_softmax

        count, emotions = self.kernel.shape
        middle = features.mean(axis=0, dtype=np.float64)
        spread = max(float(features.std(dtype=np.float64)), np.finfo(np.float32).tiny)
        scaled = (features - middle) / spread
        old = self.logits(features) / temperature
        targets = np.eye(emotions)[labels]
        strength = np.full((count + 1) * emotions, hold)
        strength[-emotions:] *= BIAS_SHARE

        def cost(change: Floats) -> tuple[float, Floats]:
            kernel, bias = change[: count * emotions].reshape(count, emotions), change[-emotions:]
            found = log_softmax(old + scaled @ kernel + bias, axis=1)
            error = (np.exp(found) - targets) * weights[:, None]
            slope = np.concatenate([(scaled.T @ error).ravel(), error.sum(axis=0)])
            surprise = -float(weights @ (found * targets).sum(axis=1))
            return surprise + float(strength @ change**2) / 2, slope + strength * change

        start = np.zeros((count + 1) * emotions)
        change = minimize(cost, start, jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
        kernel = temperature * change[: count * emotions].reshape(count, emotions) / spread
        bias = temperature * change[-emotions:] - middle @ kernel
        return OutputLayer(
            (self.kernel + kernel).astype(np.float32), (self.bias + bias).astype(np.float32)
        )
