"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from avser_cli.evaluation.bootstrap import Intervals
from avser_cli.evaluation.metrics import Report, Scores


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


def interval_words(intervals: Intervals) -> str:
    """The 95 % intervals, and what they count."""
    accuracy, uar = (f"{low:.3f} … {high:.3f}" for low, high in (intervals.accuracy, intervals.uar))
    return f"95 %: accuracy {accuracy}, UAR {uar} (bootstrap over {intervals.resampled})"


def confusion_table(labels: Sequence[str], confusion: Sequence[Sequence[int]]) -> Table:
    """Rows are what the clips are, columns what the model predicted."""
    table = Table("label \\ predicted", box=SIMPLE_HEAD)
    for label in labels:
        table.add_column(label, justify="right")
    for number, (label, counts) in enumerate(zip(labels, confusion, strict=True)):
        cells = [f"[bold]{n}[/bold]" if i == number else str(n) for i, n in enumerate(counts)]
        table.add_row(label, *cells)
    return table
