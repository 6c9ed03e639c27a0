"""The paper's network on pictures as Spek saves them: window, title, colours made gray.

``python -m benchmarks.spek_pictures ./wav --variant bare,plot,whole,no-title,shuffled`` trains
recipe `tutorial` on each variant, once a seed, and judges the held-out clips in the same variant.
``--judge`` names others to judge them in, e.g. ``--variant whole --judge whole,no-title,shuffled``:
who reads the title loses without it. ``--recipe``, ``--lr``, ``--optimizer``, ``--epochs`` and
``--side`` change what is trained. A JSON line a result goes to ``--out``; what it holds already is
not trained again. ``--save FOLDER`` writes the pictures to look at instead; `avser train` does not
take them, as they are not what it draws. ``--sheet FILE`` draws the first clip in each variant.
``--occlusion FILE`` draws where the first network of each variant looks.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.stats import sem, t

from avser_cli.audio.decoding import Waveform
from avser_cli.data.clips import index_folder
from avser_cli.data.dataset import load_dataset
from avser_cli.data.emotions import PAPER_EMOTIONS
from avser_cli.data.network_inputs import Read, Reader, read_sound_as
from avser_cli.data.splits import SplitSettings
from avser_cli.errors import CorpusError, UsageError
from avser_cli.evaluation.metrics import score
from avser_cli.inference.explanation import occlusion_map
from avser_cli.model.known_recipes import find_recipe
from avser_cli.model.recipe import OPTIMIZERS, Recipe
from avser_cli.report.console import echo, print_table
from avser_cli.report.figures import new_figure, save_figure
from avser_cli.report.tables import TextTable
from avser_cli.training.training_run import Corpus, Result, corpus_of, run
from benchmarks.spek_window import SpekWindow, shrink, to_gray

VARIANTS = ("bare", "plot", "whole", "no-title", "shuffled")
"""avser's own gray picture; Spek's plot alone; its whole window; that with a black title line; that
with another clip's name as title."""
OCCLUDED = 40
"""Held-out clips, answered rightly, over which an occlusion map is the mean."""


@dataclass(frozen=True)
class SpekPictures:
    """Draws clips in several variants; an `avser_cli.data.network_inputs.Reader` reads with it.

    Attributes
    ----------
    variants : tuple of str
        Of `VARIANTS`.
    recipe : Recipe
        What ``bare`` looks like, and the side of every picture.
    window : SpekWindow
    averaged : bool
        See `benchmarks.spek_window.shrink`.
    titles : Mapping
        What ``shuffled`` writes over each file.
    """

    variants: tuple[str, ...]
    recipe: Recipe
    window: SpekWindow = field(default_factory=SpekWindow)
    averaged: bool = False
    titles: Mapping[Path, str] = field(default_factory=dict)

    def reader(self) -> Reader:
        """Reads a clip's pictures, shape ``(variants, side, side)``."""
        assert self.recipe.spectrogram is not None
        bare = read_sound_as(self.recipe.spectrogram)

        def of_sound(path: Path, waveform: Waveform) -> Read:
            read = bare.of_sound(path, waveform)
            drawn = [self._drawn(name, path, waveform, read) for name in self.variants]
            return replace(read, inputs=np.stack(drawn))

        return Reader(of_sound)

    def _drawn(
        self, variant: str, path: Path, waveform: Waveform, read: Read
    ) -> npt.NDArray[np.uint8]:
        if variant == "bare":
            return read.inputs
        assert self.recipe.spectrogram is not None
        side = self.recipe.spectrogram.height
        if variant == "plot":
            return shrink(to_gray(self.window.plot(waveform)), side, self.averaged)
        title = {"whole": path.name, "no-title": "", "shuffled": self.titles.get(path, "")}[variant]
        return shrink(to_gray(self.window.draw(waveform, title)), side, self.averaged)


def shuffled_titles(paths: Sequence[Path]) -> dict[Path, str]:
    """The name of a file for each, by a draw that is always the same."""
    order = np.random.default_rng(0).permutation(len(paths))
    return {path: paths[other].name for path, other in zip(paths, order, strict=True)}


def read_variants(
    folder: Path,
    recipe: Recipe,
    variants: Sequence[str],
    window: SpekWindow | None = None,
    averaged: bool = False,
) -> dict[str, Corpus]:
    """A folder of sounds in each variant; the sounds are read once."""
    index = index_folder(folder, PAPER_EMOTIONS)
    if index.kind == "pictures":
        raise CorpusError(f"{folder}: holds pictures; give the sounds that were drawn")
    titles = shuffled_titles([clip.path for clip in index.clips])
    pictures = SpekPictures(tuple(variants), recipe, window or SpekWindow(), averaged, titles)
    dataset = load_dataset(index, PAPER_EMOTIONS, pictures.reader())
    return {
        name: corpus_of(index, replace(dataset, inputs=dataset.inputs[:, number]))
        for number, name in enumerate(variants)
    }


@dataclass(frozen=True)
class Line:
    """A result.

    Attributes
    ----------
    setting : str
        Recipe and what was changed of it.
    variant, judged : str
        Of the pictures that were trained on, and of those that were held out.
    seed : int
    accuracy, uar : float
    seconds : float
        Training time.
    """

    setting: str
    variant: str
    judged: str
    seed: int
    accuracy: float
    uar: float
    seconds: float


def judge(corpora: Mapping[str, Corpus], variant: str, recipe: Recipe, seed: int) -> Result:
    """Train on one variant, on the paper's random split of this seed."""
    return run(corpora[variant].split(SplitSettings(seed=seed)), recipe, seed, lambda line: None)


def lines_of(
    result: Result,
    corpora: Mapping[str, Corpus],
    variant: str,
    judged: Sequence[str],
    setting: str,
    seed: int,
) -> list[Line]:
    """A trained network on the clips that it did not hear, in some variants."""
    lines = []
    for name in judged:
        prepared = corpora[name].split(SplitSettings(seed=seed))
        data, rows = prepared.dataset, prepared.dataset.rows(prepared.split.test)
        answers = result.trained.predict(data.inputs[rows]).argmax(axis=1)
        report = score(data.emotions, data.labels[rows], answers)
        seconds = round(result.trained.seconds, 1)
        lines.append(Line(setting, variant, name, seed, report.accuracy, report.uar, seconds))
    return lines


def mean_occlusion(result: Result, corpus: Corpus, seed: int) -> npt.NDArray[np.float64]:
    """How much the right answers depend on each pixel, see `OCCLUDED`."""
    prepared = corpus.split(SplitSettings(seed=seed))
    data, rows = prepared.dataset, prepared.dataset.rows(prepared.split.test)
    answers = result.probabilities.argmax(axis=1)
    right = rows[answers == data.labels[rows]][:OCCLUDED]

    def map_of(row: int) -> npt.NDArray[np.float32]:
        label = data.labels[row]
        return occlusion_map(data.inputs[row], lambda x: result.trained.predict(x)[:, label])

    mean: npt.NDArray[np.float64] = np.mean([map_of(x) for x in right], axis=0, dtype=np.float64)
    return mean


def draw_occlusion(maps: Mapping[str, npt.NDArray[np.float64]], path: Path) -> None:
    """The occlusion maps of some variants beside each other."""
    figure = new_figure(3 * len(maps), 3.2)
    panels = figure.subplots(1, len(maps), squeeze=False)[0]
    highest = max(float(np.abs(found).max()) for found in maps.values()) or 1.0
    for axes, (name, found) in zip(panels, maps.items(), strict=True):
        axes.imshow(found, cmap="RdBu_r", vmin=-highest, vmax=highest)
        axes.set_title(f"{name}: lost where hidden, up to {found.max():.2f}", fontsize=8)
        axes.set_axis_off()
    save_figure(figure, path)


def save_pictures(corpora: Mapping[str, Corpus], folder: Path) -> None:
    """Write the pictures, a folder a variant, as plain PNGs."""
    for name, corpus in corpora.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for clip, picture in zip(corpus.dataset.clips, corpus.dataset.inputs, strict=True):
            Image.fromarray(picture).save(folder / name / f"{clip.path.stem}.png")


def draw_sheet(corpora: Mapping[str, Corpus], path: Path) -> None:
    """The first clip in each variant, pixel by pixel as the network gets it."""
    figure = new_figure(3 * len(corpora), 3.2)
    panels = figure.subplots(1, len(corpora), squeeze=False)[0]
    for axes, (name, corpus) in zip(panels, corpora.items(), strict=True):
        picture = corpus.dataset.inputs[0]
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
        axes.set_title(name, fontsize=8)
        axes.set_axis_off()
    save_figure(figure, path)


def table(lines: Sequence[Line]) -> TextTable:
    """Accuracy of each seed, mean and standard deviation, and an interval of the mean."""
    groups: dict[tuple[str, str, str], list[Line]] = {}
    for line in lines:
        groups.setdefault((line.setting, line.variant, line.judged), []).append(line)
    rows = [
        (*key, spread([x.accuracy for x in found]), interval([x.accuracy for x in found]),
         spread([x.uar for x in found]),
         ", ".join(f"{x.seed}: {x.accuracy:.3f}" for x in sorted(found, key=lambda x: x.seed)))
        for key, found in groups.items()
    ]  # fmt: skip
    head = ("setting", "trained on", "judged on", "accuracy", "95 %", "UAR", "seeds")
    return TextTable(head, tuple(rows), left=frozenset({0, 1, 2, 6}))


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation."""
    deviation = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
    return f"{np.mean(values):.3f}{deviation}"


def interval(values: Sequence[float]) -> str:
    """Student's 95 % interval of the mean; every seed draws other clips and another training."""
    if len(values) < 3:
        return "-"
    half = t.ppf(0.975, len(values) - 1) * sem(values)
    low, high = np.clip([np.mean(values) - half, np.mean(values) + half], 0, 1)
    return f"{low:.3f} … {high:.3f}"


def recipe_arguments(parser: argparse.ArgumentParser) -> None:
    """Which recipe, what to change of it, and the seeds."""
    parser.add_argument("--recipe", default="tutorial", help="of the CNN-2D")
    parser.add_argument("--optimizer", choices=OPTIMIZERS)
    parser.add_argument("--lr", type=float)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--side", type=int, default=150, help="pixels of a picture")
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--window", default="640x480", help="of Spek, in pixels")
    parser.add_argument(
        "--averaged", action="store_true", help="shrink by averages, not as cv2.resize does"
    )


def recipe_of(given: argparse.Namespace) -> tuple[Recipe, str]:
    """The recipe that is asked for, as one network, and a name that tells settings apart."""
    found = find_recipe("cnn2d", given.recipe)
    assert found.spectrogram is not None
    recipe = found.with_options(
        spectrogram=replace(found.spectrogram, width=given.side, height=given.side),
        optimizer=given.optimizer,
        learning_rate=given.lr,
        epochs=given.epochs,
        ensemble=1,
    )
    words = [recipe.name, f"{recipe.optimizer} {recipe.learning_rate:g}", f"{recipe.epochs} epochs"]
    for value, usual, what in ((given.side, 150, "pixels"), (given.window, "640x480", "window")):
        if value != usual:
            words.append(f"{what} {value}")
    return recipe, ", ".join(words + ["averaged"] * given.averaged)


def window_of(given: argparse.Namespace) -> SpekWindow:
    """The window that is asked for."""
    width, height = map(int, given.window.split("x"))
    return SpekWindow(width, height)


def named(text: str, known: Sequence[str], what: str) -> list[str]:
    """Names separated by commas, all of them known."""
    names = text.split(",")
    if unknown := set(names) - set(known):
        raise UsageError(f"unknown {what} {unknown.pop()!r}; known: {', '.join(known)}")
    return names


def kept_lines(path: Path, kind: Callable[..., Any]) -> list[Any]:
    """The results of a file of JSON lines."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [kind(**json.loads(line)) for line in text.splitlines()]


def main() -> None:
    """Train, judge and print, or save the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("wav", type=Path, help="folder of RAVDESS")
    parser.add_argument("--variant", default="whole", help=f"any of {', '.join(VARIANTS)}")
    parser.add_argument("--judge", help="variants to judge in; default: the one trained on")
    recipe_arguments(parser)
    parser.add_argument("--out", type=Path, default=Path("spek-pictures.jsonl"))
    parser.add_argument("--save", type=Path, metavar="FOLDER")
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="a PNG to draw")
    parser.add_argument("--occlusion", type=Path, metavar="FILE", help="a PNG to draw")
    given = parser.parse_args()
    recipe, setting = recipe_of(given)
    variants = named(given.variant, VARIANTS, "variant")
    others = named(given.judge, VARIANTS, "variant") if given.judge else []
    wanted = list(dict.fromkeys(variants + others))
    corpora = read_variants(given.wav, recipe, wanted, window_of(given), given.averaged)
    if given.save:
        save_pictures(corpora, given.save)
    if given.sheet:
        draw_sheet(corpora, given.sheet)
    if given.save or given.sheet:
        return
    lines: list[Line] = kept_lines(given.out, Line)
    known = {(x.setting, x.variant, x.judged, x.seed) for x in lines}
    maps: dict[str, npt.NDArray[np.float64]] = {}
    seeds = [int(seed) for seed in given.seeds.split(",")]
    with given.out.open("a", encoding="utf-8") as file:
        for variant in variants:
            for seed in seeds:
                judged = [
                    name
                    for name in others or [variant]
                    if (setting, variant, name, seed) not in known
                ]
                looks = given.occlusion is not None and seed == seeds[0]
                if not judged and not looks:
                    continue
                result = judge(corpora, variant, recipe, seed)
                for line in lines_of(result, corpora, variant, judged, setting, seed):
                    lines.append(line)
                    print(json.dumps(asdict(line)), file=file, flush=True)
                    echo(f"{variant}, judged on {line.judged}, seed {seed}: {line.accuracy:.3f}")
                if looks:
                    maps[variant] = mean_occlusion(result, corpora[variant], seed)
    print_table(table([line for line in lines if line.setting == setting]))
    if maps:
        draw_occlusion(maps, given.occlusion)


if __name__ == "__main__":
    main()
