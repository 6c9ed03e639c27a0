"""Where a training writes its bundle: what may be begun, gone on with or replaced there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated

import typer

from avser_cli.data.sources import DataSources
from avser_cli.data.splits import SplitSettings
from avser_cli.errors import OutputError, UsageError
from avser_cli.files import remove_folder
from avser_cli.model.bundle import CONFIG, check_name, read_config
from avser_cli.model.recipe import Recipe
from avser_cli.report.console import echo

PNG = Path("png")
"""What is trained on where nothing is named."""


@dataclass(frozen=True)
class TargetOptions:
    """Where a bundle goes, and what may happen to one that is there."""

    out: Annotated[
        Path | None, typer.Option(help="Folder of the bundle; default: a name under ./models.")
    ] = None
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False
    force: Annotated[bool, typer.Option("--force", help="Replace a bundle or begin anew.")] = False

    def folder(self, name: str) -> Path:
        """The folder that is asked for, or one of this name under ./models."""
        target = self.out or Path("models") / name
        check_target(target)
        return target


def check_target(target: Path) -> None:
    """Raise `UsageError` where a bundle cannot have such a name."""
    try:
        check_name(target.name)
    except ValueError as error:
        raise UsageError(f"--out {target}: {error}") from None


def check_png(sources: DataSources) -> None:
    """Say what to do where nothing is named and ./png is not there."""
    if sources.sources == DataSources.of(PNG).sources and not PNG.exists():
        raise UsageError(
            "./png: no such folder; draw it with `avser spectrogram ./wav ./png`, or "
            "name a folder or table of labelled recordings"
        )


def checkpoint_of(target: Path) -> Path:
    """Where the state of an interrupted training is kept."""
    return target.with_name(f".{target.name}.run")


@dataclass(frozen=True)
class Asked:
    """What is asked for, as far as a bundle says whether it is that.

    Attributes
    ----------
    recipe : Recipe
    emotions : tuple of str
    split : SplitSettings
    seed : int
    origin : tuple or None
        Of a bundle that is trained on from, its checksum and how.
    """

    recipe: Recipe
    emotions: tuple[str, ...]
    split: SplitSettings
    seed: int
    origin: tuple[str, Mapping[str, float]] | None = None


def may_begin(target: Path, asked: Asked, options: TargetOptions) -> bool:
    """Whether there is something to do; raises where that would lose something unasked."""
    checkpoint, resume, force = checkpoint_of(target), options.resume, options.force
    begun = checkpoint.exists()
    # A kill between the last two steps leaves the checkpoint of a bundle that is whole.
    done = begun and _came_after(target, checkpoint)
    if done:
        remove_folder(checkpoint)
        begun = False
    if target.exists():
        if resume and not begun and (done or not force):
            _check_finished_so(target, asked)
            echo(f"{target}: already finished; nothing to resume")
            return False
        if not force:
            ways = "--force replaces it, --out writes elsewhere"
            if begun:
                ways = "--force --resume goes on with the run that is to replace it"
            raise OutputError(f"{target}: already there; {ways}")
        if not (target / CONFIG).is_file():
            raise OutputError(
                f"{target}: not a model bundle, so it is not replaced; choose another --out"
            )
    if begun and not resume:
        if not force:
            raise OutputError(
                f"{checkpoint}: an interrupted run is there; --resume goes on with it, --force "
                "begins anew"
            )
        remove_folder(checkpoint)
    return True


def _check_finished_so(target: Path, asked: Asked) -> None:
    """Refuse to take a bundle of other settings for the one that is asked for."""
    config = read_config(target)
    origin = (config.origin.checksum, config.origin.settings) if config.origin else None
    found = Asked(config.recipe, config.labels, config.split.settings, config.seed, origin)
    other = [x.name for x in fields(Asked) if getattr(found, x.name) != getattr(asked, x.name)]
    if other:
        raise UsageError(
            f"{target}: already finished with another {' and '.join(other)}; --force replaces it, "
            "--out writes elsewhere"
        )


def _came_after(bundle: Path, checkpoint: Path) -> bool:
    """Whether a bundle was written after the last epoch that a checkpoint holds."""
    config = bundle / CONFIG
    epochs = [path.stat().st_mtime_ns for path in checkpoint.rglob("*") if path.is_file()]
    return config.is_file() and bool(epochs) and config.stat().st_mtime_ns >= max(epochs)
