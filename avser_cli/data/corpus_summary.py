"""What a model was trained on, corpus by corpus."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from avser_cli.data.clip import Clip
from avser_cli.data.corpora import known_corpora
from avser_cli.untrusted_input import Count, PositiveInt


@dataclass(frozen=True)
class CorpusSummary:
    """Clips of one corpus.

    Attributes
    ----------
    name, title : str
        E.g. ``"emodb"`` and ``"EMO-DB"``; the same for recordings of one's own.
    clips : int
    speakers : int
        Known ones; 0 where none is.
    languages : tuple of str
        ISO 639-1 codes; empty where they are not known.
    licence : str or None
        As its authors state it; `None` where it is not known.
    """

    name: str
    title: str
    clips: PositiveInt
    speakers: Count
    languages: tuple[str, ...] = ()
    licence: str | None = None


def summarize_corpora(clips: Iterable[Clip]) -> tuple[CorpusSummary, ...]:
    """The corpora of clips, by name."""
    by_corpus: dict[str, list[Clip]] = {}
    for clip in clips:
        by_corpus.setdefault(clip.corpus, []).append(clip)
    return tuple(_summary(name, found) for name, found in sorted(by_corpus.items()))


def _summary(name: str, clips: list[Clip]) -> CorpusSummary:
    speakers = len({clip.speaker for clip in clips if clip.speaker is not None})
    corpus = known_corpora().get(name)
    if corpus is None:
        return CorpusSummary(name, name, len(clips), speakers)
    return CorpusSummary(name, corpus.title, len(clips), speakers, corpus.languages, corpus.licence)
