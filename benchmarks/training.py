"""What an epoch of training takes, against Keras's own loop over the same batches.

``python -m benchmarks.training`` trains a network of recipe `multi-corpus` on made pictures, in
turn as avser does and by ``keras.Model.fit``, and prints how many times as long the latter takes.
Both end with the same weights, to the bit, or the benchmark fails.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import replace
from typing import Any

import numpy as np

from avser_cli.model.backend import keras
from avser_cli.model.known_recipes import find_recipe
from avser_cli.model.networks import build_network, build_optimizer, draw_first_weights
from avser_cli.model.recipe import Recipe
from avser_cli.training.batches import Batch, Batches
from avser_cli.training.sampling import TrainingSet
from avser_cli.training.trainer import fit, make_deterministic

CLIPS, EPOCHS, SEED = 1600, 4, 0
RECIPE = find_recipe("cnn2d", "multi-corpus").with_options(epochs=EPOCHS, dropout=0.0, ensemble=1)
"""Without dropout, whose draws Keras's loop goes on with from epoch to epoch."""


class _OfKeras(keras.utils.PyDataset):  # type: ignore[misc]
    """The same batches as Keras's loop takes them."""

    def __init__(self, batches: Batches) -> None:
        super().__init__()
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> Batch:
        return self.batches[index]


def main() -> None:
    """Measure and print the ratio."""
    draw = np.random.default_rng(SEED)
    labels = np.arange(CLIPS) % 4
    pictures = draw.integers(0, 256, (CLIPS, 150, 150), dtype=np.uint8)
    clips = TrainingSet(pictures, labels, 4, np.zeros(CLIPS, np.int64), labels)
    recipe = replace(RECIPE, sampling=replace(RECIPE.sampling, draws=CLIPS))
    ours, theirs = _network(recipe, clips), _network(recipe, clips)
    ours_seconds = [line.seconds for line in fit(ours, recipe, clips, SEED, lambda _: None)]
    steps = -(-CLIPS // recipe.batch_size) * EPOCHS
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
    theirs.compile(build_optimizer(recipe, steps), loss)
    theirs_seconds = []
    for number in range(EPOCHS):
        start = time.perf_counter()
        batches = _OfKeras(Batches(recipe, clips, [SEED, number]))
        theirs.fit(batches, epochs=1, shuffle=False, verbose=0)
        theirs_seconds.append(time.perf_counter() - start)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    # The first epoch compiles.
    mine, peer = statistics.median(ours_seconds[1:]), statistics.median(theirs_seconds[1:])
    print(
        f"avser {mine:.1f} s an epoch of {CLIPS} clips, Keras's fit {peer:.1f} s: {peer / mine:.2f}"
    )


def _network(recipe: Recipe, clips: TrainingSet) -> Any:
    make_deterministic(SEED)
    network = build_network(recipe, clips.emotions, clips.inputs)
    draw_first_weights(network, SEED)
    return network


if __name__ == "__main__":
    main()
