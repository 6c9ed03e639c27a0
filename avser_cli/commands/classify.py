"""`avser classify`: the emotion in a recording, in the paper's words, rows, tracks or pictures."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from avser_cli.audio.decoding import STDIN
from avser_cli.audio.input import is_read_once
from avser_cli.audio.selection import SoundSelection
from avser_cli.commands.classify_parts import classify_parts
from avser_cli.commands.classify_recordings import classify_recordings, explain_clip
from avser_cli.commands.classify_run import Format, Given, Run, expanded
from avser_cli.commands.cluster_options import Scheduler
from avser_cli.commands.page_options import PageOptions
from avser_cli.commands.sound_options import SoundOptions
from avser_cli.errors import UsageError
from avser_cli.files import check_output_file, locked
from avser_cli.inference.classifier import Classifier
from avser_cli.report.label_tracks import LABEL_SUFFIXES

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
    scheduler: Scheduler = None,
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
    if scheduler:
        _check_scheduler(sounds, parts)
    for figure in filter(None, (plot, explain)):
        check_output_file(figure, (".png",))
    if sound.each and (plot or explain):
        raise UsageError("--plot and --explain draw one channel; choose one with --channel")
    selection = SoundSelection(track=sound.track) if sound.each else sound.selection()
    classifier = Classifier.load(model).with_selection(selection).with_any_sound(any_sound)
    unreadable: list[str] = []
    given = [Given(place, place.is_dir(), expanded(place, unreadable)) for place in sounds]
    run = Run(classifier, given, chosen, out, jobs, verbose, unreadable, sound.each, scheduler)
    if (plot or explain) and not run.only:
        raise UsageError(f"--plot and --explain draw one sound; {len(run.paths)} are given")
    if explain and is_read_once(run.paths[0]):
        raise UsageError("--explain reads the sound again; save it to a file")
    run.page = page.page(sounds)
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
            classify_parts(run, plot)
        else:
            classify_recordings(run)
            if explain:
                explain_clip(run.classifier, given[0].sounds[0], explain)
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


def _check_scheduler(sounds: list[Path], parts: bool) -> None:
    if parts:
        raise UsageError("--scheduler: whole recordings alone go to workers; leave it out")
    if STDIN in sounds:
        raise UsageError("--scheduler: stdin does not go to workers; leave it out")
