"""A comparison's tables as rows of text, for the terminal, Markdown and HTML alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

QUICK = "QUICK RUN: two epochs, one network. It shows that everything works and measures nothing."


@dataclass(frozen=True)
class TextTable:
    """A table.

    Attributes
    ----------
    title : str
    head : tuple of str
    rows : tuple of tuple of str
        The first column is a name; the others are right-aligned.
    note : str
        What a reader must know to read it.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def to_rich(grid: TextTable) -> Table:
    """For the terminal."""
    table = Table(
        box=SIMPLE_HEAD, padding=(0, 1, 0, 0), title=grid.title, title_justify="left",
        caption=grid.note or None, caption_justify="left",
    )  # fmt: skip
    for number, name in enumerate(grid.head):
        table.add_column(name, justify="right" if number else "left", no_wrap=True)
    for row in grid.rows:
        table.add_row(*row)
    return table


def to_markdown(grid: TextTable) -> str:
    """For a Markdown page."""
    lines = [f"## {grid.title}", ""]
    lines.append("| " + " | ".join(grid.head) + " |")
    lines.append("| --- |" + " ---: |" * (len(grid.head) - 1))
    lines += ["| " + " | ".join(row) + " |" for row in grid.rows]
    return "\n".join([*lines, *(["", grid.note] if grid.note else [])])


def comparison_tables(values: dict[str, Any]) -> list[TextTable]:
    """All tables of a comparison.

    Parameters
    ----------
    values : dict
        See `avser_cli.experiments.comparison_summary.summarize_comparison`.
    """
    found = [models_table(values)]
    if values["table"] == "optimizers":
        found.append(emotions_table(values))
    if values["pairs"]:
        found.append(pairs_table(values))
    return found


def models_table(values: dict[str, Any]) -> TextTable:
    """A row for each model: the paper's Table 3, or the accuracies of its Table 2."""
    rows, runs = [], len(values["runs"])
    for model in values["models"]:
        published = published_of(values, model)
        rows.append(
            (
                model["name"],
                f"{published['accuracy']:.2f}" if published else "-",
                _spread(model["accuracy"], runs),
                _interval(model["accuracy_interval"]),
                _spread(model["uar"], runs),
                _three(model["macro"]),
                _three(model["weighted"]),
                f"{model['parameters']:,}",
                f"{model['seconds']['mean']:.0f} s",
                f"{model['clip_ms']:.1f}",
            )
        )
    head = ("model", "published", "accuracy", "95 %", "UAR", "macro P R F1", "weighted P R F1",
            "weights", "training", "ms/clip")  # fmt: skip
    mean = f"mean ± standard deviation over {runs} runs" if runs > 1 else "one run"
    note = (
        f"Accuracy and UAR: {mean}. 95 %: bootstrap over {values['resampled']}. "
        "ms/clip: reading, picture or features, and network, libraries loaded."
    )
    return TextTable(_title(values), head, tuple(rows), note)


def emotions_table(values: dict[str, Any]) -> TextTable:
    """The paper's Table 2: each optimizer and rate, emotion by emotion."""
    rows = []
    for model in values["models"]:
        published = model["published_table_2"]
        for number, (emotion, scores) in enumerate(model["per_emotion"].items()):
            printed = "-"
            if published:
                parts = (published[name][number] for name in ("precision", "recall", "f1"))
                printed = " ".join(_short(value) for value in parts)
            run = f"{published['run']}  " if published else ""
            name = f"{run}{model['name']}" if number == 0 else ""
            rows.append((name, emotion, printed, _three(scores), f"{scores['support']:.0f}"))
    head = ("run", "emotion", "published P R F1", "measured P R F1", "support")
    return TextTable(
        "Emotion by emotion (Table 2)", head, tuple(rows), "RecipeReport: mean over runs."
    )


def pairs_table(values: dict[str, Any]) -> TextTable:
    """Each model against each other; with McNemar's test where there is a single run."""
    tested = all(pair["mcnemar"] for pair in values["pairs"])
    head: tuple[str, ...] = ("pair", "accuracy", "95 %", "UAR", "95 %")
    note = f"95 %: paired bootstrap over {values['resampled']}."
    if tested:
        head += ("right alone", "McNemar p", "Holm")
        note += (
            " Right alone: clips that only one of the two got right. McNemar's exact test is on "
            "these: it compares two trained networks on one split, not their recipes."
        )
    rows = []
    for pair in values["pairs"]:
        row: tuple[str, ...] = (
            f"{pair['first']} - {pair['second']}",
            f"{pair['accuracy']:+.3f}",
            _interval(pair["accuracy_interval"], "+"),
            f"{pair['uar']:+.3f}",
            _interval(pair["uar_interval"], "+"),
        )
        if tested:
            test = pair["mcnemar"]
            row += (
                f"{test['only_first']} : {test['only_second']}",
                _p(test["p"]),
                _p(test["p_holm"]),
            )
        rows.append(row)
    return TextTable("Pair by pair", head, tuple(rows), note)


def _title(values: dict[str, Any]) -> str:
    what = "Models (Table 3)" if values["table"] == "models" else "Optimizers (Table 2)"
    seeds = ", ".join(map(str, values["seeds"]))
    runs, word = len(values["runs"]), "seeds" if len(values["seeds"]) > 1 else "seed"
    return f"{what}: split {values['split']}, {runs} run{'s'[: runs > 1]}, {word} {seeds}"


def published_of(values: dict[str, Any], model: dict[str, Any]) -> dict[str, Any] | None:
    """What the paper reports for a row of this table, if anything."""
    key = "published" if values["table"] == "models" else "published_table_2"
    found: dict[str, Any] | None = model[key]
    return found


def _spread(value: dict[str, float], runs: int) -> str:
    mean = f"{value['mean']:.3f}"
    return f"{mean} ± {value['sd']:.3f}" if runs > 1 else mean


def _interval(value: tuple[float, float], sign: str = "") -> str:
    return f"{value[0]:{sign}.3f} … {value[1]:{sign}.3f}"


def _short(value: float) -> str:
    return f"{value:.2f}".removeprefix("0")


def _three(scores: dict[str, dict[str, float]]) -> str:
    return " ".join(_short(scores[name]["mean"]) for name in ("precision", "recall", "f1"))


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
