"""Where labelled recordings are: folders and tables, and what is to be read in them.

What they hold is read by `avser_cli.data.source_content`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from avser_cli.data.corpora import known_corpora
from avser_cli.data.emotions import Category
from avser_cli.errors import UsageError


@dataclass(frozen=True)
class Source:
    """A folder or table of labelled recordings.

    Attributes
    ----------
    path : pathlib.Path
    name : str or None
        Of a known corpus, which is then not looked for, or of recordings of one's own.
    """

    path: Path
    name: str | None = None


@dataclass(frozen=True)
class DataSources:
    """All sources of a training or a comparison.

    Attributes
    ----------
    sources : tuple of Source
    mapping : Mapping
        Labels of words that are no known emotions, or in place of known ones, from
        `avser_cli.data.emotion_words.parse_mapping`.
    categories : Mapping
        ``positive`` or ``negative``, named for an emotion.
    drop_copies : bool
        Whether copies of held-out clips are left out of training.
    """

    sources: tuple[Source, ...]
    mapping: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, Category] = field(default_factory=dict)
    drop_copies: bool = False

    @classmethod
    def of(cls, *paths: Path) -> DataSources:
        """Those of some paths, whose names and labels are looked for."""
        return cls(tuple(Source(path) for path in paths))

    def __str__(self) -> str:
        return ", ".join(str(source.path) for source in self.sources)


def parse_source(text: str) -> Source:
    """A source from ``NAME=PATH``.

    Raises
    ------
    UsageError
        It is of another form.
    """
    name, equals, path = text.partition("=")
    name = name.strip()
    if not (equals and name and path) or not name.isprintable() or set(name) & set(":/\\"):
        raise UsageError(f"--data {text!r} must read NAME=PATH, e.g. crema-d=./x")
    return Source(Path(path), name.casefold() if name.casefold() in known_corpora() else name)
