"""What some labelled clips win over a model that never met their corpus.

``python -m benchmarks.adaptation reports/corpora ./emovo ./urdu ./nemo`` takes for each corpus the
bundle that ``avser evaluate --protocol corpus`` trained on all others. In each of five draws a
third of the speakers is held out; of the others, 20, 50, 100, 200 and all clips, of each emotion as
many, are what the bundle is adapted with as ``avser train --from`` does, calibrated with
as ``--calibrate-only`` does, and what recipe `default` is trained on from nothing, as one network.
The reference of the speaker, without labels, stands beside. A JSON line a measurement goes to
``--out``; what it holds already is not measured again. ``--figure`` draws them all.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import product, zip_longest
from pathlib import Path

import numpy as np
import numpy.typing as npt

from avser_cli.data.sources import DataSources
from avser_cli.data.splits import Split, SplitSettings
from avser_cli.evaluation.metrics import score
from avser_cli.inference.speaker_normalization import normalize_each
from avser_cli.model.calibration import Probabilities, expected_calibration_error
from avser_cli.model.known_recipes import find_recipe
from avser_cli.report.console import print_table
from avser_cli.report.figures import new_figure, save_figure
from avser_cli.report.tables import TextTable
from avser_cli.training.adaptation import Adaptation, adapt
from avser_cli.training.adaptation_choice import choose_plan
from avser_cli.training.recalibration import recalibrate
from avser_cli.training.source_bundle import SourceBundle
from avser_cli.training.training_run import Corpus, TrainTestSplit, read_corpus, run

EMOTIONS = ("happy", "sad", "angry", "neutral")
Rows = npt.NDArray[np.intp]
SIZES = (20, 50, 100, 200, 0)
"""Clips to learn from; 0 for all."""
HELD_OUT = 1 / 3
"""Of the speakers, two at least."""
WITHOUT_LABELS = ("before", "reference")
WAYS = (*WITHOUT_LABELS, "calibrated", "from nothing", "adapted")
COLORS = ("#999999", "#E69F00", "#0072B2", "#D55E00", "#009E73")


@dataclass(frozen=True)
class Line:
    """A measurement.

    Attributes
    ----------
    corpus : str
    draw, size : int
    way : str
        One of `WAYS`.
    clips, judged : int
        Clips that were learned from, and held out.
    uar, error : float
        Unweighted average recall and expected calibration error.
    seconds : float
    plan : str
        How the bundle was adapted.
    """

    corpus: str
    draw: int
    size: int
    way: str
    clips: int
    judged: int
    uar: float
    error: float
    seconds: float
    plan: str = ""

    @property
    def key(self) -> tuple[str, int, int, str]:
        """What tells measurements apart."""
        return self.corpus, self.draw, self.size, self.way


@dataclass(frozen=True)
class Draw:
    """Clips to learn from, and clips of other speakers to judge by.

    Attributes
    ----------
    number, size : int
    prepared : TrainTestSplit
    """

    number: int
    size: int
    prepared: TrainTestSplit

    @property
    def judged(self) -> Rows:
        """Rows of the clips that are held out."""
        return self.prepared.dataset.rows(self.prepared.split.test)


def draw(corpus: Corpus, number: int, size: int) -> Draw:
    """Draw speakers to hold out, and clips of the others."""
    data = corpus.dataset
    speakers = np.array([clip.speaker for clip in data.clips])
    emotions = set(range(len(data.emotions)))
    rng = np.random.default_rng(number)
    names = sorted(set(speakers.tolist()))
    while True:
        out = np.isin(speakers, rng.permutation(names)[: max(2, round(HELD_OUT * len(names)))])
        if all(set(data.labels[side].tolist()) == emotions for side in (out, ~out)):
            break
    rng = np.random.default_rng([number, size])
    # Emotion by emotion in turn, so that of each there are as many, or all that there are.
    turns = [rng.permutation(np.flatnonzero(~out & (data.labels == x))).tolist() for x in emotions]
    rows = [row for turn in zip_longest(*turns) for row in turn if row is not None]
    rows = rows[: size or None]
    settings = SplitSettings("speaker")
    sides = [
        {data.clips[row].key: data.clips[row].samples_sha256 for row in sorted(side)}
        for side in (rows, np.flatnonzero(out).tolist())
    ]
    return Draw(number, size, TrainTestSplit(corpus, Split(settings, *sides)))


@dataclass(frozen=True)
class Answers:
    """What was answered for the clips that are held out.

    Attributes
    ----------
    probabilities : numpy.ndarray
        Shape ``(n, emotions)``.
    plan : str
    """

    probabilities: Probabilities
    plan: str = ""


def unchanged(source: SourceBundle, one: Draw) -> Answers:
    """What the bundle says as it is."""
    data = one.prepared.dataset
    return Answers(source.answers(data.inputs[one.judged], data.emotions))


def with_reference(source: SourceBundle, one: Draw) -> Answers:
    """The same, without the bias that each speaker's other clips show."""
    speakers = [one.prepared.dataset.clips[row].speaker for row in one.judged]
    return Answers(normalize_each(unchanged(source, one).probabilities, speakers)[0])


def calibrated(source: SourceBundle, one: Draw) -> Answers:
    """With a temperature and a bias per emotion."""
    found = source.raw_probabilities(one.prepared.held_out_inputs)
    return Answers(recalibrate(source, one.prepared).apply(found))


def from_nothing(source: SourceBundle, one: Draw) -> Answers:
    """Of a network that knows nothing else."""
    recipe = replace(find_recipe("cnn2d", "default"), ensemble=1)
    return Answers(run(one.prepared, recipe, one.number, lambda line: None).probabilities)


def adapted(source: SourceBundle, one: Draw) -> Answers:
    """Adapted as ``train --from`` does it."""
    adaptation = Adaptation(source, one.prepared, one.number)
    choice = choose_plan(adaptation, lambda line: None)
    trained = adapt(adaptation, choice.plan, lambda line: None)
    found = choice.calibration().apply(trained.predict(one.prepared.held_out_inputs))
    return Answers(found, choice.plan.describe(adaptation.config))


MEASURES: dict[str, Callable[[SourceBundle, Draw], Answers]] = dict(
    zip(WAYS, (unchanged, with_reference, calibrated, from_nothing, adapted), strict=True)
)


def measure(
    report: Path, path: Path, sizes: Sequence[int], draws: int, ways: Sequence[str]
) -> Iterator[tuple[tuple[str, int, int, str], Callable[[], Line]]]:
    """Each measurement of a corpus by its key, and what makes it."""
    recipe = find_recipe("cnn2d", "multi-corpus")
    corpus = read_corpus(DataSources.of(path), EMOTIONS, recipe)
    name = corpus.about["corpora"]
    source = SourceBundle.read(report / "runs" / f"corpus-{name}-seed0")

    def line(number: int, size: int, way: str) -> Line:
        one = draw(corpus, number, size)
        start = time.perf_counter()
        found = MEASURES[way](source, one)
        seconds = round(time.perf_counter() - start, 1)
        labels = corpus.dataset.labels[one.judged]
        return Line(
            name,
            number,
            size,
            way,
            len(one.prepared.split.train),
            len(labels),
            score(EMOTIONS, labels, found.probabilities.argmax(axis=1)).uar,
            expected_calibration_error(found.probabilities, labels),
            seconds,
            found.plan,
        )

    for number, size, way in product(range(draws), sizes, ways):
        if way not in WITHOUT_LABELS or size == SIZES[0]:
            yield (name, number, size, way), partial(line, number, size, way)


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("report", type=Path, help="folder of `avser evaluate --protocol corpus`")
    parser.add_argument("corpora", type=Path, nargs="+")
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="0 for all clips")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--out", type=Path, default=Path("adaptation.jsonl"))
    parser.add_argument("--figure", type=Path, help="a PNG to draw")
    given = parser.parse_args()
    sizes = [int(size) for size in given.sizes.split(",")]
    text = given.out.read_text(encoding="utf-8") if given.out.exists() else ""
    lines = [Line(**json.loads(line)) for line in text.splitlines()]
    known = {line.key for line in lines}
    with given.out.open("a", encoding="utf-8") as file:
        for path in given.corpora:
            ways = given.ways.split(",")
            for key, make in measure(given.report, path, sizes, given.draws, ways):
                if key not in known:
                    lines.append(make())
                    print(json.dumps(asdict(lines[-1])), file=file, flush=True)
    print_table(table(lines))
    if given.figure:
        draw_figure(lines, given.figure)


def _of_draws(lines: Sequence[Line]) -> dict[tuple[str, int, str], dict[int, float]]:
    """UAR by draw, of each corpus, size and way."""
    found: dict[tuple[str, int, str], dict[int, float]] = {}
    for line in lines:
        found.setdefault((line.corpus, line.size, line.way), {})[line.draw] = line.uar
    return found


def draw_figure(lines: Sequence[Line], path: Path) -> None:
    """UAR over the number of clips, a panel each corpus: mean and standard deviation of draws."""
    found = _of_draws(lines)
    corpora = list(dict.fromkeys(line.corpus for line in lines))
    columns = min(3, len(corpora))
    rows = -(-len(corpora) // columns)
    figure = new_figure(3.2 * columns, 2.9 * rows + 0.5)
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, corpus in zip(panels.flat, corpora, strict=False):
        for way, color in zip(WAYS, COLORS, strict=True):
            sizes = [x for x in SIZES if len(found.get((corpus, x, way), {})) > 1]
            points = [list(found[corpus, size, way].values()) for size in sizes]
            if not points:
                continue
            if way in WITHOUT_LABELS:
                axes.axhline(np.mean(points), color=color, lw=1.2, ls="--", label=way)
                continue
            places = [SIZES.index(size) for size in sizes]
            means = [np.mean(of_draws) for of_draws in points]
            spreads = [np.std(of_draws, ddof=1) for of_draws in points]
            axes.errorbar(places, means, spreads, color=color, marker="o", ms=4, lw=1.5, label=way)
        axes.axhline(1 / len(EMOTIONS), color="0.7", lw=0.8, ls=":")
        axes.set_xticks(range(len(SIZES)), [str(size or "all") for size in SIZES])
        axes.set_title(corpus, fontsize=10)
    figure.supxlabel("labelled clips of other speakers", fontsize=10)
    figure.supylabel("UAR on speakers held out", fontsize=10)
    shown = dict(zip(*reversed(panels[0, 0].get_legend_handles_labels()), strict=True))
    figure.legend(shown.values(), shown.keys(), loc="outside upper center", ncols=len(shown))
    save_figure(figure, path)


def table(lines: Sequence[Line]) -> TextTable:
    """UAR over the draws: mean, standard deviation and, of what was learned, the worst change."""
    found = _of_draws(lines)
    rows = []
    for corpus, size in dict.fromkeys((line.corpus, line.size) for line in lines):
        before = found.get((corpus, SIZES[0], "before"), {})
        cells = []
        for way in WAYS:
            of_draws = found.get((corpus, SIZES[0] if way in WITHOUT_LABELS else size, way), {})
            uars = list(of_draws.values())
            cells.append(f"{np.mean(uars):.3f} ± {np.std(uars, ddof=1):.3f}" if uars[1:] else "")
        learned = found.get((corpus, size, "adapted"), {})
        changes = [uar - before[number] for number, uar in learned.items() if number in before]
        worst = f"{min(changes):+.3f}" if changes else ""
        rows.append((corpus, str(size or "all"), *cells, worst))
    return TextTable(("corpus", "clips", *WAYS, "worst draw"), tuple(rows))


if __name__ == "__main__":
    main()
