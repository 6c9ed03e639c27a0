"""A folder of labelled clips, and what in it cannot be used."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from avser_cli.audio.decoding import SOUND_SUFFIXES
from avser_cli.audio.folder import list_files
from avser_cli.data.clip import Clip, SkippedFile
from avser_cli.data.corpora import find_corpus, read_corpus
from avser_cli.data.manifest import pictures_of_no_sound
from avser_cli.errors import CorpusError

PICTURE_SUFFIXES = frozenset({".png"})


@dataclass(frozen=True)
class Index:
    """What a folder holds.

    Attributes
    ----------
    folder : pathlib.Path
    kind : {"pictures", "sounds"}
    clips : tuple of Clip
        Usable ones of the emotions asked for, sorted by key; their files are not read yet.
    skipped : tuple of SkippedFile
        Files that are no clips, and second copies.
    other_emotions : int
        Number of well-named files of emotions that were not asked for.
    """

    folder: Path
    kind: str
    clips: tuple[Clip, ...]
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
    pictures = [path for path in listed.files if path.suffix.lower() in PICTURE_SUFFIXES]
    sounds = [path for path in listed.files if path.suffix.lower() not in PICTURE_SUFFIXES]
    skipped = [SkippedFile(Path(line), "folder cannot be read") for line in listed.unreadable]
    ravdess = find_corpus("ravdess")
    copy = read_corpus(ravdess, folder, sounds)
    kind = "sounds" if copy.clips or not pictures else "pictures"
    if kind == "sounds":
        there = {path.with_suffix("") for path in sounds}
        skipped += [
            SkippedFile(path, "a picture without its sound, in a folder of sounds")
            for path in pictures
            if path.with_suffix("") not in there
        ]
    else:
        gone = pictures_of_no_sound(folder)
        skipped += [SkippedFile(path, "its sound is gone") for path in pictures if path in gone]
        copy = read_corpus(ravdess, folder, [path for path in pictures if path not in gone])
    skipped += [*copy.skipped, *(SkippedFile(path, "a second copy") for path in copy.copies)]
    clips = tuple(clip for clip in copy.clips if clip.emotion in emotions)
    if not clips:
        raise CorpusError(
            f"{folder}: no RAVDESS clips of {', '.join(emotions)} among {len(listed.files)} "
            "sounds and pictures; names must read MM-VC-EE-II-SS-RR-AA"
        )
    return Index(folder, kind, clips, tuple(skipped), len(copy.clips) - len(clips))


def corpus_checksum(checksums: Iterable[str]) -> str:
    """One checksum for a set of recordings: the same for the same samples in any order."""
    return hashlib.sha256("\n".join(sorted(checksums)).encode()).hexdigest()


def describe(clips: Iterable[Clip]) -> str:
    """One line: how many clips, speech and song, speakers, and clips of each emotion."""
    clips = list(clips)
    channels = Counter(clip.channel for clip in clips)
    emotions = Counter(clip.emotion for clip in clips)
    speakers = {clip.speaker for clip in clips if clip.speaker is not None}
    parts = [f"{channels[name]} {name}" for name in ("speech", "song") if channels[name]]
    of_channels = f" ({', '.join(parts)})" if parts else ""
    counts = ", ".join(f"{name} {count}" for name, count in sorted(emotions.items()))
    by = f" by {len(speakers)} speakers" if speakers else ""
    return f"{len(clips)} clips{of_channels}{by}: {counts}"
