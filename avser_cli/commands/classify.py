"""`avser classify`: the emotion in a recording, in the paper's words, rows, tracks or pictures."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from avser_cli.audio.decoding import STDIN
from avser_cli.audio.folder import check_folders_exist, list_sounds
from avser_cli.audio.input import display_name
from avser_cli.audio.streams import Samples
from avser_cli.commands.listing import report_listing
from avser_cli.commands.sound_options import SoundOptions
from avser_cli.errors import InputError, NoVoiceError, PartialError, UsageError
from avser_cli.files import fitting_name, locked, remove_leftovers_of, write_whole
from avser_cli.inference.classifier import Classifier
from avser_cli.inference.predictions import Prediction, RecordingPrediction, Segment
from avser_cli.inference.speaker_reference import normalize_speaker
from avser_cli.report.console import echo, escape, print_table, progress
from avser_cli.report.label_tracks import LABEL_SUFFIXES, LabelFormat, label_track
from avser_cli.report.result_writer import ResultWriter, RowLayout
from avser_cli.report.text_output import (
    answer_table,
    paper_lines,
    probability_bars,
    segment_line,
    time_summary,
    uncertain_line,
)

Format = Literal["text", "table", "csv", "jsonl", "audacity", "textgrid", "srt"]
SUFFIX_FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".textgrid": "textgrid",
    ".srt": "srt",
}


def classify(
    sounds: Annotated[
        list[Path], typer.Argument(help="Sound and video files, folders of them, - for stdin.")
    ],
    sound: SoundOptions,
    model: Annotated[
        Path | None, typer.Option(help="Bundle; default: $AVSER_MODEL, else the bundled one.")
    ] = None,
    format: Annotated[
        Format | None,
        typer.Option(
            help="text: the paper's lines; table; csv and jsonl: rows for programs. With --windows "
            "also label tracks: audacity, textgrid (Praat, ELAN), srt. Default: by the ending of "
            "--out, else text."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File for rows or a track instead of stdout (a folder for the tracks of several "
            "sounds), - for stdout. Rows that are there already are kept, and their sounds not "
            "classified again."
        ),
    ] = None,
    windows: Annotated[
        bool, typer.Option("--windows", help="Long recordings: slide over the speech.")
    ] = False,
    any_sound: Annotated[
        bool, typer.Option("--any-sound", help="Also classify what holds no voice.")
    ] = False,
    speaker_reference: Annotated[
        Path | None,
        typer.Option(
            help="Where all sounds are of one speaker: a folder of recordings of theirs in various "
            "emotions, without labels, or the sounds themselves. The model's bias for that "
            "speaker is estimated from them and subtracted."
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Add the probabilities as bars.")
    ] = False,
    plot: Annotated[
        Path | None, typer.Option(help="With --windows: PNG of spectrogram and emotions over time.")
    ] = None,
    explain: Annotated[
        Path | None, typer.Option(help="PNG of what in the clip the answer depends on.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Threads; -1 for one a core.")] = -1,
) -> None:
    """Print the emotion in each recording and its positive or negative category.

    Example: avser classify clip.wav

    Example: avser classify ./calls --out results.csv

    Example: avser classify --windows interview.mp3 --plot timeline.png

    Example: avser classify call.wav --channel left

    Example: avser classify ./anna --speaker-reference ./anna --format table
    """
    chosen = format or (SUFFIX_FORMATS.get(out.suffix.lower()) if out else None) or "text"
    if out == STDIN:
        out = None
    _check_combination(chosen, out, windows, verbose, plot, explain, jobs)
    if speaker_reference == STDIN:
        raise UsageError("--speaker-reference takes a folder or a file, not stdin")
    classifier = Classifier.load(model).with_selection(sound.selection())
    classifier = classifier.with_any_sound(any_sound)
    unreadable: list[str] = []
    places: dict[Path, Path] = {}
    paths: list[Path] = []
    for given in sounds:
        found = _expanded(given, unreadable)
        places |= {x: x.relative_to(given) if given.is_dir() else Path(x.name) for x in found}
        paths += found
    if (plot or explain) and len(paths) != 1:
        raise UsageError(f"--plot and --explain draw one sound; {len(paths)} are given")
    folders = [given for given in sounds if given.is_dir()]
    run = _Run(classifier, paths, folders, chosen, out, jobs, verbose, places, unreadable)
    with ExitStack() as stack:
        if out:
            stack.enter_context(locked(out))
        if speaker_reference:
            run.normalize_speaker(speaker_reference, windows)
        if windows:
            _classify_windows(run, plot)
        else:
            _classify_recordings(run)
            if explain:
                _explain(classifier, paths[0], explain)
    run.finish()


def _check_combination(
    format: Format,
    out: Path | None,
    windows: bool,
    verbose: bool,
    plot: Path | None,
    explain: Path | None,
    jobs: int,
) -> None:
    if format in LABEL_SUFFIXES and not windows:
        raise UsageError(f"--format {format} needs --windows")
    if plot and not windows:
        raise UsageError("--plot needs --windows; --explain draws one clip")
    if explain and windows:
        raise UsageError("--explain draws one clip; with --windows use --plot")
    if out and format in ("text", "table"):
        raise UsageError(
            "--out takes rows or tracks: end its name in .csv, .jsonl, .TextGrid or .srt, or give "
            "--format"
        )
    if verbose and format != "text":
        raise UsageError("--verbose goes with --format text; rows have the probabilities anyway")
    if jobs == 0 or jobs < -1:
        raise UsageError(f"--jobs {jobs}: 1 or more, or -1 for one a core")


def _expanded(given: Path, unreadable: list[str]) -> list[Path]:
    """A sound, or those of a folder; what of it cannot be read is reported."""
    if not given.is_dir():
        return [given]
    found = list_sounds(given)
    report_listing(given, found)
    unreadable += found.unreadable
    return found.files


@dataclass
class _Run:
    """One call of the command: what is asked for, and how it went."""

    classifier: Classifier
    paths: list[Path]
    folders: list[Path]
    format: Format
    out: Path | None
    jobs: int
    verbose: bool
    places: dict[Path, Path]
    unreadable: list[str]
    kept: int = 0
    answered: int = 0
    failures: list[InputError] = field(default_factory=list)
    reference_failures: int = 0
    damaged: int = 0

    @property
    def several(self) -> bool:
        return len(self.paths) > 1

    @property
    def labels(self) -> tuple[str, ...]:
        return self.classifier.config.labels

    def normalize_speaker(self, place: Path, windows: bool) -> None:
        """Subtract the model's bias for the speaker, as the reference shows it."""

        def failed(error: InputError) -> None:
            self.reference_failures += 1
            echo(f"speaker reference, left out: {escape(error)}")

        if not place.exists():
            raise InputError(f"{place}: no such folder or file; check the name")
        recordings = _expanded(place, self.unreadable)
        with progress("reading the reference", True) as on_progress:
            self.classifier = normalize_speaker(
                self.classifier, recordings, windows, self.jobs, failed, on_progress
            )
        assert self.classifier.normalization is not None
        kind = "windows" if windows else "recordings"
        echo(f"speaker reference: {self.classifier.normalization.count} {kind}")

    def rows(self, windows: bool) -> ResultWriter | None:
        """Where rows go; None for formats without rows. What is done already is left out."""
        if self.format != "csv" and self.format != "jsonl":
            return None
        layout = RowLayout(self.labels, segments=windows)
        writer = ResultWriter(self.out, self.format, layout, self.classifier.name)
        remaining = [path for path in self.paths if str(path) not in writer.done]
        self.kept = len(self.paths) - len(remaining)
        self.paths = remaining
        return writer

    def live(self, path: Path) -> bool:
        """Whether rows of a recording are to be told while it still comes in."""
        return path == STDIN and self.out is None

    def failed(self, error: InputError) -> None:
        """Note a sound that could not be classified; the only one ends the command."""
        if not self.several and not self.kept:
            raise error
        check_folders_exist(self.folders, self.kept + self.answered > 0)
        self.failures.append(error)
        echo(f"failed: {escape(error)}")

    def finish(self) -> None:
        """Say how it went, by exit code, too."""
        count, failed = len(self.paths), len(self.failures)
        if self.out:
            echo(
                f"{escape(self.out)}: {self.answered} classified, {self.kept} kept, {failed} failed"
            )
        if failed and failed == count + self.kept:
            raise InputError(f"none of {count} sounds could be classified")
        if failed:
            raise PartialError(f"{failed} of {count + self.kept} sounds could not be classified")
        if self.damaged:
            raise PartialError(f"{self.damaged} of {count + self.kept} sounds damaged; see above")
        if self.unreadable:
            raise PartialError(f"{len(set(self.unreadable))} folders could not be read")
        if self.reference_failures:
            skipped = self.reference_failures
            what = "recording" if skipped == 1 else "recordings"
            raise PartialError(f"{skipped} {what} of the speaker reference could not be used")

    def track_place(self, path: Path) -> Path:
        """Where a sound's track goes below ``--out``: the tree is mirrored, none is shared."""
        if len(set(self.places.values())) == len(self.places):
            return self.places[path]
        # Sounds of one name from several folders: mirror from the folder that all lie in.
        above = os.path.commonpath([x.absolute().parent for x in self.places])
        return path.absolute().relative_to(above)

    @contextmanager
    def progress(self, what: str, wanted: bool) -> Iterator[Callable[[int, int], None]]:
        # On a terminal the answers themselves show how far it is.
        with progress(what, wanted and (bool(self.out) or not sys.stdout.isatty())) as on_progress:
            yield on_progress


def _classify_recordings(run: _Run) -> None:
    rows = run.rows(windows=False)
    table: list[tuple[str, Prediction]] = []
    for path, answer in _answers(run):
        run.answered += not isinstance(answer, InputError)
        if rows and not isinstance(answer, InputError):
            rows.write([rows.layout.row(str(path), answer, rows.model)])
        elif rows and isinstance(answer, NoVoiceError):
            rows.write([rows.layout.no_voice(str(path), answer.seconds, rows.model)])
        if isinstance(answer, InputError):
            run.failed(answer)
        elif run.format == "table":
            table.append((escape(display_name(path)), answer))
        elif not rows:
            _print_answer(run, path, answer)
    if run.format == "table":
        print_table(answer_table(table))


def _answers(run: _Run) -> Iterator[tuple[Path, RecordingPrediction | InputError]]:
    """The answer for each sound, or its error: many side by side, or a single one on all cores."""
    if run.several:
        with run.progress("classifying", True) as on_progress:
            answers = run.classifier.predict_many(run.paths, run.jobs)
            for done, found in enumerate(answers, start=1):
                yield found
                on_progress(done, len(run.paths))
        return
    for path in run.paths:
        with run.progress("classifying", path != STDIN) as on_progress:

            def read(done: float, total: float, told: Callable[[int, int], None]) -> None:
                told(round(done), max(1, round(total)))

            try:
                answer = run.classifier.predict(path, run.jobs, partial(read, told=on_progress))
            except InputError as error:
                yield path, error
            else:
                yield path, answer


def _print_answer(run: _Run, path: Path, answer: Prediction) -> None:
    name = escape(display_name(path))
    lines = paper_lines(answer.emotion, run.labels)
    bars = probability_bars(answer) if run.verbose else []
    print("\n".join([*([f"{name}:"] if run.several else []), *lines, *bars]), flush=True)
    calibration = run.classifier.config.calibration
    if answer.uncertain and calibration:
        line = uncertain_line(answer, calibration.threshold)
        echo(f"{name}: {line}" if run.several else line)


def _classify_windows(run: _Run, plot: Path | None) -> None:
    rows = run.rows(windows=True)
    table: list[tuple[str, Segment]] = []
    for path in run.paths:
        try:
            found, seconds = _segments(run, path, plot, rows if run.live(path) else None)
        except InputError as error:
            run.failed(error)
            continue
        run.answered += 1
        if rows and not run.live(path):
            rows.write([rows.layout.row(str(path), part, rows.model) for part in found])
        elif run.format == "table":
            table += [(escape(display_name(path)), part) for part in found]
        elif run.format == "audacity" or run.format == "textgrid" or run.format == "srt":
            _write_track(run, path, run.format, label_track(run.format, found, seconds))
    if run.format == "table":
        print_table(answer_table(table))


def _segments(
    run: _Run, path: Path, plot: Path | None, rows: ResultWriter | None
) -> tuple[list[Segment], float]:
    """Classify one recording; as text, or with `rows`, each segment is printed at once."""
    from avser_cli.report.timeline import Overview, plot_timeline

    live, as_text = path == STDIN, run.format == "text"
    overview, seconds = Overview(), 0.0
    if run.several and as_text:
        print(f"{escape(display_name(path))}:", flush=True)
    found = []
    with run.progress("classifying", not live) as on_progress:

        def on_block(block: Samples, rate: int, duration: float) -> None:
            nonlocal seconds
            seconds += len(block) / rate
            if plot:
                overview.feed(block, rate)
            on_progress(round(seconds), max(1, round(duration), round(seconds)))

        def on_damage() -> None:
            run.damaged += 1

        jobs = 1 if live else run.jobs
        for segment in run.classifier.segments(path, live, jobs, on_block, on_damage):
            found.append(segment)
            if rows:
                rows.write([rows.layout.row(str(path), segment, rows.model)])
            if as_text:
                print(segment_line(segment, run.verbose), flush=True)
    if not found:
        raise NoVoiceError(display_name(path), seconds)
    if as_text:
        print("\n".join(time_summary(found, seconds)), flush=True)
    if plot:
        plot_timeline(plot, escape(Path(display_name(path)).name), overview, found, run.labels)
        echo(f"figure: {escape(plot)}")
    return found, seconds


def _write_track(run: _Run, path: Path, format: LabelFormat, track: str) -> None:
    if run.out is None:
        if run.several:
            raise UsageError(f"tracks of {len(run.paths)} sounds need a folder: give --out")
        print(track, end="", flush=True)
        return
    target = run.out
    if run.several or target.is_dir():
        place = run.track_place(path)
        target = target / place.with_name(fitting_name(place.name, LABEL_SUFFIXES[format]))
    remove_leftovers_of(target)
    write_whole(target, track.encode())


def _explain(classifier: Classifier, path: Path, target: Path) -> None:
    from avser_cli.report.explanation_figure import plot_explanation

    explanation = classifier.explain(path)
    plot_explanation(target, escape(Path(display_name(path)).name), explanation)
    echo(f"figure: {escape(target)}")
