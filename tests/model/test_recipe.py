import json

import pytest

from avser_cli.errors import UsageError
from avser_cli.model.known_recipes import RECIPES, find_recipe
from avser_cli.model.recipe import Recipe, Sampling


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda r: f"{r.network}-{r.name}")
def test_recipes_survive_json(recipe):
    assert Recipe.from_dict(json.loads(json.dumps(recipe.as_dict()))) == recipe


def test_options_replace_values():
    changed = find_recipe("cnn2d").with_options(learning_rate=0.001, epochs=None)
    assert (changed.learning_rate, changed.epochs) == (0.001, find_recipe("cnn2d").epochs)


@pytest.mark.parametrize(
    "change",
    [
        {"optimizer": "sgd"},
        {"learning_rate": 0.0},
        {"epochs": 0},
        {"dropout": 1.0},
        {"batch_size": 0},
        {"architecture": "wide"},
    ],
)
def test_unusable_options(change):
    with pytest.raises(UsageError):
        find_recipe("cnn2d").with_options(**change)


@pytest.mark.parametrize(
    ("name", "value"), [("corpus", 1.5), ("emotion", -0.1), ("speaker", "all"), ("draws", 0)]
)
def test_sampling_from_a_file_is_checked(name, value):
    recipe = find_recipe("cnn2d").with_options(sampling=Sampling(corpus=0.5, draws=4000))
    values = json.loads(json.dumps(recipe.as_dict()))
    assert Recipe.from_dict(values) == recipe
    values["sampling"][name] = value
    with pytest.raises(ValueError, match=name):
        Recipe.from_dict(values)


def test_a_specialists_share_from_a_file_is_checked():
    values = find_recipe("cnn2d", "multi-corpus").as_dict()
    assert Recipe.from_dict(values).specialist_share == 0.25
    with pytest.raises(ValueError, match="specialist_share"):
        Recipe.from_dict(values | {"specialist_share": 1.5})


def test_the_second_of_three_networks_is_trained_longer():
    recipe = find_recipe("cnn2d", "multi-corpus").with_options(epochs=4)
    assert [recipe.epochs_of(member) for member in (1, 2, 3)] == [4, 12, 4]
    assert recipe.all_epochs == 20
    assert recipe.describe_epochs() == "4 epochs (12 of the second network)"


@pytest.mark.parametrize(("ensemble", "longer"), [(1, 3), (2, 3), (3, 1)])
def test_networks_are_trained_alike_where_the_second_is_last_or_no_longer(ensemble, longer):
    recipe = find_recipe("cnn2d").with_options(epochs=4, ensemble=ensemble, second_longer=longer)
    assert {recipe.epochs_of(member) for member in range(1, ensemble + 1)} == {4}
    assert recipe.all_epochs == 4 * ensemble
    assert recipe.describe_epochs() == "4 epochs"


@pytest.mark.parametrize("longer", [0, 1.5, "three"])
def test_how_much_longer_is_checked_in_a_file(longer):
    values = find_recipe("cnn2d", "multi-corpus").as_dict()
    with pytest.raises(ValueError, match="second_longer"):
        Recipe.from_dict(values | {"second_longer": longer})


def test_recipes_of_before_sampling_take_every_clip_once():
    values = find_recipe("cnn2d").as_dict()
    del values["sampling"]
    assert Recipe.from_dict(values) == find_recipe("cnn2d")


def test_the_perceptron_draws_no_clips():
    with pytest.raises(UsageError, match="mlp takes every clip once"):
        find_recipe("mlp").with_options(sampling=Sampling(corpus=0.0))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("stretch", -1.0),
        ("noise", 1.5),
        ("masks", 1.5),
        ("masks", True),
        ("gain_db", "loud"),
        ("gain_db", 1e9),
        ("colour", 1),
    ],
)
def test_every_field_of_an_augmentation_from_a_file_is_checked(name, value):
    values = find_recipe("cnn2d").as_dict()
    assert Recipe.from_dict(values) == find_recipe("cnn2d")
    values["augmentation"][name] = value
    with pytest.raises(ValueError, match=name):
        Recipe.from_dict(values)
