"""`avser spectrogram`: sounds to pictures, for networks and for people."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from avser_cli.audio.decoding import STDIN, each_channel
from avser_cli.audio.folder import Found, check_folders_exist, list_sounds, mirrored
from avser_cli.audio.selection import EVERYTHING, SoundSelection
from avser_cli.commands.listing import report_listing
from avser_cli.commands.sound_options import SoundOptions
from avser_cli.data.clip import Clip
from avser_cli.data.manifest import write_manifest
from avser_cli.data.sources import Source, is_table, label_sounds, read_source
from avser_cli.errors import InputError, OutputError, PartialError, UsageError
from avser_cli.features.render import Renderer, RenderResult, SpectrogramRenderer, render_all
from avser_cli.features.spectrogram import SpectrogramConfig
from avser_cli.files import (
    check_writable,
    fitting_name,
    locked,
    remove_leftovers,
    remove_leftovers_of,
    write_whole,
)
from avser_cli.model.recipe import spectrogram_config
from avser_cli.report.console import echo, escape, progress

FIGURE_SIZE = (1200, 600)
"""Width and height of figures where none is asked for."""

_FORMATS: dict[str, Literal["png", "svg", "pdf"]] = {".png": "png", ".svg": "svg", ".pdf": "pdf"}


@dataclass(frozen=True)
class PictureOptions:
    """What to change of a recipe's picture; `None` leaves its value."""

    recipe: Annotated[
        Literal["default", "paper"],
        typer.Option(help="Whose picture settings to start from.", rich_help_panel="Picture"),
    ] = "default"
    size: Annotated[
        str | None,
        typer.Option(help="Pixels: 150, or WIDTHxHEIGHT.", rich_help_panel="Picture"),
    ] = None
    scale: Annotated[
        Literal["log", "mel", "linear"] | None,
        typer.Option(help="Frequency axis.", rich_help_panel="Picture"),
    ] = None
    fmin: Annotated[
        float | None,
        typer.Option(help="Lowest frequency in Hz.", rich_help_panel="Picture"),
    ] = None
    fmax: Annotated[
        float | None,
        typer.Option(help="Highest in Hz; 0: each sound's half rate.", rich_help_panel="Picture"),
    ] = None
    window: Annotated[
        float | None,
        typer.Option(help="Hann window in seconds.", rich_help_panel="Picture"),
    ] = None
    hop: Annotated[
        float | None,
        typer.Option(
            help="Seconds between spectra, which a column averages; default: half a window.",
            rich_help_panel="Picture",
        ),
    ] = None
    fft: Annotated[
        int | None,
        typer.Option(
            help="Samples of the Fourier transform, if more than the window's.",
            rich_help_panel="Picture",
        ),
    ] = None
    range_: Annotated[
        float | None,
        typer.Option("--range", help="Decibels from black to white.", rich_help_panel="Picture"),
    ] = None
    floor: Annotated[
        float | None,
        typer.Option(help="Level of black in dBFS.", rich_help_panel="Picture"),
    ] = None
    trim: Annotated[
        float | None,
        typer.Option(
            help="Cut ends so many dB under the loudest 20 ms.", rich_help_panel="Picture"
        ),
    ] = None
    no_trim: Annotated[
        bool, typer.Option("--no-trim", help="Cut nothing.", rich_help_panel="Picture")
    ] = False
    resize: Annotated[
        Literal["stretch", "pad"] | None,
        typer.Option(
            help="Stretch every sound to the width, or let the width span --seconds.",
            rich_help_panel="Picture",
        ),
    ] = None
    seconds: Annotated[
        float | None,
        typer.Option(help="Time that a padded picture spans.", rich_help_panel="Picture"),
    ] = None

    def config(self, base: SpectrogramConfig | None = None) -> SpectrogramConfig:
        """The recipe's settings, or `base`, with what is given put in place of its values."""
        base = base or spectrogram_config(self.recipe)
        names = ("scale", "fmin", "window", "hop", "fft", "trim", "seconds")
        changes = {x: value for x in names if (value := getattr(self, x)) is not None}
        if self.range_ is not None:
            changes["dynamic_range"] = self.range_
        if self.size is not None:
            changes |= _width_and_height(self.size)
        if self.fmax is not None:
            changes["fmax"] = self.fmax or None
        if self.no_trim:
            if self.trim is not None:
                raise UsageError("--trim and --no-trim exclude each other")
            changes["trim"] = None
        if self.resize == "stretch":
            if self.seconds is not None:
                raise UsageError("--seconds goes with --resize pad")
            changes["seconds"] = None
        elif self.resize == "pad" and self.seconds is None and base.seconds is None:
            raise UsageError("--resize pad needs --seconds: the time that every picture spans")
        config = replace(base, **changes)
        if self.floor is not None:
            config = replace(config, ref_db=self.floor + config.dynamic_range)
        return config


def _width_and_height(size: str) -> dict[str, int]:
    match = re.fullmatch(r"(\d{1,5})(?:[x×](\d{1,5}))?", size.strip().lower())  # noqa: RUF001
    if not match:
        raise UsageError(f"--size {size!r}: pixels, e.g. 150 or 1920x1080")
    return {"width": int(match[1]), "height": int(match[2] or match[1])}


@dataclass(frozen=True)
class FigureOptions:
    """Whether pixels for a network or a figure for people, and how the latter looks."""

    style: Annotated[
        Literal["network", "spek", "waveform"],
        typer.Option(
            help="network: gray pixels alone; spek: axes, name and colours; waveform: it on top.",
            rich_help_panel="Figures for people",
        ),
    ] = "network"
    palette: Annotated[
        Literal["spek", "sox", "gray", "viridis", "magma", "inferno", "cividis"] | None,
        typer.Option(help="Colours; default: spek.", rich_help_panel="Figures for people"),
    ] = None
    background: Annotated[
        Literal["dark", "light", "transparent"] | None,
        typer.Option(help="Default: dark.", rich_help_panel="Figures for people"),
    ] = None
    format: Annotated[
        Literal["png", "svg", "pdf"] | None,
        typer.Option(
            help="Default: by the target's ending, else png.", rich_help_panel="Figures for people"
        ),
    ] = None

    @property
    def wanted(self) -> bool:
        """Whether it is a figure for people."""
        return self.style != "network"

    def suffix(self, source: Path, target: Path) -> str:
        """Ending of the files to write."""
        given = f".{self.format}" if self.format else target.suffix.lower()
        return (
            f".{self.format or 'png'}"
            if given not in _FORMATS or source.is_dir() or is_table(source)
            else given
        )

    def renderer(
        self, picture: PictureOptions, suffix: str, selection: SoundSelection = EVERYTHING
    ) -> Renderer:
        """What draws files of an ending, of what is selected of a sound."""
        if self.style == "network":
            if self.palette or self.background or suffix != ".png":
                raise UsageError(
                    "--palette, --background, SVG and PDF go with --style spek or waveform"
                )
            return SpectrogramRenderer(picture.config(), selection)
        from avser_cli.report.spectrogram_figure import FigureRenderer

        base = _figure_config() if picture.recipe == "default" else None
        return FigureRenderer(
            self.style,
            picture.config(base),
            self.palette or "spek",
            self.background or "dark",
            _FORMATS[suffix],
            selection,
        )


def _figure_config() -> SpectrogramConfig:
    """Spek's picture, at the size of a figure."""
    paper = spectrogram_config("paper")
    return replace(paper, width=FIGURE_SIZE[0], height=FIGURE_SIZE[1])


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
    scheduler: Annotated[
        str | None,
        typer.Option(help="Draw on a Dask cluster that sees the folders: tcp://HOST:8786."),
    ] = None,
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
            _draw_file(source, _single_target(source, target, mark, suffix), renderer(selection))
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
    sounds: list[Path], target: Path, options: SoundOptions
) -> list[tuple[SoundSelection, Path, list[Path]]]:
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


def _draw_file(source: Path, target: Path, renderer: Renderer) -> None:
    spectrogram, _ = renderer.render(source)
    if target == STDIN:
        sys.stdout.buffer.write(spectrogram)
        sys.stdout.buffer.flush()
        return
    remove_leftovers_of(target)
    write_whole(target, spectrogram)
    echo(f"{escape(target)}: drawn")


Batch = tuple[Renderer, list[tuple[Path, Path]]]
"""What draws some sounds, and each with its picture."""


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


def _listed(source: Path) -> tuple[Found, dict[Path, Clip]]:
    """The sounds of a folder or a table, and those of their labels that are known."""
    if source.is_dir():
        found = list_sounds(source)
        report_listing(source, found)
        return found, label_sounds(source, found.files)
    content = read_source(Source(source))
    for item in content.skipped:
        echo(f"left out: {escape(item.path)}: {escape(item.reason)}")
    if any(clip.start is not None or clip.end is not None for clip in content.clips):
        raise UsageError(f"{source}: start and end have no pictures; train on the table itself")
    outside = [x.path for x in content.clips if not x.path.is_relative_to(source.parent)]
    if outside:
        raise UsageError(
            f"{outside[0]}: not below the table's folder, whose tree is mirrored; move the table"
        )
    labels = {clip.path: clip for clip in content.clips}
    return Found(sorted(labels), [], 0), labels


def _draw_folder(
    source: Path,
    target: Path,
    batches: list[Batch],
    labels: Mapping[Path, Clip],
    drawing: _Drawing,
) -> None:
    pictures = Counter(picture for _, pairs in batches for _, picture in pairs)
    twice = next((picture for picture, count in pictures.items() if count > 1), None)
    if twice is not None:
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
    labels: Mapping[Path, Clip],
    drawing: _Drawing,
) -> None:
    remove_leftovers(target)
    outcomes: list[RenderResult] = []
    count = sum(len(pairs) for _, pairs in batches)
    try:
        with progress("drawing") as on_progress:
            for done, outcome in enumerate(drawing.render(batches), start=1):
                outcomes.append(outcome)
                if outcome.status == "failed":
                    check_folders_exist([source], done > 1)
                    if drawing.strict:
                        raise InputError(outcome.reason)
                on_progress(done, count)
    except (KeyboardInterrupt, InputError, PartialError):
        write_manifest(target, outcomes, labels=labels)
        raise
    there = [x for x in outcomes if x.status == "failed" or x.target.exists()]
    stale = write_manifest(target, there, source, labels)
    for picture in stale:
        echo(f"its sound is gone, not trained on: {escape(target / picture)}")
    if gone := len(outcomes) - len(there):
        raise OutputError(
            f"{target}: {gone} of its pictures were removed while others were drawn; start again "
            "to draw them"
        )
    failures = sorted(outcome.reason for outcome in outcomes if outcome.status == "failed")
    for reason in failures:
        echo(f"failed: {escape(reason)}")
    counts = Counter(outcome.status for outcome in outcomes)
    echo(
        f"{escape(target)}: {counts['drawn']} drawn, {counts['up to date']} up to date, "
        f"{counts['failed']} failed"
    )
    if failures and len(failures) == count:
        raise InputError(f"none of {count} sounds could be drawn")
    if failures:
        raise PartialError(f"{len(failures)} of {count} sounds could not be drawn")
