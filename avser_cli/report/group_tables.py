"""Scores of corpora, languages, sexes and speakers: tables, and the worst of each in words."""

from __future__ import annotations

from collections.abc import Sequence

from avser_cli.evaluation.group_scores import GroupScores, worst_groups
from avser_cli.report.console import escape, print_table
from avser_cli.report.tables import TextTable, to_markdown

MOST_SPEAKERS = 12
"""Speakers that a table lists; of more, the worst."""
LEFT = frozenset({0, 1})


def groups_table(groups: Sequence[GroupScores]) -> TextTable | None:
    """One line a corpus, language and sex, where there are several of it."""
    shown = [
        group
        for group in groups
        if group.by != "speaker" and sum(other.by == group.by for other in groups) > 1
    ]
    if not shown:
        return None
    rows = (
        (
            group.by,
            escape(group.name),
            str(group.clips),
            f"{group.uar:.2f}",
            f"{group.accuracy:.2f}",
        )
        for group in shown
    )
    return TextTable(("by", "group", "clips", "UAR", "accuracy"), tuple(rows), left=LEFT)


def speakers_table(
    groups: Sequence[GroupScores],
    normalized: Sequence[GroupScores] | None = None,
    all_in: str = "--format json",
) -> TextTable | None:
    """One line a speaker, the worst first, where there are several.

    Parameters
    ----------
    groups : sequence of GroupScores
    normalized : sequence of GroupScores, optional
        The same with references of the speakers.
    all_in : str
        What has all speakers where the table does not.
    """
    speakers = sorted((x for x in groups if x.by == "speaker"), key=lambda group: group.uar)
    if len(speakers) < 2:
        return None
    with_reference = {group.name: group.uar for group in normalized or () if group.by == "speaker"}
    head = ("speaker", "clips", "emotions", "accuracy", "UAR")
    rows = [
        (
            escape(group.name),
            str(group.clips),
            str(group.emotions),
            f"{group.accuracy:.2f}",
            f"{group.uar:.2f}",
            *([f"{with_reference[group.name]:.2f}"] if with_reference else []),
        )
        for group in speakers[:MOST_SPEAKERS]
    ]
    rest = len(speakers) - len(rows)
    note = f"the worst of {len(speakers)} speakers; {all_in} has all" if rest > 0 else ""
    return TextTable(
        (*head, *(["with reference"] if with_reference else [])), tuple(rows), note=note
    )


def worst_words(groups: Sequence[GroupScores]) -> str:
    """The worst groups, in a line; nothing where no grouping has several."""
    worst = ", ".join(
        f"{group.by} {escape(group.name)} {group.uar:.2f} ({group.clips} clips of "
        f"{group.emotions} emotion{'s' if group.emotions > 1 else ''})"
        for group in worst_groups(groups)
    )
    return f"lowest UAR: {worst}" if worst else ""


def print_groups(
    groups: Sequence[GroupScores],
    normalized: Sequence[GroupScores] | None = None,
    all_in: str = "--format json",
) -> None:
    """Print the tables and the worst groups; see `speakers_table`."""
    for table in (groups_table(groups), speakers_table(groups, normalized, all_in)):
        if table is not None:
            print_table(table)
    if worst := worst_words(groups):
        print(worst)


def groups_markdown(
    groups: Sequence[GroupScores], heading: str, all_in: str = "--format json"
) -> str:
    """The same under a heading as Markdown; nothing where there is one of each kind."""
    tables = (groups_table(groups), speakers_table(groups, all_in=all_in))
    parts = [to_markdown(table) for table in tables if table is not None]
    parts += [f"{words}."] if (words := worst_words(groups)) else []
    return "\n" + "\n\n".join([heading, *parts]) + "\n" if parts else ""
