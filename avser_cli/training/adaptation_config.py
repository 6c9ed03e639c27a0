"""Settings of fine-tuning, apart from the code that trains."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from avser_cli.errors import UsageError

Statistics = Literal["frozen", "re-estimated"]
STATISTICS: tuple[Statistics, ...] = ("frozen", "re-estimated")
"""What batch normalisation does: keeps its running statistics as they are, or takes those of the
new clips and goes on with them."""


@dataclass(frozen=True)
class AdaptationConfig:
    """How a bundle is trained on; its recipe says the rest.

    Attributes
    ----------
    hold_output : float
        How strongly the output layer is held: half of it times the squared change of its weights is
        a clip's worth of cost. Chosen on EMO-DB and ASED, see docs/accuracy.md.
    fewest_to_train : int
        Clips from which on it is tried to train all layers.
    epochs : int
        Most epochs of that.
    rate : float
        Their highest learning rate; it falls to 0 along a cosine.
    hold : float
        Half of it times the squared distance from the weights before is added to the loss.
    most_draws : int
        Clips of an epoch at most.
    folds : int
        Folds of the training side on which is chosen.
    rehearsal : float
        Share of the clips that the bundle was trained on before; where it is not 0, only the output
        layer is held.
    """

    hold_output: float = 50.0
    fewest_to_train: int = 100
    epochs: int = 16
    rate: float = 0.002
    hold: float = 0.01
    most_draws: int = 1024
    folds: int = 3
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


@dataclass(frozen=True)
class Plan:
    """How far a bundle is adapted.

    Attributes
    ----------
    statistics : {"frozen", "re-estimated"}
        Of batch normalisation.
    fits_output : bool
        Whether the output layer is fitted; `UNCHANGED` leaves everything as it is.
    epochs : int
        Of training all layers after that.
    """

    statistics: Statistics
    fits_output: bool
    epochs: int = 0

    def describe(self, config: AdaptationConfig) -> str:
        """In words, for the card."""
        if not self.fits_output:
            return "weights as they were: nothing did clearly better on validation clips"
        again = (
            f", {config.rehearsal:.0%} of the clips from those that it knew"
            if config.rehearsal
            else ""
        )
        statistics = f"statistics of batch normalisation {self.statistics}"
        if not self.epochs:
            return f"the output layer fitted, {statistics}{again}"
        return (
            f"the output layer fitted, then all layers trained for {self.epochs} of "
            f"{config.epochs} epochs at up to {config.rate:g}, {statistics}{again}"
        )


UNCHANGED = Plan("frozen", fits_output=False)
