"""Keeping the chatter of C++ libraries off the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def suppress_native_output() -> Iterator[None]:
    """Send what is written to file descriptors 1 and 2 nowhere; Python exceptions still pass."""
    null = os.open(os.devnull, os.O_WRONLY)
    saved = {}
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        for descriptor in (1, 2):
            saved[descriptor] = os.dup(descriptor)
            os.dup2(null, descriptor)
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        for descriptor, copy in saved.items():
            os.dup2(copy, descriptor)
            os.close(copy)
        os.close(null)


def silence_native_stderr() -> None:
    """Let Python alone speak on stderr, for good; C libraries' words go nowhere.

    To be called once, before there are threads: libmpg123 complains of damaged MP3s while others
    decode, and no thread may move the file descriptors of all.
    """
    try:
        if sys.stderr.fileno() != 2:
            return
        sys.stderr.flush()
        ours = os.fdopen(
            os.dup(2), "w", buffering=1, encoding=sys.stderr.encoding, errors=sys.stderr.errors
        )
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)
    except (OSError, AttributeError, ValueError):
        return  # Closed, or replaced by something that is no file: nothing to keep apart.
    sys.stderr = ours
