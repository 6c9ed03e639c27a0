"""How a bundle is trained on from, without what trains it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from avser_cli.errors import UsageError


@dataclass(frozen=True)
class AdaptationConfig:
    """How a bundle is trained on; its recipe says the rest.

    Attributes
    ----------
    head_epochs : int
        Epochs of the fully connected layers alone.
    head_rate : float
        Their learning rate.
    epochs : int
        Most epochs of all layers.
    rate : float
        Highest learning rate of these; it falls to 0 along a cosine.
    hold : float
        Half of it times the squared distance from the first weights is added to the loss.
    fewest_draws, most_draws : int
        Bounds of the clips an epoch, which are as many as there are in between.
    folds : int
        Folds of the training side on which is chosen.
    rehearsal : float
        Share of each batch that is of clips that the bundle was trained on before; where it is not
        0, weights are not held.
    """

    head_epochs: int = 4
    head_rate: float = 0.001
    epochs: int = 16
    rate: float = 0.0005
    hold: float = 0.01
    fewest_draws: int = 96
    most_draws: int = 1024
    folds: int = 2
    rehearsal: float = 0.0

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise UsageError("epochs: at least 1")
        if not 0 < self.rate <= 10:
            raise UsageError(f"learning rate {self.rate}: more than 0, at most 10")

    def with_options(self, **changes: Any) -> AdaptationConfig:
        """A copy with the values that are not ``None`` put in place."""
        return replace(self, **{k: v for k, v in changes.items() if v is not None})

    def as_dict(self) -> dict[str, float]:
        """The settings as plain values."""
        return asdict(self)
