"""The table of corpora that are known by name."""

from __future__ import annotations

from rich.table import Table

from avser_cli.data.corpora import known_corpora


def corpora_table() -> Table:
    """Name, language, speakers, clips, licence of each corpus, and where to get it."""
    table = Table("name", "corpus", "language", "speakers", "clips", "licence", "where to get it")
    for column in (0, 6):
        table.columns[column].no_wrap = True
    for corpus in known_corpora().values():
        table.add_row(
            corpus.name,
            corpus.title,
            ", ".join(corpus.languages),
            str(corpus.speaker_count),
            f"{corpus.clips:,}",
            corpus.licence,
            corpus.url,
        )
    return table
