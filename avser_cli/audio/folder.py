"""Finding the files of a folder, and where their pictures go."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from avser_cli.audio.decoding import SOUND_SUFFIXES
from avser_cli.errors import InputError, PartialError, os_reason
from avser_cli.files import is_special


@dataclass(frozen=True)
class Found:
    """What lies below a folder.

    Attributes
    ----------
    files : list of pathlib.Path
        Files with one of the endings that were asked for, sorted.
    unreadable : list of str
        Subfolders that could not be read: path and reason.
    passed_over : int
        Files with other endings.
    """

    files: list[Path]
    unreadable: list[str]
    passed_over: int


def find_sounds(folder: Path) -> list[Path]:
    """The files of `list_sounds` alone."""
    return list_sounds(folder).files


def list_sounds(folder: Path) -> Found:
    """The sound files in a folder and its subfolders, sorted; hidden ones are left out.

    Raises
    ------
    InputError
        The folder is missing or unreadable, or has no sound in it.
    """
    found = list_files(folder, SOUND_SUFFIXES)
    if not found.files:
        known = " ".join(sorted(SOUND_SUFFIXES))
        unread = f"; cannot be read: {found.unreadable[0]}" if found.unreadable else ""
        raise InputError(f"{folder}: no sound files in it ({known}); check the folder{unread}")
    return found


def find_files(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    """The files of `list_files` alone."""
    return list_files(folder, suffixes).files


def list_files(folder: Path, suffixes: frozenset[str]) -> Found:
    """Files below a folder with one of the endings (lower case), sorted, hidden ones left out.

    Links are followed, each folder is entered once, and what is no file (a pipe, a device) is left
    out.

    Raises
    ------
    InputError
        The folder is missing, not a folder, or unreadable.
    """
    if not folder.exists():
        raise InputError(f"{folder}: no such folder; check the name")
    if not folder.is_dir():
        raise InputError(f"{folder}: not a folder")
    files: list[Path] = []
    unreadable: list[str] = []
    passed_over = 0
    entered: set[tuple[int, int]] = set()
    # Links last: a folder that is also there by its own name is found by that.
    folders, links = [folder], list[Path]()
    while folders or links:
        parent = folders.pop() if folders else links.pop(0)
        try:
            status = parent.stat()
            if (status.st_dev, status.st_ino) in entered:
                continue
            entered.add((status.st_dev, status.st_ino))
            with os.scandir(parent) as entries:
                visible = sorted(
                    (x for x in entries if not x.name.startswith(".")), key=lambda x: x.name
                )
        except OSError as error:
            if parent == folder:
                raise InputError(f"{folder}: cannot be read: {os_reason(error)}") from None
            unreadable.append(f"{parent}: {os_reason(error)}")
            continue
        for entry in visible:
            path = Path(parent, entry.name)
            if _is_folder(entry):
                (links if entry.is_symlink() else folders).append(path)
            elif path.suffix.lower() not in suffixes:
                passed_over += 1
            elif not is_special(path) if entry.is_symlink() else entry.is_file():
                files.append(path)
    return Found(sorted(files), sorted(unreadable), passed_over)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def check_folders_exist(folders: Iterable[Path], some_done: bool) -> None:
    """Raise one error instead of one for each sound where a folder was removed meanwhile.

    Raises
    ------
    PartialError, InputError
        By whether some of the sounds were done before.
    """
    for folder in folders:
        if not folder.exists():
            error = PartialError if some_done else InputError
            raise error(f"{folder}: the folder was removed while its sounds were read")


def mirrored(
    sounds: list[Path], source: Path, target: Path, suffix: str
) -> list[tuple[Path, Path]]:
    """Each sound with the path of its picture; no two share one.

    Names are kept, with `suffix` for the ending; where two sounds differ in the ending only, the
    second keeps it too (``a.flac.png``).
    """
    taken: set[Path] = set()
    pairs = []
    for sound in sounds:
        place = target / sound.relative_to(source)
        png = place.with_suffix(suffix)
        if png in taken:
            png = place.with_name(f"{place.name}{suffix}")
        taken.add(png)
        pairs.append((sound, png))
    return pairs
