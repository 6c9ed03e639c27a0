"""`classify --windows` and `--segments`: an answer for each part of a recording."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

from avser_cli.audio.decoding import STDIN
from avser_cli.audio.input import display_name
from avser_cli.audio.streams import Samples
from avser_cli.commands.classify_run import Run, Task, first_error
from avser_cli.errors import InputError, NoVoiceError, UsageError
from avser_cli.files import check_output_file, fitting_name, remove_leftovers_of, write_whole
from avser_cli.inference.predictions import Segment
from avser_cli.inference.segment_files import GivenSegment
from avser_cli.report.console import echo, escape, print_table
from avser_cli.report.label_tracks import LABEL_SUFFIXES, LabelFormat, label_track
from avser_cli.report.result_writer import ResultWriter, Row
from avser_cli.report.text_output import (
    answer_table,
    segment_line,
    speaker_summary,
)


def classify_parts(run: Run, plot: Path | None) -> None:
    """Windows, or the segments that a file gives."""
    rows = run.rows(parts=True)
    table: list[tuple[str, Segment]] = []
    for path in run.paths:
        written: list[Row] = []
        errors: list[tuple[Task, InputError]] = []
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
                    # For the page it is a recording, not a part of one.
                    speaker = run.speaker(path)
                    run.note([Row.of(str(path), error, run.row_model, speaker, task.channel)])
                continue
            of_task = _part_rows(run, task, found)
            run.note(of_task)
            if rows and not run.live(path):
                written += of_task
            if not found.judged:
                errors.append((task, NoVoiceError(display_name(task.path), found.seconds)))
            elif run.format == "table":
                table += [(task.name, part) for part in found.judged]
            elif run.format == "audacity" or run.format == "textgrid" or run.format == "srt":
                _write_track(run, task, run.format, found)
        if written and rows:
            rows.write(written)
        if len(errors) == len(tasks):
            run.failed(*first_error(errors))
            continue
        run.answered += 1
        for task, reason in errors:
            run.part_failed(task, reason)
    if plot and run.kept:
        echo(f"no figure: the answers are in {escape(str(run.out))} already; draw it without --out")
    if run.format == "table":
        print_table(answer_table(table))


@dataclass(frozen=True)
class _Parts:
    """The parts of a recording: those that were judged, and given ones without an answer."""

    judged: list[Segment]
    seconds: float
    without_answer: list[GivenSegment] = field(default_factory=list)


def _part_rows(run: Run, task: Task, found: _Parts) -> list[Row]:
    file, model, speaker = str(task.path), run.row_model, run.speaker(task.path)
    judged = [Row.of(file, part, model, speaker, task.channel) for part in found.judged]
    silent = [
        Row(file, model, None, task.channel, one.speaker, _span(one))
        for one in found.without_answer
    ]
    return sorted([*judged, *silent], key=attrgetter("span"))


def _span(segment: GivenSegment) -> tuple[float, float]:
    return segment.start, round(segment.start + round(segment.end - segment.start, 3), 6)


def _parts(run: Run, task: Task, plot: Path | None, rows: ResultWriter | None) -> _Parts:
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
            given = run.segments.of(task.path)
            found = task.classifier.given_segments(
                task.path, given, run.own_reference, run.jobs, on_block, on_damage
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
                    rows.write([Row.of(str(task.path), segment, rows.model)])
                if as_text:
                    print(segment_line(segment, run.verbose), flush=True)
    if not judged and not without:
        raise NoVoiceError(display_name(task.path), seconds)
    if as_text and judged:
        for segment in judged if run.segments is not None else []:
            print(segment_line(segment, run.verbose))
        print("\n".join(speaker_summary(judged, seconds)), flush=True)
    if without:
        count = f"{len(without)} of {len(without) + len(judged)}"
        echo(f"{task.name}: {count} segments hold no voice, or too little to be judged")
    if plot and judged:
        plot_timeline(
            plot, escape(Path(display_name(task.path)).name), overview, judged, run.labels
        )
        echo(f"figure: {escape(plot)}")
    return _Parts(judged, seconds, without)


def _write_track(run: Run, task: Task, format: LabelFormat, found: _Parts) -> None:
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
    else:
        check_output_file(target, (LABEL_SUFFIXES[format].lower(),))
    if run.marked_by is not None and target.exists() and target.samefile(run.marked_by):
        raise UsageError(f"{target}: holds the segments that were given; give another --out")
    remove_leftovers_of(target)
    write_whole(target, track.encode())
