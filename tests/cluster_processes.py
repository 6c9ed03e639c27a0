"""A Dask scheduler and its workers as processes, to be killed."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tests.conftest import REPOSITORY


class Processes:
    """A scheduler and a process that looks after its workers, all in a group of their own."""

    def __init__(self, workers: int) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.workers = workers
        self.running: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> str:
        return f"tcp://127.0.0.1:{self.port}"

    def start(self) -> None:
        scheduler = ["scheduler", "--host", "127.0.0.1", "--port", str(self.port)]
        workers = ["worker", self.address, "--nworkers", str(self.workers), "--nthreads", "1"]
        self.running = [_dask(*command, "--no-dashboard") for command in (scheduler, workers)
                        if command is scheduler or self.workers]  # fmt: skip
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.05)
        raise TimeoutError(f"no scheduler at {self.address}")

    def kill_a_worker(self) -> None:
        """It is started again."""
        import psutil

        nanny = psutil.Process(self.running[1].pid)
        next(x for x in nanny.children() if "spawn_main" in " ".join(x.cmdline())).kill()

    def kill_scheduler(self) -> None:
        """Its workers end by themselves, at the latest with the test."""
        self.running[0].kill()
        self.running[0].wait()

    def stop(self) -> None:
        for process in self.running:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _dask(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "dask", *arguments],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@contextmanager
def scheduler_and_workers(workers: int = 2) -> Iterator[Processes]:
    processes = Processes(workers)
    try:
        processes.start()
        yield processes
    finally:
        processes.stop()
