"""`avser classify`: the emotion in a recording, in the paper's words, rows, tracks or pictures."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

import typer

from avser_cli.audio.decoding import STDIN, each_channel
from avser_cli.audio.folder import check_folders_exist, list_sounds
from avser_cli.audio.input import display_name
from avser_cli.audio.selection import SoundSelection
from avser_cli.audio.streams import Samples
from avser_cli.commands.listing import report_listing
from avser_cli.commands.page_options import AnswersPage, PageOptions
from avser_cli.commands.sound_options import SoundOptions
from avser_cli.commands.speakers import SpeakerClassifiers, normalize_speakers, speakers_of
from avser_cli.errors import InputError, NoVoiceError, PartialError, UsageError
from avser_cli.files import fitting_name, locked, remove_leftovers_of, write_whole
from avser_cli.inference.classifier import Classifier, OnProgress
from avser_cli.inference.predictions import Prediction, RecordingPrediction, Segment
from avser_cli.inference.segment_files import GivenSegment, read_segments, segments_of
from avser_cli.inference.speaker_normalization import MIN_RECORDINGS
from avser_cli.inference.speaker_reference import normalize_speaker
from avser_cli.inference.threads import in_order
from avser_cli.report.console import echo, escape, print_table, progress
from avser_cli.report.label_tracks import LABEL_SUFFIXES, LabelFormat, label_track
from avser_cli.report.result_writer import ResultWriter, Row, RowLayout
from avser_cli.report.text_output import (
    answer_table,
    paper_lines,
    probability_bars,
    segment_line,
    speaker_summary,
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
    page: PageOptions,
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
    segments: Annotated[
        Path | None,
        typer.Option(
            help="Classify the parts that this file marks, and sum up by speaker: RTTM, TextGrid, "
            "CSV, SRT, or labels of Audacity."
        ),
    ] = None,
    speaker_reference: Annotated[
        Path | None,
        typer.Option(
            help="Where all sounds are of one speaker: a folder of recordings of theirs in various "
            "emotions, without labels, or the sounds themselves. The model's bias for that "
            "speaker is estimated from them and subtracted. With --segments, that file again: "
            "each speaker's segments are the reference of that speaker."
        ),
    ] = None,
    speakers: Annotated[
        str | None,
        typer.Option(
            metavar="folder|TABLE",
            help="Who speaks in which sound: folder, where each speaker has a sub-folder, or a CSV "
            "file with columns file and speaker. Each one's recordings are the reference.",
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

    Example: avser classify call.wav --channel each

    Example: avser classify call.wav --segments call.rttm

    Example: avser classify ./anna --speaker-reference ./anna --format table

    Example: avser classify ./team --speakers folder --out team.csv
    """
    chosen = format or (SUFFIX_FORMATS.get(out.suffix.lower()) if out else None) or "text"
    if out == STDIN:
        out = None
    parts = windows or segments is not None
    _check_combination(chosen, out, parts, verbose, plot, explain, jobs)
    _check_speakers(windows, segments, speaker_reference, speakers)
    if sound.each and (plot or explain):
        raise UsageError("--plot and --explain draw one channel; choose one with --channel")
    selection = SoundSelection(track=sound.track) if sound.each else sound.selection()
    classifier = Classifier.load(model).with_selection(selection).with_any_sound(any_sound)
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
    run = _Run(
        classifier, paths, folders, chosen, out, jobs, verbose, places, unreadable, sound.each
    )
    run.page = page.page(paths)
    with ExitStack() as stack:
        if out:
            stack.enter_context(locked(out))
        if segments:
            run.read_segments(segments, speaker_reference == segments)
        if speaker_reference and speaker_reference != segments:
            run.normalize_speaker(speaker_reference, windows)
        if speakers:
            run.normalize_speakers(speakers, windows)
        if parts:
            _classify_parts(run, plot)
        else:
            _classify_recordings(run)
            if explain:
                _explain(run.classifier, paths[0], explain)
        run.write_page()
    run.finish()


def _check_combination(
    format: Format,
    out: Path | None,
    parts: bool,
    verbose: bool,
    plot: Path | None,
    explain: Path | None,
    jobs: int,
) -> None:
    if format in LABEL_SUFFIXES and not parts:
        raise UsageError(f"--format {format} needs --windows or --segments")
    if plot and not parts:
        raise UsageError("--plot needs --windows; --explain draws one clip")
    if explain and parts:
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


def _check_speakers(
    windows: bool, segments: Path | None, reference: Path | None, speakers: str | None
) -> None:
    if windows and segments:
        raise UsageError("--segments says which parts are judged; leave --windows out")
    if reference == STDIN:
        raise UsageError("--speaker-reference takes a folder or a file, not stdin")
    if reference and speakers:
        raise UsageError("--speakers takes each speaker's own sounds; no --speaker-reference")
    if speakers and segments:
        raise UsageError(
            "--segments says who speaks; --speaker-reference with the same file takes each "
            "speaker's segments"
        )


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
    each_channel: bool = False
    kept: int = 0
    answered: int = 0
    failures: list[InputError] = field(default_factory=list)
    part_failures: int = 0
    reference_failures: int = 0
    unknown_speakers: int = 0
    damaged: int = 0
    segments: list[GivenSegment] | None = None
    own_reference: bool = False
    speakers: SpeakerClassifiers | None = None
    marks: str = ""
    page: AnswersPage | None = None

    def __post_init__(self) -> None:
        self.only = len(self.paths) == 1
        self.layout = RowLayout(self.labels)
        if self.each_channel:
            self.marks += "+each-channel"

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

    def normalize_speakers(self, by: str, windows: bool) -> None:
        """Take each speaker's own sounds as the reference of that speaker."""

        def failed(error: InputError) -> None:
            echo(f"speaker reference, left out: {escape(error)}")

        of_sound = speakers_of(by, self.places)
        with progress("reading the references", True) as on_progress:
            self.speakers = normalize_speakers(
                self.classifier, of_sound, windows, self.jobs, failed, on_progress
            )
        self.marks += self.speakers.mark
        known, count = len(self.speakers.of_speaker), len(set(of_sound.values()))
        self.unknown_speakers += count - known
        echo(f"speaker references: {known} of {count} speakers")

    def read_segments(self, path: Path, own_reference: bool) -> None:
        """Classify the parts that a file marks."""
        self.segments, self.own_reference = read_segments(path), own_reference
        content = path.read_bytes() + (b"own reference" if own_reference else b"")
        self.marks += f"+{sha256(content).hexdigest()[:8]}"

    def tell_unknown_speakers(self, task: _Task, judged: Sequence[Segment]) -> None:
        """Name those who have too few segments to be their own reference."""
        for speaker, count in Counter(segment.speaker for segment in judged).items():
            if count < MIN_RECORDINGS:
                self.unknown_speakers += 1
                echo(
                    f"speaker reference, left out: {task.name}: {escape(speaker)}: {count} "
                    f"segments; at least {MIN_RECORDINGS} are needed"
                )

    def tasks(self, path: Path) -> list[_Task]:
        """What of a sound is judged by itself: all of it, or each channel."""
        classifier = self.speakers.classifier(path) if self.speakers else self.classifier
        if not self.each_channel:
            return [_Task(path, classifier)]
        return [
            _Task(path, classifier.with_selection(one), one.channel_name)
            for one in each_channel(path, classifier.selection.track)
        ]

    def rows(self, parts: bool) -> ResultWriter | None:
        """Where rows go; None for formats without rows. What is done already is left out."""
        speaker = self.segments is not None or self.speakers is not None
        self.layout = RowLayout(self.labels, parts, speaker, self.each_channel)
        if self.format != "csv" and self.format != "jsonl":
            return None
        writer = ResultWriter(self.out, self.format, self.layout, self.row_model)
        remaining = [path for path in self.paths if str(path) not in writer.done]
        self.kept = len(self.paths) - len(remaining)
        self.paths = remaining
        return writer

    @property
    def row_model(self) -> str:
        """Who answered, as rows name it."""
        return self.classifier.name + self.marks

    def live(self, path: Path) -> bool:
        """Whether rows of a recording are to be told while it still comes in."""
        return path == STDIN and self.out is None

    def speaker(self, path: Path) -> str:
        """Who speaks in a sound, where that is known."""
        return self.speakers.speaker(path) if self.speakers else ""

    def part_failed(self, task: _Task, error: InputError) -> None:
        """Note a channel that could not be classified, where another one could."""
        self.part_failures += 1
        echo(f"failed: {task.channel} channel: {escape(error)}")

    def failed(self, path: Path, error: InputError) -> None:
        """Note a sound that could not be classified; the only one ends the command."""
        if not self.several and not self.kept:
            raise error
        check_folders_exist(self.folders, self.kept + self.answered > 0)
        self.failures.append(error)
        if self.page and not isinstance(error, NoVoiceError):
            self.page.failed(path, error)
        echo(f"failed: {escape(error)}")

    def note(self, rows: list[Row]) -> None:
        """Take a sound's rows into the page of answers, if there is one."""
        if self.page:
            self.page.add(rows)

    def write_page(self) -> None:
        """Write the page of answers, where one is asked for."""
        if self.page is None:
            return
        if self.kept and self.out:
            self.page.add_kept(self.out)
        self.page.write(self.classifier, self.jobs)

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
        if self.part_failures:
            raise PartialError(f"{self.part_failures} channels could not be classified; see above")
        if self.damaged:
            raise PartialError(f"{self.damaged} of {count + self.kept} sounds damaged; see above")
        if self.unreadable:
            raise PartialError(f"{len(set(self.unreadable))} folders could not be read")
        if self.reference_failures:
            skipped = self.reference_failures
            what = "recording" if skipped == 1 else "recordings"
            raise PartialError(f"{skipped} {what} of the speaker reference could not be used")
        if self.unknown_speakers:
            raise PartialError(
                f"{self.unknown_speakers} speakers have too few recordings for a reference; their "
                "answers are without"
            )

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


@dataclass(frozen=True)
class _Task:
    """A sound, or a channel of it, and who answers."""

    path: Path
    classifier: Classifier
    channel: str = ""

    @property
    def name(self) -> str:
        """For people, with terminal escapes made visible."""
        name = escape(display_name(self.path))
        return f"{name} ({self.channel})" if self.channel else name


_Answers = list[tuple[_Task, RecordingPrediction | InputError]]


def _classify_recordings(run: _Run) -> None:
    rows = run.rows(parts=False)
    table: list[tuple[str, Prediction]] = []
    for answers in _answers(run):
        found = [_row(run, task, answer) for task, answer in answers if _has_row(answer)]
        run.note(found)
        if rows:
            rows.write(found)
        errors = [(task, answer) for task, answer in answers if isinstance(answer, InputError)]
        if len(errors) == len(answers):
            run.failed(*_first(errors))
            continue
        run.answered += 1
        for task, answer in answers:
            if isinstance(answer, InputError):
                run.part_failed(task, answer)
            elif run.format == "table":
                table.append((task.name, answer))
            elif not rows:
                _print_answer(run, task, answer)
    if run.format == "table":
        print_table(answer_table(table))


def _has_row(answer: RecordingPrediction | InputError) -> bool:
    return isinstance(answer, RecordingPrediction | NoVoiceError)


def _first(errors: list[tuple[_Task, InputError]]) -> tuple[Path, InputError]:
    """The first thing that went wrong with a sound."""
    task, error = errors[0]
    return task.path, error


def _row(run: _Run, task: _Task, answer: RecordingPrediction | InputError) -> Row:
    file, speaker = str(task.path), run.speaker(task.path)
    if isinstance(answer, NoVoiceError):
        return run.layout.no_voice(file, answer.seconds, run.row_model, speaker, task.channel)
    assert isinstance(answer, RecordingPrediction)
    return run.layout.row(file, answer, run.row_model, speaker, task.channel)


def _answers(run: _Run) -> Iterator[_Answers]:
    """The answers for each sound: many side by side, or a single one on all cores."""

    def answer(
        path: Path, jobs: int = 1, on_progress: OnProgress = lambda done, total: None
    ) -> _Answers:
        try:
            tasks = run.tasks(path)
        except InputError as error:
            return [(_Task(path, run.classifier), error)]
        found: _Answers = []
        for task in tasks:
            try:
                found.append((task, task.classifier.predict(path, jobs, on_progress)))
            except InputError as error:
                found.append((task, error))
        return found

    if run.several:
        with run.progress("classifying", True) as told:
            for done, found in enumerate(in_order(answer, run.paths, run.jobs), start=1):
                yield found
                told(done, len(run.paths))
    for path in run.paths[: not run.several]:
        with run.progress("classifying", path != STDIN) as told:
            yield answer(path, run.jobs, lambda done, total: told(round(done), round(total)))


def _print_answer(run: _Run, task: _Task, answer: Prediction) -> None:
    lines = paper_lines(answer.emotion, run.classifier.config.label_categories)
    bars = probability_bars(answer) if run.verbose else []
    named = run.several or bool(task.channel)
    print("\n".join([*([f"{task.name}:"] if named else []), *lines, *bars]), flush=True)
    calibration = run.classifier.config.calibration
    if answer.uncertain and calibration:
        line = uncertain_line(answer, calibration.threshold)
        echo(f"{task.name}: {line}" if named else line)


def _classify_parts(run: _Run, plot: Path | None) -> None:
    """Windows, or the segments that a file gives."""
    rows = run.rows(parts=True)
    table: list[tuple[str, Segment]] = []
    for path in run.paths:
        written: list[Row] = []
        errors: list[tuple[_Task, InputError]] = []
        try:
            tasks = run.tasks(path)
        except InputError as error:
            run.failed(path, error)
            continue
        for task in tasks:
            try:
                found = _parts(run, task, plot, rows if run.live(path) else None)
            except InputError as error:
                errors.append((task, error))
                if isinstance(error, NoVoiceError):
                    run.note([_whole_without_voice(run, task, error)])
                continue
            of_task = _part_rows(run, task, found)
            run.note(of_task)
            if rows and not run.live(path):
                written += of_task
            elif run.format == "table":
                table += [(task.name, part) for part in found.judged]
            elif run.format == "audacity" or run.format == "textgrid" or run.format == "srt":
                _write_track(run, task, run.format, found)
        if written and rows:
            rows.write(written)
        if len(errors) == len(tasks):
            run.failed(*_first(errors))
            continue
        run.answered += 1
        for task, reason in errors:
            run.part_failed(task, reason)
    if run.format == "table":
        print_table(answer_table(table))


@dataclass(frozen=True)
class _Parts:
    """The parts of a recording: those that were judged, and given ones without an answer."""

    judged: list[Segment]
    seconds: float
    without_answer: list[GivenSegment] = field(default_factory=list)


def _whole_without_voice(run: _Run, task: _Task, error: NoVoiceError) -> Row:
    """For the page: a recording, not a part of one, in which nobody speaks."""
    layout = replace(run.layout, segments=False)
    speaker = run.speaker(task.path)
    return layout.no_voice(str(task.path), error.seconds, run.row_model, speaker, task.channel)


def _part_rows(run: _Run, task: _Task, found: _Parts) -> list[Row]:
    file, speaker = str(task.path), run.speaker(task.path)
    layout, model = run.layout, run.row_model
    judged = [layout.row(file, part, model, speaker, task.channel) for part in found.judged]
    silent = [
        layout.no_voice(
            file, round(one.end - one.start, 3), model, one.speaker, task.channel, one.start
        )
        for one in found.without_answer
    ]
    return sorted([*judged, *silent], key=lambda row: (row["start"], row["end"]))


def _parts(run: _Run, task: _Task, plot: Path | None, rows: ResultWriter | None) -> _Parts:
    """Classify one recording; as text, or with `rows`, each window's segment is told at once."""
    from avser_cli.report.timeline import Overview, plot_timeline

    live, as_text = task.path == STDIN, run.format == "text"
    overview, seconds = Overview(), 0.0
    if as_text and (run.several or task.channel):
        print(f"{task.name}:", flush=True)
    judged: list[Segment] = []
    without: list[GivenSegment] = []
    with run.progress("classifying", not live) as on_progress:

        def on_block(block: Samples, rate: int, duration: float) -> None:
            nonlocal seconds
            seconds += len(block) / rate
            if plot:
                overview.feed(block, rate)
            on_progress(round(seconds), max(1, round(duration), round(seconds)))

        def on_damage() -> None:
            run.damaged += 1

        if run.segments is not None:
            given = segments_of(run.segments, task.path, run.only)
            found = task.classifier.given_segments(
                task.path, given, run.own_reference, run.jobs, on_block
            )
            judged = [one for one in found if one is not None]
            without = [one for one, answer in zip(given, found, strict=True) if answer is None]
            if run.own_reference:
                run.tell_unknown_speakers(task, judged)
        else:
            jobs = 1 if live else run.jobs
            for segment in task.classifier.segments(task.path, live, jobs, on_block, on_damage):
                judged.append(segment)
                if rows:
                    row = rows.layout.row(str(task.path), segment, rows.model)
                    rows.write([row])
                if as_text:
                    print(segment_line(segment, run.verbose), flush=True)
    if not judged:
        raise NoVoiceError(display_name(task.path), seconds)
    if as_text:
        for segment in judged if run.segments is not None else []:
            print(segment_line(segment, run.verbose))
        print("\n".join(speaker_summary(judged, seconds)), flush=True)
    if without:
        count = f"{len(without)} of {len(without) + len(judged)}"
        echo(f"{task.name}: {count} segments hold no voice, or too little to be judged")
    if plot:
        plot_timeline(
            plot, escape(Path(display_name(task.path)).name), overview, judged, run.labels
        )
        echo(f"figure: {escape(plot)}")
    return _Parts(judged, seconds, without)


def _write_track(run: _Run, task: _Task, format: LabelFormat, found: _Parts) -> None:
    track = label_track(format, found.judged, found.seconds)
    many = run.several or bool(task.channel)
    if run.out is None:
        if many:
            what = f"{len(run.paths)} sounds" if run.several else "each channel"
            raise UsageError(f"tracks of {what} need a folder: give --out")
        print(track, end="", flush=True)
        return
    target = run.out
    if many or target.is_dir():
        place = run.track_place(task.path)
        channel = f".{task.channel}" if task.channel else ""
        suffix = f"{channel}{LABEL_SUFFIXES[format]}"
        target = target / place.with_name(fitting_name(place.name, suffix))
    remove_leftovers_of(target)
    write_whole(target, track.encode())


def _explain(classifier: Classifier, path: Path, target: Path) -> None:
    from avser_cli.report.explanation_figure import plot_explanation

    explanation = classifier.explain(path)
    plot_explanation(target, escape(Path(display_name(path)).name), explanation)
    echo(f"figure: {escape(target)}")
