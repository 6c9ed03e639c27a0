"""`avser compare`: the paper's tables, beside what is measured."""

from __future__ import annotations

import os
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from avser_cli.commands import options as common
from avser_cli.data.splits import SPLIT_ALIASES, SplitKind
from avser_cli.errors import OutputError, UsageError
from avser_cli.experiments.candidates import (
    BASELINES,
    DEFAULT_MODELS,
    MODELS,
    RATES,
    Candidate,
    select_models,
    select_optimizers,
)
from avser_cli.experiments.comparison import finish, plan_jobs, read_recordings
from avser_cli.experiments.comparison_summary import summarize_comparison
from avser_cli.experiments.cross_validation import plan
from avser_cli.experiments.execution import Workers
from avser_cli.experiments.run_cache import Job, RunCache
from avser_cli.experiments.runs import FinishedRun, PlannedRun
from avser_cli.files import cache_folder, check_writable, remove_leftovers
from avser_cli.model.recipe import find_recipe
from avser_cli.report.comparison_report import write_comparison
from avser_cli.report.console import echo, format_time_left, print_table, progress
from avser_cli.report.grids import QUICK, comparison_tables, to_rich
from avser_cli.training.history import Epoch
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
        Literal["paper", "default"],
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

    split: Annotated[
        str,
        typer.Option(
            parser=common.choice(common.SPLITS, SPLIT_ALIASES),
            metavar=common.metavar(common.SPLITS),
            help=common.SPLIT_HELP.rsplit(";", 1)[0] + ".",
        ),
    ] = "random"
    folds: Annotated[str | None, typer.Option(help="E.g. 1,3-5; default: all.")] = None
    seeds: Annotated[
        str | None, typer.Option(help="E.g. 0-4; default: 0-2, else 0 where there are folds.")
    ] = None
    test_size: common.TestSize = 0.25

    def planned(self, quick: bool) -> list[PlannedRun]:
        """The runs of each candidate; one of everything in a quick comparison."""
        kind = cast(SplitKind, self.split)
        folds = common.parse_numbers(self.folds, "--folds")
        seeds = common.parse_numbers(self.seeds, "--seeds")
        if quick:
            folds, seeds = folds or [1], seeds or [0]
        elif seeds is None and kind == "random":
            seeds = list(DEFAULT_SEEDS)
        return plan(kind, folds, seeds, self.test_size)


def compare(
    context: typer.Context,
    table: Annotated[
        str, typer.Argument(help="models (Table 3) or optimizers (Table 2).", show_default=True)
    ] = "models",
    data: Annotated[Path | None, typer.Argument(help="Folder of sound; default: ./wav.")] = None,
    *,
    models: ModelRows,
    optimizers: OptimizerRows,
    runs: RunOptions,
    emotions: common.Emotions = common.ALL_EMOTIONS,
    epochs: Annotated[
        int | None, typer.Option(help="For each network, instead of its recipe's.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A smoke run: two epochs, one seed. Measures nothing.")
    ] = False,
    jobs: Annotated[int, typer.Option(help="Trainings at once, on this machine.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(help="Train on a Dask cluster: tcp://HOST:8786.")
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="Finished runs; default: $AVSER_CACHE, else runs in your cache folder."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of tables and figures; default: ./compare-TABLE.")
    ] = None,
) -> None:
    """Retrace the paper's Tables 2 and 3 on your copy of the corpus.

    Example: avser compare models ./wav --with svm,prior

    Example: avser compare optimizers ./wav --recipe paper
    """
    if table not in TABLES:
        if data is not None or not Path(table).is_dir():
            raise UsageError(
                f"unknown table {table!r}; known: {', '.join(TABLES)} (or name a folder of sound)"
            )
        table, data = TABLES[0], Path(table)
    _check_table_options(context, table)
    source = data or Path("wav")
    if not source.exists():
        raise UsageError(f"{source}: no such folder; name the folder of sound to compare on")
    if jobs < 1:
        raise UsageError(f"--jobs {jobs}: at least 1")
    rows = models if table == "models" else optimizers
    candidates = rows.candidates(epochs, quick)
    target = out or Path(f"compare-{table}")
    check_writable(target)
    run_cache = RunCache(cache or _default_cache())
    remove_leftovers(target)
    remove_leftovers(run_cache.folder)
    labels = common.parse_emotions(emotions)
    planned = runs.planned(quick)
    if quick:
        echo(QUICK)
    workers = Workers(jobs, scheduler)
    corpus, finished = _run_all(source, labels, candidates, planned, run_cache, workers)
    values = summarize_comparison(table, corpus, candidates, finished, quick)
    if quick:
        print(QUICK)
    for grid in comparison_tables(values):
        print_table(to_rich(grid))
    names = write_comparison(target, values, finished, shlex.join(["avser", *sys.argv[1:]]))
    echo(f"written: {target}: {', '.join(names)}")


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


def _default_cache() -> Path:
    """Where finished runs are kept for all folders and tables."""
    if given := os.environ.get("AVSER_CACHE"):
        try:
            check_writable(Path(given))
        except OutputError as error:
            raise OutputError(f"AVSER_CACHE: {error}") from None
        return Path(given)
    return cache_folder() / "runs"


def _run_all(
    source: Path,
    emotions: tuple[str, ...],
    candidates: list[Candidate],
    planned: list[PlannedRun],
    run_cache: RunCache,
    workers: Workers,
) -> tuple[Corpus, dict[str, list[FinishedRun]]]:
    """The corpus and every candidate's runs, trained where the store does not hold them."""
    if any(candidate.recipe is not None for candidate in candidates):
        common.check_tensorflow()
    with progress("reading") as on_progress:
        corpus = read_recordings(source, emotions, on_progress)
    common.report_corpus(corpus)
    jobs = plan_jobs(corpus, candidates, planned)
    found = {job.key: kept for job in jobs if (kept := run_cache.load(job)) is not None}
    missing = [job for job in jobs if job.key not in found]
    if missing:
        check_writable(run_cache.folder)
    for job in missing:
        if run_cache.is_damaged(job):
            echo(f"{run_cache.path(job)}: damaged; {job.name} is trained again")
    echo(f"runs: {len(jobs)}; {len(found)} kept from before, {len(missing)} to train")
    seconds = {job.candidate.name: found[job.key].seconds for job in jobs if job.key in found}
    lines = _RunLines(missing, seconds)
    try:
        for job, finished in finish(source, corpus, missing, run_cache, workers, lines.read, lines):
            found[job.key] = finished
            lines.done(job, finished)
    except KeyboardInterrupt:
        echo("stopped; finished runs are kept: the same command goes on")
        raise
    by_name: dict[str, list[FinishedRun]] = {}
    for job in jobs:
        by_name.setdefault(job.candidate.name, []).append(found[job.key])
    return corpus, by_name


class _RunLines:
    """Lines that tell how far the runs are, with the time left.

    Parameters
    ----------
    missing : list of Job
    seconds : dict
        Training time of a run by candidate, where one is kept.
    """

    def __init__(self, missing: list[Job], seconds: dict[str, float]) -> None:
        self.missing, self.seconds = missing, seconds
        self.finished: set[str] = set()
        self.spent: dict[str, list[float]] = {}

    def read(self, what: str, done: int, total: int) -> None:
        """After each file."""
        if done == total:
            echo(f"read: {what} of {total} clips")

    def __call__(self, job: Job, line: Epoch) -> None:
        """After each epoch; of many short ones, now and then."""
        recipe = job.candidate.recipe
        assert recipe is not None
        spent = self.spent.setdefault(job.key, [])
        spent.append(line.seconds)
        epochs = recipe.epochs * recipe.ensemble
        # Epochs of an interrupted run that is gone on with count as done.
        done = recipe.epochs * (line.member - 1) + line.epoch
        each = sum(spent) / len(spent)
        self.seconds[job.candidate.name] = each * epochs
        if done % max(1, recipe.epochs // 20) == 0 or done == epochs:
            rest = each * (epochs - done) + self._others_left(job)
            echo(
                f"run {len(self.finished) + 1} of {len(self.missing)}: {job.name}  "
                f"epoch {done}/{epochs}  loss {line.loss:.4f}  accuracy {line.accuracy:.3f}  "
                f"{format_time_left(rest)}"
            )

    def _others_left(self, current: Job) -> float:
        """Seconds of the runs that are not begun; those never seen count as the mean of others."""
        mean = sum(self.seconds.values()) / len(self.seconds)
        waiting = [x for x in self.missing if x.key not in self.finished and x.key != current.key]
        return sum(self.seconds.get(job.candidate.name, mean) for job in waiting)

    def done(self, job: Job, finished: FinishedRun) -> None:
        """After each run."""
        self.finished.add(job.key)
        self.seconds[job.candidate.name] = finished.seconds
        report = finished.report(job.emotions)
        echo(
            f"done {len(self.finished)} of {len(self.missing)}: {job.name}: accuracy "
            f"{report.accuracy:.3f}, UAR {report.uar:.3f}, {finished.seconds:.0f} s"
        )
