"""Other processes of this machine: messages to the one that started them, and their end."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def message_queue(on_message: Callable[[Any], object]) -> Iterator[Any]:
    """A queue that other processes put messages on, and a callback takes from."""
    from multiprocessing import get_context
    from multiprocessing.managers import SyncManager

    # Not forked: a copy of this process would hold the locks of its runs after it is killed.
    manager = SyncManager(ctx=get_context("spawn"))
    manager.start(initializer=_end_with_parent)
    with manager:
        queue = manager.Queue()

        def listen() -> None:
            while (message := queue.get()) is not None:
                on_message(message)

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        try:
            yield queue
        finally:
            queue.put(None)
            listener.join()


def end_idle_processes() -> None:
    """End the processes that joblib keeps for later work, with all that is loaded in them.

    openSMILE crashes in a process that TensorFlow has worked in.
    """
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(wait=True, kill_workers=True)


def _end_with_parent() -> None:
    """Let this process end when the one that started it does, also by a kill.

    The workers notice at their next epoch, which they cannot report any more, and stop, too.
    """
    from multiprocessing import parent_process

    parent = parent_process()
    assert parent is not None

    def wait() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()
