"""Reading small files of people whom nobody knows, without trust and at bounded memory."""

from __future__ import annotations

import json
import math
import stat
from pathlib import Path
from typing import Any, NoReturn


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


def _reject(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    return number if math.isfinite(number) else _reject(digits[:20])
