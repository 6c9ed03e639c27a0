"""What a training depends on besides its recipe and clips: the run format and library versions."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.metadata import version

RUN_FORMAT = 1
"""To be raised by hand when a change of the code changes what a training gives."""
LIBRARIES = ("tensorflow", "keras", "numpy", "librosa", "scikit-learn")


@cache
def training_environment() -> str:
    """Checksum of the run format and of the versions of the libraries that train."""
    lines = [f"format {RUN_FORMAT}", *(f"{name} {version(name)}" for name in LIBRARIES)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
