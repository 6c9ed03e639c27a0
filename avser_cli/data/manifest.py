"""``manifest.csv``: what each picture of a folder shows, and why some sounds have none."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path

from avser_cli.audio.audio_info import AudioInfo
from avser_cli.data.ravdess import Labels, parse_name
from avser_cli.features.render import RenderResult
from avser_cli.files import write_whole

MANIFEST = "manifest.csv"

_INFO = [field.name for field in fields(AudioInfo)]
_LABELS = [field.name for field in fields(Labels)]
COLUMNS = ["picture", "sound", "status", *_LABELS, *_INFO, "reason"]


def write_manifest(folder: Path, outcomes: Iterable[RenderResult]) -> None:
    """Write the manifest of a folder of pictures, sorted by sound.

    Labels are RAVDESS's, from the file's name, and empty for other names.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    text = io.StringIO()
    rows = csv.DictWriter(text, COLUMNS, lineterminator="\n", restval="")
    rows.writeheader()
    for outcome in sorted(outcomes, key=lambda outcome: outcome.source):
        row = {
            "sound": str(outcome.source),
            "status": outcome.status,
            "reason": outcome.reason,
            **_labels(outcome.source),
        }
        if outcome.status != "failed":
            row["picture"] = outcome.target.relative_to(folder).as_posix()
        if outcome.info is not None:
            row |= asdict(outcome.info)
        rows.writerow(row)
    # Names of files need not be text.
    write_whole(folder / MANIFEST, text.getvalue().encode("utf-8", "surrogateescape"))


def _labels(sound: Path) -> dict[str, str]:
    try:
        labels = parse_name(sound.stem)
    except ValueError:
        return {}
    return {name: str(value) for name, value in asdict(labels).items()}
