"""`avser compare`: MLP, CNN-1D and CNN-2D side by side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from avser_cli.commands import common
from avser_cli.corpus.splits import SplitSettings
from avser_cli.errors import UsageError
from avser_cli.files import refuse_unwritable, write_whole
from avser_cli.learn.comparison import PUBLISHED, Row
from avser_cli.learn.comparison import compare as compare_recipes
from avser_cli.learn.recipes import Recipe, find_recipe
from avser_cli.report.plots import plot_comparison
from avser_cli.report.tables import comparison_table
from avser_cli.report.terminal import say, show


def compare(
    data: Annotated[Path, typer.Argument(help="Folder of sound.")] = Path("wav"),
    recipe: Annotated[
        Literal["default", "paper"], typer.Option(help="Recipe of the CNN-2D.")
    ] = "paper",
    emotions: common.Emotions = common.ALL_EMOTIONS,
    split: Annotated[
        Literal["paper", "speaker", "statement"], typer.Option(help=common.SPLIT_HELP)
    ] = "paper",
    test_size: common.TestSize = 0.25,
    fold: common.Fold = 1,
    seed: common.Seed = 0,
    epochs: Annotated[
        int | None, typer.Option(help="For each model, instead of its recipe's.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for compare.json and the figure.")] = Path(
        "compare"
    ),
) -> None:
    """Train MLP, CNN-1D and CNN-2D on one split and set them beside the paper's Table 3.

    Example: avser compare ./wav
    """
    if not data.exists() and data == Path("wav"):
        raise UsageError("./wav: no such folder; name the folder of sound to compare on")
    recipes = [
        find_recipe(network, recipe if network == "cnn2d" else None).with_options(epochs=epochs)
        for network in ("mlp", "cnn1d", "cnn2d")
    ]
    settings = SplitSettings(split, test_size, fold, seed)
    refuse_unwritable(out)
    prepared, rows = compare_recipes(
        data, common.parse_emotions(emotions), recipes, settings, seed, _on_read, _EpochLines()
    )
    common.tell_corpus(prepared.corpus)
    common.tell_split(prepared)
    title = f"{settings.describe()}, seed {seed}"
    print(title)
    show(comparison_table(rows))
    values = {"split": settings.describe(), "seed": seed, "corpus": prepared.corpus.about,
              "models": [_as_json(row) for row in rows]}  # fmt: skip
    write_whole(out / "compare.json", (json.dumps(values, indent=1) + "\n").encode())
    plot_comparison(out / "figure-9.png", rows, title)
    say(f"written: {out / 'compare.json'}, {out / 'figure-9.png'}")


def _on_read(recipe: Recipe, done: int, total: int) -> None:
    if done == total:
        say(f"{recipe.network}: {total} clips read")


class _EpochLines:
    """One progress line an epoch for each model; every tenth only where epochs are many."""

    def __init__(self) -> None:
        self.tell: dict[str, Any] = {}

    def __call__(self, recipe: Recipe, line: Any) -> None:
        if recipe.network not in self.tell:
            say(f"training: {common.describe_recipe(recipe)}")
            self.tell[recipe.network] = common.epoch_line(recipe)
        stride = 1 if recipe.epochs <= 100 else 25
        if line.epoch % stride == 0 or line.epoch == recipe.epochs:
            self.tell[recipe.network](line)


def _as_json(row: Row) -> dict[str, Any]:
    return {
        "network": row.recipe.network,
        "recipe": row.recipe.as_dict(),
        "published_accuracy": PUBLISHED[row.recipe.network],
        "parameters": row.parameters,
        "seconds": row.seconds,
        **row.report.as_dict(),
    }
