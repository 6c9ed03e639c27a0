"""Writing files so that a killed run leaves whole ones only."""

from __future__ import annotations

import glob
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from avser_cli.errors import OutputError, os_reason

LEFTOVER = re.compile(r"\.(.+)\.\d+-[0-9a-f]{6}\.(part|old)")
"""Names of temporary files and folders: ``.part`` is not whole yet or not needed any more,
``.old`` is a whole folder on its way out."""
STALE_SECONDS = 600.0


def _temporary(path: Path) -> Path:
    """A name beside `path` that nobody else uses."""
    return path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(3)}.part")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a temporary name beside `path`, then rename it.

    Raises
    ------
    OutputError
        The folder cannot be made or written to, or the disk is full.
    """
    part = _temporary(path)
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

    A folder that stood there is removed only once the new one is complete. A kill between the two
    renames leaves it as ``.old``; `remove_leftovers_of` puts it back.

    Raises
    ------
    OutputError
        The folder cannot be made, filled or renamed.
    """
    part = _temporary(path)
    old = part.with_suffix(".old")
    try:
        try:
            part.mkdir(parents=True)
            yield part
            if path.exists():
                path.rename(old)
            part.rename(path)
        finally:
            if old.exists() and not path.exists():
                old.rename(path)
            remove_folder(old)
            shutil.rmtree(part, ignore_errors=True)
    except OutputError as error:
        # Name the folder that was asked for, not the temporary one.
        raise OutputError(str(error).replace(str(part), str(path))) from None
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {os_reason(error)}") from None


def remove_folder(folder: Path) -> None:
    """Remove a folder, if it is there; a kill leaves all of it or a leftover, never a half.

    Raises
    ------
    OSError
        It cannot be removed.
    """
    if folder.exists():
        # A hidden folder's leftover is named as if of the folder that the hidden one belongs to.
        part = _temporary(folder.with_name(folder.name.lstrip(".")))
        folder.rename(part)
        shutil.rmtree(part)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files and folders that killed runs left below `folder`.

    Those of the last ten minutes may be another run's, which is still writing them. A whole folder
    that was to be replaced is put back, unless the new one is there.
    """
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            _remove_leftover(Path(parent, name))


def remove_leftovers_of(path: Path) -> None:
    """The same for what killed runs left of one file or folder, beside it.

    Hidden companions of its name (``.NAME.run``) count as its own.
    """
    for found in path.parent.glob(f".{glob.escape(path.name)}.*"):
        _remove_leftover(found)


def _remove_leftover(path: Path) -> None:
    match = LEFTOVER.fullmatch(path.name)
    if not match:
        return
    try:
        if match[2] == "old":
            place = path.with_name(match[1])
            if place.exists():
                remove_folder(path)
            else:
                path.rename(place)
        elif time.time() - path.stat().st_mtime < STALE_SECONDS:
            return
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError:
        return  # Another run was faster, or it is not ours to remove.


def check_writable(folder: Path) -> None:
    """Raise `OutputError` now, not after an hour's work, where `folder` cannot be written to."""
    probe = _temporary(folder / "probe")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be written to: {os_reason(error)}; choose another output folder"
        ) from None
