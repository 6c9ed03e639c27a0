import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from avser_cli.evaluation.metrics import score
from avser_cli.report.console import escape
from avser_cli.report.tables import (
    TextTable,
    classification_report,
    confusion_table,
    to_markdown,
    to_rich,
)

LABELS = ("happy", "sad", "angry", "neutral")
REPORT = score(LABELS, np.array([0, 0, 1, 1, 2, 2, 3, 3]), np.array([0, 0, 1, 0, 2, 2, 3, 2]))


def rendered(content, width=160):
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(content)
    return console.export_text()


def test_classification_report_is_laid_out_as_table_2():
    lines = classification_report(REPORT).splitlines()
    assert lines[0].split() == ["Precision", "Recall", "F1-score", "Support"]
    assert [line.split()[0] for line in lines[1:5]] == list(LABELS)
    assert lines[1].split() == ["happy", "0.67", "1.00", "0.80", "2"]
    assert lines[6].split() == ["Accuracy", "0.75", "8"]
    assert lines[7].split()[:2] == ["Macro", "avg"]
    assert lines[8].split()[:2] == ["Weighted", "avg"]
    assert lines[9].split() == ["UAR", "0.75", "8"]


def test_macro_and_weighted_rows_differ_where_emotions_differ_in_number():
    truth = np.array([0, 0, 0, 0, 0, 0, 1, 1, 2, 3])
    predicted = np.array([0, 0, 0, 0, 0, 1, 1, 2, 2, 3])
    lines = classification_report(score(LABELS, truth, predicted)).splitlines()
    assert lines[7].split() == ["Macro", "avg", "0.75", "0.83", "0.77", "10"]
    assert lines[8].split() == ["Weighted", "avg", "0.85", "0.80", "0.81", "10"]


def test_confusion_table_has_a_row_a_label():
    text = rendered(to_rich(confusion_table(REPORT.labels, REPORT.confusion)))
    assert all(label in text for label in LABELS)


def test_a_table_on_the_terminal_keeps_signs_that_look_like_markup():
    table = TextTable(("file", "n"), (("[red]a[/]", "1"), ("b", "22")), title="[t]", note="[n]")
    text = rendered(to_rich(table))
    assert all(sign in text for sign in ("[red]a[/]", "[t]", "[n]"))
    # Numbers end where their column ends.
    ends = [
        len(line.rstrip()) for line in text.splitlines() if line.split()[-1:] in (["1"], ["22"])
    ]
    assert len(ends) == 2
    assert len(set(ends)) == 1


def test_long_names_are_folded_or_cut_on_a_narrow_terminal():
    rows = (("a" * 100, "1"),)
    folded = rendered(to_rich(TextTable(("file", "n"), rows, wrap=frozenset({0}))), 40)
    assert folded.count("a") == 100
    assert "…" in rendered(to_rich(TextTable(("file", "n"), rows)), 40)


def test_a_table_as_markdown():
    table = TextTable(
        ("a", "b"), (("x", "1"),), (("mean", "2"),), "Title", "Note.", left=frozenset({0})
    )
    assert to_markdown(table).splitlines() == [
        "## Title", "", "| a | b |", "| --- | ---: |", "| x | 1 |", "| mean | 2 |", "", "Note.",
    ]  # fmt: skip


@given(st.text())
def test_safe_names_are_one_printable_line(text):
    assert "\n" not in escape(text)
    assert escape(text).isprintable()
