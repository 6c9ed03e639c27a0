"""Training a network on the training side of a split, with a checkpoint each epoch.

The last epoch's weights are the model: nothing is chosen by looking at the held-out side.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from avser_cli.data.network_inputs import Inputs
from avser_cli.errors import UsageError
from avser_cli.model.backend import keras, tensorflow
from avser_cli.model.networks import build_network, build_optimizer, draw_first_weights
from avser_cli.model.recipe import Recipe
from avser_cli.training.batches import Batch, Batches
from avser_cli.training.checkpoint import Checkpoint
from avser_cli.training.history import Epoch
from avser_cli.training.sampling import TrainingSet

ops = keras.ops

MEMBER_SEED_STEP = 1000
"""Member k of an ensemble, counted from 0, trains with the seed plus k times this."""
AT_ONCE = 512
"""Inputs that are held as floats."""


def predict_in_parts(network: Any, inputs: Inputs) -> npt.NDArray[np.float32]:
    """What a network gives for inputs, of which some at a time become floats."""
    if len(inputs) == 0:
        return np.empty((0, network.output_shape[-1]), np.float32)
    starts = range(0, len(inputs), AT_ONCE)
    parts = (inputs[start : start + AT_ONCE].astype(np.float32) for start in starts)
    return np.concatenate([network.predict(part, verbose=0) for part in parts])


def train_member(
    recipe: Recipe,
    clips: TrainingSet,
    seed: int,
    on_epoch: Callable[[Epoch], None],
    checkpoint: Checkpoint | None,
    member: int,
) -> tuple[Any, list[Epoch]]:
    """Train one network of an ensemble, counted from 1, or the only one."""
    saved = checkpoint.of_member(member) if checkpoint else None
    member_seed = seed + MEMBER_SEED_STEP * (member - 1)
    last = member == recipe.ensemble > 1
    own = clips.of_specialist(recipe.specialist) if last else clips
    recipe = recipe.with_options(epochs=recipe.epochs_of(member))
    make_deterministic(member_seed)
    network = build_network(recipe, own.emotions, own.inputs)
    draw_first_weights(network, member_seed)
    return network, fit(network, recipe, own, member_seed, on_epoch, saved, member)


def make_deterministic(seed: int) -> None:
    """Have the seed decide first weights, and nothing else what is computed from them."""
    keras.utils.set_random_seed(seed)
    tensorflow.config.experimental.enable_op_determinism()


def fit(
    network: Any,
    recipe: Recipe,
    clips: TrainingSet,
    seed: int,
    on_epoch: Callable[[Epoch], None],
    checkpoint: Checkpoint | None = None,
    member: int = 1,
    last: int | None = None,
) -> list[Epoch]:
    """Train a network from the weights that it has, or from those of a checkpoint.

    Parameters
    ----------
    network : keras.Model
    recipe : Recipe
        Its optimizer, schedule and epochs, and how clips are drawn and changed.
    clips : TrainingSet
    seed : int
        Draws the clips of an epoch and their order, dropout and augmentation.
    on_epoch : callable
        Called after each epoch.
    checkpoint : Checkpoint, optional
        Where to go on from and to save to.
    member : int
        Which network of an ensemble, from 1.
    last : int, optional
        The epoch after which to stop, the schedule being that of all of the recipe's.

    Returns
    -------
    list of Epoch
    """
    steps = -(-(recipe.sampling.draws or len(clips)) // recipe.batch_size) * recipe.epochs
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
    network.compile(build_optimizer(recipe, steps), loss)
    history = checkpoint.load(network) if checkpoint else []
    step = _training_step(network, Batches(recipe, clips, [seed, 0])[0])
    for number in range(len(history), recipe.epochs if last is None else last):
        start = time.perf_counter()
        _seed_dropout(network, seed, number)
        with _interrupts_passed_on():
            mean_loss, accuracy = _train_epoch(step, Batches(recipe, clips, [seed, number]))
        seconds = time.perf_counter() - start
        history.append(Epoch(number + 1, mean_loss, accuracy, seconds, member))
        if not np.isfinite(history[-1].loss):
            raise UsageError(
                f"the loss became {history[-1].loss} in epoch {number + 1}; lower the learning "
                f"rate (now {recipe.learning_rate})"
            )
        if checkpoint:
            checkpoint.save(network, history)
        on_epoch(history[-1])
    return history


def _training_step(network: Any, example: Batch) -> Callable[..., tuple[Any, Any]]:
    """What updates a compiled network by one batch, compiled once for all epochs.

    Keras's own loop hands pictures from Python to TensorFlow in a thread beside the network's and
    takes between 1.1 and 2.2 times as long for the same weights.

    Returns
    -------
    callable
        From inputs, targets and weights of a batch to its loss and its number of right answers.
    """
    weights, optimizer = network.trainable_variables, network.optimizer
    optimizer.build(weights)
    # Of any size, since an epoch's last batch is smaller.
    signature = [tensorflow.TensorSpec((None, *x.shape[1:]), x.dtype) for x in example]

    @tensorflow.function(input_signature=signature)  # type: ignore[untyped-decorator]
    def step(inputs: Any, targets: Any, sample_weight: Any) -> tuple[Any, Any]:
        with tensorflow.GradientTape() as tape:
            answers = network(inputs, training=True)
            # With what regularizers add.
            loss = network.compute_loss(inputs, targets, answers, sample_weight)
        optimizer.apply(tape.gradient(loss, weights), weights)
        right = ops.equal(ops.argmax(answers, axis=-1), ops.argmax(targets, axis=-1))
        return loss, ops.sum(ops.cast(right, "int32"))

    return cast("Callable[..., tuple[Any, Any]]", step)


def _train_epoch(step: Callable[..., tuple[Any, Any]], batches: Batches) -> tuple[float, float]:
    """Train on every batch; the mean loss over the clips, and the share of right answers."""
    loss, right, seen = 0.0, 0, 0
    for number in range(len(batches)):
        batch = batches[number]
        size = len(batch[0])
        batch_loss, batch_right = step(*batch)
        loss += float(batch_loss) * size
        right += int(batch_right)
        seen += size
    return loss / seen, right / seen


@contextmanager
def _interrupts_passed_on() -> Iterator[None]:
    """Ctrl-C while TensorFlow's C++ code handles an error of its own comes as a RuntimeError."""
    try:
        yield
    except RuntimeError as error:
        if "KeyboardInterrupt" in str(error):
            raise KeyboardInterrupt from None
        raise


def _seed_dropout(network: Any, seed: int, epoch: int) -> None:
    """Set what dropout draws from, which a checkpoint does not keep, for one epoch."""
    generators = [x.seed_generator for x in network.layers if hasattr(x, "seed_generator")]
    for number, generator in enumerate(generators):
        state = np.random.default_rng([seed, epoch, number]).integers(0, 2**31, 2)
        generator.state.assign(state.astype(generator.state.dtype))
