"""`avser evaluate`: a bundle's report on clips that it never saw, or a whole cross-validation."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from avser_cli.commands import options as common
from avser_cli.commands.experiments import ExecutionOptions, command_line, run_jobs
from avser_cli.data.sources import DataSources
from avser_cli.data.splits import SPLIT_ALIASES, SplitKind
from avser_cli.errors import UsageError
from avser_cli.evaluation.scoring import PART_ALIASES, PARTS, Evaluation, Part
from avser_cli.evaluation.scoring import evaluate as score_bundle
from avser_cli.experiments.candidates import of_recipe
from avser_cli.experiments.cross_validation import find_runs, keep_runs
from avser_cli.experiments.experiment import read_inputs_of
from avser_cli.experiments.run_cache import plan_jobs
from avser_cli.experiments.runs import PlannedRun, plan
from avser_cli.experiments.summary import summarize
from avser_cli.files import check_writable, locked, remove_leftovers
from avser_cli.inference.classifier import Classifier
from avser_cli.model.bundle import BundleConfig, newest_bundle
from avser_cli.model.recipe import Recipe
from avser_cli.report.console import echo, escape, print_table, progress
from avser_cli.report.cross_validation_report import (
    recall_words,
    runs_table,
    write_report,
)
from avser_cli.report.figures import plot_confusion
from avser_cli.report.tables import classification_report, confusion_table, interval_words

FOLDERS = (Path("png"), Path("wav"))
BUNDLE = "One bundle"
PROTOCOL = "Cross-validation, with --protocol"


@dataclass(frozen=True)
class ProtocolOptions:
    """Which cross-validation, and which runs of it."""

    protocol: Annotated[
        str | None,
        typer.Option(
            parser=common.choice(common.SPLITS, SPLIT_ALIASES),
            metavar=common.metavar(common.SPLITS),
            help="Train and score a recipe: on random splits, six folds of actors, two sentences.",
            rich_help_panel=PROTOCOL,
        ),
    ] = None
    folds: Annotated[
        str | None, typer.Option(help="E.g. 1,3-5; default: all.", rich_help_panel=PROTOCOL)
    ] = None
    seeds: Annotated[
        str | None,
        typer.Option(help="E.g. 0-4; default: 0-4 for random, else 0.", rich_help_panel=PROTOCOL),
    ] = None

    def planned(self) -> list[PlannedRun]:
        """The runs that are asked for."""
        folds = common.parse_numbers(self.folds, "--folds")
        seeds = common.parse_numbers(self.seeds, "--seeds")
        return plan(cast(SplitKind, self.protocol), folds, seeds)


def evaluate(
    context: typer.Context,
    data: Annotated[
        Path | None, typer.Argument(help="Folder of pictures or sound; default: ./png or ./wav.")
    ] = None,
    format: Annotated[Literal["text", "json"], typer.Option(help="What stdout gets.")] = "text",
    model: Annotated[
        Path | None,
        typer.Option(help="Bundle; default: the newest under ./models.", rich_help_panel=BUNDLE),
    ] = None,
    part: Annotated[
        str,
        typer.Option(
            parser=common.choice(PARTS, PART_ALIASES),
            metavar=common.metavar(PARTS),
            help="Which clips to score: held out, never met, or (says so) trained on.",
            rich_help_panel=BUNDLE,
        ),
    ] = "test",
    figure: Annotated[
        Path | None,
        typer.Option(
            help="PNG of the confusion matrix; default: ./NAME-confusion.png.",
            rich_help_panel=BUNDLE,
        ),
    ] = None,
    *,
    runs: ProtocolOptions,
    training: common.RecipeOptions,
    emotions: common.Emotions = common.ALL_EMOTIONS,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Report folder; a second run goes on. Default: a name under ./reports.",
            rich_help_panel=PROTOCOL,
        ),
    ] = None,
    execution: ExecutionOptions,
) -> None:
    """Score a model bundle on the clips that it held out, or cross-validate a recipe.

    Example: avser evaluate ./png --model models/cnn2d-default-adam-0.005-random-seed0

    Example: avser evaluate ./png --protocol speaker
    """
    _check_mode_options(context, runs.protocol)
    source = data or next((place for place in FOLDERS if place.is_dir()), None)
    if source is None:
        raise UsageError("no ./png or ./wav here; name the folder of clips")
    if runs.protocol is None:
        _score(source, model, cast(Part, part), format, figure)
        return
    chosen = training.chosen()
    target = out or Path("reports") / f"{chosen.network}-{chosen.name}-{runs.protocol}"
    labels = common.parse_emotions(emotions)
    _cross_validate(source, runs.planned(), chosen, labels, target, execution, format)


ONLY_BUNDLE = {"model", "part", "figure"}
SHARED = {"data", "format", "protocol"}


def _check_mode_options(context: typer.Context, protocol: str | None) -> None:
    """Refuse options that would be passed over in silence."""
    given = {
        name
        for name in context.params
        if name not in SHARED
        and (source := context.get_parameter_source(name)) is not None
        and source.name == "COMMANDLINE"
    }
    wrong = given & ONLY_BUNDLE if protocol else given - ONLY_BUNDLE
    if wrong:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in sorted(wrong))
        needed = "is for one bundle, without --protocol" if protocol else "needs --protocol"
        raise UsageError(f"{names} {needed}")


def _score(
    source: Path, model: Path | None, part: Part, format: str,
    figure: Path | None,
) -> None:  # fmt: skip
    folder = model or newest_bundle(Path("models"))
    classifier = Classifier.load(folder)
    echo(f"model: {escape(folder)}")
    with progress("reading") as on_progress:
        evaluation = score_bundle(classifier, source, part, on_progress)
    common.report_skipped(evaluation.skipped)
    title = _title(classifier.config, evaluation)
    if format == "json":
        print(json.dumps(_as_json(folder, classifier.config, evaluation), indent=1))
    else:
        print(title)
        print(classification_report(evaluation.report))
        print(interval_words(evaluation.intervals))
        print_table(confusion_table(evaluation.report.labels, evaluation.report.confusion))
    place = figure or Path(f"{classifier.config.name}-confusion.png")
    plot_confusion(place, evaluation.report, title)
    echo(f"figure: {escape(place)}")


def _title(config: BundleConfig, evaluation: Evaluation) -> str:
    if evaluation.part == "train":
        return f"{config.name}: TRAINING CLIPS, not a measure of accuracy"
    if evaluation.part == "unseen":
        return f"{config.name}: clips that it never met"
    return f"{config.name}: held out, {config.split.settings.describe()}"


def _as_json(folder: Path, config: BundleConfig, evaluation: Evaluation) -> dict[str, object]:
    report = evaluation.report.as_dict()
    return {
        "model": str(folder),
        "part": evaluation.part,
        "scored_training_clips": evaluation.part == "train",
        "accuracy": report["accuracy"],
        "uar": report["uar"],
        "accuracy_interval": evaluation.intervals.accuracy,
        "uar_interval": evaluation.intervals.uar,
        "resampled": evaluation.intervals.resampled,
        "labels": report["labels"],
        "confusion": report["confusion"],
        "per_emotion": report["per_emotion"],
        "macro": report["macro"],
        "weighted": report["weighted"],
        "split": asdict(config.split.settings),
        "clips": evaluation.files,
    }


def _cross_validate(
    source: Path,
    planned: list[PlannedRun],
    recipe: Recipe,
    emotions: tuple[str, ...],
    target: Path,
    execution: ExecutionOptions,
    format: str,
) -> None:
    workers = execution.workers
    check_writable(target)
    remove_leftovers(target)
    run_cache = execution.open_cache()
    common.check_tensorflow()
    candidate = of_recipe(f"{recipe.network}-{recipe.name}", recipe)
    with progress("reading") as on_progress:
        data = read_inputs_of(candidate, DataSources.of(source), emotions, on_progress)
    common.report_corpus(data.corpus)
    echo(f"{len(planned)} trainings: {common.describe_recipe(recipe)}")
    jobs = plan_jobs(data.corpus, [candidate], planned)
    runs = run_jobs(data, jobs, find_runs(target, jobs), run_cache, workers)
    finished = [replace(runs[job.key], planned=job.planned) for job in jobs]
    protocol = planned[0].split.kind
    summary = summarize(finished, data.corpus, recipe, protocol, command_line())
    with locked(target, wait=True):
        keep_runs(target, jobs, run_cache)
        write_report(target, summary, finished)
    if format == "json":
        print(json.dumps(summary.as_dict(), indent=1))
    else:
        print_table(runs_table(summary))
        print(recall_words(summary))
        print_table(confusion_table(emotions, summary.confusion))
    echo(f"report: {target / 'report.md'}")
