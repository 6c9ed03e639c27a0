"""Keeping the chatter of C++ libraries off the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
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
