"""A labelled clip of any corpus, and a file that cannot be used."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

RAVDESS = "ravdess"
"""The one corpus whose clips are known by their published names alone, as bundles always had them;
the names are unique."""
PUBLISHED_NAME = re.compile(r"\d\d(-\d\d){6}")


@dataclass(frozen=True)
class Clip:
    """A recording and its labels, whatever corpus it is from.

    Attributes
    ----------
    key : str
        What splits, bundles and reports know it by, see `clip_key`.
    path : pathlib.Path
    corpus : str
    emotion : str
    speaker : str or None
        With the corpus, e.g. ``"crema-d:1001"``.
    sex : {"female", "male"} or None
    text, take, channel, intensity, split : str or None
        What was said, which repetition, e.g. ``"song"``, how strong, and a published split.
    start, end : float or None
        Part of the file, in seconds; `None` where it is whole.
    samples_sha256 : str
        Checksum of its samples, equal for exact copies; empty until the file is read.
    duplicate_group : str
        Equal for exact and re-encoded copies, see `avser_cli.data.near_duplicates`; where nothing
        is given, for exact ones.
    """

    key: str
    path: Path = field(compare=False)
    corpus: str
    emotion: str
    speaker: str | None = None
    sex: str | None = None
    text: str | None = None
    take: str | None = None
    channel: str | None = None
    intensity: str | None = None
    split: str | None = None
    start: float | None = None
    end: float | None = None
    samples_sha256: str = ""
    duplicate_group: str = field(default="", compare=False)

    @property
    def sound(self) -> str:
        """A checksum that it shares with its known copies."""
        return self.duplicate_group or self.samples_sha256

    @property
    def said(self) -> str | None:
        """What was said, comparable across corpora: words as they are, codes with their corpus."""
        if self.text is None:
            return None
        words = self.text.split()
        return " ".join(words).casefold() if len(words) > 1 else f"{self.corpus}:{self.text}"

    @property
    def recording(self) -> tuple[str, ...] | None:
        """Equal for copies of one take under several names; `None` where takes are not told."""
        if self.take is None or self.speaker is None:
            return None
        labels = (self.emotion, self.channel, self.intensity, self.text, self.take)
        return (self.speaker, *(label or "" for label in labels))


@dataclass(frozen=True)
class SkippedFile:
    """A file that is not used, and why.

    Attributes
    ----------
    path : pathlib.Path
    reason : str
    unreadable : bool
        It is a clip, or a folder that may hold some, and could not be read.
    """

    path: Path
    reason: str
    unreadable: bool = False

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


def clip_key(corpus: str, relative: Path) -> str:
    """Corpus and path below its folder without the ending: a picture's is that of its sound.

    Clips of RAVDESS have their published names, e.g. ``"03-01-05-01-02-01-16"``; others read as
    ``"crema-d:AudioWAV/1001_DFA_ANG_XX"``.
    """
    name = relative.with_suffix("")
    if corpus == RAVDESS and PUBLISHED_NAME.fullmatch(name.name):
        return name.name
    return f"{corpus}:{name.as_posix()}"


def clip_keys(corpus: str, files: Iterable[Path]) -> list[str]:
    """Keys of files below a corpus's folder, none of them twice.

    Where two files differ in the ending only, the second keeps it, as its picture's name does.
    """
    taken: set[str] = set()
    keys = []
    for file in files:
        key = clip_key(corpus, file)
        if key in taken:
            key = f"{corpus}:{file.as_posix()}"
        taken.add(key)
        keys.append(key)
    return keys


SPLITS = {
    "train": "train",
    "training": "train",
    "dev": "dev",
    "val": "dev",
    "valid": "dev",
    "validation": "dev",
    "evaluation": "dev",
    "test": "test",
    "testing": "test",
}
"""Words for the sides of a published split."""


def read_split(word: str) -> str:
    """The side that a word stands for; any other word in lower case, e.g. a fold's name."""
    return SPLITS.get(word.strip().casefold(), word.strip().casefold())
