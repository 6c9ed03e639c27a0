"""`avser compare`: the paper's tables, beside what is measured."""

from __future__ import annotations

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
from avser_cli.commands.page_options import collect_media
from avser_cli.data.clip import Clip
from avser_cli.data.folds import split_folds
from avser_cli.data.sources import DataSources
from avser_cli.data.splits import SplitKind
from avser_cli.errors import UsageError
from avser_cli.experiments.candidates import (
    BASELINES,
    DEFAULT_MODELS,
    MODELS,
    RATES,
    Candidate,
    select_models,
    select_optimizers,
)
from avser_cli.experiments.comparison import summarize_comparison, wrong_clips
from avser_cli.experiments.execution import Workers
from avser_cli.experiments.experiment import read_recordings
from avser_cli.experiments.run_cache import RunCache, plan_jobs
from avser_cli.experiments.runs import FinishedRun, PlannedRun, plan
from avser_cli.files import locked
from avser_cli.model.known_recipes import find_recipe
from avser_cli.report.comparison_report import write_comparison
from avser_cli.report.comparison_tables import QUICK, comparison_tables
from avser_cli.report.console import echo, print_table, progress
from avser_cli.report.page_media import part_of
from avser_cli.training.training_run import Corpus

TABLES = ("models", "optimizers")
DEFAULT_SEEDS = (0, 1, 2)
DEFAULT_OPTIMIZERS = "adagrad,rmsprop,adam"
"""In the order of the paper's Table 2."""
DEFAULT_RATES = ",".join(map(str, RATES))
ONLY = dict.fromkeys(("models", "baselines"), "models") | dict.fromkeys(
    ("optimizers", "rates", "recipe", "dropout"), "optimizers"
)
"""Options of one table only, by parameter."""
FLAGS = {"baselines": "--with"}


@dataclass(frozen=True)
class ModelRows:
    """Rows of Table 3."""

    models: Annotated[
        str, typer.Option(help=f"Any of {', '.join(MODELS)}.", rich_help_panel="models")
    ] = ",".join(DEFAULT_MODELS)
    baselines: Annotated[
        str,
        typer.Option(
            "--with", help=f"Extra rows: any of {', '.join(BASELINES)}.", rich_help_panel="models"
        ),
    ] = ""

    def candidates(self, epochs: int | None, quick: bool) -> list[Candidate]:
        """What is asked for."""
        return select_models(_names(self.models), _names(self.baselines), epochs, quick)


@dataclass(frozen=True)
class OptimizerRows:
    """Rows of Table 2."""

    optimizers: Annotated[
        str, typer.Option(help="Which to compare.", rich_help_panel="optimizers")
    ] = DEFAULT_OPTIMIZERS
    rates: Annotated[str, typer.Option(help="Learning rates.", rich_help_panel="optimizers")] = (
        DEFAULT_RATES
    )
    recipe: Annotated[
        Literal["paper", "default", "tutorial", "tutorial-tflearn", "tutorial-raw"],
        typer.Option(help="Recipe of the CNN-2D.", rich_help_panel="optimizers"),
    ] = "paper"
    dropout: Annotated[
        float | None,
        typer.Option(
            help="Instead of the recipe's; 0.8 is the other reading of the paper.",
            rich_help_panel="optimizers",
        ),
    ] = None

    def candidates(self, epochs: int | None, quick: bool) -> list[Candidate]:
        """What is asked for."""
        recipe = find_recipe("cnn2d", self.recipe).with_options(dropout=self.dropout)
        names, rates = _names(self.optimizers), _rates(self.rates)
        return select_optimizers(names, rates, recipe, epochs, quick)


@dataclass(frozen=True)
class RunOptions:
    """Splits, folds and seeds."""

    split: Annotated[str, common.split_option(common.SPLITS)] = "random"
    folds: Annotated[str | None, folds_option()] = None
    seeds: Annotated[str | None, seeds_option("0-2, else 0 where there are folds")] = None
    test_size: common.TestSize = None

    def planned(self, clips: Sequence[Clip], quick: bool) -> list[PlannedRun]:
        """The runs of each candidate; one of everything in a quick comparison."""
        kind = cast(SplitKind, self.split)
        folds = common.parse_folds(self.folds, kind)
        seeds = common.parse_numbers(self.seeds, "--seeds")
        if quick:
            folds, seeds = folds or ([1] if kind != "random" else None), seeds or [0]
        elif seeds is None and kind == "random":
            seeds = list(DEFAULT_SEEDS)
        test_size = common.held_out_share(self.test_size, kind)
        return plan(kind, split_folds(clips, kind), folds, seeds, test_size)


def compare(
    context: typer.Context,
    table: Annotated[
        str, typer.Argument(help="models (Table 3) or optimizers (Table 2).", show_default=True)
    ] = "models",
    data: Annotated[
        list[Path] | None,
        typer.Argument(readable=False, help="Labelled sound, as for train. Default: ./wav."),
    ] = None,
    *,
    named: common.DataOptions,
    models: ModelRows,
    optimizers: OptimizerRows,
    runs: RunOptions,
    emotions: common.Emotions = common.ALL_EMOTIONS,
    epochs: common.Epochs = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A smoke run: two epochs, one seed. Measures nothing.")
    ] = False,
    execution: ExecutionOptions,
    out: Annotated[
        Path | None, typer.Option(help="Folder of tables and figures; default: ./compare-TABLE.")
    ] = None,
) -> None:
    """Retrace the paper's Tables 2 and 3 on your copy of the corpus.

    Example: avser compare models ./wav --with svm,prior

    Example: avser compare optimizers ./wav --recipe paper
    """
    if table not in TABLES:
        if not Path(table).exists():
            raise UsageError(
                f"unknown table {table!r}; known: {', '.join(TABLES)} (or name labelled sound)"
            )
        table, data = TABLES[0], [Path(table), *(data or [])]
    _check_table_options(context, table)
    sources = named.sources(data or ([] if named.named else [Path("wav")]))
    missing = next((x.path for x in sources.sources if not x.path.exists()), None)
    if missing is not None:
        raise UsageError(f"{missing}: no such folder; name the labelled sound to compare on")
    workers = execution.workers
    rows = models if table == "models" else optimizers
    candidates = rows.candidates(epochs, quick)
    target = out or Path(f"compare-{table}")
    prepare_folder(target)
    run_cache = execution.open_cache()
    labels = common.parse_emotions(emotions)
    if quick:
        echo(QUICK)
    corpus, finished = _run_all(sources, labels, candidates, runs, quick, run_cache, workers)
    comparison = summarize_comparison(table, corpus, candidates, finished, quick, command_line())
    if quick:
        print(QUICK)
    for shown in comparison_tables(comparison):
        print_table(shown)
    clips = {clip.key: clip for clip in corpus.dataset.clips}
    wrong = [(item, clips[item.clip]) for item in wrong_clips(finished, labels)]
    media = collect_media([part_of(clip) for _, clip in wrong], embed=False, jobs=-1)
    with locked(target, wait=True):
        names = write_comparison(target, comparison, finished, wrong, media)
    echo(f"written: {target}: {', '.join(names)}")
    common.check_all_read(corpus.dataset.skipped)


def _check_table_options(context: typer.Context, table: str) -> None:
    for name, wanted in ONLY.items():
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE" and wanted != table:
            raise UsageError(f"{FLAGS.get(name, f'--{name}')} is for `compare {wanted}`")


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _rates(text: str) -> list[float]:
    try:
        return [float(part) for part in _names(text)]
    except ValueError:
        raise UsageError(f"--rates {text!r}: numbers, e.g. 0.001,0.005") from None


def _run_all(
    sources: DataSources,
    emotions: tuple[str, ...],
    candidates: list[Candidate],
    options: RunOptions,
    quick: bool,
    run_cache: RunCache,
    workers: Workers,
) -> tuple[Corpus, dict[str, list[FinishedRun]]]:
    """The corpus and every candidate's runs, trained where the cache does not hold them."""
    if any(candidate.recipe is not None for candidate in candidates):
        common.check_tensorflow()
    with progress("reading") as on_progress:
        data = read_recordings(
            sources, emotions, on_progress, lambda clips: options.planned(clips, quick)
        )
    common.report_corpus(data.corpus)
    planned = options.planned(data.corpus.dataset.clips, quick)
    jobs = plan_jobs(data.corpus, candidates, planned)
    runs = run_jobs(data, jobs, {}, run_cache, workers)
    by_name: dict[str, list[FinishedRun]] = {}
    for job in jobs:
        finished = replace(runs[job.key], planned=job.planned)
        by_name.setdefault(job.candidate.name, []).append(finished)
    return data.corpus, by_name
