"""The labelled clips of all sources together, and what in them cannot be used."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from avser_cli.checksums import sha256
from avser_cli.data.clip import RAVDESS, Clip, SkippedFile
from avser_cli.data.corpora import known_corpora
from avser_cli.data.emotion_words import map_example
from avser_cli.data.source_content import Kind, SourceContent, read_source
from avser_cli.data.sources import DataSources, Source
from avser_cli.errors import CorpusError, UsageError
from avser_cli.shell import quoted

LISTED = 12
"""Labels that a message lists before it counts the others."""


@dataclass(frozen=True)
class Index:
    """What the sources hold.

    Attributes
    ----------
    sources : DataSources
    kind : {"pictures", "sounds"}
        ``pictures`` where any clip is one.
    clips : tuple of Clip
        Usable ones of the emotions asked for, sorted by key; their files are not read yet.
    skipped : tuple of SkippedFile
        Files that are no clips.
    remarks : tuple of str
        Lines about the sources.
    others : tuple of Clip
        Clips of emotions that were not asked for.
    labels : Mapping
        Number of clips of every emotion there is, whether it was asked for or not.
    unknown : Mapping
        Folders whose names are no known emotion, and how many files are in them.
    unused : tuple of str
        Words of the mapping that no label or folder is called.
    """

    sources: DataSources
    kind: Kind
    clips: tuple[Clip, ...]
    skipped: tuple[SkippedFile, ...] = ()
    remarks: tuple[str, ...] = ()
    others: tuple[Clip, ...] = ()
    labels: Mapping[str, int] = field(default_factory=dict)
    unknown: Mapping[str, int] = field(default_factory=dict)
    unused: tuple[str, ...] = ()

    def check_emotions(self, emotions: Sequence[str], fixed: bool = False) -> None:
        """Raise `CorpusError` where an emotion has no clip.

        Parameters
        ----------
        emotions : sequence of str
        fixed : bool
            They are a bundle's, so that others cannot be named.
        """
        missing = [emotion for emotion in emotions if not self.labels.get(emotion)]
        if missing:
            ways = self._ways(emotions, missing, fixed)
            raise CorpusError(f"{self.sources}: no clip of {', '.join(missing)}; {ways}")

    def check_some(self, emotions: Sequence[str], model: str) -> None:
        """Raise `CorpusError` where no clip is of an emotion of a model."""
        if not self.clips:
            ways = self._ways(emotions, emotions, fixed=True)
            known = ", ".join(emotions)
            raise CorpusError(f"{self.sources}: no clip of what {model} knows ({known}); {ways}")

    def _ways(self, emotions: Sequence[str], missing: Sequence[str], fixed: bool) -> str:
        """What is there instead of emotions that are missing, and what can be typed then."""
        counts = Counter(self.labels).most_common()
        ways = []
        if not fixed:
            there = [emotion for emotion in emotions if emotion not in missing]
            if len(there) < 2:
                there = [name for name, _ in counts]
            if 2 <= len(there) <= LISTED:
                ways.append(f"take --emotions {quoted(','.join(there))}")
        words = [*self.unknown, *(name for name, _ in counts if name not in emotions)]
        if (example := map_example(words, missing[0])) is not None:
            ways.append(f"map labels, e.g. {example}")
        folders = f"; folders of no known emotion: {_listed(self.unknown)}" if self.unknown else ""
        listed = _listed(self.labels) or "none"
        unused = f"{_unused(self.unused)}; " if self.unused else ""
        return f"{unused}labels there: {listed}{folders}; {' or '.join(ways) or 'add some'}"


def _unused(words: Iterable[str]) -> str:
    return f"--map: no label or folder is called {', '.join(words)}"


def _listed(counts: Mapping[str, int]) -> str:
    """Names and their counts, the commonest first."""
    ordered = Counter(counts).most_common()
    more = f" and {len(ordered) - LISTED} more" if len(ordered) > LISTED else ""
    return ", ".join(f"{name} {count}" for name, count in ordered[:LISTED]) + more


class _Noting(Mapping[str, str]):
    """A mapping that notes which of its words were found."""

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self._mapping = mapping
        self.used: set[str] = set()

    def __getitem__(self, word: str) -> str:
        label = self._mapping[word]
        self.used.add(word)
        return label

    def __iter__(self) -> Iterator[str]:
        return iter(self._mapping)

    def __len__(self) -> int:
        return len(self._mapping)


def index_folder(folder: Path, emotions: Sequence[str]) -> Index:
    """`index_data` of a single source."""
    return index_data(DataSources.of(folder), emotions)


def index_data(data: DataSources, emotions: Sequence[str]) -> Index:
    """Find the clips of all sources, with their labels.

    Raises
    ------
    InputError
        A source is missing or unreadable.
    CorpusError
        A source has no label.
    UsageError
        A source is named twice, or two have one name.
    """
    _check_each_once(data)
    mapping = _Noting(data.mapping)
    contents = [read_source(source, mapping) for source in data.sources]
    _check_names(data, contents)
    found, remarks = _joined(data, contents)
    remarks = [*(line for content in contents for line in content.remarks), *remarks]
    clips = tuple(clip for clip in found if clip.emotion in emotions)
    remarks += _lacking(clips, emotions)
    unused = tuple(word for word in data.mapping if word not in mapping.used)
    if unused:
        remarks.append(_unused(unused))
    return Index(
        sources=data,
        kind="pictures" if any(x.kind == "pictures" for x in contents) else "sounds",
        clips=clips,
        skipped=tuple(item for content in contents for item in content.skipped),
        remarks=tuple(remarks),
        others=tuple(clip for clip in found if clip.emotion not in emotions),
        labels=Counter(clip.emotion for clip in found),
        unused=unused,
        unknown=sum((Counter(content.unknown) for content in contents), Counter()),
    )


def _check_each_once(data: DataSources) -> None:
    seen: set[Path] = set()
    for source in data.sources:
        place = source.path.resolve()
        if place in seen:
            raise UsageError(f"{source.path}: named twice; name each source once")
        seen.add(place)


def _check_names(data: DataSources, contents: Sequence[SourceContent]) -> None:
    """Refuse two sources of one's own under one name: their clips and speakers would be mixed."""
    names = Counter(content.name for content in contents)
    for source, content in zip(data.sources, contents, strict=True):
        if names[content.name] > 1 and content.name not in known_corpora():
            raise UsageError(
                f"{source.path}: another source is called {content.name}, too; name them, e.g. "
                f"--data NAME={source.path}"
            )


def _joined(data: DataSources, contents: Sequence[SourceContent]) -> tuple[list[Clip], list[str]]:
    """Clips of all sources, sorted by key; of a clip that is in two sources, the first.

    Two folders of one corpus may hold other clips under one path, e.g. a speaker's each: those are
    told apart by their folders' names.
    """
    by_key: dict[str, tuple[Source, Clip]] = {}
    copies = Counter[tuple[Path, bool]]()
    for source, content in zip(data.sources, contents, strict=True):
        for clip in content.clips:
            origin, before = by_key.get(clip.key, (source, None))
            if before is not None and (clip.corpus == RAVDESS or clip == before):
                copies[source.path, origin is source] += 1
                continue
            if before is not None:
                below = clip.key.removeprefix(f"{clip.corpus}:")
                clip = replace(clip, key=f"{clip.corpus}:{source.path.absolute().name}/{below}")
            by_key[clip.key] = source, clip
    lines = [
        f"{place}: {count} clips are {'there twice' if within else 'in another source, too'}"
        for (place, within), count in copies.items()
    ]
    found = (clip for _, clip in by_key.values())
    return sorted(found, key=lambda clip: clip.key), lines


def _lacking(clips: Sequence[Clip], emotions: Sequence[str]) -> list[str]:
    """Lines on emotions that some, but not all of several corpora lack."""
    pairs = {(clip.corpus, clip.emotion) for clip in clips}
    corpora = sorted({clip.corpus for clip in clips})
    lines = []
    for corpus in corpora if len(corpora) > 1 else ():
        missing = [emotion for emotion in emotions if (corpus, emotion) not in pairs]
        if missing:
            lines.append(f"{corpus}: no clip of {', '.join(missing)}")
    return lines


def corpus_checksum(checksums: Iterable[str]) -> str:
    """One checksum for a set of recordings: the same for the same samples in any order."""
    return sha256("\n".join(sorted(checksums)).encode())


def describe(clips: Iterable[Clip]) -> str:
    """One line: how many clips, of which corpora, channels, speakers and emotions."""
    clips = list(clips)
    channels = Counter(clip.channel for clip in clips)
    corpora = Counter(clip.corpus for clip in clips)
    emotions = Counter(clip.emotion for clip in clips)
    speakers = {clip.speaker for clip in clips if clip.speaker is not None}
    parts = [f"{channels[name]} {name}" for name in ("speech", "song") if channels[name]]
    if len(corpora) > 1:
        parts = [f"{name} {count}" for name, count in sorted(corpora.items())]
    what = f" ({', '.join(parts)})" if parts else ""
    counts = ", ".join(f"{name} {count}" for name, count in sorted(emotions.items()))
    by = f" by {len(speakers)} speakers" if speakers else ""
    return f"{len(clips)} clips{what}{by}: {counts}"
