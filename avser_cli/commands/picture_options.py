"""How `avser spectrogram` draws: options of pictures for networks and of figures for people."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from avser_cli.audio.selection import EVERYTHING, SoundSelection
from avser_cli.data.source_content import is_table
from avser_cli.errors import UsageError
from avser_cli.features.render import Renderer, SpectrogramRenderer
from avser_cli.features.spectrogram import SpectrogramConfig
from avser_cli.model.known_recipes import spectrogram_config

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
