"""Work side by side, in its order."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from avser_cli.errors import UsageError

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


def in_order(
    function: Callable[[_Item], _Answer], items: Iterable[_Item], jobs: int
) -> Iterator[_Answer]:
    """Apply a function in threads; few items are held at a time."""
    if jobs == 0:
        raise UsageError("jobs=0: 1 or more, or -1 for one a core")
    if jobs == 1 or (isinstance(items, Sequence) and len(items) == 1):
        yield from map(function, items)
        return
    from joblib import Parallel, delayed

    # Who stops reading leaves results unread; joblib's advice about that is not for users.
    warnings.filterwarnings("ignore", module="joblib", message=".*input task iterator.*")
    # Threads: decoding, FFT and the network all release the interpreter lock.
    parallel = Parallel(n_jobs=jobs, prefer="threads", return_as="generator")
    yield from parallel(delayed(function)(item) for item in items)
