"""Answers as rows for programs: CSV and JSON Lines, to stdout or to a file that can grow."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

from avser_cli.errors import OutputError, os_reason
from avser_cli.files import is_special, remove_leftovers_of, write_whole
from avser_cli.inference.predictions import Prediction, Segment
from avser_cli.untrusted_input import parse_json

RowFormat = Literal["csv", "jsonl"]
Row = dict[str, Any]


def clip_row(file: str, prediction: Prediction, model: str) -> Row:
    """A clip's row: file, emotion, category, confidence, probabilities, uncertain, model."""
    return {"file": file, **_prediction_fields(prediction), "model": model}


def segment_row(file: str, segment: Segment, model: str) -> Row:
    """A segment's row: a clip's, with start and end in seconds after the file."""
    times = {"start": segment.start, "end": segment.end}
    return {"file": file, **times, **_prediction_fields(segment.prediction), "model": model}


def _prediction_fields(prediction: Prediction) -> Row:
    return {
        "emotion": prediction.emotion,
        "category": prediction.category,
        "confidence": round(prediction.confidence, 6),
        "probabilities": {k: round(v, 6) for k, v in prediction.probabilities.items()},
        "uncertain": prediction.uncertain,
    }


def columns(labels: Sequence[str], windows: bool) -> list[str]:
    """The header of the CSV."""
    times = ["start", "end"] if windows else []
    probabilities = [f"p_{label}" for label in labels]
    return [
        "file",
        *times,
        "emotion",
        "category",
        "confidence",
        *probabilities,
        "uncertain",
        "model",
    ]


def row_text(row: Row, format: RowFormat) -> str:
    """One line, or, where a name holds line breaks, one CSV record."""
    if format == "jsonl":
        return json.dumps(row, ensure_ascii=False) + "\n"
    probabilities = {f"p_{label}": f"{p:.6f}" for label, p in row["probabilities"].items()}
    flat = {
        **row,
        **probabilities,
        "confidence": f"{row['confidence']:.6f}",
        "uncertain": str(row["uncertain"]).lower(),
    }
    return _record(flat[name] for name in columns(list(row["probabilities"]), "start" in row))


def _record(values: Iterable[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


class ResultWriter:
    """Writes rows to stdout, or appends them to a file and skips the sounds that it holds.

    Parameters
    ----------
    out : pathlib.Path or None
        None for stdout.
    format : {"csv", "jsonl"}
    labels : sequence of str
        The model's emotions.
    model : str
        `Classifier.name`: rows of another model are not gone on with.
    windows : bool
        Rows are segments.

    Attributes
    ----------
    done : set of str
        Sounds that the file holds all rows of.

    Raises
    ------
    OutputError
        The file holds something else, rows of another model, or cannot be written.
    """

    def __init__(
        self, out: Path | None, format: RowFormat, labels: Sequence[str], model: str, windows: bool
    ) -> None:
        self._format, self._out = format, out
        self._header = columns(labels, windows)
        self._model = model
        self.done: set[str] = set()
        head = _record(self._header) if format == "csv" else ""
        if out is None:
            self._write = _to_stdout
            if head:
                _to_stdout(head)
            return
        self._special = is_special(out)
        try:
            if self._special:  # A pipe, a device: it holds nothing to go on with.
                self._file = out.open("wb", buffering=0)
                self._to_file(head)
            else:
                remove_leftovers_of(out)
                self._go_on(out, head)
                # Unbuffered: what has been answered is on disk, whatever happens next.
                self._file = out.open("ab", buffering=0)
        except OSError as error:
            raise OutputError(f"{out}: cannot be written: {os_reason(error)}") from None
        self._write = self._to_file

    def write(self, rows: Sequence[Row]) -> None:
        """Write one sound's rows at once."""
        self._write("".join(row_text(row, self._format) for row in rows))

    def _to_file(self, text: str) -> None:
        assert self._out is not None
        content, end = _encoded(text), 0 if self._special else self._file.tell()
        try:
            # The last block of a full disk takes a part and says nothing.
            while content:
                content = content[self._file.write(content) :]
        except OSError as error:
            if not self._special:
                self._file.truncate(end)
            raise OutputError(f"{self._out}: cannot be written: {os_reason(error)}") from None
        # An open file takes rows also when nobody will find them any more.
        written = os.fstat(self._file.fileno())
        if not self._out.exists() or not os.path.samestat(written, self._out.stat()):
            raise OutputError(
                f"{self._out}: was removed or replaced while rows were written; start again"
            )

    def _go_on(self, out: Path, head: str) -> None:
        content = out.read_bytes() if out.exists() else b""
        if not content:
            write_whole(out, head.encode())
            return
        rows, whole = self._read(out, content.decode("utf-8", "surrogateescape"))
        if not whole and rows:
            # The end was cut off: other rows of the last sound may be missing, too.
            rows = [row for row in rows if row[0] != rows[-1][0]]
        if not whole:
            write_whole(out, _encoded(head + "".join(text for _, text in rows)))
        self.done = {name for name, _ in rows}

    def _read(self, out: Path, content: str) -> tuple[list[tuple[str, str]], bool]:
        """Each whole row's file name and text, and whether nothing else is there."""
        rows: list[tuple[str, str]] = []
        whole = content.endswith("\n")
        if self._format == "csv":
            try:
                records = list(csv.reader(io.StringIO(content, newline="")))
            except csv.Error as error:
                raise OutputError(
                    f"{out}: holds no answers ({error}); give another --out"
                ) from None
            if records[0] != self._header and (len(records) > 1 or whole):
                raise OutputError(f"{out}: holds other columns; give another --out")
            for number, record in enumerate(records[1:], start=2):
                if len(record) != len(self._header) or record[-1] != self._model:
                    model = record[-1] if len(record) == len(self._header) else ""
                    self._check_model(out, model, cut=not whole and number == len(records))
                    whole = False
                    break
                rows.append((record[0], _record(record)))
            return rows, whole
        # Line feeds alone: a file's name may hold what `splitlines` takes for the end of a line.
        for line in io.StringIO(content, newline="\n"):
            try:
                row = parse_json(line)
                name, model = row["file"], row["model"]
                if not (isinstance(name, str) and isinstance(model, str)):
                    raise TypeError
            except (ValueError, TypeError, KeyError):
                if not rows:
                    raise OutputError(f"{out}: holds no answers; give another --out") from None
                whole = False
                break
            if ("start" in row) != ("start" in self._header):
                raise OutputError(f"{out}: holds other columns; give another --out")
            if model != self._model:
                self._check_model(out, model, cut=False)
            rows.append((name, line))
        return rows, whole

    def _check_model(self, out: Path, model: str, cut: bool) -> None:
        # A cut name is the start of the right one. A whole one may be, too: the same model's
        # without a reference of the speaker.
        if not ((cut or not model) and self._model.startswith(model)):
            raise OutputError(
                f"{out}: answers of another model, channel or speaker reference ({model}); give "
                "another --out"
            )


def _encoded(text: str) -> bytes:
    # Names of files need not be text.
    return text.encode("utf-8", "surrogateescape")


def _to_stdout(text: str) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(_encoded(text))
    sys.stdout.buffer.flush()
