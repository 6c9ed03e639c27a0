"""`avser train`: a folder of labelled clips to a model bundle."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from avser_cli.commands import common
from avser_cli.corpus.splits import SplitSettings
from avser_cli.errors import MissingExtraError, OutputError, UsageError
from avser_cli.files import refuse_unwritable, whole_folder
from avser_cli.learn.bundle import CONFIG
from avser_cli.learn.recipes import Recipe, find_recipe
from avser_cli.learn.session import Prepared, prepare, run, write_parts
from avser_cli.report.card import model_card
from avser_cli.report.plots import plot_confusion, plot_history
from avser_cli.report.tables import classification_report
from avser_cli.report.terminal import left, progress, say


def train(
    data: Annotated[Path, typer.Argument(help="Folder of pictures or of sound.")] = Path("png"),
    network: Annotated[
        Literal["cnn2d", "cnn1d", "mlp"], typer.Option(help="cnn1d and mlp read sound.")
    ] = "cnn2d",
    recipe: Annotated[
        str | None, typer.Option(help="default or paper; cnn1d and mlp have paper only.")
    ] = None,
    optimizer: Annotated[
        Literal["adam", "adagrad", "rmsprop"] | None, typer.Option(help="Instead of the recipe's.")
    ] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training clips.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Clips an update.")] = None,
    dropout: Annotated[float | None, typer.Option(help="Share of units dropped.")] = None,
    emotions: common.Emotions = common.ALL_EMOTIONS,
    split: Annotated[
        Literal["paper", "speaker", "statement", "none"], typer.Option(help=common.SPLIT_HELP)
    ] = "paper",
    test_size: common.TestSize = 0.25,
    fold: common.Fold = 1,
    seed: common.Seed = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the bundle; default: a name under ./models.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an interrupted run.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace a bundle or begin anew.")] = False,
) -> None:
    """Train a network and write a model bundle, scored on clips that it never saw.

    Example: avser train --optimizer adam --lr 0.005
    """
    chosen = find_recipe(network, recipe).with_options(
        optimizer=optimizer, learning_rate=lr, epochs=epochs, batch_size=batch_size, dropout=dropout
    )
    if network == "mlp" and chosen.optimizer != "adam":
        raise UsageError("mlp trains with adam only")
    split_settings = SplitSettings(split, test_size, fold, seed)
    target = out or Path("models") / default_name(chosen, split_settings, seed)
    checkpoint = target.with_name(f".{target.name}.run")
    if not _may_begin(target, checkpoint, resume, force):
        return
    if not data.exists() and data == Path("png"):
        raise UsageError("./png: no such folder; draw it with `avser spectrogram ./wav ./png`, or "
                         "name a folder of .png or .wav")  # fmt: skip
    refuse_unwritable(target.parent)
    _refuse_without_tensorflow()
    with progress("reading") as advance:
        prepared = prepare(data, common.parse_emotions(emotions), chosen, split_settings, advance)
    common.tell_prepared(prepared)
    say(f"training: {describe(chosen)}, seed {seed}")
    try:
        result = run(prepared, chosen, seed, epoch_line(chosen), checkpoint)
    except KeyboardInterrupt:
        if checkpoint.exists():
            say("stopped; finished epochs are kept: the same command with --resume goes on")
        raise
    with whole_folder(target) as part:
        config = write_parts(part, target.name, prepared, chosen, seed, result)
        _write_for_people(part, prepared, config, result)
    shutil.rmtree(checkpoint, ignore_errors=True)
    if result.report is not None:
        print(classification_report(result.report))
    say(f"bundle: {target} ({config.parameters:,} weights, trained in {config.seconds:.0f} s)")


def default_name(recipe: Recipe, split: SplitSettings, seed: int) -> str:
    """A name that tells trainings apart, e.g. ``cnn2d-default-adam-0.005-paper-seed0``."""
    folded = split.kind in ("speaker", "statement")
    side = f"{split.kind}{split.fold}" if folded else split.kind
    rate = f"{recipe.learning_rate:g}"
    return f"{recipe.network}-{recipe.name}-{recipe.optimizer}-{rate}-{side}-seed{seed}"


def describe(recipe: Recipe) -> str:
    """One line: network, recipe, optimizer and schedule."""
    return (
        f"{recipe.network}, recipe {recipe.name}, {recipe.optimizer} at {recipe.learning_rate:g} "
        f"({recipe.schedule}), {recipe.epochs} epochs of batches of {recipe.batch_size}, "
        f"dropout {recipe.dropout:g}"
    )


def epoch_line(recipe: Recipe) -> Callable[[Any], None]:
    """A callback that prints one line an epoch with the time left, by the epochs so far."""
    seconds: list[float] = []

    def tell(line: Any) -> None:
        seconds.append(line.seconds)
        time_left = sum(seconds) / len(seconds) * (recipe.epochs - line.epoch)
        say(
            f"epoch {line.epoch:3d}/{recipe.epochs}  loss {line.loss:.4f}  "
            f"accuracy {line.accuracy:.3f}  {line.seconds:.1f} s  {left(time_left)}"
        )

    return tell


def _may_begin(target: Path, checkpoint: Path, resume: bool, force: bool) -> bool:
    """Whether there is something to do; raises where that would lose something unasked."""
    if target.exists() and not force:
        if resume:
            say(f"{target}: already finished; nothing to resume")
            return False
        raise OutputError(f"{target}: already there; --force replaces it, --out writes elsewhere")
    if target.exists() and not (target / CONFIG).is_file():
        raise OutputError(
            f"{target}: not a model bundle, so it is not replaced; choose another --out"
        )
    if checkpoint.exists():
        if force:
            shutil.rmtree(checkpoint)
        elif not resume:
            raise OutputError(
                f"{checkpoint}: an interrupted run is there; --resume goes on with it, --force "
                "begins anew"
            )
    return True


def _refuse_without_tensorflow() -> None:
    """Say that TensorFlow is missing before a minute of reading, not after."""
    from importlib.util import find_spec

    if find_spec("tensorflow") is None:
        raise MissingExtraError(
            "training needs TensorFlow; install it with: pip install 'avser[train]'"
        )


def _write_for_people(part: Path, prepared: Prepared, config: Any, result: Any) -> None:
    """Pictures and card, beside the parts that answers depend on."""
    plot_history(part / "history.png", result.trained.history, config.name)
    if result.report is not None:
        plot_confusion(part / "confusion.png", result.report, config.name)
    (part / "MODEL_CARD.md").write_text(model_card(config, result.report))
