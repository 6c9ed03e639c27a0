import pytest

from avser_cli.commands.epoch_progress import EpochProgress
from avser_cli.model.known_recipes import find_recipe
from avser_cli.training.history import Epoch

RECIPE = find_recipe("cnn2d").with_options(epochs=10, ensemble=3)


def progress_of(*epochs, seconds=2.0):
    progress = EpochProgress(RECIPE)
    for member, epoch in epochs:
        progress.add(Epoch(epoch, 1.0, 0.5, seconds, member))
    return progress


def test_networks_one_after_the_other():
    progress = progress_of(*((1, epoch) for epoch in range(1, 11)), (2, 1), (2, 2), (2, 3))
    assert (progress.done, progress.total) == (13, 30)
    assert progress.seconds_left == pytest.approx(17 * 2.0)


def test_networks_side_by_side():
    progress = progress_of((2, 1), (1, 1), (3, 1), (1, 2), (2, 2), (3, 2))
    assert progress.done == 6
    assert progress.seconds_left == pytest.approx(24 * 2.0 / 3)


def test_networks_that_were_finished_before_count():
    """They are told once more."""
    assert progress_of((1, 10), (3, 4), (2, 6)).done == 20


def test_of_networks_side_by_side_the_first_that_tells_may_be_the_last():
    assert progress_of((3, 1)).done == 1


def test_a_longer_network_counts_as_much_as_it_takes():
    progress = EpochProgress(RECIPE.with_options(second_longer=3))
    assert progress.total == 50
    for line in [(1, 10), (3, 10), (2, 28), (2, 29), (2, 30)]:
        progress.add(Epoch(line[1], 1.0, 0.5, 2.0, line[0]))
    assert (progress.done, progress.seconds_left) == (50, 0)


def test_the_longest_of_networks_side_by_side_ends_by_itself():
    progress = EpochProgress(RECIPE.with_options(second_longer=3))
    for line in [(1, 1), (2, 1), (1, 2), (2, 2)]:
        progress.add(Epoch(line[1], 1.0, 0.5, 2.0, line[0]))
    assert (progress.seconds_left, progress.seconds_in_all) == (28 * 2.0, 30 * 2.0)
    # That it is alone then says nothing on the next training.
    for line in [(1, 10), (3, 10), (2, 20), (2, 21), (2, 22), (2, 23)]:
        progress.add(Epoch(line[1], 1.0, 0.5, 2.0, line[0]))
    assert (progress.seconds_left, progress.seconds_in_all) == (7 * 2.0, 30 * 2.0)


def test_nothing_is_left_at_the_end():
    assert progress_of((1, 10), (2, 10), (3, 10)).seconds_left == 0
