"""What stdout and stderr can take, and keeping the chatter of C++ libraries off them."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PLAIN = {"\u2013": "-", "\u2026": "...", "\u2588": "#", "\u00b1": "+-", "\u00d7": "x"}
"""Instead of signs of avser's own that an encoding does not have."""


def _in_plain_signs(error: UnicodeError) -> tuple[str, int]:
    """Replace what an encoding cannot write: by plain signs, else by an escape."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end]
    plain = (_PLAIN.get(c) or c.encode("ascii", "backslashreplace").decode() for c in found)
    return "".join(plain), error.end


def prepare_streams() -> None:
    """Let stdout and stderr take any text, in any encoding, and also where they are closed."""
    # What is opened next would take a closed stream's place.
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    codecs.register_error("avser", _in_plain_signs)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="avser")


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
