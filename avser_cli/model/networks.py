"""The networks, written with Keras 3 operations only.

Every network takes what its recipe reads as it is stored (gray values 0 to 255, or feature
vectors) and scales it itself, so that nothing has to be remembered when it is used.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from avser_cli.errors import UsageError
from avser_cli.features.acoustic import FEATURE_COUNT
from avser_cli.features.spectrogram import SpectrogramConfig
from avser_cli.model.backend import keras
from avser_cli.model.recipe import Recipe

layers, ops = keras.layers, keras.ops

LEVEL_ABOVE_MEAN, LEVEL_BELOW_MEAN = 15.0, 55.0
"""The levels that the default network reads: from this far under to this far over the
clip's mean level, in dB."""

PAPER_FILTERS = (16, 32, 64, 64, 64)
PAPER_UNITS = 512
TUTORIAL_FILTERS = (32, 64, 128, 64, 32)
TUTORIAL_UNITS = 1024
FILTERS = {"default": (32, 64, 80, 96, 128), "narrow": (24, 48, 64, 96, 128)}
"""Of the convolutions of the default network, and of the same with three quarters of its work."""
DEFAULT_POOLS = ((2, 2), (2, 2), (2, 1), (2, 1), (1, 1))
"""Rows and columns that are pooled after each convolution; the fifth convolution's pooling is the
one over time in the head."""
DEFAULT_UNITS = 128


@dataclass(frozen=True)
class Beginning:
    """How the tutorial's network begins.

    Attributes
    ----------
    convolutions, dense : callable
        Gives what draws a layer's first weights; biases begin at 0.
    highest : float
        What a gray value of 255 enters as.
    """

    convolutions: Callable[[], keras.Initializer] = keras.initializers.GlorotUniform
    dense: Callable[[], keras.Initializer] = keras.initializers.GlorotUniform
    highest: float = 1.0


# tflearn/layers/conv.py and core.py: `uniform_scaling` for conv_2d, `truncated_normal` of 0.02 for
# fully_connected. The former, of factor 1 (tflearn/initializations.py), is uniform within
# ±sqrt(3 / n), where n is what enters a unit: LeCun's in Keras. The latter redraws what is over two
# standard deviations, as Keras does.
_AS_TFLEARN = Beginning(
    keras.initializers.LecunUniform, partial(keras.initializers.TruncatedNormal, stddev=0.02)
)
TUTORIALS = {
    "tutorial": Beginning(),
    "tutorial-tflearn": _AS_TFLEARN,
    "tutorial-raw": replace(_AS_TFLEARN, highest=255.0),
}
"""The tutorial's network as Keras begins it, as TFLearn does, and that on gray values that nobody
scaled, as the tutorial's script and the paper's algorithm have it: ``np.array(img)``."""


def build_network(
    recipe: Recipe, emotions: int, training_inputs: npt.NDArray[np.generic]
) -> keras.Model:
    """An untrained network for a recipe.

    Parameters
    ----------
    recipe : Recipe
        Of network `cnn2d` or `cnn1d`.
    emotions : int
        Number of outputs.
    training_inputs : numpy.ndarray
        The training part, for networks that standardise by its mean and spread.

    Returns
    -------
    keras.Model
        From ``(n, height, width)`` gray values or ``(n, 181)`` features to probabilities
        ``(n, emotions)``.

    Raises
    ------
    UsageError
        The picture is too small for five convolution-pooling pairs.
    """
    if recipe.network == "cnn1d":
        return _paper_cnn1d(recipe, emotions, training_inputs)
    assert recipe.spectrogram is not None
    try:
        if recipe.architecture == "paper":
            return _paper_cnn2d(recipe, recipe.spectrogram, emotions)
        if recipe.architecture in TUTORIALS:
            return _tutorial_cnn2d(recipe, recipe.spectrogram, emotions)
        filters = FILTERS[recipe.architecture]
        return _default_cnn2d(recipe, recipe.spectrogram, emotions, filters)
    except ValueError as error:
        size = f"{recipe.spectrogram.width}x{recipe.spectrogram.height}"
        raise UsageError(
            f"pictures of {size} do not fit five convolution-pooling pairs ({error})"
        ) from None


def _paper_cnn2d(recipe: Recipe, spectrogram: SpectrogramConfig, emotions: int) -> keras.Model:
    """Build the paper's network (sections 3.2 and 3.3).

    Five pairs of a valid 3x3 convolution (N-F+1) and a 2x2 pooling ((W-F)/S+1), then two fully
    connected layers.
    """
    inputs = keras.Input((spectrogram.height, spectrogram.width))
    x = layers.Reshape((spectrogram.height, spectrogram.width, 1))(inputs / 255.0)
    for filters in PAPER_FILTERS:
        x = layers.Conv2D(filters, 3, padding="valid", activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(PAPER_UNITS, activation="relu")(x)
    x = layers.Dropout(recipe.dropout)(x)
    return keras.Model(inputs, layers.Dense(emotions, activation="softmax")(x))


def _tutorial_cnn2d(recipe: Recipe, spectrogram: SpectrogramConfig, emotions: int) -> keras.Model:
    """Build the network of a TFLearn tutorial on cats and dogs, which the paper's words recall.

    Five pairs of a 5x5 convolution and a 5x5 pooling, both padded, so that one pixel is left of a
    picture of 150 pixels after the fourth, then two fully connected layers.
    """
    begin = TUTORIALS[recipe.architecture]
    inputs = keras.Input((spectrogram.height, spectrogram.width))
    gray = inputs * (begin.highest / 255.0)
    x = layers.Reshape((spectrogram.height, spectrogram.width, 1))(gray)
    for filters in TUTORIAL_FILTERS:
        x = layers.Conv2D(
            filters, 5, padding="same", activation="relu", kernel_initializer=begin.convolutions()
        )(x)
        x = layers.MaxPooling2D(5, padding="same")(x)
    x = layers.Flatten()(x)
    x = layers.Dense(TUTORIAL_UNITS, activation="relu", kernel_initializer=begin.dense())(x)
    x = layers.Dropout(recipe.dropout)(x)
    outputs = layers.Dense(emotions, activation="softmax", kernel_initializer=begin.dense())(x)
    return keras.Model(inputs, outputs)


def _default_cnn2d(
    recipe: Recipe, spectrogram: SpectrogramConfig, emotions: int, filters_of: Sequence[int]
) -> keras.Model:
    """Build the default network: five pairs with batch normalisation and a head over time.

    The head cares at which frequency something sounds but not when: frequency is kept apart,
    time goes through attention and a maximum.
    """
    inputs = keras.Input((spectrogram.height, spectrogram.width))
    x = _relative_level(inputs, spectrogram.dynamic_range)
    x = layers.Reshape((spectrogram.height, spectrogram.width, 1))(x)
    for number, (filters, pool) in enumerate(zip(filters_of, DEFAULT_POOLS, strict=True)):
        size, stride = (5, 2) if number == 0 else (3, 1)
        x = layers.Conv2D(filters, size, strides=stride, padding="same", use_bias=False)(x)
        # Pooled before it is normalised: a quarter of the values to normalise.
        x = layers.MaxPooling2D(pool)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
    x = layers.Permute((2, 1, 3))(x)
    x = layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]))(x)
    x = layers.Dropout(recipe.dropout)(x)
    x = layers.Dense(DEFAULT_UNITS, use_bias=False)(x)
    x = layers.BatchNormalization(momentum=0.9)(x)
    x = layers.ReLU()(x)
    attention = layers.Softmax(axis=1)(layers.Dense(1)(x))
    x = layers.Concatenate()([ops.sum(attention * x, axis=1), ops.max(x, axis=1)])
    x = layers.Dropout(recipe.dropout)(x)
    return keras.Model(inputs, layers.Dense(emotions, activation="softmax")(x))


def _relative_level(gray: keras.KerasTensor, dynamic_range: float) -> keras.KerasTensor:
    """Gray values as levels relative to the clip's own mean level, scaled to about -1 to 1.

    Gain says nothing about the emotion, so the mean power over the picture is subtracted; levels
    far below it (room and recorder noise) are clipped.
    """
    level = gray * (dynamic_range / 255.0) - dynamic_range
    power = ops.exp(level * float(np.log(10.0) / 10.0))
    mean = ops.mean(ops.sum(power, axis=1), axis=1, keepdims=True)
    mean_level = ops.log(mean + 1e-12) * float(10.0 / np.log(10.0))
    clipped = ops.relu(level - ops.expand_dims(mean_level, -1) + LEVEL_BELOW_MEAN)
    return clipped * (2.0 / (LEVEL_ABOVE_MEAN + LEVEL_BELOW_MEAN)) - 1.0


def _paper_cnn1d(
    recipe: Recipe, emotions: int, training_inputs: npt.NDArray[np.generic]
) -> keras.Model:
    """Four convolutions, the first two with max-pooling, then flatten and dense (section 1).

    The paper is silent on sizes: 64 filters of 5, pooling by 4. Features are standardised by the
    training part, as the field does; without it the mel levels drown the rest.
    """
    normalise = layers.Normalization(axis=-1)
    normalise.adapt(training_inputs)
    inputs = keras.Input((FEATURE_COUNT,))
    x = layers.Reshape((FEATURE_COUNT, 1))(normalise(inputs))
    for pooled in (True, True, False, False):
        x = layers.Conv1D(64, 5, padding="same", activation="relu")(x)
        if pooled:
            x = layers.MaxPooling1D(4)(x)
    x = layers.Dropout(recipe.dropout)(layers.Flatten()(x))
    return keras.Model(inputs, layers.Dense(emotions, activation="softmax")(x))


def draw_first_weights(network: keras.Model, seed: int) -> None:
    """Have a seed alone decide a network's first weights.

    They are those of a network that is built after `keras.utils.set_random_seed` where no other
    thread draws meanwhile. Keras takes the seeds of layers from Python's common generator, from
    which the threads of a Dask worker draw, too.
    """
    seeds = random.Random(seed)
    for layer in network.layers:
        if isinstance(layer, layers.Dropout) and layer.rate:
            _draw_seed(seeds)
        if isinstance(layer, layers.Conv1D | layers.Conv2D | layers.Dense):
            initializer = copy(layer.kernel_initializer)
            initializer.seed = _draw_seed(seeds)
            layer.kernel.assign(initializer(layer.kernel.shape, layer.kernel.dtype))


def _draw_seed(seeds: random.Random) -> int:
    """The next seed, as Keras draws them."""
    return seeds.randint(1, 10**9)


def build_optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    """The recipe's optimizer with its schedule over `steps` updates."""
    rate: float | keras.optimizers.schedules.LearningRateSchedule = recipe.learning_rate
    if recipe.schedule == "cosine":
        warm_up = max(1, steps // 15)
        rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=recipe.learning_rate / 20,
            decay_steps=max(1, steps - warm_up),
            warmup_target=recipe.learning_rate,
            warmup_steps=warm_up,
        )
    kinds = {
        "adam": keras.optimizers.Adam,
        "adagrad": keras.optimizers.Adagrad,
        "rmsprop": keras.optimizers.RMSprop,
    }
    return kinds[recipe.optimizer](rate, clipnorm=recipe.gradient_clip)


def output_shapes(network: keras.Model) -> Sequence[tuple[str, tuple[int | None, ...]]]:
    """Name and output shape of every convolution and pooling layer in order."""
    wanted = (layers.Conv1D, layers.Conv2D, layers.MaxPooling1D, layers.MaxPooling2D)
    return [(x.name, tuple(x.output.shape)) for x in network.layers if isinstance(x, wanted)]
