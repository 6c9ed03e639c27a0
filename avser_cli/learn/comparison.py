"""MLP, CNN-1D and CNN-2D on the same clips and the same split (the paper's Table 3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from avser_cli.corpus.splits import SplitSettings
from avser_cli.errors import CorpusError
from avser_cli.learn.metrics import Report
from avser_cli.learn.recipes import Recipe
from avser_cli.learn.session import Prepared, read_corpus, run

PUBLISHED = {"mlp": 0.79, "cnn1d": 0.83, "cnn2d": 0.89}
"""Accuracies of the paper's Table 3."""


@dataclass(frozen=True)
class Row:
    """One model of the comparison.

    Attributes
    ----------
    recipe : Recipe
    report : Report
        On the held-out side.
    parameters : int
    seconds : float
        Training time.
    """

    recipe: Recipe
    report: Report
    parameters: int
    seconds: float


def compare(
    folder: Path,
    emotions: tuple[str, ...],
    recipes: Sequence[Recipe],
    split_settings: SplitSettings,
    seed: int,
    on_read: Callable[[Recipe, int, int], None],
    on_epoch: Callable[[Recipe, Any], None],
) -> tuple[Prepared, list[Row]]:
    """Train each recipe on one split of a folder of sound.

    Returns
    -------
    prepared : Prepared
        The first recipe's; its split is that of all.
    rows : list of Row
        In the order of `recipes`.

    Raises
    ------
    CorpusError
        The models could not use the same clips, so that they would not be comparable.
    """
    rows: list[Row] = []
    first: Prepared | None = None
    for recipe in recipes:
        corpus = read_corpus(folder, emotions, recipe, partial(on_read, recipe))
        prepared = corpus.split(split_settings)
        if first is not None and prepared.split != first.split:
            odd = set(first.split.train | first.split.test) ^ set(
                prepared.split.train | prepared.split.test
            )
            raise CorpusError(
                f"{folder}: {recipe.network} can use other clips than {recipes[0].network}: "
                f"{', '.join(sorted(odd)[:3])}; leave them out"
            )
        first = first or prepared
        result = run(prepared, recipe, seed, partial(on_epoch, recipe))
        assert result.report is not None
        rows.append(Row(recipe, result.report, result.trained.parameters, result.trained.seconds))
    assert first is not None
    return first, rows
