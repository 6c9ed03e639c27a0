"""Talk for people: consoles, progress, notes. All of it goes to stderr but for `print_table`."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console

    from avser_cli.report.tables import TextTable

PLAIN_STEPS = 10
"""How many progress lines a long step prints where stderr is not a terminal."""


class ProgressCallback(Protocol):
    """Tells how many of how many are done."""

    def __call__(self, done: int, total: int) -> None:
        """Tell it."""
        ...


def stderr_console() -> Console:
    """The console for people: stderr, now."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def echo(text: str) -> None:
    """One line to stderr, as it is: no markup, no wrapping."""
    # Not Rich's: it takes 30 ms to import. A running bar takes this over and stays below it.
    print(text, file=sys.stderr, flush=True)


def print_table(table: TextTable) -> None:
    """A table to stdout; what is piped is not cut to a terminal's width."""
    from rich.console import Console
    from rich.measure import Measurement

    from avser_cli.report.tables import to_rich

    content = to_rich(table)
    console = Console(highlight=False)
    if not console.is_terminal:
        widest = Measurement.get(console, console.options.update(width=1000), content).maximum
        console.width = max(console.width, widest)
    console.print(content)


def escape(name: object) -> str:
    """A file name for one line of text: line breaks, control and unpaired bytes are escaped."""
    text = str(name).encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@contextmanager
def progress(what: str, wanted: bool = True) -> Iterator[ProgressCallback]:
    """A bar with the time left on a terminal; some plain lines elsewhere; nothing if not wanted."""
    if not wanted:
        yield lambda done, total: None
        return
    if not sys.stderr.isatty():
        yield _plain(what)
        return
    console = stderr_console()
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)

        def on_progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield on_progress


def _plain(what: str) -> ProgressCallback:
    start, printed = time.monotonic(), 0

    def on_progress(done: int, total: int) -> None:
        nonlocal printed
        step = done * PLAIN_STEPS // max(total, 1)
        if step > printed and total > PLAIN_STEPS:
            printed = step
            time_left = (time.monotonic() - start) / done * (total - done)
            print(f"{what}: {done} of {total}, {format_time_left(time_left)}", file=sys.stderr)

    return on_progress


def format_time_left(seconds: float) -> str:
    """A time left, e.g. ``0:03:20 left``."""
    return f"{timedelta(seconds=round(seconds))} left"
