"""`avser classify`: the emotion in a recording, in the paper's words."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from avser_cli.errors import InputError, PartialError
from avser_cli.infer.classifier import Classifier
from avser_cli.report.terminal import progress, safe, say
from avser_cli.report.verdict import json_line, paper_lines
from avser_cli.sound.drawing import find_sounds


def classify(
    sounds: Annotated[list[Path], typer.Argument(help="Sound files and folders of them.")],
    model: Annotated[
        Path | None, typer.Option(help="Bundle; default: $AVSER_MODEL, else the one in the box.")
    ] = None,
    format: Annotated[
        Literal["text", "jsonl"], typer.Option(help="The paper's lines, or one object a clip.")
    ] = "text",
) -> None:
    """Print the emotion in each recording and its positive or negative category.

    Example: avser classify clip.wav
    """
    classifier = Classifier.load(model)
    paths = [path for given in sounds for path in _expanded(given)]
    failures: list[InputError] = []
    # On a terminal the answers themselves show how far it is.
    with progress("classifying", wanted=len(paths) > 1 and not sys.stdout.isatty()) as advance:
        for done, path in enumerate(paths, start=1):
            try:
                prediction = classifier.predict(path)
            except InputError as error:
                if len(paths) == 1:
                    raise
                failures.append(error)
                say(f"failed: {safe(error)}")
            else:
                if format == "jsonl":
                    print(json_line(str(path), prediction), flush=True)
                else:
                    head = [f"{safe(path)}:"] if len(paths) > 1 else []
                    lines = paper_lines(prediction.emotion, classifier.config.labels)
                    print("\n".join(head + lines), flush=True)
            advance(done, len(paths))
    if failures and len(failures) == len(paths):
        raise InputError(f"none of {len(paths)} sounds could be classified")
    if failures:
        raise PartialError(f"{len(failures)} of {len(paths)} sounds could not be classified")


def _expanded(given: Path) -> list[Path]:
    return find_sounds(given) if given.is_dir() else [given]
