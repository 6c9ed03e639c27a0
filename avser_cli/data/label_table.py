"""Labels from a CSV or TSV table with columns ``file`` and ``emotion``."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from avser_cli.data.clip import Clip
from avser_cli.data.emotion_words import read_emotion
from avser_cli.errors import CorpusError, os_reason
from avser_cli.untrusted_input import read_bounded

MAX_BYTES = 256_000_000
NEEDED = ("file", "emotion")
_SEXES = {"female": "female", "f": "female", "male": "male", "m": "male"}


@dataclass(frozen=True)
class LabelTable:
    """Clips of a table, and rows that cannot be used: file, and why with the row's line."""

    clips: tuple[Clip, ...]
    skipped: tuple[tuple[Path, str], ...]


def read_table(path: Path, mapping: Mapping[str, str] | None = None) -> LabelTable:
    """Read a table; relative paths are below the table's folder.

    Known besides ``file`` and ``emotion``: ``speaker``, ``sex``, ``text``, ``split``, ``start`` and
    ``end`` (seconds). A label that is no known word for an emotion is kept as it is written.

    Raises
    ------
    CorpusError
        The table cannot be read, is no UTF-8 or UTF-16, or lacks a column; no row can be used.
    """
    try:
        content = read_bounded(path, MAX_BYTES)
        wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except OSError as error:
        raise CorpusError(f"{path}: {os_reason(error)}") from None
    except UnicodeDecodeError:
        raise CorpusError(f"{path}: not UTF-8; save it as UTF-8") from None
    except ValueError as error:
        raise CorpusError(f"{path}: {error}") from None
    first = text.split("\n", 1)[0]
    delimiter = max("\t,;", key=first.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    clips: dict[str, Clip] = {}
    skipped: list[tuple[Path, str]] = []
    try:
        reader.fieldnames = [name.strip().casefold() for name in reader.fieldnames or ()]
        missing = [name for name in NEEDED if name not in reader.fieldnames]
        if missing:
            raise CorpusError(f"{path}: no column {missing[0]}")
        for row in reader:
            cells = {name: (row.get(name) or "").strip() for name in reader.fieldnames}
            file = _locate(path.parent, cells["file"])
            try:
                clip = _clip(path, file, cells, mapping)
                if clip.key in clips:
                    same = clips[clip.key].emotion == clip.emotion
                    raise ValueError("same row twice" if same else "two emotions for one sound")
                clips[clip.key] = clip
            except ValueError as error:
                skipped.append((file, f"line {reader.line_num}: {error}"))
    except csv.Error as error:
        raise CorpusError(f"{path}: line {reader.line_num}: {error}") from None
    if not clips:
        why = f"; the first: {skipped[0][1]}" if skipped else ""
        raise CorpusError(f"{path}: no row can be used{why}")
    return LabelTable(tuple(clips.values()), tuple(skipped))


def _locate(folder: Path, name: str) -> Path:
    """The file of a cell; backslashes separate folders as well."""
    path = folder / name
    return path if "\\" not in name else folder / PureWindowsPath(name).as_posix()


def _clip(
    table: Path, file: Path, cells: dict[str, str], mapping: Mapping[str, str] | None
) -> Clip:
    if not cells["file"]:
        raise ValueError("no file")
    if not cells["emotion"]:
        raise ValueError("no emotion")
    if "\0" in cells["file"] or not file.is_file():
        raise ValueError("no such file")
    start, end = _seconds(cells, "start"), _seconds(cells, "end")
    if end is not None and end <= (start or 0.0):
        raise ValueError("end is not after start")
    sex = cells.get("sex", "").casefold()
    if sex and sex not in _SEXES:
        raise ValueError(f"sex must be female or male, not {sex!r}")
    corpus = table.stem
    part = "" if start is None and end is None else f"#{start or 0:g}-{'' if end is None else end}"
    return Clip(
        key=f"{corpus}:{cells['file'].replace(chr(92), '/')}{part}",
        path=file,
        corpus=corpus,
        emotion=read_emotion(cells["emotion"], mapping) or cells["emotion"].casefold(),
        speaker=f"{corpus}:{cells['speaker']}" if cells.get("speaker") else None,
        sex=_SEXES.get(sex),
        text=cells.get("text") or None,
        split=cells.get("split") or None,
        start=start,
        end=end,
    )


def _seconds(cells: dict[str, str], name: str) -> float | None:
    cell = cells.get(name, "")
    if not cell:
        return None
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{name} is no time in seconds, {cell[:20]!r}")
    return value
