"""`avser evaluate`: a bundle's report on clips that it never saw."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from avser_cli.commands.common import tell_left_out
from avser_cli.errors import UsageError
from avser_cli.infer.classifier import Classifier
from avser_cli.infer.evaluation import Evaluation
from avser_cli.infer.evaluation import evaluate as score_bundle
from avser_cli.learn.bundle import BundleConfig, newest_bundle
from avser_cli.report.plots import plot_confusion
from avser_cli.report.tables import classification_report, confusion_table
from avser_cli.report.terminal import progress, say, show

FOLDERS = (Path("png"), Path("wav"))


def evaluate(
    data: Annotated[
        Path | None, typer.Argument(help="Folder of pictures or sound; default: ./png or ./wav.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="Bundle; default: the newest under ./models.")
    ] = None,
    part: Annotated[
        Literal["held-out", "new", "trained-on"],
        typer.Option(help="Which clips to score: held out, never met, or (says so) trained on."),
    ] = "held-out",
    format: Annotated[Literal["text", "json"], typer.Option(help="What stdout gets.")] = "text",
    figure: Annotated[
        Path | None,
        typer.Option(help="PNG of the confusion matrix; default: ./NAME-confusion.png."),
    ] = None,
) -> None:
    """Score a model bundle on the clips that it held out.

    Example: avser evaluate ./png --model models/cnn2d-default-adam-0.005-paper-seed0
    """
    folder = model or newest_bundle(Path("models"))
    classifier = Classifier.load(folder)
    source = data or next((place for place in FOLDERS if place.is_dir()), None)
    if source is None:
        raise UsageError("no ./png or ./wav here; name the folder of clips")
    say(f"model: {folder}")
    with progress("reading") as advance:
        evaluation = score_bundle(classifier, source, part, advance)
    tell_left_out(evaluation.left_out)
    title = _title(classifier.config, evaluation)
    if format == "json":
        print(json.dumps(_as_json(folder, classifier.config, evaluation), indent=1))
    else:
        print(title)
        print(classification_report(evaluation.report))
        show(confusion_table(evaluation.report))
    place = figure or Path(f"{classifier.config.name}-confusion.png")
    plot_confusion(place, evaluation.report, title)
    say(f"figure: {place}")


def _title(config: BundleConfig, evaluation: Evaluation) -> str:
    if evaluation.part == "trained-on":
        return f"{config.name}: TRAINING CLIPS, not a measure of accuracy"
    if evaluation.part == "new":
        return f"{config.name}: clips that it never met"
    return f"{config.name}: held out, {config.split.settings.describe()}"


def _as_json(folder: Path, config: BundleConfig, evaluation: Evaluation) -> dict[str, object]:
    report = evaluation.report.as_dict()
    return {
        "model": str(folder),
        "part": evaluation.part,
        "scored_training_clips": evaluation.part == "trained-on",
        "accuracy": report["accuracy"],
        "uar": report["uar"],
        "labels": report["labels"],
        "confusion": report["confusion"],
        "per_emotion": report["per_emotion"],
        "macro": report["macro"],
        "weighted": report["weighted"],
        "split": asdict(config.split.settings),
        "clips": evaluation.files,
    }
