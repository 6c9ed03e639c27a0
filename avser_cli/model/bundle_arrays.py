"""Parts of a bundle that hold arrays: weights to train on from, hashes of the training clips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from avser_cli.data.audio_hash import HASH_BYTES, Hashes
from avser_cli.errors import ModelError
from avser_cli.model.arrays import Array, Kind, max_bytes, npz_bytes, read_arrays
from avser_cli.model.bundle import HASHES, WEIGHTS, BundleConfig, read_part


def weights_part(members: Sequence[Sequence[Array]]) -> bytes:
    """The content of ``weights.npz``: each network's weights in the order that it is built in.

    Parameters
    ----------
    members : sequence of sequence of numpy.ndarray
        The weights of each network of an ensemble, running statistics too.
    """
    return npz_bytes(
        {
            _weight_name(member, number): weight
            for member, weights in enumerate(members, start=1)
            for number, weight in enumerate(weights)
        }
    )


def read_member_weights(
    folder: Path, config: BundleConfig, kinds: Sequence[Kind]
) -> tuple[tuple[Array, ...], ...]:
    """The weights of each network of a bundle.

    Parameters
    ----------
    folder : pathlib.Path
    config : BundleConfig
    kinds : sequence of tuple
        Shape and type of each weight of one network of the recipe, in the order that it is built
        in.

    Raises
    ------
    ModelError
        See `read_part`; also where the bundle has none, or of another network.
    """
    if WEIGHTS not in config.files:
        raise ModelError(
            f"{folder}: has no {WEIGHTS}, the weights to go on from; train it anew with this avser"
        )
    members = range(1, config.recipe.ensemble + 1)
    named = {_weight_name(m, n): kind for m in members for n, kind in enumerate(kinds)}
    try:
        content = read_part(folder, WEIGHTS, config.files[WEIGHTS], max_bytes(named))
        found = read_arrays(content, named)
    except ValueError as error:
        raise ModelError(f"{folder}: {WEIGHTS} is damaged ({error}); train or copy again") from None
    return tuple(tuple(found[_weight_name(m, n)] for n in range(len(kinds))) for m in members)


def _weight_name(member: int, number: int) -> str:
    return f"member-{member}/network-{number}"


def hashes_part(hashes: Hashes) -> bytes:
    """The content of ``hashes.npz``: what re-encoded copies of the training clips are known by.

    Parameters
    ----------
    hashes : numpy.ndarray
        See `avser_cli.data.audio_hash`; in the order of the split's training side.
    """
    return npz_bytes({"hashes": hashes})


def read_hashes(folder: Path, config: BundleConfig) -> Hashes:
    """The hashes of the training clips, none where the bundle has none.

    Raises
    ------
    ModelError
        See `read_weights`; also where the part does not hold what it should.
    """
    if HASHES not in config.files:
        return np.empty((0, HASH_BYTES), np.uint8)
    kinds = {"hashes": ((len(config.split.train), HASH_BYTES), np.dtype(np.uint8))}
    try:
        content = read_part(folder, HASHES, config.files[HASHES], max_bytes(kinds))
        return read_arrays(content, kinds)["hashes"]
    except ValueError as error:
        raise ModelError(f"{folder}: {HASHES} is damaged ({error}); train or copy again") from None
