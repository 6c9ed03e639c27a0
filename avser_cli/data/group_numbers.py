"""Groups of clips as numbers."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt


def group_numbers(names: Sequence[Hashable]) -> npt.NDArray[np.int64]:
    """Equal numbers for equal names, from 0 in the order in which names first come."""
    known: dict[Hashable, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in names], np.int64)
