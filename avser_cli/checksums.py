"""SHA-256 checksums: of files, samples, settings."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avser_cli.errors import InputError, os_reason

if TYPE_CHECKING:
    import numpy.typing as npt


def sha256(content: bytes | npt.NDArray[Any]) -> str:
    """SHA-256 of bytes or of an array's values in C order, in hexadecimal digits."""
    view = memoryview(content) if isinstance(content, bytes) else content.data
    # Views of nothing cannot be cast.
    flat = view.cast("B") if view.c_contiguous and view.nbytes else view.tobytes()
    return hashlib.sha256(flat).hexdigest()


def file_sha256(path: Path) -> str:
    """The same of a file of any size.

    Raises
    ------
    InputError
        It cannot be read.
    """
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {os_reason(error)}") from None
