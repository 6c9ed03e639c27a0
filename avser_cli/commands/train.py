"""`avser train`: a folder of labelled clips to a model bundle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, cast

import typer

from avser_cli.commands import options as common
from avser_cli.data.emotions import Category
from avser_cli.data.sources import DataSources
from avser_cli.data.splits import (
    FOLDED,
    SPLIT_ALIASES,
    SPLIT_KINDS,
    SplitKind,
    SplitSettings,
    check_fold,
)
from avser_cli.errors import OutputError, UsageError
from avser_cli.experiments.summary import RecipeReport, check_same_corpus, read_report
from avser_cli.files import (
    check_writable,
    locked,
    remove_folder,
    remove_leftovers_of,
    whole_folder,
)
from avser_cli.model.bundle import CONFIG, BundleConfig, check_name, read_config
from avser_cli.model.recipe import Recipe, find_recipe
from avser_cli.report.console import echo, print_table, progress
from avser_cli.report.corpora_table import corpora_table
from avser_cli.report.figures import plot_confusion, plot_history
from avser_cli.report.model_card import model_card
from avser_cli.report.tables import classification_report
from avser_cli.training.export import write_parts
from avser_cli.training.training_run import Result, read_corpus, run

PNG = Path("png")


@dataclass(frozen=True)
class SplitOptions:
    """Which clips are held out, and the seed."""

    split: Annotated[
        str,
        typer.Option(
            parser=common.choice(SPLIT_KINDS, SPLIT_ALIASES),
            metavar=common.metavar(SPLIT_KINDS),
            help=common.SPLIT_HELP,
        ),
    ] = "random"
    test_size: common.TestSize = 0.25
    fold: Annotated[
        str,
        typer.Option(
            metavar="NUMBER|NAME",
            help="Which fold is held out, e.g. 2 for speaker or text, emodb for corpus.",
        ),
    ] = "1"
    seed: Annotated[int, typer.Option(help="Draws the random split and the training.")] = 0

    def settings(self) -> SplitSettings:
        """The split that is asked for."""
        fold = int(self.fold) if self.fold.isdecimal() else self.fold
        return SplitSettings(cast(SplitKind, self.split), self.test_size, fold, self.seed)


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
    data: Annotated[
        list[Path] | None, typer.Argument(help=common.DATA_HELP + " Default: ./png.")
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
    out: Annotated[
        Path | None, typer.Option(help="Folder of the bundle; default: a name under ./models.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted run.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a bundle or begin anew.")] = False,
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
    """
    if list_corpora:
        print_table(corpora_table())
        return
    sources = source.sources(data or ([] if source.named else [PNG]))
    chosen = training.chosen()
    labels = common.parse_emotions(emotions)
    sources = replace(sources, categories=categories.of(labels))
    measured = read_report(report, chosen, labels) if report else None
    split_settings, seed = split.settings(), split.seed
    target = out or Path("models") / default_name(chosen, split_settings, seed)
    try:
        check_name(target.name)
    except ValueError as error:
        raise UsageError(f"--out {target}: {error}") from None
    checkpoint = target.with_name(f".{target.name}.run")
    asked = (chosen, labels, split_settings, seed)
    with locked(target):
        remove_leftovers_of(target)
        if not _may_begin(target, checkpoint, asked, resume, force):
            return
        if sources.sources == DataSources.of(PNG).sources and not PNG.exists():
            raise UsageError(
                "./png: no such folder; draw it with `avser spectrogram ./wav ./png`, or "
                "name a folder or table of labelled recordings"
            )
        check_writable(target.parent)
        common.check_tensorflow()
        with progress("reading") as on_progress:
            corpus = read_corpus(
                sources,
                labels,
                chosen,
                on_progress,
                lambda clips: check_fold(clips, split_settings),
            )
        common.report_corpus(corpus)
        if report and measured:
            check_same_corpus(report, measured, corpus.about)
        prepared = corpus.split(split_settings)
        common.report_split(prepared)
        echo(f"training: {common.describe_recipe(chosen)}, seed {seed}")
        try:
            result = run(prepared, chosen, seed, common.epoch_line(chosen), checkpoint)
        except KeyboardInterrupt:
            if checkpoint.exists():
                echo("stopped; finished epochs are kept: the same command with --resume goes on")
            raise
        with whole_folder(target) as part:
            calibration = measured.calibration if measured else None
            config = write_parts(part, target.name, prepared, chosen, seed, result, calibration)
            _write_for_people(part, config, result, measured)
        remove_folder(checkpoint)
        if result.report is not None:
            print(classification_report(result.report))
        echo(f"bundle: {target} ({config.parameters:,} weights, trained in {config.seconds:.0f} s)")


def default_name(recipe: Recipe, split: SplitSettings, seed: int) -> str:
    """A name that tells trainings apart, e.g. ``cnn2d-default-adam-0.005-random-seed0``."""
    folded = split.kind in FOLDED
    fold = f"-{split.fold}" if isinstance(split.fold, str) else split.fold
    side = f"{split.kind}{fold}" if folded else split.kind
    rate = f"{recipe.learning_rate:g}"
    usual = find_recipe(recipe.network, recipe.name).ensemble
    joined = f"-x{recipe.ensemble}" if recipe.ensemble != usual else ""
    return f"{recipe.network}-{recipe.name}-{recipe.optimizer}-{rate}-{side}-seed{seed}{joined}"


Asked = tuple[Recipe, tuple[str, ...], SplitSettings, int]
"""Recipe, emotions, split and seed."""


def _may_begin(target: Path, checkpoint: Path, asked: Asked, resume: bool, force: bool) -> bool:
    """Whether there is something to do; raises where that would lose something unasked."""
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
    found = (config.recipe, config.labels, config.split.settings, config.seed)
    names = ("recipe", "emotions", "split", "seed")
    other = [n for n, old, new in zip(names, found, asked, strict=True) if old != new]
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


def _write_for_people(
    part: Path, config: BundleConfig, result: Result, measured: RecipeReport | None
) -> None:
    """Pictures and card, beside the parts that answers depend on."""
    plot_history(part / "history.png", result.trained.history, config.name)
    if result.report is not None:
        plot_confusion(part / "confusion.png", result.report, config.name)
    (part / "MODEL_CARD.md").write_text(
        model_card(config, result.report, measured), encoding="utf-8"
    )
