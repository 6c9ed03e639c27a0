"""`classify --report`: what was answered, as a page to look at, listen to and correct."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from avser_cli.audio.decoding import STDIN
from avser_cli.data.emotions import CATEGORIES
from avser_cli.errors import InputError, PartialError, UsageError
from avser_cli.files import check_writable
from avser_cli.inference.classifier import Classifier
from avser_cli.report.console import echo, escape, progress
from avser_cli.report.result_writer import Row

PANEL = "A page to look at and listen to"


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
    embed: Annotated[
        bool,
        typer.Option(
            "--embed",
            help="Put small copies of the sounds into the page, instead of links.",
            rich_help_panel=PANEL,
        ),
    ] = False

    def page(self, sounds: Iterable[Path]) -> AnswersPage | None:
        """What collects the answers; None where no page is asked for.

        Raises
        ------
        UsageError, OutputError
            The options contradict each other, or the page cannot be written.
        """
        if self.report is None:
            if self.embed:
                raise UsageError("--embed goes with --report")
            return None
        if STDIN in sounds or self.report == STDIN:
            raise UsageError("--report links to files; it takes no stdin and no stdout")
        check_writable(self.report.parent)
        return AnswersPage(self.report, self.embed)


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

    def add_kept(self, out: Path) -> None:
        """Take in what earlier runs wrote to ``--out``."""
        known = {row["file"] for row in self.rows}
        self.rows = [*(row for row in _read_rows(out) if row["file"] not in known), *self.rows]

    def write(self, classifier: Classifier, jobs: int) -> None:
        """Write the page, with a picture of each recording.

        Raises
        ------
        PartialError
            The sounds are too long to be embedded; they are linked.
        """
        from avser_cli.report.answers_page import (
            MAX_EMBEDDED_BYTES,
            embedded_bytes,
            recordings_from_rows,
            write_page,
        )

        labels = classifier.config.labels
        found = recordings_from_rows(self.rows, labels, self.failures)
        size = embedded_bytes(sum(recording.seconds for recording in found))
        too_large = self.embed and size > MAX_EMBEDDED_BYTES
        if self.embed and not too_large:
            echo(f"embedding sounds: about {size / 1e6:.1f} MB")
        media = self._media([x.path for x in found if x.state != "failed"], too_large, jobs)
        categories = {
            category: [x for x in labels if CATEGORIES.get(x) == category]
            for category in ("positive", "negative")
        }
        write_page(self.target, found, media, categories, labels, _about(classifier))
        echo(f"page: {escape(self.target)}")
        if too_large:
            raise PartialError(
                f"{self.target}: {size / 1e6:.0f} MB of sound are too much to embed, at most "
                f"{MAX_EMBEDDED_BYTES / 1e6:.0f} MB; they are linked instead"
            )

    def _media(self, paths: list[Path], too_large: bool, jobs: int) -> dict[Path, Any]:
        from joblib import Parallel, delayed

        from avser_cli.report.answers_page import Media, read_media

        embed = self.embed and not too_large

        def read(path: Path) -> tuple[Path, Media]:
            try:
                return path, read_media(path, embed)
            except InputError as error:
                echo(f"no picture: {escape(error)}")
                return path, Media()

        parallel = Parallel(n_jobs=jobs, prefer="threads", return_as="generator")
        distinct = list(dict.fromkeys(paths))
        media = {}
        with progress("drawing the page") as on_progress:
            for done, (path, found) in enumerate(parallel(delayed(read)(x) for x in distinct), 1):
                media[path] = found
                on_progress(done, len(distinct))
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


def _read_rows(out: Path) -> Iterable[Row]:
    """Rows that were written to a file, as `RowLayout.row` gives them."""
    text = out.read_bytes().decode("utf-8", "surrogateescape")
    if out.suffix.lower() != ".csv":
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    return [_typed(row) for row in csv.DictReader(text.splitlines(keepends=True))]


def _typed(cells: dict[str, str]) -> Row:
    """A row of a CSV with numbers as numbers."""
    row: Row = {k: v for k, v in cells.items() if not k.startswith("p_")}
    for name in ("start", "end", "confidence", "seconds", "speech"):
        if name in row:
            row[name] = float(row[name]) if row[name] else None
    row["emotion"] = row["emotion"] or None
    row["uncertain"] = row["uncertain"] == "true"
    row["probabilities"] = {k[2:]: float(v) for k, v in cells.items() if k[:2] == "p_" and v}
    return row
