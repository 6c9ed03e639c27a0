"""`avser evaluate`: a bundle's report on clips that it never saw, or a whole cross-validation."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from avser_cli.commands import options as common
from avser_cli.commands.experiments import (
    ExecutionOptions,
    command_line,
    folds_option,
    prepare_folder,
    run_jobs,
    seeds_option,
)
from avser_cli.commands.page_options import (
    PANEL,
    Embed,
    checked_page,
    collect_media,
    fits_into_a_page,
    too_large,
)
from avser_cli.data.clip import Clip
from avser_cli.data.folds import split_folds
from avser_cli.data.sources import DataSources
from avser_cli.data.splits import SPLIT_ALIASES, SplitKind
from avser_cli.errors import UsageError
from avser_cli.evaluation.bundle_evaluation import PART_ALIASES, PARTS, Evaluation, Part
from avser_cli.evaluation.bundle_evaluation import evaluate as score_bundle
from avser_cli.experiments.candidates import of_recipe
from avser_cli.experiments.cross_validation import find_runs, keep_runs
from avser_cli.experiments.experiment import read_inputs_of
from avser_cli.experiments.run_cache import plan_jobs
from avser_cli.experiments.runs import FinishedRun, PlannedRun, plan
from avser_cli.experiments.summary import CrossValidation, summarize
from avser_cli.files import check_output_file, locked
from avser_cli.inference.classifier import Classifier
from avser_cli.model.bundle import BundleConfig, newest_bundle
from avser_cli.model.bundle_arrays import read_hashes
from avser_cli.model.recipe import Recipe
from avser_cli.report.console import echo, escape, print_table, progress
from avser_cli.report.cross_validation_report import (
    recall_words,
    runs_table,
    write_report,
)
from avser_cli.report.evaluation_page import (
    EvaluationPage,
    page_of_bundle,
    page_of_protocol,
    write_evaluation_page,
)
from avser_cli.report.evaluation_report import (
    as_json,
    confidence_words,
    left_out_lines,
    reference_words,
    title_of,
)
from avser_cli.report.figures import plot_confusion
from avser_cli.report.group_tables import print_groups
from avser_cli.report.page_media import seconds_of
from avser_cli.report.tables import classification_report, confusion_table, interval_words
from avser_cli.training.training_run import Corpus

FOLDERS = (Path("png"), Path("wav"))
BUNDLE = "One bundle"
PROTOCOL = "Cross-validation, with --protocol"


@dataclass(frozen=True)
class ScoresPageOptions:
    """Whether a page is written."""

    report: Annotated[
        Path | None,
        typer.Option(
            help="HTML page with scores, confusion matrix and all clips, the wrong ones first, "
            "to listen to.",
            rich_help_panel=PANEL,
        ),
    ] = None
    embed: Embed = False

    @property
    def target(self) -> Path | None:
        """The page, if one is asked for; `UsageError` or `OutputError` where it cannot be."""
        return checked_page(self.report, self.embed)

    def write(self, page: EvaluationPage) -> None:
        """Write the page, if one is asked for.

        Raises
        ------
        PartialError
            The sounds are too long to be embedded; they are linked.
        """
        if (target := self.target) is None:
            return
        parts = page.parts
        seconds = sum(map(seconds_of, parts)) if self.embed else 0.0
        embed = self.embed and fits_into_a_page(seconds)
        write_evaluation_page(target, page, collect_media(parts, embed, jobs=-1))
        echo(f"page: {escape(target)}")
        if self.embed and not embed:
            raise too_large(target, seconds)


@dataclass(frozen=True)
class ProtocolOptions:
    """Which cross-validation, and which runs of it."""

    protocol: Annotated[
        str | None,
        typer.Option(
            parser=common.choice(common.SPLITS, SPLIT_ALIASES),
            metavar=common.metavar(common.SPLITS),
            help="Train and score a recipe on random splits, or with each fold of speakers, texts, "
            "corpora or a table's column split held out.",
            rich_help_panel=PROTOCOL,
        ),
    ] = None
    folds: Annotated[str | None, folds_option(PROTOCOL)] = None
    seeds: Annotated[str | None, seeds_option("0-4 for random, else 0", PROTOCOL)] = None

    def planned(self, clips: Sequence[Clip]) -> list[PlannedRun]:
        """The runs that are asked for."""
        kind = cast(SplitKind, self.protocol)
        folds = common.parse_folds(self.folds, kind)
        seeds = common.parse_numbers(self.seeds, "--seeds")
        return plan(kind, split_folds(clips, kind), folds, seeds)


def evaluate(
    context: typer.Context,
    data: Annotated[
        list[Path] | None,
        typer.Argument(readable=False, help=common.DATA_HELP + " Default: ./png or ./wav."),
    ] = None,
    format: Annotated[Literal["text", "json"], typer.Option(help="What stdout gets.")] = "text",
    model: Annotated[
        str | None,
        typer.Option(
            metavar="<path|default>",
            help="Bundle, or default for the bundled one; without it the newest under ./models.",
            rich_help_panel=BUNDLE,
        ),
    ] = None,
    part: Annotated[
        str | None,
        typer.Option(
            parser=common.choice(PARTS, PART_ALIASES),
            metavar=common.metavar(PARTS),
            help="Clips to score. test: held out; unseen: never met; train: trained on (the output "
            "says so). Default: test or, where no held-out clips are given, unseen.",
            rich_help_panel=BUNDLE,
        ),
    ] = None,
    figure: Annotated[
        Path | None,
        typer.Option(
            help="PNG of the confusion matrix; default: ./NAME-confusion.png.",
            rich_help_panel=BUNDLE,
        ),
    ] = None,
    no_figure: Annotated[
        bool, typer.Option("--no-figure", help="Write no figure.", rich_help_panel=BUNDLE)
    ] = False,
    *,
    page: ScoresPageOptions,
    named: common.DataOptions,
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
    """Score a bundle on labelled clips that it was not trained on, or cross-validate a recipe.

    Example: avser evaluate ./mine --model default

    Example: avser evaluate ./png --model models/cnn2d-default-adam-0.005-random-seed0

    Example: avser evaluate ./mine --model default --report scores.html

    Example: avser evaluate ./png --protocol speaker
    """
    _ = page.target  # Refused at once, not after an hour of training.
    _check_mode_options(context, runs.protocol)
    if figure and no_figure:
        raise UsageError("--figure and --no-figure exclude each other")
    if figure:
        check_output_file(figure, (".png",))
    sources = named.sources(data or [])
    if not sources.sources:
        place = next((place for place in FOLDERS if place.is_dir()), None)
        if place is None:
            raise UsageError("no ./png or ./wav here; name the folder of clips")
        sources = named.sources([place])
    if runs.protocol is None:
        evaluation, config = _score(
            sources, model, cast(Part | None, part), format, execution.scheduler
        )
        if not no_figure:
            place = figure or Path(f"{config.name}-confusion.png")
            plot_confusion(place, evaluation.scoring.report, title_of(config, evaluation))
            echo(f"figure: {escape(place)}")
        page.write(page_of_bundle(config, evaluation))
        common.check_all_read(evaluation.skipped)
        return
    chosen = training.chosen()
    target = out or Path("reports") / f"{chosen.network}-{chosen.name}-{runs.protocol}"
    labels = common.parse_emotions(emotions)
    summary, finished, corpus = _cross_validate(
        sources, runs, chosen, labels, target, execution, format
    )
    page.write(page_of_protocol(summary, finished, corpus))
    common.check_all_read(corpus.dataset.skipped)


ONLY_BUNDLE = {"model", "part", "figure", "no_figure"}
SHARED = {"data", "named", "mapping", "format", "protocol", "report", "embed", "scheduler"}


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
    sources: DataSources,
    model: str | None,
    part: Part | None,
    format: str,
    scheduler: str | None,
) -> tuple[Evaluation, BundleConfig]:
    """Print how a bundle does on clips, and give it back for a figure."""
    folder = _bundle(model)
    classifier = Classifier.load(folder)
    echo(f"model: {escape(folder)}")
    hashes = read_hashes(folder, classifier.config)
    with progress("reading") as on_progress:
        evaluation = score_bundle(classifier, sources, part, hashes, on_progress, scheduler)
    common.report_skipped(evaluation.skipped)
    for line in left_out_lines(evaluation):
        echo(escape(line))
    title = title_of(classifier.config, evaluation)
    if format == "json":
        print(json.dumps(as_json(str(folder), classifier.config, evaluation), indent=1))
    else:
        print(title)
        _print_scoring(evaluation)
    return evaluation, classifier.config


def _bundle(model: str | None) -> Path:
    """The bundle that is asked for: a folder, ``default``, or the newest below ./models."""
    return newest_bundle(Path("models")) if model is None else common.named_bundle(model)


def _print_scoring(evaluation: Evaluation) -> None:
    scoring, normalized = evaluation.scoring, evaluation.normalized
    print(classification_report(scoring.report))
    print(interval_words(scoring.intervals))
    print(confidence_words(scoring))
    print_table(confusion_table(scoring.report.labels, scoring.report.confusion))
    print_groups(scoring.groups, normalized.groups if normalized else None)
    if normalized is not None:
        print(reference_words(scoring, normalized))


def _cross_validate(
    sources: DataSources,
    options: ProtocolOptions,
    recipe: Recipe,
    emotions: tuple[str, ...],
    target: Path,
    execution: ExecutionOptions,
    format: str,
) -> tuple[CrossValidation, list[FinishedRun], Corpus]:
    workers = execution.workers
    prepare_folder(target)
    run_cache = execution.open_cache()
    common.check_tensorflow()
    candidate = of_recipe(f"{recipe.network}-{recipe.name}", recipe)
    with progress("reading") as on_progress:
        data = read_inputs_of(candidate, sources, emotions, on_progress, options.planned)
    common.report_corpus(data.corpus)
    planned = options.planned(data.corpus.dataset.clips)
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
        print_groups(summary.groups)
    echo(f"report: {target / 'report.md'}")
    return summary, finished, data.corpus
