"""Reading and checking files of unknown origin, at bounded memory."""

from __future__ import annotations

import json
import math
import stat
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import msgspec

T = TypeVar("T")

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
NonNegative = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=0)]
PositiveInt = Annotated[int, msgspec.Meta(ge=1)]
Checksum = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
"""SHA-256 in hexadecimal digits."""


def read_bounded(path: Path, most: int) -> bytes:
    """The content of a file.

    Raises
    ------
    ValueError
        It is larger than `most` bytes, or no file: a pipe would be waited for.
    OSError
        It is missing or cannot be read.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError("not a file")
    if status.st_size > most:
        raise ValueError(f"larger than {most} bytes")
    with path.open("rb") as handle:
        content = handle.read(most + 1)
    if len(content) > most:
        raise ValueError(f"larger than {most} bytes")
    return content


def parse_json(text: str | bytes) -> Any:
    """Parse JSON; `ValueError` where it is damaged, nested without end or not finite."""
    try:
        return json.loads(text, parse_constant=_reject, parse_float=_finite)
    except RecursionError:
        raise ValueError("nested too deep") from None


def decode(kind: type[T], values: Any) -> T:
    """A dataclass from plain values, with the name, the type and the bounds of each field checked.

    Bounds stand in the annotations (`msgspec.Meta`); what concerns several fields is checked in
    ``__post_init__``.

    Raises
    ------
    ValueError
        A field is missing, unknown, of the wrong type or out of bounds; the message names it.
    AvserError
        What ``__post_init__`` refuses.
    """
    try:
        decoded = msgspec.convert(values, kind)
    except msgspec.ValidationError as error:  # No ValueError in msgspec 0.19.
        raise ValueError(str(error)) from None
    _check_names(decoded, values)
    return decoded


def _check_names(decoded: Any, values: Any) -> None:
    """Refuse fields that a dataclass, at any depth, does not have; msgspec passes over them."""
    if is_dataclass(decoded) and isinstance(values, dict):
        unknown = sorted(set(values) - {field.name for field in fields(decoded)})
        if unknown:
            raise ValueError(f"unknown field {unknown[0]!r}")
        for name, value in values.items():
            _check_names(getattr(decoded, name), value)


def _reject(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _reject(digits[:20])
