"""What tests need of a system that not every one has."""

import os
import signal
import sys

import pytest


def needs_posix(what):
    """Skip a test, or a module as its ``pytestmark``, on Windows."""
    return pytest.mark.skipif(os.name != "posix", reason=f"needs POSIX: {what}")


needs_names_of_bytes = pytest.mark.skipif(
    sys.platform in ("win32", "darwin"), reason="file names are text here, not bytes"
)


def kill(process):
    """End a process at once; Windows's only signal that ends one does that."""
    os.kill(process, getattr(signal, "SIGKILL", signal.SIGTERM))


PEAK_MEMORY = """
import sys

def peak_memory(who):
    "Largest resident memory in MB; 0 where the system does not count it so."
    try:
        import resource
    except ImportError:
        return 0
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(getattr(resource, who)).ru_maxrss // unit
"""
"""For programs that tests start."""
