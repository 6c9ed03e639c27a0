"""Going on with a file of answers: which sounds it holds whole answers for, and whose they are."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from avser_cli.audio.input import STDIN
from avser_cli.csv_records import csv_record
from avser_cli.errors import OutputError
from avser_cli.untrusted_input import parse_json

RowFormat = Literal["csv", "jsonl"]


@dataclass(frozen=True)
class ResumeState:
    """What of a file of answers is kept.

    Attributes
    ----------
    done : frozenset of str
        Sounds that it holds all rows of. What came through a pipe is none of them: the next pipe
        brings another sound.
    size : int
        Bytes that it is to be cut back to; 0 where it has no row, and may lack its header.
    """

    done: frozenset[str]
    size: int


def resume_state(out: Path, format: RowFormat, header: Sequence[str], model: str) -> ResumeState:
    """Read what an earlier run wrote, row by row; of the rows, names alone are held.

    Parameters
    ----------
    out : pathlib.Path
        It need not be there.
    format : {"csv", "jsonl"}
    header : sequence of str
        The columns of the rows, of which the first is ``file`` and the last ``model``.
    model : str
        `avser_cli.inference.classifier.Classifier.name`.

    Raises
    ------
    OutputError
        The file holds something else, answers of another model, or, before its last row, one that
        is not whole.
    OSError
        It cannot be read.
    """
    if not out.exists():
        return ResumeState(frozenset(), 0)
    # Line feeds alone end lines of JSON: a file's name may hold what else is taken for an end.
    newline = "" if format == "csv" else "\n"
    with out.open(encoding="utf-8", errors="surrogateescape", newline=newline) as handle:
        reader = _Reader(out, header, model, handle)
        done: set[str | None] = set()
        name, start, end = None, 0, 0
        for found, row_end in reader.csv() if format == "csv" else reader.json_lines():
            if found != name:
                done.add(name)
                name, start = found, end
            end = row_end
    if reader.whole:
        done.add(name)
        start = end
    # Else the end was cut off: other rows of the last sound may be missing, too.
    return ResumeState(frozenset(x for x in done if x not in (None, str(STDIN))), start)


class _Reader:
    """Gives each whole row's file name, and where the row ends, in bytes.

    Attributes
    ----------
    whole : bool
        Whether nothing but whole rows has been there so far.
    """

    def __init__(self, out: Path, header: Sequence[str], model: str, lines: Iterable[str]) -> None:
        self._out, self._header, self._model = out, list(header), model
        self._lines, self._line, self._end = lines, "", 0
        self.whole = True

    def _counted(self) -> Iterator[str]:
        for line in self._lines:
            self._line, self.whole = line, line.endswith("\n")
            self._end += len(line.encode("utf-8", "surrogateescape"))
            yield line

    def csv(self) -> Iterator[tuple[str | None, int]]:
        """Rows of a CSV, and at first its header, which has no name."""
        records = csv.reader(self._counted())
        try:
            yield from self._records(records)
        except csv.Error as error:
            raise self._holds(f"no answers ({error})") from None

    def _records(self, records: Any) -> Iterator[tuple[str | None, int]]:
        head = next(records, None)
        if head is None:
            return
        if head != self._header:
            begun = not self.whole and csv_record(self._header).startswith(self._line)
            if not begun or next(records, None) is not None:
                raise self._holds("other columns")
            return
        yield None, self._end
        for record in records:
            whole, line = len(record) == len(self._header), records.line_num
            if whole and record[-1] == self._model:
                yield record[0], self._end
            elif record:
                if any(records):
                    self._check_model(record[-1] if whole else "", cut=False)
                    raise self._damaged(line)
                self._check_model(record[-1] if whole else "", cut=not self.whole)
                self.whole = False
                return

    def json_lines(self) -> Iterator[tuple[str, int]]:
        """Rows of JSON Lines."""
        optional = set(self._header) & OPTIONAL
        start = 0
        lines = enumerate(self._counted(), start=1)
        for number, line in lines:
            if not line.strip():
                continue
            try:
                row = parse_json(line)
                name, model = row["file"], row["model"]
                if not (isinstance(name, str) and isinstance(model, str)):
                    raise TypeError
            except (ValueError, TypeError, KeyError):
                if start == 0:
                    raise self._holds("no answers") from None
                if any(rest.strip() for _, rest in lines):
                    raise self._damaged(number) from None
                self.whole = False
                return
            if set(row) & OPTIONAL != optional:
                raise self._holds("other columns")
            if model != self._model:
                self._check_model(model, cut=False)
            start = self._end
            yield name, self._end

    def _holds(self, what: str) -> OutputError:
        return OutputError(f"{self._out}: holds {what}; give another --out")

    def _damaged(self, line: int) -> OutputError:
        return self._holds(f"a row that is damaged (line {line}), and others after it")

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
