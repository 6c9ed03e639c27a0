"""``manifest.csv``: what each picture of a folder shows, and why some sounds have none."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from avser_cli.audio.audio_info import AudioInfo
from avser_cli.data.clip import Clip, clip_key
from avser_cli.data.corpora import find_corpus
from avser_cli.features.render import RenderResult
from avser_cli.files import write_whole

MANIFEST = "manifest.csv"

_INFO = [field.name for field in fields(AudioInfo)]
_LABELS = ["corpus", "emotion", "speaker", "sex", "text", "take", "channel", "intensity", "split"]
"""Fields of a `Clip`; empty where the sound has no label."""
COLUMNS = ["picture", "sound", "status", *_LABELS, *_INFO, "reason"]


GONE = "gone"
"""Status of a picture whose sound is not there any more."""


def write_manifest(
    folder: Path,
    outcomes: Iterable[RenderResult],
    source: Path | None = None,
    labels: Mapping[Path, Clip] | None = None,
) -> list[str]:
    """Write the manifest of a folder of pictures, sorted by sound.

    Rows of other pictures that stand in it are kept.

    Parameters
    ----------
    folder : pathlib.Path
    outcomes : iterable of RenderResult
    source : pathlib.Path or None
        A folder all of whose sounds are among the outcomes: pictures of others of it are `GONE`.
    labels : Mapping, optional
        Clips of the sounds, from `avser_cli.data.sources.label_sounds`.

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
            **_labels((labels or {}).get(outcome.source)),
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
    return [_current(row) for row in rows if _is_whole(row)]


def _is_whole(row: dict[str, str]) -> bool:
    return {"picture", "sound", "status"} <= set(row) and not {None} & {*row, *row.values()}


def _current(row: dict[str, str]) -> dict[str, str]:
    """A row with the columns of today; labels of older ones are RAVDESS's, by the sound's name."""
    current = {column: row.get(column, "") for column in COLUMNS}
    if "modality" in row:
        ravdess = find_corpus("ravdess")
        try:
            current |= {"corpus": ravdess.name, **ravdess.labels(Path(row["sound"]).stem)}
        except ValueError:
            current |= dict.fromkeys(_LABELS, "")
    return current


def labelled_pictures(
    folder: Path, pictures: Iterable[Path], corpus: str | None = None
) -> list[Clip]:
    """Those pictures of a folder that have a label in its manifest.

    Parameters
    ----------
    folder : pathlib.Path
    pictures : iterable of pathlib.Path
    corpus : str, optional
        Name to put in place of the manifest's.
    """
    rows = {row["picture"]: row for row in read_manifest(folder) if row["emotion"]}
    clips = []
    for picture in pictures:
        relative = picture.relative_to(folder)
        row = rows.get(relative.as_posix())
        if row is None or not row["corpus"]:
            continue
        labels: dict[str, Any] = {key: row[key] or None for key in _LABELS[2:]}
        name = corpus or row["corpus"]
        if labels["speaker"]:
            labels["speaker"] = f"{name}:{labels['speaker'].removeprefix(row['corpus'] + ':')}"
        clips.append(
            Clip(clip_key(name, relative), picture, corpus=name, emotion=row["emotion"], **labels)
        )
    return clips


def pictures_of_no_sound(folder: Path) -> set[Path]:
    """Pictures of a folder whose sounds are gone, by its manifest."""
    return {folder / row["picture"] for row in read_manifest(folder) if row["status"] == GONE}


def _lies_in(sound: str, source: Path) -> bool:
    above = os.path.abspath(source)  # noqa: PTH100 - links as they are named
    return Path(os.path.abspath(sound)).is_relative_to(above)  # noqa: PTH100


def _labels(clip: Clip | None) -> dict[str, str]:
    if clip is None:
        return {}
    return {name: getattr(clip, name) or "" for name in _LABELS}
