"""A network that goes on from the weights of another: its statistics, its output, all its layers.

Without rehearsal, weights are held near those that they had before all were trained (L2-SP; Li,
Grandvalet and Davoine 2018, "Explicit inductive bias for transfer learning with convolutional
networks").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from avser_cli.data.network_inputs import Inputs
from avser_cli.model.arrays import Array
from avser_cli.model.backend import keras
from avser_cli.model.recipe import Recipe, Sampling
from avser_cli.training.adaptation_config import AdaptationConfig, Statistics
from avser_cli.training.checkpoint import Checkpoint
from avser_cli.training.history import Epoch
from avser_cli.training.output_layer import OutputLayer
from avser_cli.training.rehearsal import RehearsedSet
from avser_cli.training.sampling import TrainingSet
from avser_cli.training.trainer import fit, predict_in_parts

STATISTICS_FROM = 256
"""Clips, at most, from which statistics are re-estimated."""


class AdaptedNetwork:
    """A network of a bundle's recipe.

    Parameters
    ----------
    network : keras.Model
        Its last layer gives the probabilities.
    recipe : Recipe
    config : AdaptationConfig
    temperature : float
        By which its logits are divided.
    """

    def __init__(
        self, network: Any, recipe: Recipe, config: AdaptationConfig, temperature: float
    ) -> None:
        self._network, self._recipe, self._config = network, recipe, config
        self._temperature = temperature
        self._features = keras.Model(network.input, network.layers[-1].input)

    def set_weights(self, weights: Sequence[Array]) -> None:
        """Have it start from these."""
        self._network.set_weights(weights)

    def predict(self, inputs: Inputs) -> npt.NDArray[np.float32]:
        """Probabilities, shape ``(n, emotions)``."""
        return predict_in_parts(self._network, inputs)

    def whole(self) -> Any:
        """The Keras model, to be trained or saved as any other."""
        self._network.trainable = True
        for weight in self._network.weights:
            weight.regularizer = None
        return self._network

    def prepare(
        self, clips: TrainingSet, statistics: Statistics, fits_output: bool, seed: int
    ) -> None:
        """Do what needs no training.

        Parameters
        ----------
        clips : TrainingSet
        statistics : {"frozen", "re-estimated"}
        fits_output : bool
            Whether to fit the output layer.
        seed : int
            Draws the clips that statistics are re-estimated from.
        """
        if statistics == "re-estimated":
            draws = min(STATISTICS_FROM, len(clips))
            rows = clips.epoch(Sampling(emotion=0.0, draws=draws), [seed])
            reestimate_statistics(self._network, clips.inputs[rows])
        if fits_output:
            self._fit_output(clips)

    def _fit_output(self, clips: TrainingSet) -> None:
        layer = self._network.layers[-1]
        features = predict_in_parts(self._features, clips.inputs)
        new = len(clips.new) if isinstance(clips, RehearsedSet) and clips.new else len(clips)
        fitted = OutputLayer(*layer.get_weights()).fitted(
            features,
            clips.labels,
            clip_weights(clips, self._config.rehearsal),
            self._temperature,
            self._config.hold_output / new,
        )
        layer.set_weights([fitted.kernel, fitted.bias])

    def train(
        self,
        clips: TrainingSet,
        statistics: Statistics,
        epochs: int,
        seed: int,
        on_epoch: Callable[[Epoch], None],
        checkpoint: Checkpoint | None = None,
        member: int = 1,
    ) -> list[Epoch]:
        """Train all layers, for some of the epochs that the learning rate falls over."""
        config, network = self._config, self._network
        draws, hold = min(len(clips), config.most_draws), config.hold
        if isinstance(clips, RehearsedSet):
            assert clips.new is not None
            draws, hold = clips.draws(min(len(clips.new), config.most_draws)), 0.0
        recipe = replace(
            self._recipe,
            sampling=Sampling(emotion=0.0, draws=draws),
            epochs=config.epochs,
            learning_rate=config.rate,
            schedule="cosine",
        )
        for layer in network.layers:
            normalises = isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = statistics == "re-estimated" or not normalises
        for weight, start in zip(network.weights, network.get_weights(), strict=True):
            weight.regularizer = _HoldNear(hold, start) if hold else None
        return fit(network, recipe, clips, seed, on_epoch, checkpoint, member, epochs)


def reestimate_statistics(network: Any, inputs: Inputs) -> None:
    """Have batch normalisation take the statistics of inputs instead of those that it has.

    After Li et al. 2016, "Revisiting batch normalization for practical domain adaptation".
    """
    kinds = (("momentum", keras.layers.BatchNormalization), ("rate", keras.layers.Dropout))
    changed = [
        (layer, name, getattr(layer, name))
        for name, kind in kinds
        for layer in network.layers
        if isinstance(layer, kind)
    ]
    for layer, name, _ in changed:
        setattr(layer, name, 0.0)
    network(inputs.astype(np.float32), training=True)
    for layer, name, value in changed:
        setattr(layer, name, value)


def clip_weights(clips: TrainingSet, rehearsal: float) -> npt.NDArray[np.float64]:
    """Each clip's weight, together 1: emotions weigh as much, clips that are rehearsed this share.

    Parameters
    ----------
    clips : TrainingSet
    rehearsal : float
        Of a `RehearsedSet`.
    """
    if isinstance(clips, RehearsedSet) and clips.new is not None and clips.old is not None:
        new, old = (clip_weights(part, 0.0) for part in (clips.new, clips.old))
        return np.concatenate([(1 - rehearsal) * new, rehearsal * old])
    counts = clips.draw_counts(Sampling(emotion=0.0, draws=len(clips)))
    weights: npt.NDArray[np.float64] = counts / counts.sum()
    return weights


class _HoldNear:
    """The penalty of L2-SP for a weight."""

    def __init__(self, strength: float, start: Array) -> None:
        self.strength, self.start = strength, keras.ops.convert_to_tensor(start)

    def __call__(self, weight: Any) -> Any:
        return self.strength / 2 * keras.ops.sum(keras.ops.square(weight - self.start))
