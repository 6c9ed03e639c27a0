"""A Dask cluster to work on: connecting to it, and what it raises when workers die."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from avser_cli.errors import MissingExtraError, UsageError

CONNECT_SECONDS = 10
"""How long a Dask scheduler has to answer."""

TRIES = 3
"""How often work is handed out whose workers die."""


@contextmanager
def dask_client(scheduler: str) -> Iterator[Any]:
    """A connection to a Dask scheduler.

    Parameters
    ----------
    scheduler : str
        Its address, e.g. ``tcp://HOST:8786``.

    Raises
    ------
    MissingExtraError
        Dask is not installed.
    UsageError
        No scheduler answers.
    """
    try:
        from distributed import Client
    except ImportError:
        raise MissingExtraError(
            "--scheduler needs Dask; install it with: pip install 'avser[dask]'"
        ) from None
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{scheduler}: no Dask scheduler answers there ({type(error).__name__}); start one "
            "with `dask scheduler` and workers with `dask worker ADDRESS`"
        ) from None
    with client:
        yield client


def worker_losses() -> tuple[type[BaseException], ...]:
    """What is raised where workers died and took work or inputs with them."""
    try:
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError
    except ImportError:
        return BrokenProcessPool, CancelledError
    return BrokenProcessPool, CancelledError, KilledWorker, FutureCancelledError
