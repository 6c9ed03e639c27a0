"""`avser train --from`: a bundle trained on with labelled clips of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from avser_cli.commands import options as common
from avser_cli.commands.training_target import (
    Asked,
    TargetOptions,
    check_png,
    checkpoint_of,
    may_begin,
)
from avser_cli.data.emotions import Category
from avser_cli.data.sources import DataSources
from avser_cli.data.splits import SplitSettings, check_fold
from avser_cli.errors import UsageError
from avser_cli.evaluation.scoring import BeforeAfter
from avser_cli.files import check_writable, locked, remove_folder, remove_leftovers_of, whole_folder
from avser_cli.report.adaptation_report import confusion_before_after, scores_before_after
from avser_cli.report.console import echo, escape, print_table, progress
from avser_cli.report.group_tables import print_groups
from avser_cli.report.model_card import ALL_GROUPS, write_for_people
from avser_cli.training.adaptation_config import AdaptationConfig
from avser_cli.training.export import write_parts, write_recalibrated
from avser_cli.training.recalibration import METHOD, recalibrate
from avser_cli.training.rehearsal import Rehearsal, read_rehearsal
from avser_cli.training.source_bundle import SourceBundle, TrainedFrom, compare, compare_on_held_out
from avser_cli.training.training_run import Result, TrainTestSplit, read_corpus

if TYPE_CHECKING:
    from avser_cli.model.recipe import Recipe
    from avser_cli.training.adaptation import Adaptation

UNKNOWN_COST = "none was held out or never met, so what is forgotten is not measured"
MANY_CLIPS = 200
"""From here on a training from nothing did better on two of three corpora: docs/accuracy.md."""
REHEARSED = 0.5
"""Share of each batch that is rehearsed, where something is."""
PANEL = "Fine-tuning a bundle, with --from"


@dataclass(frozen=True)
class AdaptationOptions:
    """Which bundle is trained on, and how."""

    from_bundle: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="<path|default>",
            help="Fine-tune this bundle (default: the bundled one): its output layer, then all.",
            rich_help_panel=PANEL,
        ),
    ] = None
    allow_known: Annotated[
        bool,
        typer.Option(
            "--allow-known",
            help="Accept clips that the bundle was trained on; otherwise these are refused. "
            "They count as trained on, on whichever side they are.",
            rich_help_panel=PANEL,
        ),
    ] = False

    calibrate_only: Annotated[
        bool,
        typer.Option(
            "--calibrate-only",
            help="Keep the weights, fit a temperature and a bias per emotion; 20 labelled clips "
            "are enough.",
            rich_help_panel=PANEL,
        ),
    ] = False

    rehearse: Annotated[
        list[Path] | None,
        typer.Option(
            "--rehearse",
            metavar="DATA",
            help="Take half of each batch from those clips of DATA that the bundle was trained on, "
            "so that it keeps what it knew; may be repeated.",
            rich_help_panel=PANEL,
        ),
    ] = None

    def check(self) -> None:
        """Refuse options that would be passed over in silence."""
        for option, given in (
            ("--allow-known", self.allow_known),
            ("--calibrate-only", self.calibrate_only),
            ("--rehearse", bool(self.rehearse)),
        ):
            if given and self.from_bundle is None:
                raise UsageError(f"{option} needs --from")
        if self.calibrate_only and self.rehearse:
            raise UsageError("--calibrate-only trains nothing: leave out --rehearse")


@dataclass(frozen=True)
class AdaptationRequest:
    """What of the other options a bundle is trained on with.

    Attributes
    ----------
    sources : DataSources
    emotions : tuple of str or None
        `None`: the bundle's.
    categories : callable
        From labels to the categories that the user named for some.
    split : SplitSettings
        Its seed is that of the training, too.
    place : TargetOptions
    epochs : int or None
        Most epochs of all layers.
    rate : float or None
        Their highest learning rate.
    """

    sources: DataSources
    emotions: tuple[str, ...] | None
    categories: Callable[[Sequence[str]], Mapping[str, Category]]
    split: SplitSettings
    place: TargetOptions
    epochs: int | None = None
    rate: float | None = None

    def config(self, rehearsed: bool) -> AdaptationConfig:
        """How weights are trained."""
        share = REHEARSED if rehearsed else 0.0
        options = {"epochs": self.epochs, "rate": self.rate, "rehearsal": share}
        return AdaptationConfig().with_options(**options)


def train_from(options: AdaptationOptions, request: AdaptationRequest) -> None:
    """Train a bundle on, and write another one."""
    assert options.from_bundle is not None
    folder = common.named_bundle(options.from_bundle)
    source = SourceBundle.read(folder)
    config = None if options.calibrate_only else request.config(bool(options.rehearse))
    labels = request.emotions or source.config.labels
    if config is not None:
        source.check_trainable()
    elif request.epochs or request.rate or labels != source.config.labels:
        raise UsageError("--calibrate-only trains nothing: leave out --epochs, --lr and --emotions")
    kept = {x: y for x, y in source.config.categories.items() if x in labels}
    categories = {**kept, **request.categories(labels)}
    sources = replace(request.sources, categories=categories)
    done = "calibrated" if config is None else "adapted"
    target = request.place.folder(adapted_name(source, done, request.split))
    if target.resolve() == folder.resolve():
        raise UsageError(f"{target}: is the bundle to go on from; write elsewhere with --out")
    checkpoint = checkpoint_of(target)
    how = (source.checksum, config.as_dict() if config else {})
    asked = Asked(source.config.recipe, labels, request.split, request.split.seed, how)
    with locked(target):
        remove_leftovers_of(target)
        if not may_begin(target, asked, request.place):
            return
        check_png(sources)
        check_writable(target.parent)
        common.check_tensorflow()
        prepared = _read(
            sources, labels, source, request.split, options.allow_known, config is None
        )
        rehearsal = None
        if options.rehearse:
            rehearsal = _read_rehearsal(options.rehearse, sources, source, prepared)
        try:
            if config is None:
                _calibrate(source, prepared, target)
            else:
                # TensorFlow is loaded where it is needed.
                from avser_cli.training.adaptation import Adaptation

                seed = request.split.seed
                adaptation = Adaptation(source, prepared, seed, config, rehearsal)
                _train(adaptation, target)
        except KeyboardInterrupt:
            if checkpoint.exists():
                echo("stopped; what is finished is kept: the same command with --resume goes on")
            raise
        remove_folder(checkpoint)
        common.check_all_read(prepared.dataset.skipped)


def adapted_name(source: SourceBundle, done: str, split: SplitSettings) -> str:
    """A name that tells what was trained on, e.g. ``default-adapted-random-seed0``."""
    fold = f"-{split.fold}" if split.fold != 1 else ""
    return f"{source.config.name}-{done}-{split.kind}{fold}-seed{split.seed}"


def _read(
    sources: DataSources,
    labels: tuple[str, ...],
    source: SourceBundle,
    split: SplitSettings,
    allow_known: bool,
    fixed: bool,
) -> TrainTestSplit:
    """The clips, split, and looked through for those that the bundle was trained on."""
    with progress("reading") as on_progress:
        corpus = read_corpus(
            sources,
            labels,
            source.config.recipe,
            on_progress,
            lambda clips: check_fold(clips, split),
            fixed,
        )
    common.report_corpus(corpus)
    if not allow_known:
        source.check_unseen(corpus.dataset)
    prepared = corpus.split(split)
    common.report_split(prepared)
    judged = source.without_known_held_out(prepared)
    if known := len(prepared.split.test) - len(judged.split.test):
        echo(
            f"not judged: {known} of {len(prepared.split.test)} held-out clips, which "
            f"{escape(source.config.name)} was trained on"
        )
    return judged


def _read_rehearsal(
    paths: Sequence[Path], new: DataSources, source: SourceBundle, prepared: TrainTestSplit
) -> Rehearsal:
    """What is trained on again, in the emotions that the new clips have."""
    sources = replace(new, sources=DataSources.of(*paths).sources)
    with progress("reading what it knows") as on_progress:
        rehearsal = read_rehearsal(
            sources, source, prepared.dataset.emotions, prepared.split, on_progress
        )
    judged = len(rehearsal.judged)
    cost = f"{judged} others show what is forgotten" if judged else UNKNOWN_COST
    echo(f"rehearsal: {len(rehearsal.known)} clips that {source.config.name} knows; {cost}")
    return rehearsal


def as_trained_on(recipe: Recipe, epochs: int) -> Recipe:
    """The recipe as it stands in lines of progress: all networks take as many epochs."""
    # Where nothing is trained, no line is written, but a recipe has an epoch at least.
    return recipe.with_options(epochs=max(1, epochs), second_longer=1)


def _train(adaptation: Adaptation, target: Path) -> None:
    from avser_cli.training.adaptation import adapt
    from avser_cli.training.adaptation_choice import choose_plan

    source, prepared, config = adaptation.source, adaptation.prepared, adaptation.config
    checkpoint = checkpoint_of(target)
    echo(f"from: {escape(source.folder)}, seed {adaptation.seed}")
    if (note := note_of_many(len(adaptation.rows))) is not None:
        echo(note)
    choice = choose_plan(adaptation, echo, checkpoint)
    method = choice.plan.describe(config)
    echo(f"chosen on {choice.folds.describe()}: {method}")
    told = common.epoch_line(as_trained_on(adaptation.recipe, choice.plan.epochs))
    trained = adapt(adaptation, choice.plan, told, checkpoint)
    calibration = choice.calibration()
    probabilities = trained.predict(prepared.held_out_inputs)
    found = compare_on_held_out(source, prepared, calibration.apply(probabilities))
    report = found.after.report if found else None
    groups = found.after.groups if found else ()
    result = Result(trained, report, probabilities, groups)
    with whole_folder(target) as part:
        written = write_parts(
            part,
            target.name,
            prepared,
            adaptation.recipe,
            adaptation.seed,
            result,
            calibration,
            TrainedFrom(source, method, found, config),
        )
        write_for_people(part, written, trained.history, report, groups)
    _print(found)
    if (rehearsal := adaptation.rehearsal) is not None:
        judged = rehearsal.judged
        answers = calibration.apply(trained.predict(judged.inputs)) if len(judged) else None
        if answers is not None:
            cost = compare(
                source,
                prepared.dataset.emotions,
                judged.clips,
                judged.labels,
                judged.inputs,
                answers,
            )
            assert cost is not None
            print_table(scores_before_after(cost, "what it knew"))
    echo(f"bundle: {target} ({written.parameters:,} weights, trained in {written.seconds:.0f} s)")


def note_of_many(clips: int) -> str | None:
    """What to compare with, where there are many clips to train on."""
    if clips < MANY_CLIPS:
        return None
    return f"note: with {clips} clips a training from scratch, without --from, may do better"


def _calibrate(source: SourceBundle, prepared: TrainTestSplit, target: Path) -> None:
    calibration = recalibrate(source, prepared)
    probabilities = source.raw_probabilities(prepared.held_out_inputs)
    found = compare_on_held_out(source, prepared, calibration.apply(probabilities))
    report, groups = (found.after.report, found.after.groups) if found else (None, ())
    with whole_folder(target) as part:
        written = write_recalibrated(
            part,
            target.name,
            prepared,
            calibration,
            report,
            groups,
            TrainedFrom(source, METHOD, found),
        )
        write_for_people(part, written, (), report, groups)
    _print(found)
    bias = dict(zip(written.labels, calibration.bias or (), strict=True))
    words = ", ".join(f"{emotion} {value:+.2f}" for emotion, value in bias.items())
    echo(f"bundle: {target} (temperature {calibration.temperature:.2f}, bias {words})")


def _print(found: BeforeAfter | None) -> None:
    if found is not None:
        print_table(scores_before_after(found))
        print_table(confusion_before_after(found))
        print_groups(found.after.groups, all_in=ALL_GROUPS)
