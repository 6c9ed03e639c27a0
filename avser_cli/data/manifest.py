"""``manifest.csv``: what each picture of a folder shows, and why some sounds have none."""

from __future__ import annotations

import csv
import io
import os
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


GONE = "gone"
"""Status of a picture whose sound is not there any more."""


def write_manifest(
    folder: Path, outcomes: Iterable[RenderResult], source: Path | None = None
) -> list[str]:
    """Write the manifest of a folder of pictures, sorted by sound.

    Labels are RAVDESS's, from the file's name, and empty for other names. Rows of other pictures
    that stand in it are kept.

    Parameters
    ----------
    folder : pathlib.Path
    outcomes : iterable of RenderResult
    source : pathlib.Path or None
        A folder all of whose sounds are among the outcomes: pictures of others of it are `GONE`.

    Returns
    -------
    list of str
        Pictures that are `GONE`.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    text = io.StringIO()
    rows = csv.DictWriter(text, COLUMNS, lineterminator="\n", restval="")
    rows.writeheader()
    written: list[dict[str, str]] = []
    for outcome in outcomes:
        row = {
            "sound": str(outcome.source),
            "status": outcome.status,
            "reason": outcome.reason,
            **_labels(outcome.source),
        }
        if outcome.status != "failed":
            row["picture"] = outcome.target.relative_to(folder).as_posix()
        if outcome.info is not None:
            row |= {name: str(value) for name, value in asdict(outcome.info).items()}
        written.append(row)
    sounds, pictures = ({row.get(key) for row in written} for key in ("sound", "picture"))
    for row in read_manifest(folder):
        picture = row["picture"]
        if row["sound"] in sounds or picture in pictures or not (folder / picture).is_file():
            continue
        if source is not None and _lies_in(row["sound"], source):
            row |= {"status": GONE, "reason": "its sound is gone"}
        written.append(row)
    rows.writerows(sorted(written, key=lambda row: Path(row["sound"])))
    # Names of files need not be text.
    write_whole(folder / MANIFEST, text.getvalue().encode("utf-8", "surrogateescape"))
    return sorted(row["picture"] for row in written if row["status"] == GONE)


def read_manifest(folder: Path) -> list[dict[str, str]]:
    """The rows of a folder's manifest; none where there is none that can be read."""
    try:
        content = (folder / MANIFEST).read_bytes().decode("utf-8", "surrogateescape")
        rows = list(csv.DictReader(io.StringIO(content, newline="")))
    except (OSError, csv.Error):
        return []
    return [row for row in rows if set(row) == set(COLUMNS) and None not in row.values()]


def pictures_of_no_sound(folder: Path) -> set[Path]:
    """Pictures of a folder whose sounds are gone, by its manifest."""
    return {folder / row["picture"] for row in read_manifest(folder) if row["status"] == GONE}


def _lies_in(sound: str, source: Path) -> bool:
    above = os.path.abspath(source)  # noqa: PTH100 - links as they are named
    return Path(os.path.abspath(sound)).is_relative_to(above)  # noqa: PTH100


def _labels(sound: Path) -> dict[str, str]:
    try:
        labels = parse_name(sound.stem)
    except ValueError:
        return {}
    return {name: str(value) for name, value in asdict(labels).items()}
