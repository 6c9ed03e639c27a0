"""Records of CSV files, of any values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any


def csv_record(values: Iterable[Any]) -> str:
    """A record of a CSV; one line but where a value holds line breaks."""
    cells = ["" if value is None else str(value) for value in values]
    text = io.StringIO()
    # A carriage return ends a record, too; up to Python 3.12 the writer does not look for it.
    if any("\r" in cell for cell in cells):
        csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerow(cells)
    else:
        csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue()
