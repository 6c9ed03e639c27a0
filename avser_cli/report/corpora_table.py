"""The table of corpora that are known by name."""

from __future__ import annotations

from avser_cli.data.corpora import known_corpora
from avser_cli.report.tables import TextTable


def corpora_table() -> TextTable:
    """Name, language, speakers, clips, licence of each corpus, and where to get it."""
    head = ("name", "corpus", "language", "speakers", "clips", "licence", "where to get it")
    rows = (
        (
            corpus.name,
            corpus.title,
            ", ".join(corpus.languages),
            str(corpus.speaker_count),
            f"{corpus.clips:,}",
            corpus.licence,
            corpus.url,
        )
        for corpus in known_corpora().values()
    )
    left = frozenset(range(len(head))) - {3, 4}
    return TextTable(head, tuple(rows), left=left, wrap=left - {0, 6})
