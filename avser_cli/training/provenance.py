"""What a training depends on besides recipe, clips and seed: run format and library versions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from avser_cli.checksums import sha256
from avser_cli.data.splits import Split
from avser_cli.errors import UsageError
from avser_cli.model.recipe import Recipe

RUN_FORMAT = 2
"""To be raised by hand when a change of the code changes what a training gives for the same recipe,
clips and seed; runs and checkpoints of other formats are not used."""
RUN_FORMAT_KEY = "run format"
LIBRARIES = ("tensorflow", "keras", "numpy", "librosa", "scikit-learn", "soundfile")
"""What bundles and reports state the versions of."""
NUMPY = "numpy"
TRAINED_WITH = {
    "cnn2d": ("tensorflow", "keras"),
    "cnn1d": ("tensorflow", "keras"),
    "mlp": ("scikit-learn",),
}
"""Libraries that train each network."""
ACOUSTIC_FEATURES_WITH = ("librosa",)
"""Libraries that compute what cnn1d and mlp read; those of a picture are NumPy alone."""


def library_versions(libraries: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """Versions by library."""
    return {library: _version(library) for library in libraries}


@cache
def _version(library: str) -> str:
    return version(library)


def libraries_of(recipe: Recipe) -> tuple[str, ...]:
    """Libraries whose versions may change what a training of a recipe gives."""
    reading = () if recipe.spectrogram else ACOUSTIC_FEATURES_WITH
    return (NUMPY, *TRAINED_WITH[recipe.network], *reading)


def environment(libraries: Iterable[str]) -> dict[str, str]:
    """The run format and the versions of some libraries."""
    return {RUN_FORMAT_KEY: str(RUN_FORMAT), **library_versions(libraries)}


def check_environment(planned: Mapping[str, str]) -> None:
    """Raise `UsageError` where this process has another `environment` than a training's."""
    here = environment(x for x in planned if x != RUN_FORMAT_KEY)
    odd = [f"{x} {here[x]} instead of {value}" for x, value in planned.items() if here[x] != value]
    if odd:
        raise UsageError(
            f"a worker runs other versions than this machine ({', '.join(odd)}); install the same "
            "ones there"
        )


def run_key(
    model: Mapping[str, Any],
    seed: int,
    split: Split,
    labels: Mapping[str, Sequence[str | None]],
    emotions: tuple[str, ...],
    libraries: Iterable[str],
) -> str:
    """A checksum of everything that determines a training and its predictions.

    The split counts by its members, not by the settings that drew it.

    Parameters
    ----------
    model : mapping
        What is trained, as plain values.
    seed : int
    split : Split
        Members of both sides, with the checksums of their samples.
    labels : mapping
        From a clip's key to its labels, as far as they are used.
    emotions : tuple of str
        In label order.
    libraries : iterable of str
        Those that read, train and predict.
    """
    sides = {
        side: {key: [samples, *labels[key]] for key, samples in members.items()}
        for side, members in (("train", split.train), ("test", split.test))
    }
    parts = [model, seed, sides, emotions, environment(libraries)]
    return sha256(json.dumps(parts, sort_keys=True).encode())
