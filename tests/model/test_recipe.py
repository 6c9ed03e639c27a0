import json
from dataclasses import replace

import pytest

from avser_cli.errors import UsageError
from avser_cli.model.recipe import RECIPES, Recipe, Sampling, find_recipe


def test_the_papers_settings():
    paper = find_recipe("cnn2d", "paper")
    assert (paper.optimizer, paper.learning_rate, paper.epochs) == ("adam", 0.005, 50)
    assert paper.dropout == pytest.approx(0.2)
    assert paper.spectrogram is not None
    shown = paper.spectrogram
    assert (shown.scale, shown.fmin, shown.fmax, shown.dynamic_range) == ("linear", 0, None, 120)
    cnn1d = find_recipe("cnn1d")
    assert (cnn1d.optimizer, cnn1d.learning_rate) == ("rmsprop", 0.00005)
    assert (cnn1d.batch_size, cnn1d.epochs, cnn1d.dropout) == (20, 500, 0.1)
    assert find_recipe("mlp").batch_size == 256


@pytest.mark.parametrize("name", ["tutorial", "tutorial-tflearn", "tutorial-raw"])
def test_the_tutorials_network_follows_the_paper_where_its_words_say_nothing(name):
    found, paper = find_recipe("cnn2d", name), find_recipe("cnn2d", "paper")
    same = {"name": name, "architecture": name, "learning_rate": 0.001}
    assert found == replace(paper, **same)


def test_without_a_name_cnn2d_is_default():
    assert find_recipe("cnn2d").name == "default"


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=lambda r: f"{r.network}-{r.name}")
def test_recipes_survive_json(recipe):
    assert Recipe.from_dict(json.loads(json.dumps(recipe.as_dict()))) == recipe


def test_options_replace_values():
    changed = find_recipe("cnn2d").with_options(learning_rate=0.001, epochs=None)
    assert (changed.learning_rate, changed.epochs) == (0.001, 50)


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


def test_recipes_of_before_sampling_take_every_clip_once():
    values = find_recipe("cnn2d").as_dict()
    del values["sampling"]
    assert Recipe.from_dict(values) == find_recipe("cnn2d")


def test_the_perceptron_draws_no_clips():
    with pytest.raises(UsageError, match="mlp takes every clip once"):
        find_recipe("mlp").with_options(sampling=Sampling(corpus=0.0))


@pytest.mark.parametrize(("network", "name"), [("cnn3d", None), ("mlp", "default")])
def test_unknown_names_list_the_known(network, name):
    with pytest.raises(UsageError, match="known: "):
        find_recipe(network, name)


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
