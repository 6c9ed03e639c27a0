from dataclasses import replace

import pytest

from avser_cli.errors import UsageError
from avser_cli.model.known_recipes import find_recipe


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


@pytest.mark.parametrize(("network", "name"), [("cnn3d", None), ("mlp", "default")])
def test_unknown_names_list_the_known(network, name):
    with pytest.raises(UsageError, match="known: "):
        find_recipe(network, name)
