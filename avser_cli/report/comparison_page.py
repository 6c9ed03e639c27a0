"""The HTML page of a comparison: tables, figures, and the clips that models got wrong."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from avser_cli.data.clip import Clip
from avser_cli.experiments.comparison import Comparison, WrongClip
from avser_cli.report.comparison_tables import QUICK, comparison_tables
from avser_cli.report.html_page import write_html
from avser_cli.report.page_media import (
    Media,
    SoundPart,
    clip_name,
    common_folder,
    media_fields,
    part_of,
)


def write_comparison_page(
    target: Path,
    comparison: Comparison,
    about: str,
    figures: Mapping[str, str],
    wrong: Sequence[tuple[WrongClip, Clip]],
    media: Mapping[SoundPart, Media],
) -> None:
    """Write the page, with the figures inside.

    Parameters
    ----------
    target : pathlib.Path
    comparison : Comparison
    about : str
        What it was made of and with.
    figures : mapping
        What each shows by file name, in the page's folder.
    wrong : sequence of tuple of WrongClip and Clip
    media : mapping
        By clip; those without are shown without picture.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    names = [model.name for model in comparison.models]
    folder = common_folder([clip.path for _, clip in wrong])
    rows = [
        _row(item, names, clip_name(part_of(clip), folder), clip)
        | media_fields(part_of(clip), media.get(part_of(clip), Media()), target)
        for item, clip in wrong
    ]
    rows.sort(key=lambda row: (-row["count"], row["file"]))
    embedded = [
        (what, base64.b64encode((target.parent / name).read_bytes()).decode())
        for name, what in figures.items()
    ]
    write_html(
        target,
        "comparison.html.j2",
        title=f"avser compare {comparison.table}",
        made=about,
        about=(),
        warning=QUICK if comparison.quick else "",
        command=comparison.command,
        tables=comparison_tables(comparison),
        figures=embedded,
        models=names,
        pictures=any(part_of(clip).is_picture for _, clip in wrong),
        data={"emotions": list(comparison.emotions), "recordings": rows},
    )


def _row(item: WrongClip, models: Sequence[str], name: str, clip: Clip) -> dict[str, Any]:
    """A clip as the page's script reads it; ``model0``, ``model1``, …: what each model said."""
    answers = [_answer(item, model) for model in models]
    return {
        "file": name,
        "label": item.label,
        "models": list(item.models),
        "count": len(item.models),
        "speaker": clip.speaker,
        "corpus": clip.corpus,
        "text": clip.text,
        **{f"model{number}": answer for number, answer in enumerate(answers)},
    }


def _answer(item: WrongClip, model: str) -> str:
    """What the runs of a model said, with a sign and in words."""
    predicted = item.predicted[model]
    right = predicted.count(item.label)
    if right == len(predicted):
        return f"✓ {item.label}"
    others = ", ".join(dict.fromkeys(x for x in predicted if x != item.label))
    return f"✗ {others}" if not right else f"✓ in {right} of {len(predicted)}, ✗ {others}"
