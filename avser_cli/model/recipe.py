"""Recipes: picture + network + optimizer + schedule, under a name.

A recipe is stored whole in the bundle it made, so that a bundle never depends on what the name
means in a later version.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, Self

from msgspec import Meta

from avser_cli.errors import UsageError
from avser_cli.features.spectrogram import SpectrogramConfig
from avser_cli.untrusted_input import Count, NonNegative, Positive, PositiveInt, Share, decode

NETWORKS = ("cnn2d", "cnn1d", "mlp")
OPTIMIZERS = ("adam", "adagrad", "rmsprop")
SCHEDULES = ("constant", "cosine")
ARCHITECTURES = {
    "cnn2d": ("default", "narrow", "paper", "tutorial", "tutorial-tflearn", "tutorial-raw"),
    "cnn1d": ("paper",),
    "mlp": ("paper",),
}
"""Of each network, see `avser_cli.model.networks`."""

MAX_ENSEMBLE = 5

RENAMED_FIELDS = {
    "picture": "spectrogram",
    "balance": "class_weight_power",
    "view_shift": "tta_shift",
}
"""Names in bundles of format 1 and 2, and what they are called now."""


@dataclass(frozen=True)
class Augmentation:
    """How strong each change is; 0 turns one off.

    Attributes
    ----------
    stretch : float
        Tempo by up to exp(±stretch).
    time_shift : float
        Start by up to ± this many columns.
    warp : float
        Frequency axis by up to exp(±warp): another vocal tract.
    row_shift : float
        Frequency by up to ± this many rows: another pitch.
    filter_db : float
        Standard deviation of a random frequency response, in dB.
    noise : float
        Share of clips that get coloured noise, 5 to 40 dB under the clip.
    reverberation : float
        Share of clips that get a decaying tail of 0.15 to 0.7 s (RT60).
    band_limit : float
        Share of clips that lose rows at the top and at the bottom.
    gain_db : float
        Level by up to ± this many dB.
    masks : int
        Number of blank bands, and of blank spans of time (SpecAugment, Park et al. 2019).
    mask_width : int
        Widest mask in rows or columns.
    babble : float
        Share of clips that get voices of other clips behind them, 5 to 20 dB under the clip.
    """

    stretch: Annotated[float, Meta(ge=0, le=2)] = 0.11
    time_shift: NonNegative = 12.0
    warp: Annotated[float, Meta(ge=0, le=2)] = 0.02
    row_shift: NonNegative = 3.0
    filter_db: Annotated[float, Meta(ge=0, le=100)] = 1.5
    noise: Share = 0.1
    reverberation: Share = 0.1
    band_limit: Share = 0.15
    gain_db: Annotated[float, Meta(ge=0, le=100)] = 10.0
    masks: Annotated[int, Meta(ge=0, le=100)] = 1
    mask_width: Count = 12
    babble: Share = 0.0


@dataclass(frozen=True)
class Sampling:
    """Which clips an epoch draws, by powers of the numbers of clips.

    A group of n clips is drawn in proportion to n to the power given: 1 as often as it has clips,
    0 as often as every other group, 0.5 between the two. Emotions are weighed inside their corpus,
    speakers inside their corpus and emotion.

    Attributes
    ----------
    corpus, emotion, speaker : float
        The powers, between 0 and 1.
    draws : int or None
        Clips an epoch; `None`: as many as there are.
    """

    corpus: Share = 1.0
    emotion: Share = 1.0
    speaker: Share = 1.0
    draws: PositiveInt | None = None

    def __post_init__(self) -> None:
        for name, power in self.powers.items():
            if not 0 <= power <= 1:
                raise UsageError(f"sampling: {name}={power:g}; a power from 0 to 1")
        if self.draws is not None and self.draws < 1:
            raise UsageError(f"{self.draws} draws an epoch: at least 1")

    @property
    def powers(self) -> dict[str, float]:
        """The powers by the name of what they balance."""
        return {"corpus": self.corpus, "emotion": self.emotion, "speaker": self.speaker}

    def describe(self) -> str:
        """In words, e.g. ``4000 clips an epoch by corpus^0.5``; nothing for every clip once."""
        if self == EACH_CLIP_ONCE:
            return ""
        drawn = f"{self.draws} clips an epoch" if self.draws else "clips drawn"
        powers = [f"{name}^{power:g}" for name, power in self.powers.items() if power != 1]
        return f"{drawn}{' by ' if powers else ''}{', '.join(powers)}"


EACH_CLIP_ONCE = Sampling()
"""Every epoch takes every clip once."""


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a training, besides the clips and the seed.

    Attributes
    ----------
    name : str
    network : {"cnn2d", "cnn1d", "mlp"}
    architecture : str
        Which network of that kind, see `avser_cli.model.networks`.
    spectrogram : SpectrogramConfig or None
        What `cnn2d` reads; ``None`` for the others, which read feature vectors.
    optimizer : {"adam", "adagrad", "rmsprop"}
    learning_rate : float
        The highest, where a schedule changes it.
    schedule : {"constant", "cosine"}
        ``cosine`` warms up over the first fifteenth and then falls to 0.
    epochs, batch_size : int
    dropout : float
        Share of units that are dropped (Keras's rate).
    label_smoothing : float
    gradient_clip : float or None
        Longest gradient of a weight array, by Euclidean norm.
    augmentation : Augmentation or None
        Changes made to training pictures on the fly.
    mixup : float
        Training pictures are mixed in pairs with shares from Beta(mixup, mixup), their labels too
        (Zhang et al. 2018); 0 mixes nothing.
    class_weight_power : float
        Emotions weigh in the loss by the number of their clips in an epoch, to the power of minus
        this: 0 leaves them as they are, 1 makes rare ones count as much as common ones.
    ensemble : int
        Number of networks whose probabilities are averaged.
    tta_shift : int
        When a network is asked, its picture is also moved up and down by this many rows, and the
        probabilities of the three views are averaged; 0 asks once.
    sampling : Sampling
    specialist : str or None
        Corpus that the last network of an ensemble is trained on alone, where the clips are of
        several corpora and this one has every emotion; `None`: every network is trained on all.
    specialist_share : float or None
        Of the answer that is the last network's; `None`: as much as any other's.
    second_longer : int
        How many times as many epochs the second network of an ensemble is trained, where it is not
        the last. A long training knows the corpora that it hears better and others no better, so
        that joined with a short one it gains on the former and loses nothing on the latter.
    """

    name: str
    network: str
    architecture: str
    spectrogram: SpectrogramConfig | None
    optimizer: str
    learning_rate: float
    schedule: str
    epochs: int
    batch_size: int
    dropout: float
    label_smoothing: Share = 0.0
    gradient_clip: Positive | None = None
    augmentation: Augmentation | None = None
    mixup: NonNegative = 0.0
    class_weight_power: Share = 0.0
    ensemble: int = 1
    tta_shift: int = 0
    sampling: Sampling = EACH_CLIP_ONCE
    specialist: str | None = None
    specialist_share: Share | None = None
    second_longer: PositiveInt = 1

    def __post_init__(self) -> None:
        for value, known, what in (
            (self.network, NETWORKS, "network"),
            (self.architecture, ARCHITECTURES.get(self.network, ()), "architecture"),
            (self.optimizer, OPTIMIZERS, "optimizer"),
            (self.schedule, SCHEDULES, "schedule"),
        ):
            if value not in known:
                raise UsageError(f"unknown {what} {value!r}; known: {', '.join(known)}")
        if not 0 < self.learning_rate <= 10:
            raise UsageError(f"learning rate {self.learning_rate}: more than 0, at most 10")
        if self.epochs < 1 or self.batch_size < 1:
            raise UsageError("epochs and batch size: at least 1")
        if not 0 <= self.dropout < 1:
            raise UsageError(f"dropout {self.dropout}: at least 0, less than 1")
        if not 1 <= self.ensemble <= MAX_ENSEMBLE:
            raise UsageError(f"ensemble of {self.ensemble}: 1 to {MAX_ENSEMBLE} networks")
        highest = self.spectrogram.height - 1 if self.spectrogram else 0
        if not 0 <= self.tta_shift <= highest:
            raise UsageError(f"tta_shift of {self.tta_shift} rows: 0 to {highest}")
        if self.ensemble > 1 and self.network == "mlp":
            raise UsageError("mlp trains as one network only, without --ensemble")
        if self.sampling != EACH_CLIP_ONCE and self.network == "mlp":
            raise UsageError("mlp takes every clip once an epoch, without --sampling and --draws")

    def epochs_of(self, member: int) -> int:
        """Epochs of a network of the ensemble, counted from 1."""
        return self.epochs * (self.second_longer if member == 2 < self.ensemble else 1)

    @property
    def all_epochs(self) -> int:
        """Epochs of all networks of the ensemble."""
        return sum(self.epochs_of(member) for member in range(1, self.ensemble + 1))

    def describe_epochs(self) -> str:
        """In words, e.g. ``12 epochs (36 of the second network)``."""
        second = self.epochs_of(2)
        other = f" ({second} of the second network)" if second != self.epochs else ""
        return f"{self.epochs} epochs{other}"

    def with_options(self, **changes: Any) -> Self:
        """A copy with the values that are not ``None`` put in place."""
        return replace(self, **{k: v for k, v in changes.items() if v is not None})

    def as_dict(self) -> dict[str, Any]:
        """The recipe as plain values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """A recipe from plain values.

        Raises
        ------
        UsageError, ValueError
            A value is out of range, missing, unknown or of the wrong type.
        """
        return decode(cls, cls.with_current_names(values))

    @staticmethod
    def with_current_names(values: dict[str, Any]) -> dict[str, Any]:
        """The same values with the fields' names of today, see `RENAMED_FIELDS`."""
        values = {RENAMED_FIELDS.get(name, name): value for name, value in values.items()}
        if isinstance(spectrogram := values.get("spectrogram"), dict):
            values["spectrogram"] = SpectrogramConfig.with_current_names(spectrogram)
        return values
