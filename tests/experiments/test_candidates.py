import pytest

from avser_cli.errors import UsageError
from avser_cli.experiments.candidates import (
    DEFAULT_MODELS,
    MODELS,
    select_models,
    select_optimizers,
)
from avser_cli.experiments.published import TABLE_3
from avser_cli.model.known_recipes import find_recipe


def recipe_of(row):
    assert row.recipe is not None
    return row.recipe


def test_models_with_the_papers_settings_and_both_readings():
    rates = {name: recipe_of(row).learning_rate for name, row in MODELS.items()}
    assert (rates["cnn1d"], rates["cnn1d-5e-6"]) == (0.00005, 0.000005)
    assert recipe_of(MODELS["cnn2d-paper-dropout-0.8"]).dropout == 0.8
    assert MODELS["cnn2d-paper"].published == TABLE_3["cnn2d"]
    assert MODELS["cnn2d-default"].published is None


def test_usual_rows_and_baselines():
    names = [row.name for row in select_models(DEFAULT_MODELS, ["svm", "prior"], None, False)]
    assert names == [*DEFAULT_MODELS, "svm", "prior"]


def test_optimizers_by_rate():
    rows = select_optimizers(["adagrad", "adam"], [0.001, 0.005], find_recipe("cnn2d"), 7, False)
    found = [(recipe_of(row).optimizer, recipe_of(row).learning_rate) for row in rows]
    assert found == [("adagrad", 0.001), ("adam", 0.001), ("adagrad", 0.005), ("adam", 0.005)]
    assert {recipe_of(row).epochs for row in rows} == {7}
    assert len({row.inputs_key for row in rows}) == 1


def test_a_quick_run_is_short():
    rows = select_models(DEFAULT_MODELS, [], None, True)
    assert {(recipe_of(row).epochs, recipe_of(row).ensemble) for row in rows} == {(2, 1)}


@pytest.mark.parametrize(
    ("models", "baselines", "expected"),
    [
        (["mlp", "lstm"], [], "unknown model 'lstm'; known: mlp, cnn1d"),
        (["mlp"], ["wav2vec"], "unknown baseline 'wav2vec'; known: svm, opensmile, prior"),
        (["mlp", "mlp"], [], "once"),
        ([], [], "at least one"),
    ],
)
def test_unknown_and_double_names(models, baselines, expected):
    with pytest.raises(UsageError, match=expected):
        select_models(models, baselines, None, False)


def test_unknown_optimizer_lists_the_known():
    with pytest.raises(UsageError, match="'sgd'; known: adam, adagrad, rmsprop"):
        select_optimizers(["sgd"], [0.1], find_recipe("cnn2d"), None, False)
