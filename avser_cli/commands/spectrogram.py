"""`avser spectrogram`: sounds to pictures, for networks and for people."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from avser_cli.audio.decoding import STDIN, each_channel
from avser_cli.audio.folder import (
    Found,
    PathList,
    PathPairs,
    check_folders_exist,
    list_sounds,
    mirrored,
)
from avser_cli.audio.selection import SoundSelection
from avser_cli.commands.cluster_options import Scheduler
from avser_cli.commands.listing import report_listing
from avser_cli.commands.picture_options import FigureOptions, PictureOptions
from avser_cli.commands.sound_options import SoundOptions
from avser_cli.data.clip import Clip
from avser_cli.data.manifest import Outcomes, write_manifest
from avser_cli.data.source_content import is_table, label_sounds, read_source
from avser_cli.data.sources import Source
from avser_cli.errors import InputError, MissingExtraError, OutputError, PartialError, UsageError
from avser_cli.features.render import Renderer, RenderResult, render_all
from avser_cli.files import (
    check_output_file,
    check_writable,
    fitting_name,
    locked,
    remove_leftovers,
    remove_leftovers_of,
    write_whole,
)
from avser_cli.report.console import echo, escape, progress


def spectrogram(
    source: Annotated[
        Path, typer.Argument(help="Folder of sounds, table of labels, one sound, or - for stdin.")
    ],
    target: Annotated[
        Path,
        typer.Argument(
            help="Folder for the pictures (the tree is mirrored), a file, - for stdout."
        ),
    ],
    picture: PictureOptions,
    figure: FigureOptions,
    sound: SoundOptions,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="At once; -1: one a core.")] = -1,
    scheduler: Scheduler = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first failure.")] = False,
    force: Annotated[bool, typer.Option(help="Draw again what is up to date.")] = False,
) -> None:
    """Draw sounds as spectrogram pictures: 150 x 150 grayscale for networks, or figures for people.

    Example: avser spectrogram ./wav ./png

    Example: avser spectrogram clip.wav clip.svg --style spek

    Example: avser spectrogram ./calls ./png --channel each
    """
    if jobs == 0 or jobs < -1:
        raise UsageError(f"--jobs {jobs}: 1 or more, or -1 for one a core")
    suffix = figure.suffix(source, target)

    def renderer(selection: SoundSelection) -> Renderer:
        return figure.renderer(picture, suffix, selection)

    # What is asked for wrongly is said before any sound is read.
    renderer(SoundSelection(track=sound.track) if sound.each else sound.selection())
    if source == STDIN or not (source.is_dir() or is_table(source)):
        for selection in each_channel(source, sound.track) if sound.each else [sound.selection()]:
            mark = f".{selection.channel_name}" if sound.each and selection.channel != "mix" else ""
            place = _single_target(source, target, mark, suffix)
            _draw_file(source, place, suffix, renderer(selection))
        return
    if target == STDIN:
        raise UsageError("a folder of pictures does not go to stdout; name a folder")
    drawing = _Drawing(figure.wanted, jobs, scheduler, strict, force)
    found, labels = _listed(source)
    folder = source if source.is_dir() else source.parent
    batches = [
        (renderer(selection), mirrored(sounds, folder, place, suffix))
        for selection, place, sounds in _selected(found.files, target, sound)
    ]
    _draw_folder(folder, target, batches, labels, drawing)
    if found.unreadable:
        raise PartialError(f"{len(found.unreadable)} folders could not be read")


def _selected(
    sounds: Sequence[Path], target: Path, options: SoundOptions
) -> list[tuple[SoundSelection, Path, Sequence[Path]]]:
    """What is drawn of the sounds of a folder: a selection, where its pictures go, and of which.

    Of several channels, each has a subfolder of its name, so that the names of files, which may
    hold labels, stay what they are.
    """
    if not options.each:
        return [(options.selection(), target, sounds)]
    chosen: dict[SoundSelection, list[Path]] = {}
    for sound in sounds:
        try:
            selections = each_channel(sound, options.track)
        except InputError:  # Drawing it says so, too.
            selections = [SoundSelection(track=options.track)]
        for selection in selections:
            chosen.setdefault(selection, []).append(sound)
    return [
        (x, target if x.channel == "mix" else target / x.channel_name, of)
        for x, of in chosen.items()
    ]


def _single_target(source: Path, target: Path, mark: str, suffix: str) -> Path:
    """Where the picture of one sound goes; `mark` tells several of them apart."""
    if target == STDIN:
        if mark:
            raise UsageError("--channel each: several pictures do not go to stdout; name a file")
        return target
    if target.is_dir():
        target = target / f"{'stdin' if source == STDIN else source.stem}{suffix}"
    return target.with_name(fitting_name(target.stem + mark, target.suffix)) if mark else target


def _draw_file(source: Path, target: Path, suffix: str, renderer: Renderer) -> None:
    spectrogram, _ = renderer.render(source)
    if target == STDIN:
        sys.stdout.buffer.write(spectrogram)
        sys.stdout.buffer.flush()
        return
    check_output_file(target, (suffix,))
    remove_leftovers_of(target)
    write_whole(target, spectrogram)
    echo(f"{escape(target)}: drawn")


Batch = tuple[Renderer, PathPairs]
"""What draws some sounds, and each with its picture."""


_Labels = Callable[[Sequence[Path]], Mapping[Path, Clip]]
"""Gives what is known of sounds."""


@dataclass(frozen=True)
class _Drawing:
    """How a folder is drawn.

    Attributes
    ----------
    processes : bool
        Draw in processes; figures hold the interpreter lock.
    jobs : int
    scheduler : str or None
    strict : bool
        End at the first sound that cannot be drawn.
    force : bool
        Draw again what is up to date.
    """

    processes: bool
    jobs: int
    scheduler: str | None
    strict: bool
    force: bool

    def render(self, batches: list[Batch]) -> Iterator[RenderResult]:
        """The outcome of each pair of sound and picture."""
        for renderer, pairs in batches:
            yield from render_all(
                pairs,
                renderer,
                jobs=self.jobs,
                processes=self.processes,
                scheduler=self.scheduler,
                force=self.force,
            )


def _listed(source: Path) -> tuple[Found, _Labels]:
    """The sounds of a folder or a table, and what gives those of their labels that are known.

    Labels of hundreds of thousands of names take seconds: no picture waits for them.
    """
    if source.is_dir():
        found = list_sounds(source)
        report_listing(source, found)
        return found, partial(_folder_labels, source)
    content = read_source(Source(source))
    for item in content.skipped:
        echo(f"left out: {escape(item.path)}: {escape(item.reason)}")
    if any(clip.start is not None or clip.end is not None for clip in content.clips):
        raise UsageError(f"{source}: start and end have no pictures; train on the table itself")
    outside = [x.path for x in content.clips if not _is_below(x.path, source.parent)]
    if outside:
        raise UsageError(
            f"{outside[0]}: not below the table's folder, whose tree is mirrored; move the table"
        )
    labels = {clip.path: clip for clip in content.clips}
    return Found(PathList(str(path) for path in sorted(labels)), [], 0), lambda _: labels


def _is_below(path: Path, folder: Path) -> bool:
    return path.is_relative_to(folder) and ".." not in path.relative_to(folder).parts


def _folder_labels(folder: Path, sounds: Sequence[Path]) -> Mapping[Path, Clip]:
    """Labels go beside the pictures where they can be read; without them these are drawn still."""
    try:
        return label_sounds(folder, sounds)
    except MissingExtraError as error:
        echo(f"labels left out: {escape(error)}")
        return {}


def _draw_folder(
    source: Path,
    target: Path,
    batches: list[Batch],
    labels: _Labels,
    drawing: _Drawing,
) -> None:
    pictures = Counter(picture for _, pairs in batches for picture in pairs.pictures.names)
    most = pictures.most_common(1)
    if most and most[0][1] > 1:
        twice = Path(most[0][0])
        raise UsageError(
            f"{twice}: would be the picture of a channel and of another sound; rename the folder "
            f"{twice.parent.name} of sounds"
        )
    check_writable(target)
    with locked(target):
        _draw_batches(batches, source, target, labels, drawing)


def _draw_batches(
    batches: list[Batch],
    source: Path,
    target: Path,
    labels: _Labels,
    drawing: _Drawing,
) -> None:
    remove_leftovers(target)
    outcomes = Outcomes([pairs for _, pairs in batches])
    count = sum(len(pairs) for _, pairs in batches)
    try:
        with progress("drawing") as on_progress:
            for done, outcome in enumerate(drawing.render(batches), start=1):
                outcomes.add(outcome)
                if outcome.status == "failed":
                    check_folders_exist([source], done > 1)
                    if drawing.strict:
                        raise InputError(outcome.reason)
                on_progress(done, count)
    except (KeyboardInterrupt, InputError, PartialError):
        write_manifest(target, outcomes, labels(outcomes.sounds()))
        raise
    gone = outcomes.leave_out_removed()
    stale = write_manifest(target, outcomes, labels(outcomes.sounds()), source)
    for picture, reason in stale.items():
        echo(f"{escape(reason)}, not trained on: {escape(target / picture)}")
    if gone:
        raise OutputError(
            f"{target}: {gone} of its pictures were removed while others were drawn; start again "
            "to draw them"
        )
    failures = sorted(outcomes.failures.values())
    for reason in failures:
        echo(f"failed: {escape(reason)}")
    counts = outcomes.counts
    echo(
        f"{escape(target)}: {counts['drawn']} drawn, {counts['up to date']} up to date, "
        f"{counts['failed']} failed"
    )
    if failures and len(failures) == count:
        raise InputError(f"none of {count} sounds could be drawn")
    if failures:
        raise PartialError(f"{len(failures)} of {count} sounds could not be drawn")
