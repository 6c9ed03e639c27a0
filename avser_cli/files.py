"""Writing files so that a killed run leaves whole ones only."""

from __future__ import annotations

import glob
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from avser_cli.checksums import sha256
from avser_cli.errors import OutputError, UsageError, os_reason

LEFTOVER = re.compile(r"\.(.+)\.\d+-[0-9a-f]{6}\.(part|old)")
"""Names of temporary files and folders: ``.part`` is not whole yet or not needed any more,
``.old`` is a whole folder on its way out."""
STALE_SECONDS = 600.0
"""Younger leftovers may be another run's, which is at work on them."""
LONGEST_NAME = 255
"""Bytes that file systems allow a name."""
_MARK_BYTES = 40
"""Room for what `_temporary` and `locked` put around a name."""
_RENAME_PAUSES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0) if os.name == "nt" else ()
"""Seconds between tries to rename. On Windows a file that somebody has open, a virus scanner that
looks at a new one, say, cannot be renamed or replaced."""


def fitting_name(stem: str, suffix: str, longest: int = LONGEST_NAME) -> str:
    """A file name of at most `longest` bytes; a longer stem is cut and gets a checksum."""
    content = os.fsencode(stem)
    if len(content) + len(os.fsencode(suffix)) <= longest:
        return stem + suffix
    mark = f"~{sha256(content)[:8]}"
    kept = content[: longest - len(os.fsencode(mark + suffix))]
    # Whole characters only, but for names that are none.
    while kept and os.fsencode(os.fsdecode(kept).encode("utf-8", "ignore").decode()) != kept:
        kept = kept[:-1]
    return (os.fsdecode(kept) or mark[1:]) + mark + suffix


def _temporary(path: Path) -> Path:
    """A name beside `path` that nobody else uses."""
    mark = f".{os.getpid()}-{secrets.token_hex(3)}.part"
    return path.with_name(f".{_short(path.name)}{mark}")


def _short(name: str) -> str:
    """A name that leaves room for a mark around it."""
    return fitting_name(name, "", LONGEST_NAME - _MARK_BYTES)


def is_special(path: Path) -> bool:
    """Whether a path, links followed, is there and neither a file nor a folder: a device, a pipe.

    Such a place is written to as it is: nothing takes its place.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _behind_links(path: Path) -> Path:
    """What a link points to, so that the link stays; other paths as they are."""
    return path.resolve() if path.is_symlink() else path


def _rename(path: Path, target: Path) -> None:
    """Rename a file, over `target` if it is there, or a folder."""
    for pause in _RENAME_PAUSES:
        try:
            path.replace(target)
            return
        except PermissionError:
            time.sleep(pause)
    path.replace(target)


def _set_aside(folder: Path, target: Path) -> None:
    """Rename a folder that is to go, so that as a leftover it is as old as this."""
    with suppress(OSError):  # It may be somebody else's.
        os.utime(folder)
    _rename(folder, target)


def write_whole(path: Path, content: bytes | Iterable[bytes]) -> None:
    """Write a file, in one piece or in many, under a temporary name beside `path`, then rename it.

    Of a link, what it points to is replaced; a device or a pipe is written to.

    Raises
    ------
    OutputError
        The folder cannot be made or written to, or the disk is full.
    """
    try:
        if is_special(path):
            with path.open("wb") as place:
                place.writelines([content] if isinstance(content, bytes) else content)
            return
        target = _behind_links(path)
        part = _temporary(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("wb") as place:
                place.writelines([content] if isinstance(content, bytes) else content)
            _rename(part, target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except BrokenPipeError:
        raise OutputError(f"{path}: cannot be written: nobody reads the pipe any more") from None
    except (OSError, RuntimeError) as error:
        reason = os_reason(error) if isinstance(error, OSError) else "a loop of links"
        raise OutputError(f"{path}: cannot be written: {reason}") from None


class BusyError(OutputError):
    """Another run of avser writes the same file or folder."""


@contextmanager
def locked(path: Path, wait: bool = False) -> Iterator[None]:
    """Keep other runs from writing the same file or folder meanwhile.

    A hidden lock file beside it, ``.NAME.lock``, is held by the process: it is free again after a
    kill. Folders that are made for it go again where nothing else was written into them.

    Parameters
    ----------
    path : pathlib.Path
    wait : bool
        Whether to wait for another run that holds it.

    Raises
    ------
    BusyError
        Another run holds it, and it is not to be waited for.
    OutputError
        The folder that it lies in cannot be written to.
    """
    if is_special(path):
        yield
        return
    from filelock import FileLock, Timeout  # only where something is written

    try:
        target = path.resolve()
        lock = target.with_name(f".{_short(target.name)}.lock")
        made = _make_folders(lock.parent)
        try:
            held = FileLock(lock, timeout=-1 if wait else 0)
            held.acquire()
        except BaseException:
            _remove_empty(made)
            raise
    except Timeout:
        raise BusyError(
            f"{path}: another run of avser is writing it; wait for that one, or name another output"
        ) from None
    except (OSError, RuntimeError) as error:
        reason = os_reason(error) if isinstance(error, OSError) else str(error)
        raise OutputError(f"{path}: cannot be written: {reason}") from None
    try:
        yield
    finally:
        with suppress(OSError):  # An open file cannot be removed everywhere.
            # Held still: who takes a lock of a file that is gone sees that, and tries again.
            lock.unlink(missing_ok=True)
        held.release()
        _remove_empty(made)


def _make_folders(folder: Path) -> list[Path]:
    """Make a folder and those above it; returns the ones that were not there, deepest first."""
    missing = []
    for place in (folder, *folder.parents):
        if place.exists():
            break
        missing.append(place)
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _remove_empty(folders: list[Path]) -> None:
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


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
                _set_aside(path, old)
            _rename(part, path)
        finally:
            if old.exists() and not path.exists():
                _rename(old, path)
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
        _set_aside(folder, part)
        shutil.rmtree(part)


def replaced_folder(path: Path) -> Path:
    """What to read of a folder: it, or the ``.old`` that a kill between two renames left.

    Nothing is renamed: another run may be between them just now.
    """
    if path.exists():
        return path
    left = sorted(path.parent.glob(f".{glob.escape(path.name)}.*.old"))
    whole = [x for x in left if (match := LEFTOVER.fullmatch(x.name)) and match[1] == path.name]
    return whole[0] if whole else path


def remove_leftovers(folder: Path, shared: bool = False) -> None:
    """Remove the temporary files and folders that killed runs left below `folder`.

    Those of the last ten minutes may be another run's, which is still writing them. A whole folder
    that was to be replaced is put back, unless the new one is there.

    Parameters
    ----------
    folder : pathlib.Path
    shared : bool
        Whether others may replace folders in it just now: the caller does not hold it `locked`.
    """
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if name.startswith("."):
                _remove_leftover(Path(parent, name), shared)


def remove_leftovers_of(path: Path) -> None:
    """The same for what killed runs left of one file or folder, beside it.

    Hidden companions of its name (``.NAME.run``) count as its own.
    """
    for found in path.parent.glob(f".{glob.escape(path.name)}.*"):
        _remove_leftover(found)


def _remove_leftover(path: Path, shared: bool = False) -> None:
    match = LEFTOVER.fullmatch(path.name)
    if not match:
        return
    may_be_in_use = shared or match[2] == "part"
    try:
        if may_be_in_use and time.time() - path.stat().st_mtime < STALE_SECONDS:
            return
        if match[2] == "old":
            place = path.with_name(match[1])
            if place.exists():
                remove_folder(path)
            else:
                path.rename(place)
        elif path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError:
        return  # Another run was faster, or it is not ours to remove.


def check_output_file(path: Path, suffixes: Sequence[str]) -> None:
    """Raise now, not after an hour's work, where a file cannot be written.

    Its ending must be one of those given, so that a slip of the pen writes over no recording and
    no table of labels.

    Raises
    ------
    UsageError
        The ending is another.
    OutputError
        The path is a folder, or in one that cannot be written to.
    """
    if is_special(path):
        return
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file in it")
    if path.suffix.lower() not in suffixes:
        raise UsageError(f"{path}: the name must end in {' or '.join(suffixes)}")
    check_writable(path.parent)


def check_writable(folder: Path) -> None:
    """Raise `OutputError` now, not after an hour's work, where `folder` cannot be written to.

    A folder that is not there yet is not there afterwards either: the work may come to nothing.
    """
    probe = _temporary(folder / "probe")
    try:
        made = _make_folders(folder)
        try:
            probe.touch()
            probe.unlink()
        finally:
            _remove_empty(made)
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be written to: {os_reason(error)}; choose another output folder"
        ) from None
