"""What training on from a bundle changed, before and after side by side."""

from __future__ import annotations

from avser_cli.evaluation.scoring import BeforeAfter, Scoring
from avser_cli.report.tables import TextTable, interval_text


def scores_table(found: BeforeAfter, name: str = "held out") -> TextTable:
    """UAR and accuracy with their 95 % intervals, and the expected calibration error.

    Parameters
    ----------
    found : BeforeAfter
    name : str
        Which clips they are of.
    """
    before = _scores(found.before) if found.before else ("unknown emotions", "", "")
    names = ("UAR", "accuracy", "calibration error")
    rows = tuple(zip(names, before, _scores(found.after), strict=True))
    after = found.after
    return TextTable(
        (name, "before", "after"),
        rows,
        note=f"{after.report.clips} clips; 95 %: bootstrap over {after.intervals.resampled}",
    )


def _scores(scoring: Scoring) -> tuple[str, str, str]:
    report, intervals = scoring.report, scoring.intervals
    return (
        f"{report.uar:.3f} ({interval_text(intervals.uar)})",
        f"{report.accuracy:.3f} ({interval_text(intervals.accuracy)})",
        f"{scoring.calibration_error:.3f}",
    )


def confusion_before_after(found: BeforeAfter) -> TextTable:
    """Counts before and after: a row for each label, a column for what was predicted."""
    labels, after = found.after.report.labels, found.after.report.confusion
    before = found.before.report.confusion if found.before else None
    rows = tuple(
        (
            label,
            *(
                f"{before[row][column]} → {count}" if before else str(count)
                for column, count in enumerate(after[row])
            ),
        )
        for row, label in enumerate(labels)
    )
    diagonal = frozenset((number, number + 1) for number in range(len(labels)))
    return TextTable(("label \\ predicted", *labels), rows, bold=diagonal)
