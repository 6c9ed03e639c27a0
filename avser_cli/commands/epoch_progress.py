"""The progress of a training, a line an epoch."""

from __future__ import annotations

from collections import deque

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
        self._last: dict[int, int] = {}
        self._recent: deque[int] = deque(maxlen=recipe.ensemble)
        self._seconds: list[float] = []

    def add(self, line: Epoch) -> None:
        """Take an epoch in."""
        self._last[line.member] = line.epoch
        self._recent.append(line.member)
        self._seconds.append(line.seconds)

    @property
    def done(self) -> int:
        """Epochs of all networks, those of an interrupted training that is gone on with, too."""
        return sum(self._last.values())

    @property
    def each(self) -> float:
        """Seconds that an epoch takes, divided by the networks that are trained at once."""
        return sum(self._seconds) / len(self._seconds) / len(set(self._recent))

    @property
    def seconds_left(self) -> float:
        """Until the last epoch of the last network."""
        return self.each * (self.total - self.done)
