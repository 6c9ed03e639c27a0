"""Writing files so that a killed run leaves whole ones only."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avser_cli.errors import OutputError, os_reason

LEFTOVER = re.compile(r"\..+\.\d+-[0-9a-f]{6}\.part")
STALE_SECONDS = 600.0


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a temporary name beside `path`, then rename it.

    Raises
    ------
    OutputError
        The folder cannot be made or written to, or the disk is full.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(3)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            part.write_bytes(content)
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {os_reason(error)}") from None


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A temporary folder beside `path` that takes its place when the block ends well.

    A folder that stood there is removed only once the new one is complete.

    Raises
    ------
    OutputError
        The folder cannot be made, filled or renamed.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(3)}.part")
    old = part.with_suffix(".old")
    try:
        try:
            part.mkdir(parents=True)
            yield part
            if path.exists():
                path.rename(old)
            part.rename(path)
        finally:
            shutil.rmtree(part, ignore_errors=True)
            if old.exists() and not path.exists():
                old.rename(path)
            shutil.rmtree(old, ignore_errors=True)
    except OutputError as error:
        # Name the folder that was asked for, not the temporary one.
        raise OutputError(str(error).replace(str(part), str(path))) from None
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {os_reason(error)}") from None


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files and folders that killed runs left below `folder`.

    Those of the last ten minutes may be another run's, which is still writing them.
    """
    for path in folder.rglob(".*"):
        if not LEFTOVER.fullmatch(path.name):
            continue
        try:
            if time.time() - path.stat().st_mtime < STALE_SECONDS:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        except OSError:
            continue  # Another run was faster, or it is not ours to remove.


def refuse_unwritable(folder: Path) -> None:
    """Raise `OutputError` now, not after an hour's work, where `folder` cannot be written to."""
    probe = folder / f".{secrets.token_hex(4)}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be written to: {os_reason(error)}; choose another output folder"
        ) from None
