"""What habits of scripts do to an accuracy: best epoch, no shuffling, training clips, speech alone.

``python -m benchmarks.script_habits ./wav --recipe tutorial --variant whole`` trains once a seed on
each of four divisions of RAVDESS. Of each training it reports the accuracy on the test clips after
the last epoch, as avser does, that of the epoch which happens to be best on them, and that on the
clips it was trained on. ``random`` is the paper's split; ``head-by-name`` and ``head-by-folder``
take as test clips the first quarter of a list that nobody shuffled, ordered as in one folder or in
one a speaker; ``speech`` is the random split of the 672 spoken clips. A JSON line a training goes
to ``--out``; what it holds already is not trained again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from avser_cli.data.clip import Clip
from avser_cli.data.dataset import Dataset
from avser_cli.data.splits import Split, SplitSettings
from avser_cli.model.recipe import Recipe
from avser_cli.report.console import echo, print_table
from avser_cli.report.tables import TextTable
from avser_cli.training.history import Epoch
from avser_cli.training.sampling import TrainingSet
from avser_cli.training.training_run import Corpus, TrainTestSplit
from benchmarks.spek_pictures import (
    VARIANTS,
    kept_lines,
    named,
    read_variants,
    recipe_arguments,
    recipe_of,
    spread,
    window_of,
)

DIVISIONS = ("random", "head-by-name", "head-by-folder", "speech")
HEAD = 0.25
"""Share of a list that is taken off its head to test on."""


@dataclass(frozen=True)
class Line:
    """A training.

    Attributes
    ----------
    setting, variant, division : str
        Recipe, pictures, and one of `DIVISIONS`.
    seed : int
    trained, tested : int
        Numbers of clips.
    last, best, training : float
        Accuracy on the test clips after the last epoch and after the best one, and on the training
        clips after the last.
    best_epoch : int
    seconds : float
    """

    setting: str
    variant: str
    division: str
    seed: int
    trained: int
    tested: int
    last: float
    best: float
    training: float
    best_epoch: int
    seconds: float


@dataclass(frozen=True)
class Watched:
    """A training whose test clips were looked at after every epoch.

    Attributes
    ----------
    tested : tuple of float
        Accuracy on the test clips by epoch.
    training : float
        Accuracy on the training clips, after the last.
    seconds : float
    """

    tested: tuple[float, ...]
    training: float
    seconds: float


def watch(prepared: TrainTestSplit, recipe: Recipe, seed: int) -> Watched:
    """Train the one network of a recipe as avser does, and look at the test clips meanwhile."""
    from avser_cli.model.networks import build_network
    from avser_cli.training.trainer import fit, make_deterministic

    data = prepared.dataset
    train, test = data.rows(prepared.split.train), data.rows(prepared.split.test)
    clips = [data.clips[row] for row in train]
    side = TrainingSet.of(data.inputs[train], data.labels[train], len(data.emotions), clips)
    make_deterministic(seed)
    network = build_network(recipe, side.emotions, side.inputs)
    tested: list[float] = []

    def accuracy(rows: npt.NDArray[np.intp]) -> float:
        answers = network.predict(data.inputs[rows].astype(np.float32), verbose=0).argmax(axis=1)
        return float((answers == data.labels[rows]).mean())

    def look(line: Epoch) -> None:
        tested.append(accuracy(test))

    history = fit(network, recipe, side, seed, look)
    return Watched(tuple(tested), accuracy(train), sum(line.seconds for line in history))


def head_split(clips: Sequence[Clip], by_name: bool, share: float = HEAD) -> Split:
    """The first clips of a list to test on, the others to train on.

    Parameters
    ----------
    clips : sequence of Clip
    by_name : bool
        The list is in the order of files in one folder; else folder by folder.
    share : float
    """
    ordered = sorted(clips, key=lambda clip: clip.path.name if by_name else str(clip.path))
    count = round(share * len(ordered))
    test, train = (
        {clip.key: clip.samples_sha256 for clip in part}
        for part in (ordered[:count], ordered[count:])
    )
    return Split(SplitSettings(test_size=share), train, test)


def part_of(dataset: Dataset, rows: npt.NDArray[np.intp]) -> Dataset:
    """Some of the clips."""
    prints = dataset.fingerprints
    return replace(
        dataset,
        inputs=dataset.inputs[rows],
        labels=dataset.labels[rows],
        clips=tuple(dataset.clips[row] for row in rows),
        fingerprints=None if prints is None else prints[rows],
    )


def divide(corpus: Corpus, division: str, seed: int) -> TrainTestSplit:
    """One of `DIVISIONS`; the seed draws those that are random."""
    if division.startswith("head"):
        split = head_split(corpus.dataset.clips, division == "head-by-name")
        return TrainTestSplit(corpus, split)
    if division == "speech":
        spoken = np.flatnonzero([clip.channel == "speech" for clip in corpus.dataset.clips])
        corpus = replace(corpus, dataset=part_of(corpus.dataset, spoken))
    return corpus.split(SplitSettings(seed=seed))


def measure(
    corpus: Corpus, recipe: Recipe, division: str, seed: int, setting: str, variant: str
) -> Line:
    """Train on a division and look at it in every way."""
    prepared = divide(corpus, division, seed)
    found = watch(prepared, recipe, seed)
    best = int(np.argmax(found.tested))
    return Line(
        setting,
        variant,
        division,
        seed,
        len(prepared.split.train),
        len(prepared.split.test),
        found.tested[-1],
        found.tested[best],
        found.training,
        best + 1,
        round(found.seconds, 1),
    )


def table(lines: Sequence[Line]) -> TextTable:
    """Mean and standard deviation over the seeds of each division."""
    groups: dict[tuple[str, str, str], list[Line]] = {}
    for line in lines:
        groups.setdefault((line.setting, line.variant, line.division), []).append(line)
    rows = [
        (
            *key,
            f"{found[0].trained} / {found[0].tested}",
            *(
                spread([getattr(line, way) for line in found])
                for way in ("last", "best", "training")
            ),
            str(len(found)),
        )
        for key, found in groups.items()
    ]
    head = (
        *("setting", "pictures", "division", "clips"),
        *("last epoch", "best epoch on test", "on training clips", "seeds"),
    )
    return TextTable(head, tuple(rows), left=frozenset({0, 1, 2}))


def main() -> None:
    """Train, write and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wav", type=Path, help="folder of RAVDESS")
    parser.add_argument("--variant", default="bare", help=f"one of {', '.join(VARIANTS)}")
    parser.add_argument("--division", default=",".join(DIVISIONS))
    recipe_arguments(parser)
    parser.add_argument("--out", type=Path, default=Path("script-habits.jsonl"))
    given = parser.parse_args()
    recipe, setting = recipe_of(given)
    (variant,) = named(given.variant, VARIANTS, "variant")
    divisions = named(given.division, DIVISIONS, "division")
    corpora = read_variants(given.wav, recipe, [variant], window_of(given), given.averaged)
    lines: list[Line] = kept_lines(given.out, Line)
    known = {(x.setting, x.variant, x.division, x.seed) for x in lines}
    with given.out.open("a", encoding="utf-8") as file:
        for division in divisions:
            for seed in map(int, given.seeds.split(",")):
                if (setting, variant, division, seed) in known:
                    continue
                line = measure(corpora[variant], recipe, division, seed, setting, variant)
                lines.append(line)
                print(json.dumps(asdict(line)), file=file, flush=True)
                echo(f"{division}, seed {seed}: last {line.last:.3f}, best {line.best:.3f}")
    shown = [line for line in lines if (line.setting, line.variant) == (setting, variant)]
    print_table(table(shown))


if __name__ == "__main__":
    main()
