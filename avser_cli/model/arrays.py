"""Arrays in ``.npz`` files that anyone may have made: of stated shapes, never unpickled."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from tokenize import TokenError
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Kind = tuple[tuple[int, ...], np.dtype[Any]]
"""Shape and type of an array."""

OVERHEAD = 2**18
"""Most bytes that a file may have over those of its arrays."""


def npz_bytes(arrays: Mapping[str, Array]) -> bytes:
    """Arrays as an ``.npz`` file; not compressed, since weights do not get smaller."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def read_arrays(content: bytes, kinds: Mapping[str, Kind]) -> dict[str, Array]:
    """The arrays of an ``.npz`` file, in memory that their expected sizes bound.

    Raises
    ------
    ValueError
        The file is damaged, an array is missing, of another shape or type, or not finite.
    """
    if len(content) > max_bytes(kinds):
        raise ValueError("larger than its arrays")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            return {name: _read(file, name, kind) for name, kind in kinds.items()}
    except KeyError as error:
        raise ValueError(f"lacks an array: {error.args[0]}") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        # RuntimeError: a password is asked for, or a compression that is not known.
        raise ValueError(str(error) or "cut off") from None


def max_bytes(kinds: Mapping[str, Kind]) -> int:
    """The largest file that may hold arrays of these kinds."""
    return OVERHEAD + sum(_size(kind) for kind in kinds.values())


def _size(kind: Kind) -> int:
    shape, dtype = kind
    return int(np.prod(shape, dtype=np.int64)) * dtype.itemsize


def _read(file: zipfile.ZipFile, name: str, kind: Kind) -> Array:
    shape, dtype = kind
    with file.open(f"{name}.npy") as member:
        try:
            version = np.lib.format.read_magic(member)
            if version != (1, 0):
                raise ValueError(f"{name}: a header of another version")
            found, by_columns, kept = np.lib.format.read_array_header_1_0(member)
        except (SyntaxError, TypeError, TokenError, RecursionError, MemoryError):
            raise ValueError(f"{name}: damaged header") from None
        if found != shape or kept != dtype:
            raise ValueError(f"{name}: {kept} of shape {found}, needed: {dtype} of shape {shape}")
        # No more than is expected, whatever it unpacks to.
        data = member.read(_size(kind) + 1)
    if len(data) != _size(kind):
        raise ValueError(f"{name}: not {_size(kind)} bytes")
    array: Array = np.frombuffer(data, dtype).reshape(shape, order="F" if by_columns else "C")
    if not np.isfinite(array).all():
        raise ValueError(f"{name}: not finite")
    return array
