"""What a training is fed with: an epoch's batches, in random order, changed at random."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from avser_cli.data.network_inputs import Inputs
from avser_cli.model.recipe import Recipe
from avser_cli.training.augmentation import augment
from avser_cli.training.sampling import TrainingSet

Floats = npt.NDArray[np.float32]
Batch = tuple[Floats, Floats, Floats]
"""Inputs, targets and each clip's weight in the loss."""

TYPICAL_SECONDS = 3.0
"""What a stretched picture is taken to span."""


class Batches:
    """One epoch's batches, drawn, shuffled and augmented by a seed that names the epoch.

    Each epoch draws from its own generator, so that a resumed run goes on as an undisturbed one.
    """

    def __init__(self, recipe: Recipe, clips: TrainingSet, seed: list[int]) -> None:
        self.recipe, self.inputs, self.seed = recipe, clips.inputs, seed
        self.targets = np.eye(clips.emotions, dtype=np.float32)[clips.labels]
        counts = (clips.draw_counts(recipe.sampling) @ self.targets).astype(np.float32)
        self.weights = _emotion_weights(counts, recipe.class_weight_power)
        self.order = clips.epoch(recipe.sampling, seed)

    def __len__(self) -> int:
        return -(-len(self.order) // self.recipe.batch_size)

    def __getitem__(self, index: int) -> Batch:
        """Inputs, targets and each clip's weight in the loss."""
        size = self.recipe.batch_size
        rows = self.order[index * size : (index + 1) * size]
        targets = self.targets[rows]
        rng = np.random.default_rng([*self.seed, index])
        batch = self._changed(self.inputs[rows], rng)
        if self.recipe.mixup > 0:
            batch, targets = mix(batch, targets, self.recipe.mixup, rng)
        return batch, targets, targets @ self.weights

    def _changed(self, batch: Inputs, rng: np.random.Generator) -> Floats:
        spectrogram, strength = self.recipe.spectrogram, self.recipe.augmentation
        if spectrogram is None or strength is None:
            return batch.astype(np.float32)
        column_seconds = (spectrogram.seconds or TYPICAL_SECONDS) / spectrogram.width
        return augment(batch, strength, spectrogram.dynamic_range, column_seconds, rng)


def mix(
    inputs: Floats, targets: Floats, alpha: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Mix each input with another of its batch, at least half of it its own, and their targets.

    Parameters
    ----------
    inputs, targets : numpy.ndarray
        Shapes ``(n, ...)`` and ``(n, emotions)``.
    alpha : float
        Shares come from Beta(alpha, alpha).
    rng : numpy.random.Generator
    """
    share = rng.beta(alpha, alpha, len(inputs)).astype(np.float32)
    share = np.maximum(share, 1 - share)
    other = rng.permutation(len(inputs))
    wide = share.reshape(-1, *[1] * (inputs.ndim - 1))
    mixed: Floats = inputs * wide + inputs[other] * (1 - wide)
    mixed_targets: Floats = targets * share[:, None] + targets[other] * (1 - share[:, None])
    return mixed, mixed_targets


def _emotion_weights(counts: Floats, class_weight_power: float) -> Floats:
    """Each emotion's weight in the loss by its clips in an epoch, with a mean of 1 over these."""
    counts = np.maximum(counts, 1.0)
    weights = counts**-class_weight_power
    scaled: Floats = (weights * counts.sum() / (weights * counts).sum()).astype(np.float32)
    return scaled
