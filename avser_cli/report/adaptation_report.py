"""What training on from a bundle changed, before and after side by side."""

from __future__ import annotations

from dataclasses import replace

from avser_cli.evaluation.scoring import BeforeAfter, Scoring
from avser_cli.report.tables import TextTable, confusion_table, interval_text


def scores_before_after(found: BeforeAfter, name: str = "held out") -> TextTable:
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
    after = found.after.report
    table = confusion_table(after.labels, after.confusion)
    if found.before is None:
        return table
    before = confusion_table(after.labels, found.before.report.confusion)
    rows = (
        (label, *(f"{old} → {new}" for old, new in zip(olds, news, strict=True)))
        for (label, *olds), (_, *news) in zip(before.rows, table.rows, strict=True)
    )
    return replace(table, rows=tuple(rows))
