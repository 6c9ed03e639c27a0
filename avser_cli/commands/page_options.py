"""`--report PAGE.html`: what was answered, as a page to look at and listen to."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from avser_cli.audio.decoding import STDIN
from avser_cli.audio.selection import SoundSelection
from avser_cli.errors import InputError, PartialError, UsageError
from avser_cli.files import check_output_file
from avser_cli.inference.classifier import Classifier
from avser_cli.inference.predictions import Prediction
from avser_cli.inference.resume import RowFormat
from avser_cli.report.console import echo, escape, progress
from avser_cli.report.result_writer import ANSWER, Row
from avser_cli.threads import in_order

if TYPE_CHECKING:
    from avser_cli.report.page_media import Media, SoundPart

PANEL = "A page to look at and listen to"
Embed = Annotated[
    bool,
    typer.Option(
        "--embed",
        help="Put small copies of the sounds into the page, instead of links.",
        rich_help_panel=PANEL,
    ),
]


@dataclass(frozen=True)
class PageOptions:
    """Whether a page is written."""

    report: Annotated[
        Path | None,
        typer.Option(
            help="HTML page with a table, players and spectrograms, on which answers can be "
            "corrected and saved as labels.",
            rich_help_panel=PANEL,
        ),
    ] = None
    embed: Embed = False

    def page(self, sounds: Iterable[Path]) -> AnswersPage | None:
        """What collects the answers; None where no page is asked for.

        Raises
        ------
        UsageError, OutputError
            The options contradict each other, or the page cannot be written.
        """
        target = checked_page(self.report, self.embed)
        if target is None:
            return None
        if STDIN in sounds:
            raise UsageError("--report links to files; it takes no stdin and no stdout")
        return AnswersPage(target, self.embed)


def checked_page(report: Path | None, embed: bool) -> Path | None:
    """The page that is asked for, if any.

    Raises
    ------
    UsageError, OutputError
        The options contradict each other, or the page cannot be written.
    """
    if report is None:
        if embed:
            raise UsageError("--embed goes with --report")
        return None
    if report == STDIN:
        raise UsageError("--report links to files; it takes no stdin and no stdout")
    check_output_file(report, (".html", ".htm"))
    return report


@dataclass
class AnswersPage:
    """The answers of one call of `classify`."""

    target: Path
    embed: bool
    rows: list[Row] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    def add(self, rows: Iterable[Row]) -> None:
        """Take in a recording's rows."""
        self.rows += rows

    def failed(self, path: Path, error: InputError) -> None:
        """Take in a recording that was not answered."""
        self.failures[str(path)] = str(error).removeprefix(f"{path}: ")

    def add_kept(self, out: Path, format: RowFormat) -> None:
        """Take in what earlier runs wrote to ``--out``."""
        known = {row.file for row in self.rows}
        kept = (row for row in _read_rows(out, format) if row.file not in known)
        self.rows = [*kept, *self.rows]

    def write(self, classifier: Classifier, jobs: int) -> None:
        """Write the page, with a picture of each recording.

        Raises
        ------
        PartialError
            The sounds are too long to be embedded; they are linked.
        """
        from avser_cli.report.answers_page import recordings_from_rows, write_page

        labels, named = classifier.config.labels, classifier.config.label_categories
        found = recordings_from_rows(self.rows, labels, self.failures, classifier.selection)
        seconds = sum(recording.seconds for recording in found)
        embed = self.embed and fits_into_a_page(seconds)
        media = collect_media([x.part for x in found if x.state != "failed"], embed, jobs)
        categories = {
            category: [x for x, of_it in named.items() if of_it == category]
            for category in ("positive", "negative")
        }
        write_page(self.target, found, media, categories, labels, _about(classifier))
        echo(f"page: {escape(self.target)}")
        if self.embed and not embed:
            raise too_large(self.target, seconds)


def fits_into_a_page(seconds: float) -> bool:
    """Whether sounds of this length can be embedded; if so, their size is told."""
    from avser_cli.report.page_media import MAX_EMBEDDED_BYTES, embedded_bytes

    size = embedded_bytes(seconds)
    if size > MAX_EMBEDDED_BYTES:
        return False
    echo(f"embedding sounds: about {size / 1e6:.1f} MB")
    return True


def too_large(target: Path, seconds: float) -> PartialError:
    """What to say where they cannot."""
    from avser_cli.report.page_media import MAX_EMBEDDED_BYTES, embedded_bytes

    return PartialError(
        f"{target}: {embedded_bytes(seconds) / 1e6:.0f} MB of sound are too much to embed, at most "
        f"{MAX_EMBEDDED_BYTES / 1e6:.0f} MB; they are linked instead"
    )


def collect_media(parts: Iterable[SoundPart], embed: bool, jobs: int) -> dict[SoundPart, Media]:
    """Pictures and, if wanted, copies of sounds; files that cannot be read any more are named."""
    from avser_cli.report.page_media import read_media

    by_file: dict[tuple[Path, SoundSelection], list[SoundPart]] = {}
    for part in dict.fromkeys(parts):
        by_file.setdefault((part.path, part.selection), []).append(part)

    def read(of_one_file: Sequence[SoundPart]) -> dict[SoundPart, Media]:
        try:
            return read_media(of_one_file, embed)
        except InputError as error:
            echo(f"no picture: {escape(error)}")
            return {}

    media: dict[SoundPart, Media] = {}
    with progress("drawing the page") as on_progress:
        for done, found in enumerate(in_order(read, by_file.values(), jobs), 1):
            media |= found
            on_progress(done, len(by_file))
    return media


def _about(classifier: Classifier) -> list[str]:
    """What the model is good for, in two lines."""
    model, calibration = f"Model {classifier.name}.", classifier.config.calibration
    if calibration:
        model += (
            f" Answers with a confidence under {calibration.threshold:.2f} are marked as "
            f"uncertain; {calibration.accuracy:.0%} of the others were right, measured on "
            f"{calibration.source}."
        )
    return [
        model,
        "It learned from acted speech. Other voices, languages and rooms are judged worse: listen, "
        "correct some answers, save the labels and measure with avser evaluate. Not for decisions "
        "about people.",
    ]


def _read_rows(out: Path, format: RowFormat) -> Iterable[Row]:
    """Rows that were written to a file."""
    text = out.read_bytes().decode("utf-8", "surrogateescape")
    if format == "jsonl":
        return [_row(json.loads(line)) for line in text.split("\n") if line.strip()]
    return [_row(_typed(row)) for row in csv.DictReader(io.StringIO(text, newline=""))]


def _row(values: Mapping[str, Any]) -> Row:
    """A row from the values of its columns, but without the number of windows."""
    answer = None
    if values["emotion"] is not None:
        answer = Prediction(**{name: values[name] for name in ANSWER})
    return Row(
        values["file"],
        values["model"],
        answer,
        channel=values.get("channel") or "",
        speaker=values.get("speaker") or "",
        span=(values["start"], values["end"]) if "start" in values else None,
        seconds=values.get("seconds") or 0.0,
        speech=values.get("speech") or 0.0,
    )


def _typed(cells: Mapping[str, str]) -> dict[str, Any]:
    """The values of a record of a CSV, as a line of JSON has them."""
    values: dict[str, Any] = {k: v for k, v in cells.items() if not k.startswith("p_")}
    for name in ("start", "end", "confidence", "seconds", "speech"):
        if name in values:
            values[name] = float(values[name]) if values[name] else None
    values["emotion"], values["category"] = values["emotion"] or None, values["category"] or None
    values["uncertain"] = values["uncertain"] == "true"
    values["probabilities"] = {k[2:]: float(v) for k, v in cells.items() if k[:2] == "p_" and v}
    return values
