"""Tables for the terminal, Markdown and HTML alike, and those of a classification report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from avser_cli.evaluation.bootstrap import Interval, Intervals
    from avser_cli.evaluation.metrics import Report, Scores


@dataclass(frozen=True)
class TextTable:
    """A table.

    Attributes
    ----------
    head : tuple of str
    rows : tuple of tuple of str
    summary : tuple of tuple of str
        Rows below, set apart on the terminal.
    title : str
    note : str
        What a reader must know to read it.
    left : frozenset of int
        Columns that are not right-aligned.
    bold : frozenset of tuple of int
        Row and column of cells that stand out on the terminal.
    wrap : frozenset of int
        Columns whose long texts continue on the next line of a narrow terminal, instead of being
        cut.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    summary: tuple[tuple[str, ...], ...] = ()
    title: str = ""
    note: str = ""
    left: frozenset[int] = frozenset({0})
    bold: frozenset[tuple[int, int]] = frozenset()
    wrap: frozenset[int] = frozenset()


def to_rich(table: TextTable) -> Table:
    """For the terminal; cells are shown as they are, without markup."""
    # Not at the top: `classify` prints lines without it.
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    shown = Table(
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        title=Text(table.title, style="table.title") if table.title else None,
        title_justify="left",
        caption=Text(table.note, style="table.caption") if table.note else None,
        caption_justify="left",
    )
    for column, name in enumerate(table.head):
        shown.add_column(
            Text(name),
            justify="left" if column in table.left else "right",
            no_wrap=column not in table.wrap,
            overflow="fold" if column in table.wrap else "ellipsis",
        )
    for number, row in enumerate(table.rows):
        styles = ("bold" if (number, column) in table.bold else "" for column in range(len(row)))
        shown.add_row(*(Text(cell, style) for cell, style in zip(row, styles, strict=True)))
    if table.summary:
        shown.add_section()
    for row in table.summary:
        shown.add_row(*map(Text, row))
    return shown


def to_markdown(table: TextTable) -> str:
    """For a Markdown page."""
    marks = ("---" if column in table.left else "---:" for column in range(len(table.head)))
    lines = [f"| {' | '.join(row)} |" for row in (table.head, marks, *table.rows, *table.summary)]
    title = [f"## {table.title}", ""] if table.title else []
    return "\n".join([*title, *lines, *(["", table.note] if table.note else [])])


def classification_report(report: Report) -> str:
    """The report laid out as the paper's Table 2: emotions in label order, then averages."""
    lines = [f"{'':>14}{'Precision':>11}{'Recall':>9}{'F1-score':>10}{'Support':>9}"]

    def row(name: str, scores: Scores) -> str:
        values = f"{scores.precision:>11.2f}{scores.recall:>9.2f}{scores.f1:>10.2f}"
        return f"{name:>14}{values}{scores.support:>9}"

    lines += [row(label, scores) for label, scores in report.per_emotion.items()]
    lines.append("")
    lines.append(f"{'Accuracy':>14}{'':>20}{report.accuracy:>10.2f}{report.clips:>9}")
    lines.append(row("Macro avg", report.macro))
    lines.append(row("Weighted avg", report.weighted))
    lines.append(f"{'UAR':>14}{'':>20}{report.uar:>10.2f}{report.clips:>9}")
    return "\n".join(lines)


def scores_table(report: Report) -> TextTable:
    """The same as a table for a page."""

    def row(name: str, scores: Scores) -> tuple[str, ...]:
        values = (scores.precision, scores.recall, scores.f1)
        return (name, *(f"{value:.2f}" for value in values), str(scores.support))

    return TextTable(
        ("emotion", "precision", "recall", "F1", "clips"),
        tuple(row(label, scores) for label, scores in report.per_emotion.items()),
        (row("macro average", report.macro), row("weighted average", report.weighted)),
    )


def interval_text(interval: Interval, sign: str = "") -> str:
    """An interval of scores; with the sign ``+`` one of differences."""
    low, high = interval
    return f"{low:{sign}.3f} … {high:{sign}.3f}"


def interval_words(intervals: Intervals) -> str:
    """The 95 % intervals, and what they count."""
    accuracy, uar = interval_text(intervals.accuracy), interval_text(intervals.uar)
    return f"95 %: accuracy {accuracy}, UAR {uar} (bootstrap over {intervals.resampled})"


def confusion_table(labels: Sequence[str], confusion: Sequence[Sequence[int]]) -> TextTable:
    """Rows are what the clips are, columns what the model predicted."""
    rows = (
        (label, *(str(count) for count in counts))
        for label, counts in zip(labels, confusion, strict=True)
    )
    diagonal = frozenset((number, number + 1) for number in range(len(labels)))
    return TextTable(("label \\ predicted", *labels), tuple(rows), bold=diagonal)
