"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from avser_cli.learn.comparison import PUBLISHED, Row
from avser_cli.learn.metrics import Report, Scores


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


def confusion_table(report: Report) -> Table:
    """Rows are what the clips are, columns what the model heard."""
    table = Table(title="Confusion matrix (rows: label, columns: heard)", title_justify="left")
    table.add_column("")
    for label in report.labels:
        table.add_column(label, justify="right")
    for number, (label, counts) in enumerate(zip(report.labels, report.confusion, strict=True)):
        cells = [f"[bold]{n}[/bold]" if i == number else str(n) for i, n in enumerate(counts)]
        table.add_row(label, *cells)
    return table


def comparison_table(rows: Sequence[Row], title: str) -> Table:
    """The paper's Table 3 with the measured values beside the published accuracy."""
    table = Table(title=title, title_justify="left")
    heads = ("recipe", "published", "accuracy", "UAR", "macro P", "R", "F1", "weighted P", "R",
             "F1", "weights", "training")  # fmt: skip
    table.add_column("model")
    for head in heads:
        table.add_column(head, justify="right")
    for row in rows:
        report = row.report
        averages = [
            f"{value:.2f}"
            for scores in (report.macro, report.weighted)
            for value in (scores.precision, scores.recall, scores.f1)
        ]
        table.add_row(
            row.recipe.network,
            row.recipe.name,
            f"{PUBLISHED[row.recipe.network]:.2f}",
            f"{report.accuracy:.3f}",
            f"{report.uar:.3f}",
            *averages,
            f"{row.parameters:,}",
            f"{row.seconds:.0f} s",
        )
    return table
