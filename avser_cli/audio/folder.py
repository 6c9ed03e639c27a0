"""Finding the files of a folder, and where their pictures go."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from avser_cli.audio.decoding import SOUND_SUFFIXES
from avser_cli.errors import InputError, PartialError, os_reason


def find_sounds(folder: Path) -> list[Path]:
    """The sound files in a folder and its subfolders, sorted; hidden ones are left out.

    Raises
    ------
    InputError
        The folder is missing or unreadable, or has no sound in it.
    """
    sounds = find_files(folder, SOUND_SUFFIXES)
    if not sounds:
        known = " ".join(sorted(SOUND_SUFFIXES))
        raise InputError(f"{folder}: no sound files in it ({known}); check the folder")
    return sounds


def find_files(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    """Files below a folder with one of the endings (lower case), sorted, hidden ones left out.

    Raises
    ------
    InputError
        The folder is missing, not a folder, or unreadable.
    """
    if not folder.exists():
        raise InputError(f"{folder}: no such folder; check the name")
    if not folder.is_dir():
        raise InputError(f"{folder}: not a folder")
    found = []
    try:
        for parent, names, files in os.walk(folder, onerror=_raise):
            names[:] = [name for name in names if not name.startswith(".")]
            found += [
                Path(parent, name)
                for name in files
                if Path(name).suffix.lower() in suffixes and not name.startswith(".")
            ]
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {os_reason(error)}") from None
    return sorted(found)


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


def _raise(error: OSError) -> None:
    raise error


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
