"""The progress of a training, a line an epoch."""

from __future__ import annotations

from statistics import mean

from avser_cli.model.recipe import Recipe
from avser_cli.training.history import Epoch


class EpochProgress:
    """The epochs of a training so far, of whose networks several may be trained at once.

    Parameters
    ----------
    recipe : Recipe
    """

    def __init__(self, recipe: Recipe) -> None:
        self.total = recipe.all_epochs
        self._epochs = {n: recipe.epochs_of(n) for n in range(1, recipe.ensemble + 1)}
        self._last = dict.fromkeys(self._epochs, 0)
        self._at_once = 1
        self._seconds: list[float] = []

    def add(self, line: Epoch) -> None:
        """Take an epoch in."""
        self._last[line.member] = line.epoch
        self._seconds.append(line.seconds)
        begun = {n for n, last in self._last.items() if 0 < last < self._epochs[n]}
        self._at_once = max(self._at_once, len(begun | {line.member}))

    @property
    def done(self) -> int:
        """Epochs of all networks, those of an interrupted training that is gone on with, too."""
        return sum(self._last.values())

    @property
    def seconds_left(self) -> float:
        """Until the last epoch of the last network."""
        return self._seconds_for([self._epochs[n] - last for n, last in self._last.items()])

    @property
    def seconds_in_all(self) -> float:
        """What a training like this one takes."""
        return self._seconds_for(list(self._epochs.values()))

    def _seconds_for(self, epochs: list[int]) -> float:
        """With as many networks at once as were seen, and the longest by itself at the end."""
        return mean(self._seconds) * max(*epochs, sum(epochs) / self._at_once)
