"""Cross-validation: one training for each fold and seed, kept as it finishes.

The folder of a protocol holds ``runs/NAME`` for each finished run, a whole model bundle with its
predictions for the clips that it held out. A run that is there is not trained again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from avser_cli import __version__
from avser_cli.data.splits import SplitKind, SplitSettings
from avser_cli.errors import ModelError, UsageError
from avser_cli.experiments.runs import FOLDS, MAX_RUN_BYTES, FinishedRun, PlannedRun
from avser_cli.files import remove_folder, whole_folder, write_whole
from avser_cli.model.bundle import read_part, sha256
from avser_cli.model.recipe import Recipe
from avser_cli.training.export import write_parts
from avser_cli.training.history import Epoch
from avser_cli.training.training_run import Corpus, TrainTestSplit, run

SEEDS: dict[SplitKind, tuple[int, ...]] = {
    "random": (0, 1, 2, 3, 4),
    "speaker": (0,),
    "statement": (0,),
}
"""Seeds that each protocol runs where none are given."""
RUN = "run.json"


def plan(
    protocol: SplitKind,
    folds: Sequence[int] | None = None,
    seeds: Sequence[int] | None = None,
    test_size: float = 0.25,
) -> list[PlannedRun]:
    """The runs of a protocol; all its folds and its usual seeds where none are given.

    Raises
    ------
    UsageError
        A fold that the protocol does not have, or a run named twice.
    """
    if protocol not in FOLDS:
        raise UsageError(f"unknown protocol {protocol!r}; known: {', '.join(FOLDS)}")
    folds = folds or range(1, FOLDS[protocol] + 1)
    runs = []
    for seed in seeds or SEEDS[protocol]:
        for fold in folds:
            if not 1 <= fold <= FOLDS[protocol]:
                raise UsageError(f"fold {fold}: {protocol} has folds 1 to {FOLDS[protocol]}")
            split_seed = seed if protocol == "random" else 0
            runs.append(PlannedRun(SplitSettings(protocol, test_size, fold, split_seed), seed))
    if len(set(runs)) < len(runs):
        raise UsageError("a fold or a seed is named twice")
    return runs


def run_planned(
    planned: PlannedRun,
    corpus: Corpus,
    recipe: Recipe,
    folder: Path,
    on_epoch: Callable[[Epoch], None],
) -> FinishedRun:
    """Train and keep one run, or read it where it is kept already.

    Parameters
    ----------
    planned : PlannedRun
    corpus : Corpus
    recipe : Recipe
    folder : pathlib.Path
        The protocol's; an interrupted training in it is gone on with.
    on_epoch : callable
        Called after each epoch.

    Raises
    ------
    CorpusError
        See `Corpus.split`.
    UsageError
        The run that is kept was made with other settings, clips or versions.
    """
    prepared = corpus.split(planned.split)
    key = _key(prepared, recipe, planned.seed)
    place = folder / "runs" / planned.name
    kept = _read_run(place, planned, prepared, key)
    checkpoint = place.with_name(f".{planned.name}.run")
    if kept is not None:
        remove_folder(checkpoint)  # A kill between the last two lines below leaves it.
        return kept
    result = run(prepared, recipe, planned.seed, on_epoch, checkpoint)
    held_out = corpus.dataset.rows(prepared.split.test)
    clips = [corpus.dataset.clips[row] for row in held_out]
    finished = FinishedRun(
        planned=planned,
        names=tuple(clip.key for clip in clips),
        channels=tuple(clip.channel or "" for clip in clips),
        labels=corpus.dataset.labels[held_out],
        probabilities=result.probabilities,
        history=result.trained.history,
        parameters=result.trained.parameters,
        seconds=result.trained.seconds,
    )
    with whole_folder(place) as part:
        write_parts(part, planned.name, prepared, recipe, planned.seed, result)
        write_whole(part / RUN, finished.to_json(key))
    remove_folder(checkpoint)
    return finished


def _key(prepared: TrainTestSplit, recipe: Recipe, seed: int) -> str:
    """A checksum of everything that determines a run, the versions included."""
    parts = [prepared.key(recipe, seed), __version__, version("tensorflow"), version("keras")]
    return sha256(json.dumps(parts).encode())


def _read_run(
    place: Path, planned: PlannedRun, prepared: TrainTestSplit, key: str
) -> FinishedRun | None:
    """The run that is kept in a folder, or ``None`` where there is none or it is damaged."""
    try:
        content = read_part(place, RUN, most=MAX_RUN_BYTES)
        found, finished = FinishedRun.from_json(content, planned, len(prepared.dataset.emotions))
    except (ModelError, ValueError, KeyError, TypeError, OverflowError):
        return None
    if found != key:
        raise UsageError(
            f"{place}: was made with other settings, clips or versions; give the same ones to go "
            "on, or another --out"
        )
    return finished if set(finished.names) == set(prepared.split.test) else None
