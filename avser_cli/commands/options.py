"""Options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from avser_cli.commands.epoch_progress import EpochProgress
from avser_cli.data.clip import SkippedFile
from avser_cli.data.emotion_words import parse_mapping, read_emotion
from avser_cli.data.emotions import PAPER_EMOTIONS, label_order
from avser_cli.data.folds import NAMED_FOLDS
from avser_cli.data.overlaps import overlap_chains
from avser_cli.data.sources import DataSources, Source, parse_source
from avser_cli.data.splits import SPLIT_ALIASES, SplitKind, SplitSettings
from avser_cli.errors import MissingExtraError, PartialError, UsageError
from avser_cli.files import replaced_folder
from avser_cli.model.known_recipes import find_recipe
from avser_cli.model.recipe import EACH_CLIP_ONCE, Recipe
from avser_cli.report.console import echo, escape, format_time_left
from avser_cli.training.history import Epoch
from avser_cli.training.training_run import Corpus, TrainTestSplit

Emotions = Annotated[str, typer.Option(help="Emotions, separated by commas: any labels of DATA.")]
DATA_HELP = (
    "Folders of a known corpus, folders with one subfolder per emotion, tables of labels "
    "(.csv, .tsv, db.yaml), or pictures drawn from these."
)
TestSize = Annotated[
    float | None,
    typer.Option(help="Share of clips held out by --split random.  [default: 0.25]"),
]
Epochs = Annotated[
    int | None, typer.Option(help="Passes over the training clips, instead of the recipe's.")
]
SPLITS: tuple[SplitKind, ...] = ("random", "speaker", "text", "corpus", "table")
"""The splits that can be repeated."""
ALL_EMOTIONS = ",".join(PAPER_EMOTIONS)


def choice(known: Sequence[str], aliases: Mapping[str, str]) -> Callable[[str], str]:
    """A parser of an option that takes one of some words, or an older word for one of them."""

    def parse(text: str) -> str:
        value = aliases.get(text, text)
        if value not in known:
            raise typer.BadParameter(f"{text!r} is not one of {', '.join(known)}")
        return value

    return parse


def metavar(known: Sequence[str]) -> str:
    """The words of such an option, as help shows them."""
    return f"[{'|'.join(known)}]"


def split_option(known: Sequence[SplitKind]) -> Any:
    """`--split`, of these kinds."""
    words = [
        "random: stratified",
        "speaker, text, corpus: none of them on both sides",
        "table: by its column split",
    ]
    if "none" in known:
        words.append("none: train on all clips")
    return typer.Option(
        parser=choice(known, SPLIT_ALIASES), metavar=metavar(known), help="; ".join(words) + "."
    )


def parse_emotions(text: str) -> tuple[str, ...]:
    """Emotions from ``happy,sad``, in label order; other words for known ones are taken, too."""
    return label_order(parse_labels(text))


def parse_labels(text: str) -> list[str]:
    """Labels from ``happy,Wut``, the words for known emotions as theirs."""
    words = [part.strip() for part in text.split(",") if part.strip()]
    return [read_emotion(word) or word.casefold() for word in words]


def parse_numbers(text: str | None, option: str) -> list[int] | None:
    """Numbers from ``1,3-5``; ``None`` from nothing.

    Raises
    ------
    UsageError
        The text is no such list.
    """
    if text is None:
        return None
    numbers: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})(?:-(\d{1,9}))?\s*", part, re.ASCII)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, -1)
        if last < first or last - first > 1000:
            raise UsageError(f"{option} {text!r}: numbers and ranges, e.g. 1,3-5")
        numbers += range(first, last + 1)
    return numbers


def parse_powers(text: str) -> dict[str, float]:
    """Powers of a `Sampling` from ``corpus=0.5,emotion=0``.

    Raises
    ------
    UsageError
        The text is no such list.
    """
    names = tuple(EACH_CLIP_ONCE.powers)
    powers: dict[str, float] = {}
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\w+)\s*=\s*(\d*\.?\d+)\s*", part, re.ASCII)
        if match is None or match[1] not in names or match[1] in powers:
            known = ", ".join(names)
            raise UsageError(f"--sampling {text!r}: {known} and powers, e.g. corpus=0.5,emotion=0")
        powers[match[1]] = float(match[2])
    return powers


def held_out_share(test_size: float | None, split: str) -> float:
    """The share of clips that a random split holds out.

    Raises
    ------
    UsageError
        One is asked for, and the split is another one.
    """
    if test_size is not None and split != "random":
        raise UsageError(
            f"--test-size {test_size}: only --split random holds out a share; leave it out"
        )
    return SplitSettings.test_size if test_size is None else test_size


def parse_fold(text: str, split: str) -> int | str:
    """A fold's number, or its name; of corpora and tables a number may be a name."""
    return int(text) if text.isdecimal() and split not in NAMED_FOLDS else text


def parse_folds(text: str | None, split: str) -> list[int | str] | None:
    """Folds from ``1,3-5`` or ``emodb,urdu``; ``None`` from nothing."""
    if text is None:
        return None
    folds: list[int | str] = []
    for part in map(str.strip, text.split(",")):
        if re.fullmatch(r"\d[\d\s-]*", part) and not part.isdecimal():
            folds += parse_numbers(part, "--folds") or []
        else:
            folds.append(parse_fold(part, split))
    return folds


@dataclass(frozen=True)
class DataOptions:
    """Which labelled recordings, besides those of the argument DATA."""

    named: Annotated[
        list[str] | None,
        typer.Option(
            "--data",
            metavar="NAME=PATH",
            help="A source with its corpus (crema-d=./x) or a name of yours; may be repeated.",
        ),
    ] = None
    mapping: Annotated[
        str | None,
        typer.Option("--map", metavar="WORD=LABEL,...", help="Labels of words: fun=happy,odd=sad."),
    ] = None

    drop_copies: Annotated[
        bool,
        typer.Option(
            "--drop-copies",
            help="Leave training clips out that are copies of held-out ones, or overlap them; else "
            "such a split is refused.",
        ),
    ] = False

    def sources(self, paths: Sequence[Path]) -> DataSources:
        """Those of the argument and the options."""
        named = tuple(parse_source(text) for text in self.named or ())
        mapping = parse_mapping(self.mapping) if self.mapping is not None else {}
        return DataSources(
            (*(Source(path) for path in paths), *named), mapping, drop_copies=self.drop_copies
        )


@dataclass(frozen=True)
class RecipeOptions:
    """A recipe by name, and what to put in place of its values; `None` leaves them."""

    network: Annotated[
        Literal["cnn2d", "cnn1d", "mlp"], typer.Option(help="cnn1d and mlp read sound.")
    ] = "cnn2d"
    recipe: Annotated[
        str | None,
        typer.Option(
            help="default; multi-corpus, for voices of several corpora; paper; tutorial, "
            "tutorial-tflearn and tutorial-raw, other readings of the paper on its pictures. cnn1d "
            "and mlp have paper only."
        ),
    ] = None
    optimizer: Annotated[
        Literal["adam", "adagrad", "rmsprop"] | None, typer.Option(help="Instead of the recipe's.")
    ] = None
    lr: Annotated[float | None, typer.Option(help="Instead of the recipe's.")] = None
    epochs: Epochs = None
    batch_size: Annotated[int | None, typer.Option(help="Clips per update.")] = None
    dropout: Annotated[float | None, typer.Option(help="Share of units dropped.")] = None
    ensemble: Annotated[int | None, typer.Option(help="Networks to train and average.")] = None
    sampling: Annotated[
        str | None,
        typer.Option(
            metavar="<name=power,…>",
            help="How often a corpus, an emotion in it and a speaker are drawn: in proportion to "
            "their number of clips to this power (1: as they are, 0: equally often); e.g. "
            "corpus=0.5,emotion=0,speaker=0.5.",
        ),
    ] = None
    draws: Annotated[
        int | None, typer.Option(help="Clips per epoch; default: as many as there are.")
    ] = None

    def chosen(self) -> Recipe:
        """The recipe that is asked for."""
        found = find_recipe(self.network, self.recipe)
        powers = parse_powers(self.sampling) if self.sampling is not None else {}
        draws = found.sampling.draws if self.draws is None else self.draws
        sampling = replace(found.sampling, **powers, draws=draws)
        found = found.with_options(
            optimizer=self.optimizer,
            learning_rate=self.lr,
            epochs=self.epochs,
            batch_size=self.batch_size,
            dropout=self.dropout,
            ensemble=self.ensemble,
            sampling=sampling,
        )
        if self.network == "mlp" and found.optimizer != "adam":
            raise UsageError("mlp trains with adam only")
        if self.network == "mlp" and self.dropout:
            raise UsageError("mlp has no dropout; leave out --dropout")
        return found


def describe_recipe(recipe: Recipe) -> str:
    """One line: network, recipe, optimizer and schedule."""
    joined = f", {recipe.ensemble} networks" if recipe.ensemble > 1 else ""
    if joined and recipe.specialist:
        joined += f" (the last on {recipe.specialist} alone)"
    drawn = f", {words}" if (words := recipe.sampling.describe()) else ""
    return (
        f"{recipe.network}, recipe {recipe.name}, {recipe.optimizer} at {recipe.learning_rate:g} "
        f"({recipe.schedule}), {recipe.describe_epochs()} of batches of {recipe.batch_size}, "
        f"dropout {recipe.dropout:g}{joined}{drawn}"
    )


def epoch_line(recipe: Recipe) -> Callable[[Epoch], None]:
    """A callback that prints one line an epoch with the time left, by the epochs so far."""
    progress = EpochProgress(recipe)

    def on_epoch(line: Epoch) -> None:
        progress.add(line)
        member = f"network {line.member}/{recipe.ensemble}  " if recipe.ensemble > 1 else ""
        epochs = recipe.epochs_of(line.member)
        echo(
            f"{member}epoch {line.epoch:3d}/{epochs}  loss {line.loss:.4f}  accuracy "
            f"{line.accuracy:.3f}  {line.seconds:.1f} s  {format_time_left(progress.seconds_left)}"
        )

    return on_epoch


def network_line(recipe: Recipe) -> Callable[[Epoch], None]:
    """A callback that prints a line for each network of an ensemble, by its last epoch."""

    def on_epoch(line: Epoch) -> None:
        echo(
            f"network {line.member}/{recipe.ensemble}: trained, loss {line.loss:.4f}, accuracy "
            f"{line.accuracy:.3f}"
        )

    return on_epoch


def check_tensorflow() -> None:
    """Say that TensorFlow is missing before a minute of reading, not after."""
    if find_spec("tensorflow") is None:
        raise MissingExtraError(
            "training needs TensorFlow; install it with: pip install 'avser[train]'"
        )


BUNDLED = "default"
"""The bundled model's name where a bundle is named."""


def named_bundle(name: str) -> Path:
    """The bundle of a folder, or the bundled one of the name ``default``."""
    # What loads networks: not at the start of every command.
    from avser_cli.inference.loading import bundled_model

    return bundled_model() if name == BUNDLED else replaced_folder(Path(name))


NAMED_FILES = 5
"""Files that are named for one reason before the others are counted."""
_NUMBER = re.compile(r"\d+(\.\d+)?")


def report_skipped(skipped: Sequence[SkippedFile]) -> None:
    """One line for each file that is not used; of many for one reason, the number of the others.

    Reasons that differ in a number, e.g. of a line, are one reason.
    """
    alike: dict[str, list[str]] = {}
    for item in skipped:
        reasons = alike.setdefault(_NUMBER.sub("…", item.reason), [])
        reasons.append(item.reason)
        if len(reasons) <= NAMED_FILES:
            echo(f"left out: {escape(item)}")
    for reason, reasons in alike.items():
        if len(reasons) > NAMED_FILES:
            words = reason if len(set(reasons)) > 1 else reasons[0]
            echo(f"left out: {len(reasons) - NAMED_FILES} more files: {escape(words)}")


def check_all_read(skipped: Sequence[SkippedFile]) -> None:
    """Raise `PartialError` where clips could not be read, once everything else is done."""
    count = sum(item.unreadable for item in skipped)
    if count:
        raise PartialError(f"{count} clips or folders could not be read; see above")


def report_corpus(corpus: Corpus) -> None:
    """What was read, and what was not."""
    report_skipped(corpus.dataset.skipped)
    for remark in corpus.remarks:
        echo(f"note: {escape(remark)}")
    if corpus.other_emotions:
        echo(f"not asked for: {corpus.other_emotions} clips of other emotions")
    echo(f"corpus: {corpus.about['description']}")


def report_split(prepared: TrainTestSplit) -> None:
    """How the corpus is split, and what the leak check found."""
    split = prepared.split
    sides = f"{len(split.train)} to train, {len(split.test)} held out"
    echo(f"split: {split.settings.describe()}: {sides}")
    clips = prepared.dataset.clips
    exact = len(clips) - len({clip.samples_sha256 for clip in clips})
    copies = len(clips) - len({clip.sound for clip in clips})
    re_encoded = f" and {copies - exact} re-encoded" if copies > exact else ""
    kept = [f"{exact} exact{re_encoded} copies"] if copies else []
    parts = sum(map(len, overlap_chains(clips)))
    kept += [f"{parts} overlapping parts"] if parts else []
    words = f"; {' and '.join(kept)}, kept on one side" if kept and split.test else ""
    echo(f"leak check: no recording, take or forbidden speaker or text on both sides{words}")
    unused = len(clips) - len(split.train) - len(split.test)
    if unused:
        echo(
            f"on neither side: {unused} clips, of other words in the column split, copies of "
            "held-out ones or parts that overlap them"
        )
