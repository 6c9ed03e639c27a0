from dataclasses import replace

import numpy as np
import pytest

from avser_cli.errors import UsageError
from avser_cli.model.backend import keras
from avser_cli.model.known_recipes import find_recipe
from avser_cli.model.networks import (
    build_network,
    build_optimizer,
    draw_first_weights,
    output_shapes,
)

PICTURES = np.random.default_rng(0).integers(0, 256, (4, 150, 150)).astype(np.float32)


def test_paper_network_has_the_papers_geometry():
    network = build_network(find_recipe("cnn2d", "paper"), 4, PICTURES)
    sides = [shape[1] for _, shape in output_shapes(network)]
    assert sides == [148, 74, 72, 36, 34, 17, 15, 7, 5, 2]


TUTORIALS = ["tutorial", "tutorial-tflearn", "tutorial-raw"]


@pytest.mark.parametrize(
    ("network", "recipe"),
    [("cnn2d", name) for name in ("default", "paper", *TUTORIALS)] + [("cnn1d", "paper")],
)
def test_first_weights_are_of_a_seed_whatever_others_draw(network, recipe):
    chosen = find_recipe(network, recipe)
    inputs = PICTURES if network == "cnn2d" else PICTURES[:, 0, :1].repeat(181, axis=1)
    keras.utils.set_random_seed(3)
    alone = build_network(chosen, 4, inputs)
    other = build_network(chosen, 4, inputs)
    assert not np.array_equal(other.get_weights()[-2], alone.get_weights()[-2])
    draw_first_weights(other, 3)
    for ours, theirs in zip(alone.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def first_layers(name, seed=0):
    keras.utils.set_random_seed(seed)
    network = build_network(find_recipe("cnn2d", name), 4, PICTURES)
    return [layer for layer in network.layers if layer.get_weights()]


def test_the_tutorials_network_pools_by_five_until_one_pixel_is_left():
    recipe = find_recipe("cnn2d", "tutorial")
    network = build_network(recipe, 4, PICTURES)
    shapes = [shape[1:] for _, shape in output_shapes(network)]
    assert [side for side, _, _ in shapes] == [150, 30, 30, 6, 6, 2, 2, 1, 1, 1]
    assert [filters for _, _, filters in shapes[::2]] == [32, 64, 128, 64, 32]
    assert network.layers[-3].units == 1024
    assert network.layers[-2].rate == recipe.dropout == pytest.approx(0.2)


def test_tflearns_first_weights():
    """Uniform within ±sqrt(3 / n), n values into a unit; normal of 0.02, cut at twice that."""
    for layer in first_layers("tutorial-tflearn"):
        weights, biases = layer.get_weights()
        assert not biases.any()
        if weights.ndim == 4:
            limit = np.sqrt(3 / np.prod(weights.shape[:-1]))
            assert 0.95 * limit < np.abs(weights).max() <= limit
            assert weights.std() == pytest.approx(limit / np.sqrt(3), rel=0.05)
        else:
            assert np.abs(weights).max() <= 0.04
            assert weights.std() == pytest.approx(0.88 * 0.02, rel=0.05)


@pytest.mark.parametrize("name", TUTORIALS)
def test_the_seed_draws_the_tutorials_first_weights(name):
    first, again, other = (
        [layer.get_weights()[0] for layer in first_layers(name, seed)] for seed in (0, 0, 1)
    )
    for one, same, another in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(one, same)
        assert not np.array_equal(one, another)


def test_raw_gray_values_enter_as_they_are():
    def maps(name):
        network = build_network(find_recipe("cnn2d", name), 4, PICTURES)
        first = next(layer for layer in network.layers if layer.name.startswith("conv2d"))
        first.set_weights([np.ones(first.kernel.shape), np.zeros(32)])
        seen = keras.Model(network.input, first.output)
        return seen.predict(PICTURES, verbose=0)

    np.testing.assert_allclose(maps("tutorial-raw"), 255 * maps("tutorial-tflearn"), rtol=1e-4)


@pytest.mark.parametrize("name", ["default", "multi-corpus", "paper", *TUTORIALS])
def test_five_pairs_and_under_a_million_weights(name):
    network = build_network(find_recipe("cnn2d", name), 4, PICTURES)
    kinds = [shape[0].split("_")[0] for shape in output_shapes(network)]
    assert kinds == ["conv2d", "max"] * 5
    assert network.count_params() < 1_000_000
    assert network.output_shape == (None, 4)


@pytest.mark.parametrize("name", ["default", "multi-corpus"])
def test_an_ensemble_has_under_a_million_weights_in_all(name):
    recipe = find_recipe("cnn2d", name)
    assert recipe.ensemble * build_network(recipe, 4, PICTURES).count_params() < 1_000_000


def test_default_network_does_not_hear_the_level():
    network = build_network(find_recipe("cnn2d"), 4, PICTURES)
    soft = np.clip(PICTURES, 60, 200)
    louder = soft + 12 * 255 / 120
    first, second = (network.predict(batch, verbose=0) for batch in (soft, louder))
    np.testing.assert_allclose(first, second, atol=1e-4)


def test_cnn1d_standardises_and_pools_twice():
    features = np.random.default_rng(0).normal(5, 3, (20, 181)).astype(np.float32)
    network = build_network(find_recipe("cnn1d"), 4, features)
    kinds = [name.split("_")[0] for name, _ in output_shapes(network)]
    assert kinds == ["conv1d", "max", "conv1d", "max", "conv1d", "conv1d"]
    assert network.predict(features, verbose=0).sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_too_small_a_picture_is_refused():
    recipe = find_recipe("cnn2d", "paper")
    assert recipe.spectrogram is not None
    small = replace(recipe, spectrogram=replace(recipe.spectrogram, width=40, height=40))
    with pytest.raises(UsageError, match="40x40"):
        build_network(small, 4, PICTURES)


@pytest.mark.parametrize("name", ["adam", "adagrad", "rmsprop"])
def test_optimizers_by_name(name):
    recipe = find_recipe("cnn2d", "paper").with_options(optimizer=name, learning_rate=0.001)
    optimizer = build_optimizer(recipe, 100)
    assert type(optimizer).__name__.lower() == name
    assert float(optimizer.learning_rate) == pytest.approx(0.001)


@pytest.mark.parametrize(("clip", "expected"), [(1.0, (0.6, 0.8)), (None, (30.0, 40.0))])
def test_gradients_are_clipped_to_the_recipes_norm(clip, expected):
    recipe = find_recipe("cnn2d", "paper").with_options(optimizer="adagrad", learning_rate=1.0)
    optimizer = build_optimizer(replace(recipe, gradient_clip=clip), 10)
    weight = keras.Variable(np.zeros(2, np.float32))
    optimizer.apply([keras.ops.array([30.0, 40.0])], [weight])
    # Adagrad's first step, from an accumulator of 0.1.
    step = [-g / np.sqrt(0.1 + g**2) for g in expected]
    np.testing.assert_allclose(keras.ops.convert_to_numpy(weight), step, rtol=1e-4)


def test_cosine_schedule_warms_up_and_ends_at_zero():
    recipe = find_recipe("cnn2d")
    schedule = build_optimizer(recipe, 1500)._learning_rate
    assert float(schedule(100)) == pytest.approx(0.005, rel=0.01)
    assert float(schedule(0)) < 0.001
    assert float(schedule(1500)) == pytest.approx(0, abs=1e-6)
