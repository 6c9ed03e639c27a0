"""Finding the files of a folder, and where their pictures go."""

from __future__ import annotations

import os
import sys
import unicodedata
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from avser_cli.audio.decoding import SOUND_SUFFIXES
from avser_cli.errors import InputError, PartialError, os_reason
from avser_cli.files import is_special


class PathList(Sequence[Path]):
    """Paths that are made when they are read: their names alone take a third of the memory.

    Attributes
    ----------
    names : list of str
        The paths as text.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.names = list(names)

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> Path: ...

    @overload
    def __getitem__(self, index: slice) -> PathList: ...

    def __getitem__(self, index: int | slice) -> Path | PathList:
        found = self.names[index]
        return Path(found) if isinstance(found, str) else PathList(found)

    def __iter__(self) -> Iterator[Path]:
        return map(Path, self.names)


@dataclass(frozen=True)
class Found:
    """What lies below a folder.

    Attributes
    ----------
    files : PathList
        Files with one of the endings that were asked for, sorted.
    unreadable : list of str
        Subfolders that could not be read: path and reason.
    passed_over : int
        Files with other endings.
    """

    files: PathList
    unreadable: list[str]
    passed_over: int


def find_sounds(folder: Path) -> list[Path]:
    """The files of `list_sounds` alone."""
    return list(list_sounds(folder).files)


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
    return list(list_files(folder, suffixes).files)


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
    walk = _Walk(folder, suffixes)
    names = walk.names()
    return Found(PathList(names), sorted(walk.unreadable), walk.passed_over)


class _Walk:
    """Goes through folders in the order of names, so that hundreds of thousands need no sorting."""

    def __init__(self, folder: Path, suffixes: frozenset[str]) -> None:
        self._folder, self._endings = folder, tuple(suffixes)
        self._entered: set[tuple[int, int]] = set()
        self._links: deque[Path] = deque()
        self.unreadable: list[str] = []
        self.passed_over = 0

    def names(self) -> list[str]:
        """The files, as text, in the order of their paths."""
        names = list(self._below(self._folder))
        if not self._links:
            return names
        # Links last: a folder that is also there by its own name is found by that.
        while self._links:
            names += self._below(self._links.popleft())
        return sorted(names, key=Path)

    def _below(self, top: Path) -> Iterator[str]:
        """The files of a folder, and of those in it that are no links."""
        folders = [(str(top / "x")[:-1], self._entries(top))]
        while folders:
            prefix, entries = folders[-1]
            for entry in entries:
                name = prefix + entry.name
                if _is_folder(entry):
                    if not entry.is_symlink():
                        folders.append((name + os.sep, self._entries(Path(name))))
                        break
                    self._links.append(Path(name))
                elif not name.lower().endswith(self._endings):
                    self.passed_over += 1
                elif not is_special(Path(name)) if entry.is_symlink() else entry.is_file():
                    yield name
            else:
                folders.pop()

    def _entries(self, place: Path) -> Iterator[os.DirEntry[str]]:
        """What is visible in a folder, sorted; nothing where it was entered before."""
        try:
            status = place.stat()
            if (status.st_dev, status.st_ino) in self._entered:
                return iter(())
            self._entered.add((status.st_dev, status.st_ino))
            with os.scandir(place) as entries:
                visible = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError as error:
            if place == self._folder:
                raise InputError(f"{place}: cannot be read: {os_reason(error)}") from None
            self.unreadable.append(f"{place}: {os_reason(error)}")
            return iter(())
        return iter(sorted(visible, key=lambda entry: os.path.normcase(entry.name)))


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


@dataclass(frozen=True)
class PathPairs(Sequence[tuple[Path, Path]]):
    """Sounds, and the picture of each.

    Attributes
    ----------
    sounds, pictures : PathList
    """

    sounds: PathList
    pictures: PathList

    def __len__(self) -> int:
        return len(self.sounds)

    @overload
    def __getitem__(self, index: int) -> tuple[Path, Path]: ...

    @overload
    def __getitem__(self, index: slice) -> list[tuple[Path, Path]]: ...

    def __getitem__(self, index: int | slice) -> tuple[Path, Path] | list[tuple[Path, Path]]:
        if isinstance(index, slice):
            return list(zip(self.sounds[index], self.pictures[index], strict=True))
        return self.sounds[index], self.pictures[index]


def mirrored(sounds: Iterable[Path], source: Path, target: Path, suffix: str) -> PathPairs:
    """Each sound with the path of its picture; no two share one.

    Names are kept, with `suffix` for the ending; where two sounds differ in the ending only, the
    second keeps it too (``a.flac.png``).
    """
    names = PathList(sounds.names if isinstance(sounds, PathList) else map(str, sounds))
    # As text: of hundreds of thousands, paths take seconds.
    above, place = (str(folder / "x")[:-1] for folder in (source, target))
    taken: set[str] = set()
    pictures = []
    for name in names.names:
        mirror = place + name[len(above) :]
        picture = os.path.splitext(mirror)[0] + suffix  # noqa: PTH122
        if _folded(picture) in taken:
            picture = mirror + suffix
        taken.add(_folded(picture))
        pictures.append(picture)
    return PathPairs(names, PathList(pictures))


def _folded(name: str) -> str:
    """Equal for names of one file: where capital letters do not count, they do not."""
    if sys.platform == "darwin":
        return unicodedata.normalize("NFC", name).casefold()
    return os.path.normcase(name)
