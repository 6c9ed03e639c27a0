"""Databases in audformat: ``db.yaml`` with its tables (https://audeering.github.io/audformat/)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from avser_cli.data.label_table import LabelTable, TableRow, label_rows, read_rows
from avser_cli.errors import CorpusError, MissingExtraError, os_reason
from avser_cli.untrusted_input import read_bounded

HEADER = "db.yaml"
MAX_HEADER_BYTES = 16_000_000
TEXT_COLUMNS = ("text", "transcription", "transcript", "sentence")
SEX_COLUMNS = ("sex", "gender")
_TIMEDELTA = re.compile(r"(?:(\d+) days? ?)?(?:(\d+):(\d\d):(\d\d(?:\.\d+)?))?", re.ASCII)


def read_database(
    header: Path, mapping: Mapping[str, str] | None = None, corpus: str | None = None
) -> LabelTable:
    """Clips of an audformat database: every row of a table with a column ``emotion``.

    Speakers, sexes and texts may stand in other tables, by file, or with the scheme's speakers; the
    split is the table's.

    Parameters
    ----------
    header : pathlib.Path
        ``db.yaml``; tables lie beside it as CSV.
    mapping : Mapping, optional
        Labels of further words, from `avser_cli.data.emotion_words.parse_mapping`.
    corpus : str, optional
        Its name; by default the header's.

    Raises
    ------
    CorpusError
        The header or a table is missing or damaged, no table has a column ``emotion``, or no row
        can be used.
    """
    content = _read_header(header)
    tables = content.get("tables") or {}
    labelled = [name for name, table in tables.items() if "emotion" in _columns(table)]
    if not labelled:
        raise CorpusError(f"{header}: no table has a column emotion")
    about: dict[str, dict[str, str]] = {}
    speakers = _speakers(header, content)
    for name, table in tables.items():
        if table.get("type") == "filewise":
            for _, cells in _rows(header, name):
                about.setdefault(cells["file"], {}).update(_of_row(speakers, cells))
    rows = list(_labelled_rows(header, content, labelled, about, speakers))
    found = label_rows(
        rows, header.parent, corpus or str(content.get("name") or "database"), mapping
    )
    if not found.clips:
        why = f"; the first: {found.skipped[0]}" if found.skipped else ""
        raise CorpusError(f"{header}: no row of {', '.join(labelled)} can be used{why}")
    return found


def _read_header(header: Path) -> dict[str, Any]:
    try:
        import yaml
    except ImportError:
        raise MissingExtraError(
            f"{header}: reading it needs PyYAML; install it with: pip install 'avser[train]'"
        ) from None
    try:
        content = yaml.safe_load(read_bounded(header, MAX_HEADER_BYTES))
    except OSError as error:
        raise CorpusError(f"{header}: {os_reason(error)}") from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CorpusError(f"{header}: {first}") from None
    tables = content.get("tables") if isinstance(content, dict) else None
    if not isinstance(tables, dict) or not all(isinstance(x, dict) for x in tables.values()):
        raise CorpusError(f"{header}: not audformat; it has no tables")
    return dict(content)


def _columns(table: dict[str, Any]) -> dict[str, Any]:
    columns = table.get("columns")
    return columns if isinstance(columns, dict) else {}


def _rows(header: Path, name: str, needed: tuple[str, ...] = ("file",)) -> Iterator[TableRow]:
    if Path(name).name != name:
        raise CorpusError(f"{header}: {name!r} is no name of a table")
    path = header.with_name(f"db.{name}.csv")
    if not path.is_file():
        for other in ("parquet", "pkl"):
            if path.with_suffix(f".{other}").is_file():
                raise CorpusError(f"{path}: no such file; save the database with its tables as CSV")
    return read_rows(path, needed)


def _labelled_rows(
    header: Path,
    content: dict[str, Any],
    names: list[str],
    about: Mapping[str, dict[str, str]],
    speakers: Mapping[str, str],
) -> Iterator[TableRow]:
    """Rows with an emotion; the same label for the same sound in a further table is one row."""
    seen: dict[tuple[str, str, str], dict[str, str]] = {}
    for name in names:
        split = _split(content, content["tables"][name])
        for line, cells in _rows(header, name, ("file", "emotion")):
            if not cells["emotion"]:
                continue
            row = {**about.get(cells["file"], {}), **_of_row(speakers, cells)}
            row |= {"file": cells["file"], "emotion": cells["emotion"], "split": split}
            for time in ("start", "end"):
                row[time] = _seconds(cells.get(time, ""))
            place = (row["file"], row["start"], row["end"])
            before = seen.setdefault(place, row)
            if before is row or before["emotion"] != row["emotion"]:
                yield line, row
            elif split:
                before["split"] = split


def _split(content: dict[str, Any], table: dict[str, Any]) -> str:
    name = table.get("split_id")
    splits = content.get("splits")
    about = splits.get(name) if isinstance(splits, dict) else None
    kind = about.get("type") if isinstance(about, dict) else None
    return str(kind or name or "")


def _speakers(header: Path, content: dict[str, Any]) -> dict[str, str]:
    """The sex of each speaker, from the scheme of speakers or the table that it names."""
    schemes = content.get("schemes")
    scheme = schemes.get("speaker") if isinstance(schemes, dict) else None
    labels = scheme.get("labels") if isinstance(scheme, dict) else None
    if isinstance(labels, str):
        misc = content.get("misc_tables")
        if not isinstance(misc, dict) or labels not in misc:
            return {}
        # The first column is the index.
        labels = {next(iter(cells.values())): cells for _, cells in _rows(header, labels, ())}
    found = {}
    for speaker, facts in labels.items() if isinstance(labels, dict) else ():
        if isinstance(facts, Mapping):
            sex = next((facts[name] for name in SEX_COLUMNS if facts.get(name)), "")
            found[str(speaker)] = str(sex)
    return found


def _of_row(speakers: Mapping[str, str], cells: Mapping[str, str]) -> dict[str, str]:
    """Speaker, sex and text of a row, the sex by the speaker where no column says it."""
    sex = next((cells[name] for name in SEX_COLUMNS if cells.get(name)), "")
    found = {
        "speaker": cells.get("speaker", ""),
        "text": next((cells[name] for name in TEXT_COLUMNS if cells.get(name)), ""),
        "sex": sex or speakers.get(cells.get("speaker", ""), ""),
    }
    return {name: cell for name, cell in found.items() if cell}


def _seconds(cell: str) -> str:
    """Seconds from ``0 days 00:00:01.5``; what is no time is left as it is, to be refused."""
    match = _TIMEDELTA.fullmatch(cell)
    if not cell or cell in ("NaT", "nan"):
        return ""
    if match is None or not (match[1] or match[2]):
        return cell
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    return f"{total:.9g}" if math.isfinite(total) else cell
