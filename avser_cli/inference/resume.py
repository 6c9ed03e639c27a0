"""Going on with a file of answers: which sounds it holds whole answers for, and whose they are."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from avser_cli.errors import OutputError
from avser_cli.untrusted_input import parse_json

RowFormat = Literal["csv", "jsonl"]


@dataclass(frozen=True)
class ResumeState:
    """What of a file of answers is kept.

    Attributes
    ----------
    done : set of str
        Sounds that it holds all rows of.
    text : str or None
        What the file is to be cut back to; None where it may stay as it is.
    """

    done: frozenset[str]
    text: str | None = None


def csv_record(values: Iterable[Any]) -> str:
    """A record of a CSV; one line but where a value holds line breaks."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


def resume_state(
    out: Path, content: str, format: RowFormat, header: Sequence[str], model: str
) -> ResumeState:
    """Read what an earlier run wrote.

    Parameters
    ----------
    out : pathlib.Path
        For messages.
    content : str
        Of the file; undecodable bytes as surrogates.
    format : {"csv", "jsonl"}
    header : sequence of str
        The columns of the rows, of which the first is ``file`` and the last ``model``.
    model : str
        `avser_cli.inference.classifier.Classifier.name`.

    Raises
    ------
    OutputError
        The file holds something else, or answers of another model.
    """
    head = csv_record(header) if format == "csv" else ""
    if not content:
        return ResumeState(frozenset(), head)
    reader = _Reader(out, header, model)
    rows, whole = reader.csv(content) if format == "csv" else reader.json_lines(content)
    if not whole and rows:
        # The end was cut off: other rows of the last sound may be missing, too.
        rows = [row for row in rows if row[0] != rows[-1][0]]
    text = None if whole else head + "".join(text for _, text in rows)
    return ResumeState(frozenset(name for name, _ in rows), text)


class _Reader:
    """Gives each whole row's file name and text, and whether nothing else is there."""

    def __init__(self, out: Path, header: Sequence[str], model: str) -> None:
        self._out, self._header, self._model = out, list(header), model

    def csv(self, content: str) -> tuple[list[tuple[str, str]], bool]:
        rows: list[tuple[str, str]] = []
        whole = content.endswith("\n")
        try:
            records = list(csv.reader(io.StringIO(content, newline="")))
        except csv.Error as error:
            raise self._holds(f"no answers ({error})") from None
        if records[0] != self._header and (len(records) > 1 or whole):
            raise self._holds("other columns")
        for number, record in enumerate(records[1:], start=2):
            if len(record) != len(self._header) or record[-1] != self._model:
                model = record[-1] if len(record) == len(self._header) else ""
                self._check_model(model, cut=not whole and number == len(records))
                return rows, False
            rows.append((record[0], csv_record(record)))
        return rows, whole

    def json_lines(self, content: str) -> tuple[list[tuple[str, str]], bool]:
        rows: list[tuple[str, str]] = []
        whole = content.endswith("\n")
        optional = set(self._header) & OPTIONAL
        # Line feeds alone: a file's name may hold what `splitlines` takes for the end of a line.
        for line in io.StringIO(content, newline="\n"):
            try:
                row = parse_json(line)
                name, model = row["file"], row["model"]
                if not (isinstance(name, str) and isinstance(model, str)):
                    raise TypeError
            except (ValueError, TypeError, KeyError):
                if not rows:
                    raise self._holds("no answers") from None
                return rows, False
            if set(row) & OPTIONAL != optional:
                raise self._holds("other columns")
            if model != self._model:
                self._check_model(model, cut=False)
            rows.append((name, line))
        return rows, whole

    def _holds(self, what: str) -> OutputError:
        return OutputError(f"{self._out}: holds {what}; give another --out")

    def _check_model(self, model: str, cut: bool) -> None:
        # A cut name is the start of the right one. A whole one may be, too: the same model's
        # without a reference of the speaker.
        if not ((cut or not model) and self._model.startswith(model)):
            raise OutputError(
                f"{self._out}: answers of another model, channel or speaker reference ({model}); "
                "give another --out"
            )


OPTIONAL = frozenset({"start", "end", "speaker", "channel", "seconds"})
"""Columns that not every kind of rows has."""
