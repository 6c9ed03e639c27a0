"""The recipes that have names."""

from __future__ import annotations

from dataclasses import replace

from avser_cli.errors import UsageError
from avser_cli.features.spectrogram import SpectrogramConfig
from avser_cli.model.recipe import NETWORKS, Augmentation, Recipe, Sampling

SPEK_WINDOW = 2048 / 48000
"""Spek's default FFT of 2,048 samples, in seconds at RAVDESS's 48 kHz."""

PAPER_SPECTROGRAM = SpectrogramConfig(
    scale="linear", fmin=0.0, fmax=None, window=SPEK_WINDOW, seconds=None, trim=None
)
"""The picture that the paper's CNN-2D reads: Spek's, without its axes."""

_TUTORIAL = Recipe(
    name="tutorial",
    network="cnn2d",
    architecture="tutorial",
    spectrogram=PAPER_SPECTROGRAM,
    optimizer="adam",
    learning_rate=0.001,
    schedule="constant",
    epochs=50,
    batch_size=64,
    dropout=0.2,
)

RECIPES: dict[tuple[str, str], Recipe] = {
    (recipe.network, recipe.name): recipe
    for recipe in (
        Recipe(
            name="default",
            network="cnn2d",
            architecture="default",
            spectrogram=SpectrogramConfig(),
            optimizer="adam",
            learning_rate=0.005,
            schedule="cosine",
            epochs=100,
            batch_size=16,
            dropout=0.4,
            label_smoothing=0.1,
            gradient_clip=1.0,
            augmentation=Augmentation(babble=0.1),
            class_weight_power=0.5,
            ensemble=3,
            tta_shift=2,
        ),
        Recipe(
            name="multi-corpus",
            network="cnn2d",
            architecture="narrow",
            spectrogram=SpectrogramConfig(),
            optimizer="adam",
            learning_rate=0.005,
            schedule="cosine",
            epochs=12,
            batch_size=16,
            dropout=0.4,
            label_smoothing=0.1,
            gradient_clip=1.0,
            augmentation=Augmentation(
                stretch=0.2,
                warp=0.06,
                row_shift=8.0,
                filter_db=4.0,
                noise=0.3,
                reverberation=0.3,
            ),
            ensemble=3,
            sampling=Sampling(corpus=0.5, emotion=0.0, speaker=0.5, draws=4000),
            specialist="ravdess",
            specialist_share=0.25,
            second_longer=3,
        ),
        Recipe(
            name="paper",
            network="cnn2d",
            architecture="paper",
            spectrogram=PAPER_SPECTROGRAM,
            optimizer="adam",
            learning_rate=0.005,
            schedule="constant",
            epochs=50,
            batch_size=64,
            dropout=0.2,
        ),
        _TUTORIAL,
        replace(_TUTORIAL, name="tutorial-tflearn", architecture="tutorial-tflearn"),
        replace(_TUTORIAL, name="tutorial-raw", architecture="tutorial-raw"),
        Recipe(
            name="paper",
            network="cnn1d",
            architecture="paper",
            spectrogram=None,
            optimizer="rmsprop",
            learning_rate=0.00005,
            schedule="constant",
            epochs=500,
            batch_size=20,
            dropout=0.1,
        ),
        Recipe(
            name="paper",
            network="mlp",
            architecture="paper",
            spectrogram=None,
            optimizer="adam",
            learning_rate=0.001,
            schedule="constant",
            epochs=500,
            batch_size=256,
            dropout=0.0,
        ),
    )
}
"""The known recipes by network and name. Where the paper is silent, docs/replication.md says
what was chosen and why."""


def find_recipe(network: str, name: str | None = None) -> Recipe:
    """The recipe of a network by name; without one, its ``default`` or else ``paper``.

    Raises
    ------
    UsageError
        Unknown network, or a recipe that it does not have.
    """
    if network not in NETWORKS:
        raise UsageError(f"unknown network {network!r}; known: {', '.join(NETWORKS)}")
    known = [recipe for (kind, _), recipe in RECIPES.items() if kind == network]
    for recipe in known:
        if name in (None, recipe.name):
            return recipe
    names = ", ".join(recipe.name for recipe in known)
    raise UsageError(f"{network} has no recipe {name!r}; known: {names}")


def spectrogram_config(recipe_name: str) -> SpectrogramConfig:
    """The picture that a `cnn2d` recipe reads."""
    settings = find_recipe("cnn2d", recipe_name).spectrogram
    assert settings is not None
    return settings
