"""`avser spectrogram`: a folder of sound to a folder of pictures."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated, Literal

import typer

from avser_cli.errors import PartialError
from avser_cli.files import refuse_unwritable
from avser_cli.learn.recipes import picture_settings
from avser_cli.report.terminal import progress, safe, say
from avser_cli.sound.drawing import draw_folder


def spectrogram(
    source: Annotated[Path, typer.Argument(help="Folder of sound files.")],
    target: Annotated[Path, typer.Argument(help="Folder for the pictures; its tree is mirrored.")],
    recipe: Annotated[
        Literal["default", "paper"], typer.Option(help="Whose picture settings to draw with.")
    ] = "default",
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Threads; -1: one a core.")] = -1,
    force: Annotated[bool, typer.Option(help="Draw again what is up to date.")] = False,
) -> None:
    """Draw every sound in a folder as a 150 x 150 grayscale spectrogram picture.

    Example: avser spectrogram ./wav ./png
    """
    settings = picture_settings(recipe)
    total, outcomes = draw_folder(source, target, settings, jobs=jobs, force=force)
    refuse_unwritable(target)
    counts: Counter[str] = Counter()
    failures = []
    with progress("drawing") as advance:
        for done, outcome in enumerate(outcomes, start=1):
            counts[outcome.status] += 1
            if outcome.status == "failed":
                failures.append(outcome.reason)
            advance(done, total)
    for reason in sorted(failures):
        say(f"failed: {safe(reason)}")
    say(
        f"{target}: {counts['drawn']} drawn, {counts['up to date']} up to date, "
        f"{counts['failed']} failed"
    )
    if failures:
        raise PartialError(f"{len(failures)} of {total} sounds could not be drawn")
