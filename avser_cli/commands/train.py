"""`avser train`: a folder of labelled clips to a model bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, cast

import typer

from avser_cli.commands import options as common
from avser_cli.commands.cluster_options import Scheduler
from avser_cli.commands.train_from import AdaptationOptions, AdaptationRequest, train_from
from avser_cli.commands.training_target import (
    PNG,
    Asked,
    TargetOptions,
    check_png,
    checkpoint_of,
    may_begin,
)
from avser_cli.data.emotions import Category
from avser_cli.data.sources import DataSources
from avser_cli.data.splits import (
    FOLDED,
    SPLIT_KINDS,
    SplitKind,
    SplitSettings,
    check_fold,
)
from avser_cli.errors import UsageError
from avser_cli.experiments.recipe_report import RecipeReport, check_same_corpus, read_report
from avser_cli.files import (
    check_writable,
    locked,
    remove_folder,
    remove_leftovers_of,
    whole_folder,
)
from avser_cli.model.known_recipes import find_recipe
from avser_cli.model.recipe import Recipe
from avser_cli.report.console import echo, print_table, progress
from avser_cli.report.corpora_table import corpora_table
from avser_cli.report.group_tables import print_groups
from avser_cli.report.model_card import ALL_GROUPS, write_for_people
from avser_cli.report.tables import classification_report
from avser_cli.training.export import write_parts
from avser_cli.training.training_run import Corpus, TrainTestSplit, read_corpus, run


@dataclass(frozen=True)
class SplitOptions:
    """Which clips are held out, and the seed."""

    split: Annotated[str, common.split_option(SPLIT_KINDS)] = "random"
    test_size: common.TestSize = None
    fold: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER|NAME",
            help="Which fold is held out, e.g. 2 for speaker or text, emodb for corpus; default: "
            "the first.",
        ),
    ] = None
    seed: Annotated[int, typer.Option(help="Draws the random split and the training.")] = 0

    def settings(self) -> SplitSettings:
        """The split that is asked for."""
        fold = 1 if self.fold is None else common.parse_fold(self.fold, self.split)
        test_size = common.held_out_share(self.test_size, self.split)
        return SplitSettings(cast(SplitKind, self.split), test_size, fold, self.seed)


@dataclass(frozen=True)
class CategoryOptions:
    """Categories of emotions that have no usual one, or in its place."""

    positive: Annotated[
        str | None, typer.Option(metavar="LABEL,...", help="Emotions that are positive.")
    ] = None
    negative: Annotated[
        str | None, typer.Option(metavar="LABEL,...", help="Emotions that are negative.")
    ] = None

    def of(self, labels: Sequence[str]) -> dict[str, Category]:
        """The category of each emotion that is named."""
        found: dict[str, Category] = {}
        for option, category, text in (
            ("--positive", "positive", self.positive),
            ("--negative", "negative", self.negative),
        ):
            for emotion in common.parse_labels(text or ""):
                if emotion not in labels:
                    raise UsageError(f"{option} {emotion}: not among {', '.join(labels)}")
                if found.setdefault(emotion, cast(Category, category)) != category:
                    raise UsageError(f"{emotion}: both --positive and --negative")
        return found


def train(
    context: typer.Context,
    data: Annotated[
        list[Path] | None,
        typer.Argument(readable=False, help=common.DATA_HELP + " Default: ./png."),
    ] = None,
    *,
    source: common.DataOptions,
    list_corpora: Annotated[
        bool, typer.Option("--list-corpora", help="Print the corpora that are known by name.")
    ] = False,
    training: common.RecipeOptions,
    emotions: common.Emotions = common.ALL_EMOTIONS,
    split: SplitOptions,
    categories: CategoryOptions,
    place: TargetOptions,
    adaptation: AdaptationOptions,
    scheduler: Scheduler = None,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Folder that `avser evaluate --protocol` wrote: the bundle takes its calibration "
            "and states its accuracy."
        ),
    ] = None,
) -> None:
    """Train a network and write a model bundle, scored on clips that it never saw.

    Example: avser train --optimizer adam --lr 0.005

    Example: avser train ./mine --data emodb=./german --map fun=happy --split speaker

    Example: avser train ./mine --from default --split speaker
    """
    if list_corpora:
        print_table(corpora_table())
        return
    sources = source.sources(data or ([] if source.named else [PNG]))
    adaptation.check()
    if adaptation.from_bundle is not None:
        check_recipe_is_left(training, report)
        if scheduler:
            raise UsageError("--scheduler: not with --from, which takes minutes; leave it out")
        given = context.get_parameter_source("emotions")
        asked_for = given is not None and given.name == "COMMANDLINE"
        request = AdaptationRequest(
            sources,
            common.parse_emotions(emotions) if asked_for else None,
            categories.of,
            split.settings(),
            place,
            training.epochs,
            training.lr,
        )
        train_from(adaptation, request)
        return
    labels, settings = common.parse_emotions(emotions), split.settings()
    asked = Asked(training.chosen(), labels, settings, settings.seed)
    if scheduler and asked.recipe.network == "mlp":
        raise UsageError("--scheduler: not with mlp, which takes seconds; leave it out")
    sources = replace(sources, categories=categories.of(labels))
    measured = read_report(report, asked.recipe, labels) if report else None
    target = place.folder(default_name(asked.recipe, settings, asked.seed))
    with locked(target):
        remove_leftovers_of(target)
        if not may_begin(target, asked, place):
            return
        check_png(sources)
        check_writable(target.parent)
        common.check_tensorflow()
        corpus = _read(sources, asked)
        if report and measured:
            check_same_corpus(report, measured, corpus.about)
        prepared = corpus.split(settings)
        common.report_split(prepared)
        _train(prepared, asked, target, measured, scheduler)
        common.check_all_read(corpus.dataset.skipped)


def _read(sources: DataSources, asked: Asked) -> Corpus:
    """Read the clips that are asked for, and say what they are."""
    with progress("reading") as on_progress:
        corpus = read_corpus(
            sources,
            asked.emotions,
            asked.recipe,
            on_progress,
            lambda clips: check_fold(clips, asked.split),
        )
    common.report_corpus(corpus)
    return corpus


def _train(
    prepared: TrainTestSplit,
    asked: Asked,
    target: Path,
    measured: RecipeReport | None,
    scheduler: str | None,
) -> None:
    """Train, and write the bundle."""
    recipe, seed, checkpoint = asked.recipe, asked.seed, checkpoint_of(target)
    echo(f"training: {common.describe_recipe(recipe)}, seed {seed}")
    try:
        on_epoch = common.network_line(recipe) if scheduler else common.epoch_line(recipe)
        result = run(prepared, recipe, seed, on_epoch, checkpoint, scheduler=scheduler)
    except KeyboardInterrupt:
        if checkpoint.exists():
            echo("stopped; finished epochs are kept: the same command with --resume goes on")
        raise
    with whole_folder(target) as part:
        calibration = measured.calibration if measured else None
        config = write_parts(part, target.name, prepared, recipe, seed, result, calibration)
        history, groups = result.trained.history, result.groups
        write_for_people(part, config, history, result.report, groups, measured)
    remove_folder(checkpoint)
    if result.report is not None:
        print(classification_report(result.report))
        print_groups(groups, all_in=ALL_GROUPS)
    echo(f"bundle: {target} ({config.parameters:,} weights, trained in {config.seconds:.0f} s)")


def check_recipe_is_left(training: common.RecipeOptions, report: Path | None) -> None:
    """Refuse what a bundle that is trained on decides itself."""
    usual = common.RecipeOptions(epochs=training.epochs, lr=training.lr)
    changed = [x.name for x in fields(usual) if getattr(training, x.name) != getattr(usual, x.name)]
    changed += ["report"] if report else []
    if changed:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in changed)
        raise UsageError(f"{names}: not with --from, which goes by the bundle's recipe; leave out")


def default_name(recipe: Recipe, split: SplitSettings, seed: int) -> str:
    """A name that tells trainings apart, e.g. ``cnn2d-default-adam-0.005-random-seed0``."""
    folded = split.kind in FOLDED
    fold = f"-{split.fold}" if isinstance(split.fold, str) else split.fold
    side = f"{split.kind}{fold}" if folded else split.kind
    rate = f"{recipe.learning_rate:g}"
    usual = find_recipe(recipe.network, recipe.name).ensemble
    joined = f"-x{recipe.ensemble}" if recipe.ensemble != usual else ""
    return f"{recipe.network}-{recipe.name}-{recipe.optimizer}-{rate}-{side}-seed{seed}{joined}"
