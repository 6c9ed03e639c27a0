"""A comparison's tables: the paper's Tables 2 and 3 beside what is measured, and pair by pair."""

from __future__ import annotations

from avser_cli.evaluation.group_scores import FEWEST_CLIPS, GROUPINGS, worst_groups
from avser_cli.experiments.comparison import Comparison, MeanScores, ModelSummary
from avser_cli.experiments.published import PublishedModel, PublishedOptimizer
from avser_cli.experiments.summary import MeanAndSpread
from avser_cli.report.tables import TextTable, interval_text

QUICK = "QUICK RUN: two epochs, one network. It shows that everything works and measures nothing."


def comparison_tables(comparison: Comparison) -> list[TextTable]:
    """All tables of a comparison."""
    found = [models_table(comparison)]
    if comparison.table == "optimizers":
        found.append(emotions_table(comparison))
    if (worst := worst_table(comparison)) is not None:
        found.append(worst)
    if comparison.pairs:
        found.append(pairs_table(comparison))
    return found


def models_table(comparison: Comparison) -> TextTable:
    """A row for each model: the paper's Table 3, or the accuracies of its Table 2."""
    rows, runs = [], len(comparison.runs)
    for model in comparison.models:
        published = published_of(comparison, model)
        rows.append(
            (
                model.name,
                f"{published.accuracy:.2f}" if published else "-",
                with_spread(model.accuracy, runs),
                interval_text(model.accuracy_interval),
                with_spread(model.uar, runs),
                _three(model.macro),
                _three(model.weighted),
                f"{model.parameters:,}",
                f"{model.seconds.mean:.0f} s",
                "-" if model.clip_ms is None else f"{model.clip_ms:.1f}",
            )
        )
    head = ("model", "published", "accuracy", "95 %", "UAR", "macro P R F1", "weighted P R F1",
            "weights", "training", "ms/clip")  # fmt: skip
    mean = f"mean ± standard deviation over {runs} runs" if runs > 1 else "one run"
    note = (
        f"Accuracy and UAR: {mean}. 95 %: bootstrap over {comparison.resampled}. "
        "ms/clip: reading, picture or features, and network, libraries loaded."
    )
    if any(model.clip_ms is None for model in comparison.models):
        note += " -: not timed, of pictures or parts of files."
    return TextTable(head, tuple(rows), title=_title(comparison), note=note)


def emotions_table(comparison: Comparison) -> TextTable:
    """The paper's Table 2: each optimizer and rate, emotion by emotion."""
    rows = []
    for model in comparison.models:
        published = model.published_table_2
        for number, (emotion, scores) in enumerate(model.per_emotion.items()):
            printed = "-"
            if published:
                parts = (published.precision, published.recall, published.f1)
                printed = " ".join(_short(values[number]) for values in parts)
            run = f"{published.run}  " if published else ""
            name = f"{run}{model.name}" if number == 0 else ""
            rows.append((name, emotion, printed, _three(scores), f"{scores.support:.0f}"))
    return TextTable(
        ("run", "emotion", "published P R F1", "measured P R F1", "support"),
        tuple(rows),
        title="Emotion by emotion (Table 2)",
        note="Measured: mean over runs.",
    )


def worst_table(comparison: Comparison) -> TextTable | None:
    """Each model's group of lowest UAR, of each kind that has several; `None` where none has."""
    worst = {
        model.name: {group.by: group for group in worst_groups(model.groups)}
        for model in comparison.models
    }
    kinds = [by for by in GROUPINGS if any(by in found for found in worst.values())]
    if not kinds:
        return None
    rows = []
    for model in comparison.models:
        found = worst[model.name]
        cells = (f"{found[by].name} {found[by].uar:.3f}" if by in found else "-" for by in kinds)
        rows.append((model.name, f"{model.uar.mean:.3f}", *cells))
    pooled = ", pooled over runs" if len(comparison.runs) > 1 else ""
    return TextTable(
        ("model", "UAR", *(f"lowest {by}" for by in kinds)),
        tuple(rows),
        title="Lowest UAR by group",
        note=f"Of groups of {FEWEST_CLIPS} clips or more{pooled}; compare.json has all groups.",
        left=frozenset({0, *range(2, len(kinds) + 2)}),
    )


def pairs_table(comparison: Comparison) -> TextTable:
    """Each model against each other; with McNemar's test where there is a single run."""
    tested = all(pair.mcnemar for pair in comparison.pairs)
    head: tuple[str, ...] = ("pair", "accuracy", "95 %", "UAR", "95 %")
    note = f"95 %: paired bootstrap over {comparison.resampled}."
    if tested:
        head += ("right alone", "McNemar p", "Holm")
        note += (
            " Right alone: clips that only one of the two got right. McNemar's exact test is on "
            "these: it compares two trained networks on one split, not their recipes."
        )
    rows = []
    for pair in comparison.pairs:
        row: tuple[str, ...] = (
            f"{pair.first} - {pair.second}",
            f"{pair.accuracy:+.3f}",
            interval_text(pair.accuracy_interval, "+"),
            f"{pair.uar:+.3f}",
            interval_text(pair.uar_interval, "+"),
        )
        if pair.mcnemar:
            test = pair.mcnemar
            row += (f"{test.only_first} : {test.only_second}", _p(test.p), _p(test.p_holm))
        rows.append(row)
    return TextTable(head, tuple(rows), title="Pair by pair", note=note)


def _title(comparison: Comparison) -> str:
    what = "Models (Table 3)" if comparison.table == "models" else "Optimizers (Table 2)"
    seeds = ", ".join(map(str, comparison.seeds))
    runs, word = len(comparison.runs), "seeds" if len(comparison.seeds) > 1 else "seed"
    return f"{what}: split {comparison.split}, {runs} run{'s'[: runs > 1]}, {word} {seeds}"


def published_of(
    comparison: Comparison, model: ModelSummary
) -> PublishedModel | PublishedOptimizer | None:
    """What the paper reports for a row of this table, if anything."""
    return model.published if comparison.table == "models" else model.published_table_2


def with_spread(value: MeanAndSpread, runs: int) -> str:
    """The mean, and the standard deviation where there are several runs."""
    mean = f"{value.mean:.3f}"
    return f"{mean} ± {value.sd:.3f}" if runs > 1 else mean


def _short(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")


def _three(scores: MeanScores) -> str:
    return " ".join(_short(x.mean) for x in (scores.precision, scores.recall, scores.f1))


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
