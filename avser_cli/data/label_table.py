"""Labels from a CSV or TSV table with columns ``file`` and ``emotion``."""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PureWindowsPath
from typing import Any

from avser_cli.data.clip import Clip, SkippedFile, clip_key, read_split
from avser_cli.data.corpora import known_corpora
from avser_cli.data.emotion_words import read_emotion
from avser_cli.errors import CorpusError, InputError, os_reason
from avser_cli.untrusted_input import read_bounded

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".txt"})
MAX_BYTES = 256_000_000
HEADER_BYTES = 65_536
"""As much of a file is read to see whether it is a table of labels."""
NEEDED = ("file", "emotion")
ANSWERS = frozenset({"file", "emotion", "confidence", "model"})
"""Columns of the rows of ``avser classify``."""
ALIASES = {
    "file": ("file_name", "filename", "path", "filepath"),
    "emotion": ("label",),
    "speaker": ("speaker_id",),
    "sex": ("gender",),
    "text": ("transcription", "transcript", "sentence"),
}
"""Other names of columns, as Hugging Face's and others' tables have them."""
_SEXES = {
    "female": "female f w woman women girl weiblich frau femme féminin femenino mujer femminile "
    "donna kobieta vrouw kvinna žena женский 女",
    "male": "male m man men boy männlich mann homme masculin masculino hombre maschile uomo "
    "mężczyzna muž мужской 男",
}
_SEX_OF = {word: sex for sex, words in _SEXES.items() for word in words.split()}

_LINE_END = re.compile(r"[\r\n]")
_DECIMAL_COMMA = re.compile(r"\d+,\d+", re.ASCII)

TableRow = tuple[int, dict[str, str]]
"""Line of the table, and its cells by column."""


@dataclass(frozen=True)
class LabelTable:
    """Clips of a table, sorted by key, and rows that cannot be used: file, and why with the line.

    Attributes
    ----------
    clips : tuple of Clip
    skipped : tuple of SkippedFile
    remarks : tuple of str
        Lines about cells that are not used though their rows are.
    """

    clips: tuple[Clip, ...]
    skipped: tuple[SkippedFile, ...]
    remarks: tuple[str, ...] = ()


def read_table(
    path: Path, mapping: Mapping[str, str] | None = None, corpus: str | None = None
) -> LabelTable:
    """Read a table; relative paths are below the table's folder.

    Known besides ``file`` and ``emotion``: ``speaker``, ``sex``, ``text``, ``split``, ``start`` and
    ``end`` (seconds); `ALIASES` are other names of these columns. A label that is no known word for
    an emotion is kept as it is written.

    Parameters
    ----------
    path : pathlib.Path
    mapping : Mapping, optional
        Labels of further words, from `avser_cli.data.emotion_words.parse_mapping`.
    corpus : str, optional
        Its name; by default the table's without its ending.

    Raises
    ------
    CorpusError
        The table cannot be read, is no UTF-8 or UTF-16, lacks a column or has one twice; no row
        can be used.
    """
    found = label_rows(read_rows(path, NEEDED), path.parent, corpus or path.stem, mapping)
    if not found.clips:
        why = f"; the first: {found.skipped[0]}" if found.skipped else ""
        raise CorpusError(f"{path}: no row can be used{why}")
    return found


def has_columns(path: Path) -> bool:
    """Whether a file is a table of labels, by its first line.

    Only its own names of columns and those of Hugging Face's folders of sounds tell: many a table
    of figures has a path and a label. What a model answered is no table of labels.

    Raises
    ------
    InputError
        It cannot be read.
    """
    try:
        with path.open("rb") as handle:
            # A cut in the middle of a letter costs that letter, far behind the header.
            first = _first_line(_decode(handle.read(HEADER_BYTES), "ignore"))
        names: list[str] = next(_reader([first], _delimiter(first)), [])
    except (csv.Error, FileNotFoundError):
        return False
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read: {os_reason(error)}; it may hold the labels, so make it "
            "readable or move it away"
        ) from None
    columns = {name.strip().casefold() for name in names}
    if "file_name" in columns:
        columns = set(_columns(columns))
    return set(NEEDED) <= columns and not columns >= ANSWERS


def _columns(names: Iterable[str]) -> list[str]:
    """Names of columns in lower case, and as they are called here."""
    columns = [name.strip().casefold() for name in names]
    for column, aliases in ALIASES.items():
        alias = next((alias for alias in aliases if alias in columns), None)
        if alias is not None and column not in columns:
            columns[columns.index(alias)] = column
    return columns


def read_rows(path: Path, needed: Collection[str]) -> Iterator[TableRow]:
    """The rows of a table, with names of columns as here and cells without outer spaces.

    Raises
    ------
    CorpusError
        The table cannot be read, lacks a column, has one twice or, where emotions are needed, holds
        answers; while it is read: its quotes are damaged.
    """
    try:
        text = _decode(read_bounded(path, MAX_BYTES))
    except OSError as error:
        raise CorpusError(f"{path}: {os_reason(error)}") from None
    except UnicodeDecodeError:
        raise CorpusError(f"{path}: not UTF-8; save it as UTF-8") from None
    except ValueError as error:
        raise CorpusError(f"{path}: {error}") from None
    header = _first_line(text)
    if "\0" in header:  # UTF-16 without its mark.
        raise CorpusError(f"{path}: not UTF-8; save it as UTF-8")
    reader = _reader(io.StringIO(text, newline=""), _delimiter(header))
    try:
        columns = _columns(next(reader, []))
        if "emotion" in needed and set(columns) >= ANSWERS:
            raise CorpusError(
                f"{path}: answers of avser classify, no labels; correct them in a page (--report) "
                "or, if you want them as labels, leave out the column model"
            )
        missing = [name for name in needed if name not in columns]
        if missing:
            there = f"; its columns: {', '.join(columns)}" if columns else ""
            raise CorpusError(f"{path}: no column {missing[0]}{there}")
        twice = next((name for name in columns if name and columns.count(name) > 1), None)
        if twice is not None:
            raise CorpusError(f"{path}: two columns are called {twice}; leave one of them out")
        for cells in reader:
            if cells:
                row = dict.fromkeys(columns, "")
                row |= {n: cell.strip() for n, cell in zip(columns, cells, strict=False)}
                if len(cells) > len(columns):
                    row[""] = f"more cells than the {len(columns)} columns; quote what has commas"
                yield reader.line_num, row
    except csv.Error as error:
        raise CorpusError(f"{path}: line {reader.line_num}: {error}") from None


def label_rows(
    rows: Iterable[TableRow], folder: Path, corpus: str, mapping: Mapping[str, str] | None = None
) -> LabelTable:
    """Clips of the rows of a table; of two labels for one sound, neither is taken.

    Speakers whose names differ in case alone are one.
    """
    clips: dict[tuple[Path, float | None, float | None], Clip] = {}
    lines: dict[tuple[Path, float | None, float | None], int] = {}
    skipped: list[SkippedFile] = []
    keys: dict[str, tuple[Path, float | None, float | None]] = {}
    unclear: set[tuple[Path, float | None, float | None]] = set()
    odd_sexes: list[str] = []
    spellings: dict[str, str] = {}
    published = known_corpora().get(corpus)
    for line, cells in rows:
        file = _locate(folder, cells["file"])
        if speaker := cells.get("speaker"):
            cells["speaker"] = spellings.setdefault(speaker.casefold(), speaker)
        sex = cells.get("sex", "").casefold()
        if sex and sex not in _SEX_OF:
            odd_sexes.append(f"{cells['sex'][:20]!r} in line {line}")
        try:
            if published and (miss := published.near_miss(file.with_suffix("").as_posix())):
                raise ValueError(miss)
            clip = _clip(file, folder, corpus, cells, mapping)
            place = (clip.path, clip.start, clip.end)
            if place in clips:
                if clips[place].emotion == clip.emotion:
                    raise ValueError(f"same as line {lines[place]}")
                unclear.add(place)
                raise ValueError(
                    f"{clip.emotion}, but {clips[place].emotion} in line {lines[place]}; "
                    "neither is used"
                )
        except ValueError as error:
            # A path of another system is shown as it is written.
            shown = Path(cells["file"]) if "\\" in cells["file"] and not file.exists() else file
            skipped.append(SkippedFile(shown, f"line {line}: {error}"))
            continue
        if keys.setdefault(clip.key, place) != place:
            clip = replace(clip, key=f"{clip.key}{file.suffix}")
            keys[clip.key] = place
        clips[place], lines[place] = clip, line
    kept = (clip for place, clip in clips.items() if place not in unclear)
    remarks: tuple[str, ...] = ()
    if odd_sexes:
        remarks = (
            f"{corpus}: sex of {len(odd_sexes)} rows is neither female nor male and left out, e.g. "
            f"{odd_sexes[0]}",
        )
    return LabelTable(tuple(sorted(kept, key=lambda clip: clip.key)), tuple(skipped), remarks)


def _decode(content: bytes, errors: str = "strict") -> str:
    wide = content[:2] in (b"\xff\xfe", b"\xfe\xff")
    return content.decode("utf-16" if wide else "utf-8-sig", errors)


def _first_line(text: str) -> str:
    return text[: match.start()] if (match := _LINE_END.search(text)) else text


def _delimiter(header: str) -> str:
    return max("\t,;", key=header.count)


def _reader(lines: Iterable[str], delimiter: str) -> Any:
    # Spaces after a delimiter may stand before a quote.
    return csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)


def _locate(folder: Path, name: str) -> Path:
    """The file of a cell; backslashes separate folders as well, and ``a/../b`` is ``b``."""
    name = PureWindowsPath(name).as_posix() if "\\" in name else name
    path = folder / name
    if not (".." in path.parts or Path(name).is_absolute()) or "\0" in name:
        return path
    above, plain = folder.absolute(), Path(os.path.normpath(folder.absolute() / name))
    if not plain.is_relative_to(above):
        return path
    plain = folder / plain.relative_to(above)
    # Where a is a symbolic link they are two files.
    return plain if path.exists() and plain.exists() and plain.samefile(path) else path


def _clip(
    file: Path, folder: Path, corpus: str, cells: dict[str, str], mapping: Mapping[str, str] | None
) -> Clip:
    if "" in cells:
        raise ValueError(cells[""])
    if not cells["file"]:
        raise ValueError("no file")
    if not cells["emotion"]:
        raise ValueError("no emotion")
    if "\0" in cells["file"] or not file.exists():
        raise ValueError("no such file")
    if not file.is_file():
        raise ValueError("a folder, not a file")
    start, end = _seconds(cells, "start"), _seconds(cells, "end")
    if end is not None and end <= (start or 0.0):
        raise ValueError(f"end {end:g} is not after start {start or 0:g}")
    if file.suffix.lower() == ".png" and (start, end) != (None, None):
        raise ValueError("a picture has no start and end")
    part = "" if start is None and end is None else _part(start, end)
    below = file.relative_to(folder) if file.is_relative_to(folder) else file
    return Clip(
        key=f"{clip_key(corpus, below)}{part}",
        path=file,
        corpus=corpus,
        emotion=read_emotion(cells["emotion"], mapping) or cells["emotion"].casefold(),
        speaker=f"{corpus}:{cells['speaker']}" if cells.get("speaker") else None,
        sex=_SEX_OF.get(cells.get("sex", "").casefold()),
        text=cells.get("text") or None,
        split=read_split(cells["split"]) if cells.get("split") else None,
        start=start,
        end=end,
    )


def _seconds(cells: dict[str, str], name: str) -> float | None:
    cell = cells.get(name, "")
    if not cell:
        return None
    try:
        value = float(cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"{name} is no time in seconds, {cell[:20]!r}")
    return value


def _part(start: float | None, end: float | None) -> str:
    return f"#{start or 0:.9g}-{'' if end is None else format(end, '.9g')}"
