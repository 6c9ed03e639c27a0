"""What `avser compare` can set side by side: the paper's models, ours, and baselines.

A candidate is a recipe, or a classifier of scikit-learn's on features. It says what it reads, so
that candidates which read the same share one reading of the corpus.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Literal

from avser_cli.data.network_inputs import Reader, read_features, read_nothing, read_sound_as
from avser_cli.errors import UsageError
from avser_cli.experiments.baselines import check_opensmile, read_opensmile
from avser_cli.experiments.published import TABLE_3, PublishedModel
from avser_cli.model.known_recipes import find_recipe
from avser_cli.model.recipe import OPTIMIZERS, Recipe
from avser_cli.training.provenance import ACOUSTIC_FEATURES_WITH, NUMPY, libraries_of, run_key
from avser_cli.training.training_run import TrainTestSplit

RATES = (0.001, 0.005)
"""The paper's learning rates."""
QUICK_EPOCHS = 2
OPENSMILE_SETS = ("egemaps", "compare")

Baseline = Literal["svm", "boosting", "prior"]

_READ_WITH = {"features": ACOUSTIC_FEATURES_WITH, **dict.fromkeys(OPENSMILE_SETS, ("opensmile",))}
_FITTED_WITH: dict[Baseline, tuple[str, ...]] = {
    "svm": ("scikit-learn",),
    "boosting": ("scikit-learn",),
    "prior": (),
}


@dataclass(frozen=True)
class Candidate:
    """One row of a comparison.

    Attributes
    ----------
    name : str
    reads : str
        ``picture``, ``features`` (the CNN-1D's), ``egemaps``, ``compare`` or ``nothing``.
    recipe : Recipe or None
        ``None`` for a baseline.
    baseline : {"svm", "boosting", "prior"} or None
    published : PublishedModel or None
        What the paper reports for it.
    """

    name: str
    reads: str
    recipe: Recipe | None = None
    baseline: Baseline | None = None
    published: PublishedModel | None = None

    @property
    def inputs_key(self) -> str:
        """Equal for candidates that read the same."""
        spectrogram = self.recipe.spectrogram if self.recipe else None
        return json.dumps([self.reads, asdict(spectrogram) if spectrogram else None])

    @property
    def kind(self) -> str:
        """Network and recipe, or features and classifier: equal for all who train the same."""
        if self.recipe is not None:
            return f"{self.recipe.network}-{self.recipe.name}"
        return (
            f"{self.reads}-{self.baseline}" if self.reads in OPENSMILE_SETS else f"{self.baseline}"
        )

    @property
    def libraries(self) -> tuple[str, ...]:
        """Libraries whose versions may change its runs."""
        if self.recipe is not None:
            return libraries_of(self.recipe)
        assert self.baseline is not None
        return (NUMPY, *_FITTED_WITH[self.baseline], *_READ_WITH.get(self.reads, ()))

    def run_key(self, prepared: TrainTestSplit, seed: int) -> str:
        """A checksum of everything that determines its run; its name in a table does not."""
        if self.recipe is not None:
            return prepared.key(self.recipe, seed)
        model = {"reads": self.reads, "baseline": self.baseline}
        labels = {clip.key: [clip.emotion] for clip in prepared.dataset.clips}
        emotions = prepared.dataset.emotions
        return run_key(model, seed, prepared.split, labels, emotions, self.libraries)

    def reader(self) -> Reader:
        """What turns a sound file into the candidate's input."""
        if self.reads == "picture":
            assert self.recipe is not None
            assert self.recipe.spectrogram is not None
            return read_sound_as(self.recipe.spectrogram)
        if self.reads == "features":
            return read_features
        if self.reads == "nothing":
            return read_nothing
        return Reader(partial(read_opensmile, feature_set=self.reads))

    @property
    def reads_in(self) -> Literal["threads", "processes"]:
        """What the corpus may be read in side by side."""
        return "processes" if self.reads in OPENSMILE_SETS else "threads"


def of_recipe(name: str, recipe: Recipe, published: PublishedModel | None = None) -> Candidate:
    """The candidate that trains a recipe."""
    reads = "picture" if recipe.spectrogram else "features"
    return Candidate(name, reads, recipe=recipe, published=published)


_CNN1D, _PAPER = find_recipe("cnn1d"), find_recipe("cnn2d", "paper")

MODELS: dict[str, Candidate] = {
    candidate.name: candidate
    for candidate in (
        of_recipe("mlp", find_recipe("mlp"), TABLE_3["mlp"]),
        of_recipe("cnn1d", _CNN1D, TABLE_3["cnn1d"]),
        of_recipe("cnn1d-5e-6", _CNN1D.with_options(learning_rate=5e-6), TABLE_3["cnn1d"]),
        of_recipe("cnn2d-paper", _PAPER, TABLE_3["cnn2d"]),
        of_recipe("cnn2d-paper-dropout-0.8", _PAPER.with_options(dropout=0.8), TABLE_3["cnn2d"]),
        of_recipe("cnn2d-default", find_recipe("cnn2d")),
        *(
            of_recipe(f"cnn2d-{name}", find_recipe("cnn2d", name), TABLE_3["cnn2d"])
            for name in ("tutorial", "tutorial-tflearn", "tutorial-raw")
        ),
    )
}
"""Rows of `avser compare models` by name."""
DEFAULT_MODELS = ("mlp", "cnn1d", "cnn2d-paper", "cnn2d-default")

BASELINES: dict[str, tuple[Candidate, ...]] = {
    "svm": (Candidate("svm", "features", baseline="svm"),),
    "opensmile": (
        Candidate("opensmile-egemaps-svm", "egemaps", baseline="svm"),
        Candidate("opensmile-compare-svm", "compare", baseline="svm"),
        Candidate("opensmile-egemaps-boosting", "egemaps", baseline="boosting"),
        Candidate("opensmile-compare-boosting", "compare", baseline="boosting"),
    ),
    "prior": (Candidate("prior", "nothing", baseline="prior"),),
}
"""Rows on request, `--with NAME`."""


def select_models(
    models: Iterable[str], baselines: Iterable[str], epochs: int | None, quick: bool
) -> list[Candidate]:
    """The rows of `avser compare models`.

    Raises
    ------
    UsageError
        An unknown name; the message lists the known ones.
    """
    models, baselines = list(models), list(baselines)
    _check_known(models, MODELS, "model")
    _check_known(baselines, BASELINES, "baseline")
    if "opensmile" in baselines:
        check_opensmile()
    rows = [_shortened(MODELS[name], epochs, quick) for name in models]
    return _each_once(rows + [row for name in baselines for row in BASELINES[name]], "model")


def select_optimizers(
    optimizers: Iterable[str],
    rates: Iterable[float],
    recipe: Recipe,
    epochs: int | None,
    quick: bool,
) -> list[Candidate]:
    """The rows of `avser compare optimizers`: one for each optimizer and learning rate.

    Raises
    ------
    UsageError
        An unknown optimizer; the message lists the known ones.
    """
    optimizers = list(optimizers)
    _check_known(optimizers, OPTIMIZERS, "optimizer")
    rows = []
    for rate in rates:
        for optimizer in optimizers:
            row = recipe.with_options(optimizer=optimizer, learning_rate=rate)
            rows.append(_shortened(of_recipe(f"{optimizer}-{rate:g}", row), epochs, quick))
    return _each_once(rows, "optimizer and rate")


def _check_known(names: Iterable[str], known: Iterable[str], what: str) -> None:
    for name in names:
        if name not in known:
            raise UsageError(f"unknown {what} {name!r}; known: {', '.join(known)}")


def _each_once(rows: list[Candidate], what: str) -> list[Candidate]:
    names = [row.name for row in rows]
    if not rows or len(set(names)) < len(names):
        raise UsageError(f"name each {what} once, and at least one")
    return rows


def _shortened(row: Candidate, epochs: int | None, quick: bool) -> Candidate:
    """With other epochs; a quick run has two, and one network."""
    if row.recipe is None:
        return row
    if quick:
        recipe = row.recipe.with_options(epochs=epochs or QUICK_EPOCHS, ensemble=1)
    else:
        recipe = row.recipe.with_options(epochs=epochs)
    return Candidate(row.name, row.reads, recipe, None, row.published)
