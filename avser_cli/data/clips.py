"""A folder of labelled clips, and what in it cannot be used."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from avser_cli.audio.decoding import SOUND_SUFFIXES
from avser_cli.audio.folder import list_files
from avser_cli.data.manifest import pictures_of_no_sound
from avser_cli.data.ravdess import Labels, parse_name
from avser_cli.errors import CorpusError

PICTURE_SUFFIXES = frozenset({".png"})


@dataclass(frozen=True)
class LabelledFile:
    """A file of the corpus: a sound, or the picture of one."""

    path: Path
    labels: Labels

    @property
    def name(self) -> str:
        """RAVDESS's name of the recording, e.g. ``"03-01-05-01-02-01-16"``."""
        return self.path.stem


@dataclass(frozen=True)
class SkippedFile:
    """A file that is not used, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Index:
    """What a folder holds.

    Attributes
    ----------
    folder : pathlib.Path
    kind : {"pictures", "sounds"}
    files : tuple of LabelledFile
        Usable files of the emotions asked for, sorted by name.
    skipped : tuple of SkippedFile
        Files with a bad name or of another modality.
    other_emotions : int
        Number of well-named files of emotions that were not asked for.
    """

    folder: Path
    kind: str
    files: tuple[LabelledFile, ...]
    skipped: tuple[SkippedFile, ...]
    other_emotions: int


def index_folder(folder: Path, emotions: Sequence[str]) -> Index:
    """Read the labels of every clip below a folder from the file names.

    A folder with sounds that are named as clips is a folder of sounds, whatever pictures lie beside
    them; otherwise its pictures count.

    Raises
    ------
    InputError
        The folder is missing or unreadable.
    CorpusError
        There is no usable clip in it.
    """
    listed = list_files(folder, PICTURE_SUFFIXES | SOUND_SUFFIXES)
    found = listed.files
    pictures = [path for path in found if path.suffix.lower() in PICTURE_SUFFIXES]
    sounds = [path for path in found if path.suffix.lower() not in PICTURE_SUFFIXES]
    of_sounds = not pictures or any(_is_clip(path) for path in sounds)
    files, others = [], 0
    skipped = [SkippedFile(Path(line), "folder cannot be read") for line in listed.unreadable]
    if of_sounds:
        there = {path.with_suffix("") for path in sounds}
        skipped += [
            SkippedFile(path, "a picture without its sound, in a folder of sounds")
            for path in pictures
            if path.with_suffix("") not in there
        ]
    gone = set() if of_sounds else pictures_of_no_sound(folder)
    for path in sounds if of_sounds else pictures:
        if path in gone:
            skipped.append(SkippedFile(path, "its sound is gone"))
            continue
        try:
            labels = parse_name(path.stem)
        except ValueError as error:
            skipped.append(SkippedFile(path, str(error)))
            continue
        if labels.modality != "audio-only":
            skipped.append(SkippedFile(path, f"{labels.modality}, not audio-only (03)"))
        elif labels.emotion not in emotions:
            others += 1
        else:
            files.append(LabelledFile(path, labels))
    if not files:
        raise CorpusError(
            f"{folder}: no RAVDESS clips of {', '.join(emotions)} among {len(found)} "
            "sounds and pictures; names must read MM-VC-EE-II-SS-RR-AA"
        )
    files.sort(key=lambda file: (file.name, str(file.path)))
    kind = "sounds" if of_sounds else "pictures"
    return Index(folder, kind, tuple(files), tuple(skipped), others)


def _is_clip(path: Path) -> bool:
    try:
        parse_name(path.stem)
    except ValueError:
        return False
    return True


def corpus_checksum(checksums: Iterable[str]) -> str:
    """One checksum for a set of recordings: the same for the same samples in any order."""
    return hashlib.sha256("\n".join(sorted(checksums)).encode()).hexdigest()


def describe(files: Iterable[LabelledFile]) -> str:
    """One line: how many clips, speech and song, actors, and clips of each emotion."""
    files = list(files)
    channels = Counter(file.labels.channel for file in files)
    emotions = Counter(file.labels.emotion for file in files)
    actors = {file.labels.actor for file in files}
    parts = [f"{channels[name]} {name}" for name in ("speech", "song") if channels[name]]
    counts = ", ".join(f"{name} {count}" for name, count in sorted(emotions.items()))
    return f"{len(files)} clips ({', '.join(parts)}) by {len(actors)} actors: {counts}"
