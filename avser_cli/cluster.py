"""Work on a Dask cluster: batches go to its workers, and the answers come back."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, Generic, TypeVar

from avser_cli import __version__
from avser_cli.errors import ClusterError, MissingExtraError, UsageError

Item = TypeVar("Item")
Answer = TypeVar("Answer")

CONNECT_SECONDS = 10
"""How long a scheduler has to answer, also where it was lost meanwhile."""

WORKERS_SECONDS = 30
"""How long a scheduler may have no workers: those that died are started again by their nannies."""

TRIES = 3
"""How often all work under way may be lost before any of it is done."""

BATCH_SECONDS = 2.0
"""How long a worker is to have a batch: less costs more to hand out, more is lost with a worker."""

MOST = 1000
"""Items in a batch at most."""

AHEAD = 4
"""Batches under way for each thread of the workers: one is worked on, the others are there."""

WAITING = 16
"""Times as many may be done and wait for an earlier one, where answers are to come in order."""

COUNT_SECONDS = 5
"""After this long threads are counted again: workers come and go."""

LOGGERS = ("distributed", "distributed.client", "distributed.gc", "tornado", "asyncio")
"""What Dask says of lost connections, with tracebacks; one line of ours says it, too."""


def spread(
    scheduler: str,
    function: Callable[[Item], Answer],
    items: Iterable[Item],
    in_order: bool = True,
    name_of: Callable[[Item], object] = str,
) -> Generator[Answer]:
    """Apply a function to items on the workers of a Dask cluster.

    A batch whose worker dies goes to another one, and all that are under way go out again where
    the scheduler was away for less than `CONNECT_SECONDS`.

    Parameters
    ----------
    scheduler : str
        Address of the scheduler, e.g. ``tcp://HOST:8786``.
    function : callable
        Sent once to each worker, with all that it holds.
    items : iterable
        Read as workers get through them. So many go to a worker at a time that they take it
        `BATCH_SECONDS`.
    in_order : bool
        Whether answers come in the order of the items, or as they are ready.
    name_of : callable
        What an item is called in an error.

    Yields
    ------
    object
        What the function gives for each item, once.

    Raises
    ------
    ClusterError
        The scheduler does not answer or has no workers, or what was under way was lost too often.
    UsageError
        A worker runs another version of avser.
    MissingExtraError
        Dask is not installed.
    """
    batches = _Batches(items)
    begun, losses = False, 0
    while batches:
        try:
            with _client(scheduler, begun) as client:
                begun = True
                for answers in _answers(client, function, batches, in_order):
                    losses = 0
                    yield from answers
        except _FatalError as error:
            raise ClusterError(
                f"{scheduler}: workers keep dying, last at {name_of(error.first)} or another "
                f"item of its batch; leave it out or give the workers more memory, {GO_ON}"
            ) from None
        except _LostError as error:
            losses += 1
            if losses == TRIES:
                raise ClusterError(
                    f"{scheduler}: work was lost {TRIES} times in a row ({error}); see to the "
                    f"workers (memory?), {GO_ON}"
                ) from None


GO_ON = "then give the same command again: what is finished is kept"


class _LostError(Exception):
    """The scheduler, or workers with something that cannot be made again, are gone."""


class _FatalError(Exception):
    """Each worker that got a batch died."""

    def __init__(self, first: Any) -> None:
        super().__init__()
        self.first = first


class _Batches(Generic[Item]):
    """Items in batches; those that were given back come first."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items, self._size = iter(items), 1
        self._given_back: deque[list[Item]] = deque()

    def __bool__(self) -> bool:
        if batch := self.next():
            self.give_back([batch])
        return bool(batch)

    def next(self) -> list[Item]:
        """The next batch, empty at the end."""
        if self._given_back:
            return self._given_back.popleft()
        return list(islice(self._items, self._size))

    def took(self, seconds: float, count: int) -> None:
        """Fit the size of batches to the time that one took, step by step."""
        fitting = int(BATCH_SECONDS * count / max(seconds, 1e-6))
        self._size = max(1, min(fitting, 2 * self._size, MOST))

    def give_back(self, batches: Iterable[list[Item]]) -> None:
        """Take batches back, in their order."""
        self._given_back = deque([*batches, *self._given_back])


@contextmanager
def _client(scheduler: str, begun: bool) -> Iterator[Any]:
    """A connection to a scheduler that has workers."""
    try:
        from distributed import Client
    except ImportError:
        raise MissingExtraError(
            "--scheduler needs Dask; install it with: pip install 'avser[dask]'"
        ) from None
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        client = Client(scheduler, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        if begun:
            raise ClusterError(
                f"{scheduler}: the Dask scheduler is gone; start it again, {GO_ON}"
            ) from None
        raise ClusterError(
            f"{scheduler}: no Dask scheduler answers there ({type(error).__name__}); start one "
            "with `dask scheduler` and workers with `dask worker ADDRESS`"
        ) from None
    try:
        try:
            client.wait_for_workers(1, timeout=WORKERS_SECONDS)
        except TimeoutError:
            raise ClusterError(
                f"{scheduler}: no workers there for {WORKERS_SECONDS} s; start some with "
                f"`dask worker {scheduler}`"
            ) from None
        yield client
    finally:
        # It fails where it meets an attempt to connect that ends just then ("Cannot change state
        # of expiring Timeout"); the answers are here, and a scheduler that is gone is told.
        with suppress(Exception):
            client.close()


def _answers(
    client: Any, function: Callable[[Item], Answer], batches: _Batches[Item], in_order: bool
) -> Iterator[list[Answer]]:
    """The answers of each batch; what has none yet is given back where it is lost."""
    from distributed import as_completed

    under_way: OrderedDict[Any, list[Item]] = OrderedDict()
    answers: dict[Any, list[Answer]] = {}
    ended = as_completed(loop=client.loop)
    with _losses(client):
        known = client.scatter(function, broadcast=True, hash=False)
    threads = _Threads(client)
    try:
        while True:
            most = AHEAD * threads.count()
            while len(under_way) - len(answers) < most and len(answers) < WAITING * most:
                if not (batch := batches.next()):
                    break
                with _losses(client):
                    future = client.submit(_work, known, batch, __version__, pure=False)
                    under_way[future] = batch
                    ended.add(future)
            if not under_way:
                return
            done = ended.next_batch()
            fine = {future for future in done if future.status == "finished"}
            with _losses(client):
                gathered = client.gather(list(fine))
            for future, (found, seconds) in zip(fine, gathered, strict=True):
                batches.took(seconds, len(found))
                answers[future] = found
            for future in _ready(under_way, answers, in_order):
                del under_way[future]
                yield answers.pop(future)
            for future in done:
                if future in fine:
                    continue
                # Its worker died before it gave the answers; another may have them by now.
                if future.status not in ("pending", "finished"):
                    with _losses(client):
                        _raise_what_went_wrong(future, under_way[future])
                ended.add(future)
    except _LostError:
        batches.give_back(under_way.values())
        raise


def _ready(
    under_way: OrderedDict[Any, Any], answers: dict[Any, Any], in_order: bool
) -> Iterator[Any]:
    """Those whose answers may be given now; each is to be taken from both before the next."""
    if not in_order:
        yield from list(answers)
        return
    while under_way and (first := next(iter(under_way))) in answers:
        yield first


def _raise_what_went_wrong(future: Any, batch: Sequence[Any]) -> None:
    from distributed import KilledWorker

    try:
        future.result()
    except KilledWorker:
        raise _FatalError(batch[0]) from None
    except ImportError as error:
        raise UsageError(f"a worker lacks something ({error}); install the same there") from None


@contextmanager
def _losses(client: Any) -> Iterator[None]:
    """Tell what is lost from what goes wrong at the work itself."""
    try:
        yield
    except (CancelledError, TimeoutError) as error:
        raise _LostError(type(error).__name__) from None
    except Exception as error:
        if client.status == "running":
            raise
        raise _LostError(type(error).__name__) from None


class _Threads:
    """How many threads the workers have together, now."""

    def __init__(self, client: Any) -> None:
        self._client, self._count, self._counted = client, 1, -float(COUNT_SECONDS)

    def count(self) -> int:
        if time.monotonic() - self._counted >= COUNT_SECONDS:
            with _losses(self._client):
                # Between a worker's death and its next start there may be none.
                self._count = sum(self._client.nthreads().values()) or 1
            self._counted = time.monotonic()
        return self._count


def _work(
    function: Callable[[Item], Answer], batch: Sequence[Item], version: str
) -> tuple[list[Answer], float]:
    """What a worker does, and how many seconds it took."""
    if version != __version__:
        raise UsageError(
            f"a worker runs avser {__version__} instead of {version}; install the same there"
        )
    start = time.perf_counter()
    return [function(item) for item in batch], time.perf_counter() - start
