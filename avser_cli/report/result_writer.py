"""Answers as rows for programs: CSV and JSON Lines, to stdout or to a file that can grow."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from avser_cli.csv_records import csv_record
from avser_cli.errors import NoVoiceError, OutputError, os_reason
from avser_cli.files import is_special, remove_leftovers_of
from avser_cli.inference.predictions import Prediction, RecordingPrediction, Segment
from avser_cli.inference.resume import RowFormat, resume_state


@dataclass(frozen=True)
class Row:
    """The answer for a recording or for a part of it, as it is written.

    Attributes
    ----------
    file, model : str
    answer : Prediction or None
        `None` where nobody speaks.
    channel, speaker : str
        Empty where nothing is said of them.
    span : tuple of float or None
        Start and end of a part in seconds; `None` for a whole recording.
    seconds, speech : float
        Length of a whole recording, and how much of it was judged.
    windows : int
        Whose answers were pooled for it.
    """

    file: str
    model: str
    answer: Prediction | None
    channel: str = ""
    speaker: str = ""
    span: tuple[float, float] | None = None
    seconds: float = 0.0
    speech: float = 0.0
    windows: int = 0

    @classmethod
    def of(
        cls,
        file: str,
        answer: RecordingPrediction | Segment | NoVoiceError,
        model: str,
        speaker: str = "",
        channel: str = "",
    ) -> Self:
        """The row of a recording or of a segment."""
        if isinstance(answer, NoVoiceError):
            seconds = round(answer.seconds, 3)
            return cls(file, model, None, channel, speaker, seconds=seconds)
        if isinstance(answer, Segment):
            found, span = _rounded(answer.prediction), (answer.start, answer.end)
            return cls(file, model, found, channel, answer.speaker or speaker, span)
        return cls(
            file,
            model,
            _rounded(answer),
            channel,
            speaker,
            seconds=round(answer.seconds, 3),
            speech=round(answer.speech, 3),
            windows=answer.windows,
        )

    def values(self) -> dict[str, Any]:
        """What columns have, by their names; the probabilities of all emotions in one."""
        start, end = self.span or (None, None)
        answer = vars(self.answer) if self.answer else dict.fromkeys(ANSWER)
        return {**vars(self), **answer, "start": start, "end": end}


ANSWER = tuple(field.name for field in fields(Prediction))
"""Columns that are empty where nobody speaks."""


def _rounded(prediction: Prediction) -> Prediction:
    return Prediction(
        prediction.emotion,
        prediction.category,
        round(prediction.confidence, 6),
        {label: round(p, 6) for label, p in prediction.probabilities.items()},
        prediction.uncertain,
    )


@dataclass(frozen=True)
class RowLayout:
    """Which columns rows have.

    Attributes
    ----------
    labels : tuple of str
        The model's emotions.
    segments : bool
        Rows are parts of recordings, with their times.
    speaker, channel : bool
        Rows name who speaks, or on which channel.
    """

    labels: tuple[str, ...]
    segments: bool = False
    speaker: bool = False
    channel: bool = False

    def columns(self) -> list[str]:
        """The names, in order: as the header of a CSV has them."""
        return [
            "file",
            *(["channel"] if self.channel else []),
            *(["start", "end"] if self.segments else []),
            *(["speaker"] if self.speaker else []),
            "emotion",
            "category",
            "confidence",
            *(f"p_{label}" for label in self.labels),
            "uncertain",
            *([] if self.segments else ["seconds", "speech", "windows"]),
            "model",
        ]

    def text(self, row: Row, format: RowFormat) -> str:
        """One line, or, where a name holds line breaks, one CSV record."""
        values = row.values()
        if format == "jsonl":
            names = dict.fromkeys("probabilities" if x[:2] == "p_" else x for x in self.columns())
            return json.dumps({name: values[name] for name in names}, ensure_ascii=False) + "\n"
        if row.answer is not None:
            values |= {f"p_{label}": f"{p:.6f}" for label, p in row.answer.probabilities.items()}
            values["confidence"] = f"{row.answer.confidence:.6f}"
            values["uncertain"] = str(row.answer.uncertain).lower()
        return csv_record(values.get(name) for name in self.columns())


class ResultWriter:
    """Writes rows to stdout, or appends them to a file and skips the sounds that it holds.

    Parameters
    ----------
    out : pathlib.Path or None
        None for stdout.
    format : {"csv", "jsonl"}
    layout : RowLayout
    model : str
        `Classifier.name`: rows of another model are not gone on with.

    Attributes
    ----------
    done : frozenset of str
        Sounds that the file holds all rows of.

    Raises
    ------
    OutputError
        The file holds something else, rows of another model, or cannot be written.
    """

    def __init__(self, out: Path | None, format: RowFormat, layout: RowLayout, model: str) -> None:
        self._format, self._out = format, out
        self._layout, self.model = layout, model
        self.done: frozenset[str] = frozenset()
        head = csv_record(layout.columns()) if format == "csv" else ""
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
                state = resume_state(out, format, layout.columns(), model)
                self.done = state.done
                # Unbuffered: what has been answered is on disk, whatever happens next.
                self._file = out.open("ab", buffering=0)
                if self._file.tell() > state.size:
                    self._file.truncate(state.size)
                if state.size == 0:
                    self._to_file(head)
        except OSError as error:
            raise OutputError(f"{out}: cannot be written: {os_reason(error)}") from None
        self._write = self._to_file

    def write(self, rows: Sequence[Row]) -> None:
        """Write one sound's rows at once."""
        self._write("".join(self._layout.text(row, self._format) for row in rows))

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


def _encoded(text: str) -> bytes:
    # Names of files need not be text.
    return text.encode("utf-8", "surrogateescape")


def _to_stdout(text: str) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(_encoded(text))
    sys.stdout.buffer.flush()
