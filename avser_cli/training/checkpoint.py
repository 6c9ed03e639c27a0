"""The state of a training on disk, so that an interrupted one can be gone on with."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from avser_cli.errors import UsageError
from avser_cli.files import write_whole
from avser_cli.model.arrays import Array, Kind, max_bytes, npz_bytes, read_arrays
from avser_cli.training.history import Epoch
from avser_cli.untrusted_input import decode, parse_json, read_bounded

MAX_STATE_BYTES = 4 * 2**20
"""Largest ``state.json`` that is read; it has a hundred bytes an epoch."""


class Checkpoint:
    """The state of a training after its last whole epoch, in a folder of its own.

    It holds numbers only: the network and its optimizer are built anew from the recipe, and nothing
    that lies there says how.

    Parameters
    ----------
    folder : pathlib.Path
    key : str
        What determines the training; a checkpoint of another key is not gone on with.
    forgiving : bool
        Whether to start over, without a word, where the state is damaged or another training's.
    """

    def __init__(self, folder: Path, key: str, forgiving: bool = False) -> None:
        self.folder = folder
        self.key = key
        self.forgiving = forgiving

    def of_member(self, member: int) -> Checkpoint:
        """The state of one network of an ensemble, in a folder inside this one."""
        return Checkpoint(self.folder / f"member-{member}", f"{self.key}-{member}", self.forgiving)

    def load_array(self, name: str, kind: Kind) -> Array | None:
        """An array that `save_array` kept, of this shape and type; `None` where there is none.

        Raises
        ------
        UsageError
            It belongs to another training, or is damaged.
        """
        path = self.folder / f"{name}.npz"
        if not path.exists():
            return None
        kinds = {"key": ((len(self.key),), np.dtype(np.uint8)), "values": kind}
        try:
            arrays = read_arrays(read_bounded(path, max_bytes(kinds)), kinds)
        except (OSError, ValueError) as error:
            raise self._damaged(error) from None
        if arrays["key"].tobytes() != self.key.encode():
            raise self._of_another()
        return arrays["values"]

    def save_array(self, name: str, values: Array) -> None:
        """Keep an array that took long to compute."""
        key = np.frombuffer(self.key.encode(), np.uint8)
        write_whole(self.folder / f"{name}.npz", npz_bytes({"key": key, "values": values}))

    def _of_another(self) -> UsageError:
        return UsageError(
            f"{self.folder}: was begun with other settings, clips or libraries; give the same ones "
            "to go on, or --force to start over"
        )

    def _damaged(self, error: Exception) -> UsageError:
        return UsageError(
            f"{self.folder}: the checkpoint is damaged ({error}); start over with --force"
        )

    @property
    def _state(self) -> Path:
        return self.folder / "state.json"

    def load(self, network: Any) -> list[Epoch]:
        """Put the state into a compiled network and its optimizer.

        Returns
        -------
        list of Epoch
            The history so far, empty where there is no state.

        Raises
        ------
        UsageError
            It belongs to another training, or is damaged.
        """
        if not self._state.exists():
            return []
        try:
            return self._load(network)
        except UsageError:
            if self.forgiving:
                return []
            raise

    def _load(self, network: Any) -> list[Epoch]:
        history = self._history()
        try:
            variables = _variables(network)
            kinds = {name: (tuple(x.shape), np.dtype(x.dtype)) for name, x in variables.items()}
            path = self.folder / _weights_file(len(history))
            arrays = read_arrays(read_bounded(path, max_bytes(kinds)), kinds)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._damaged(error) from None
        for name, variable in variables.items():
            variable.assign(arrays[name])
        return history

    def history(self) -> list[Epoch]:
        """The epochs that it is the state after; none where there is no state.

        Raises
        ------
        UsageError
            As for `load`.
        """
        if not self._state.exists():
            return []
        try:
            return self._history()
        except UsageError:
            if self.forgiving:
                return []
            raise

    def _history(self) -> list[Epoch]:
        try:
            state = parse_json(read_bounded(self._state, MAX_STATE_BYTES))
            if state["key"] != self.key:
                raise self._of_another()
            return [decode(Epoch, line) for line in state["history"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise self._damaged(error) from None

    def files(self) -> dict[str, bytes]:
        """The state as files by their names, to be taken elsewhere; `state.json` comes last."""
        places = sorted(self.folder.iterdir(), key=lambda place: place == self._state)
        return {place.name: place.read_bytes() for place in places}

    def put(self, files: Mapping[str, bytes]) -> None:
        """Have the `files` of a state take the place of what is there."""
        for name, content in files.items():
            write_whole(self.folder / name, content)
        for old in self.folder.glob("epoch-*.npz"):
            if old.name not in files:
                old.unlink(missing_ok=True)

    def save(self, network: Any, history: list[Epoch]) -> None:
        """Replace the state on disk by this one; a kill at any moment leaves one of the two."""
        name = _weights_file(len(history))
        arrays = {key: variable.numpy() for key, variable in _variables(network).items()}
        write_whole(self.folder / name, npz_bytes(arrays))
        state = {"key": self.key, "history": [asdict(x) for x in history]}
        write_whole(self._state, json.dumps(state).encode())
        for old in self.folder.glob("epoch-*.npz"):
            if old.name != name:
                old.unlink(missing_ok=True)


def _weights_file(epochs: int) -> str:
    return f"epoch-{epochs:04d}.npz"


def _variables(network: Any) -> dict[str, Any]:
    """Everything that an epoch changes, but for what dropout draws from, under short names."""
    network.optimizer.build(network.trainable_variables)
    of_network = {f"network-{number}": x for number, x in enumerate(network.weights)}
    return of_network | {
        f"optimizer-{number}": x for number, x in enumerate(network.optimizer.variables)
    }
