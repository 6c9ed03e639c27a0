"""Work side by side in threads, which end before Python does."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from avser_cli.errors import UsageError

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")

_of_thread = threading.local()


class _StoppedError(Exception):
    """Nobody waits for what this thread does."""


def in_order(
    function: Callable[[_Item], _Answer], items: Iterable[_Item], jobs: int
) -> Generator[_Answer, None, None]:
    """Apply a function in threads: decoding, FFT and networks release the interpreter lock.

    Few items are held at a time. Once the generator is closed or fails, work that has not begun
    never begins, what runs is waited for, and what it does by an `in_order` of its own ends with
    the item at hand: native code that is still at work when Python ends would abort the process.

    Parameters
    ----------
    function : callable
    items : iterable
    jobs : int
        Threads; -1 for one a core.

    Yields
    ------
    object
        What the function gives for each item, in their order.
    """
    if jobs == 0:
        raise UsageError("jobs=0: 1 or more, or -1 for one a core")
    if jobs == 1 or (isinstance(items, Sequence) and len(items) == 1):
        for item in items:
            _check_wanted()
            yield function(item)
        return
    from joblib import effective_n_jobs

    threads = effective_n_jobs(jobs)
    stopping = threading.Event()

    def work(item: _Item) -> _Answer:
        _of_thread.stopping = stopping
        return function(item)

    pool = ThreadPoolExecutor(threads)
    waiting: deque[Future[_Answer]] = deque()
    try:
        for item in items:
            _check_wanted()
            waiting.append(pool.submit(work, item))
            if len(waiting) > 2 * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        stopping.set()
        pool.shutdown(cancel_futures=True)


def _check_wanted() -> None:
    """Raise where this thread works for an `in_order` that has ended."""
    stopping = getattr(_of_thread, "stopping", None)
    if stopping is not None and stopping.is_set():
        raise _StoppedError
