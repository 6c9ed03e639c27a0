"""Who speaks when, from the files of other programs: RTTM, TextGrid, CSV, SRT, Audacity labels."""

from __future__ import annotations

import csv
import io
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

from avser_cli.errors import InputError, UsageError, os_reason

MOST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class GivenSegment:
    """A part of a recording that somebody else marked.

    Attributes
    ----------
    start, end : float
        Seconds from the start of the recording.
    speaker : str
        Who speaks in it, or the tier that it is on; empty where the file does not say.
    recording : str
        The recording's name, usually without its ending, or path; empty where the file does not
        say.
    """

    start: float
    end: float
    speaker: str = ""
    recording: str = ""


class _MalformedError(ValueError):
    """A line that cannot be read: its number and what is wrong."""


def read_segments(path: Path) -> list[GivenSegment]:
    """The segments of a file, whose ending tells its format.

    Raises
    ------
    UsageError
        The ending is unknown.
    InputError
        The file cannot be read, holds something else, or no segment.
    """
    parse = PARSERS.get(path.suffix.lower())
    if parse is None:
        raise UsageError(
            f"{path}: segments are read from files that end in {', '.join(PARSERS)} "
            "(.txt: Audacity's labels)"
        )
    try:
        found = list(parse(_text(path)))
    except _MalformedError as error:
        raise InputError(f"{path}: {error}") from None
    if not found:
        raise InputError(f"{path}: holds no segments; check the file")
    return found


class RecordingSegments:
    """Segments by the recordings that they name.

    Parameters
    ----------
    segments : sequence of GivenSegment
    sounds : sequence of str
        Paths of all recordings that are asked about.
    """

    def __init__(self, segments: Sequence[GivenSegment], sounds: Sequence[str]) -> None:
        self._of: dict[str, list[GivenSegment]] = {}
        for segment in segments:
            self._of.setdefault(segment.recording, []).append(segment)
        self._named: dict[str, list[str]] = {}
        for recording in self._of:
            for name in {recording, _path_parts(recording)[-1]}:
                self._named.setdefault(name, []).append(recording)
        self._only = len(sounds) == 1
        self._asked = Counter(name for sound in sounds for name in _names(Path(sound)))

    def of(self, sound: Path) -> list[GivenSegment]:
        """Those of one recording: of the only one, all that name one recording or none.

        Folders that a segment names count from the last. Where they lead nowhere, a name that no
        other recording has, neither here nor among the segments, is enough.

        Raises
        ------
        InputError
            None is this recording's, or, of several recordings, they name none.
        """
        if self._only and len(self._of) == 1:
            return next(iter(self._of.values()))
        if set(self._of) == {""}:
            raise InputError(
                f"{sound}: the segments name no recording; classify one with its segments at a time"
            )
        names = _names(sound)
        candidates = sorted({x for name in names for x in self._named.get(name, ())})
        folders = Path(os.path.abspath(sound)).parts[:-1]  # noqa: PTH100 - links as they are named
        found = [x for x in candidates if x in names or _ends_with(folders, _path_parts(x)[:-1])]
        if not found and len(candidates) == 1 and self._asked[_path_parts(candidates[0])[-1]] == 1:
            found = candidates
        if not found:
            others = _some(sorted(self._of))
            raise InputError(f"{sound}: no segment is of this recording; they name {others}")
        return [segment for recording in found for segment in self._of[recording]]


def _names(sound: Path) -> set[str]:
    """What a recording may be called, without its folders."""
    return {sound.name, sound.stem}


def _path_parts(recording: str) -> tuple[str, ...]:
    """Folders and name, of a path of any system; without its root."""
    path = PureWindowsPath(recording)
    return tuple(part for part in path.parts if part != path.anchor) or ("",)


def _ends_with(folders: Sequence[str], end: Sequence[str]) -> bool:
    return len(end) <= len(folders) and tuple(folders[len(folders) - len(end) :]) == tuple(end)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {os_reason(error)}") from None
    if len(content) > MOST_BYTES:
        raise InputError(f"{path}: over {MOST_BYTES // 2**20} MiB; these are no segments")
    utf_16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        return content.decode("utf-16" if utf_16 else "utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not text in UTF-8 or UTF-16; save it as UTF-8") from None


def _segment(
    where: str, start: str, end: str, speaker: str = "", recording: str = "", duration: bool = False
) -> GivenSegment:
    first, last = _seconds(where, start), _seconds(where, end)
    if duration:
        last += first
    if not 0 <= first < last:
        raise _MalformedError(
            f"{where}: a segment from {first:g} to {last:g} s; its end must follow"
        )
    return GivenSegment(round(first, 6), round(last, 6), speaker.strip(), recording.strip())


def _seconds(where: str, text: str) -> float:
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise _MalformedError(f"{where}: {text.strip()[:40]!r} is no time in seconds")
    return value


def parse_rttm(text: str) -> Iterator[GivenSegment]:
    """NIST's Rich Transcription Time Marked: ``SPEAKER file channel start duration … name``."""
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split()
        if not fields or fields[0] != "SPEAKER":
            if fields and not (fields[0].isupper() or fields[0].startswith(";;")):
                raise _MalformedError(f"line {number}: not a line of an RTTM file")
            continue
        if len(fields) < 8:
            raise _MalformedError(f"line {number}: {len(fields)} fields; RTTM has 9 or 10")
        _, recording, _, start, length, _, _, speaker = fields[:8]
        name = "" if speaker == "<NA>" else speaker
        yield _segment(f"line {number}", start, length, name, recording, duration=True)


_PRAAT_TOKENS = re.compile(r'"((?:[^"]|"")*)"|(?<!\S)([-+]?[\d.]+(?:[eE][-+]?\d+)?)(?!\S)|<(\w+)>')


def parse_text_grid(text: str) -> Iterator[GivenSegment]:
    """Praat's TextGrid, long or short: the intervals with text, by the name of their tier."""
    tokens = [match.groups() for match in _PRAAT_TOKENS.finditer(text)]
    place = 0

    def take(kind: int, what: str) -> str:
        nonlocal place
        value = tokens[place][kind] if place < len(tokens) else None
        place += 1
        if value is None:
            raise _MalformedError(f"is no TextGrid: {what} is missing (value {place})")
        return value

    def number(what: str) -> int:
        value = take(1, what)
        if not value.isdigit():
            raise _MalformedError(f"is no TextGrid: {what} is {value!r}")
        return int(value)

    if (take(0, "its type"), take(0, "its class")) != ("ooTextFile", "TextGrid"):
        raise _MalformedError("is no TextGrid in text form")
    take(1, "xmin"), take(1, "xmax"), take(2, "<exists>")
    for _ in range(number("the number of tiers")):
        kind, name = take(0, "a tier's class"), take(0, "a tier's name").replace('""', '"')
        take(1, "a tier's xmin"), take(1, "a tier's xmax")
        for interval in range(1, number("the number of intervals") + 1):
            start = take(1, "a time")
            if kind != "IntervalTier":
                take(0, "a mark")
                continue
            end, label = take(1, "a time"), take(0, "a text")
            if label.strip():
                yield _segment(f"tier {name!r}, interval {interval}", start, end, name)


STARTS = ("start", "begin", "onset", "from")
ENDS = ("end", "stop", "offset", "to")
SPEAKERS = ("speaker", "name", "label")
RECORDINGS = ("file", "recording", "sound", "filename")


def parse_table(text: str) -> Iterator[GivenSegment]:
    """A table with a header: start, end or duration, and, where there is one, speaker and file."""
    head = text.splitlines()[0] if text else ""
    separator = max(",;\t", key=head.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        header = [name.strip().casefold() for name in next(rows, [])]
        start = _column(header, STARTS)
        end, length = _column(header, ENDS), _column(header, ("duration", "length"))
        if start is None or (end is None and length is None):
            raise _MalformedError("line 1: names no columns start and end (or duration)")
        speaker, recording = _column(header, SPEAKERS), _column(header, RECORDINGS)
        last = end if end is not None else length
        assert last is not None
        for row in rows:
            if not any(row):
                continue
            if len(row) != len(header):
                raise _MalformedError(
                    f"line {rows.line_num}: {len(row)} values for {len(header)} columns"
                )
            name = row[speaker] if speaker is not None else ""
            file = row[recording] if recording is not None else ""
            where = f"line {rows.line_num}"
            yield _segment(where, row[start], row[last], name, file, duration=end is None)
    except csv.Error as error:
        raise _MalformedError(f"line {rows.line_num}: {error}") from None


def _column(header: Sequence[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


_ARROW = re.compile(r"\s*([\d:.,]+)\s*-->\s*([\d:.,]+)")
_SPOKEN = re.compile(r"\s*(?:\[([^\]\n]{1,60})\]\s*:?|([^\W\d_][\w .'\u2019-]{0,40}):)\s")


def parse_srt(text: str) -> Iterator[GivenSegment]:
    """SubRip; a text that starts with ``[NAME]:`` or ``Name:`` tells who speaks."""
    lines = text.splitlines()
    for number, line in enumerate(lines, start=1):
        if "-->" not in line:
            continue
        times = _ARROW.match(line)
        if not times:
            raise _MalformedError(f"line {number}: no times as 00:00:01,000 --> 00:00:02,500")
        name = _speaker(lines[number]) if number < len(lines) else ""
        where = f"line {number}"
        start, end = (str(_clock_seconds(where, value)) for value in times.groups())
        yield _segment(where, start, end, name)


def _speaker(line: str) -> str:
    """Who speaks by a subtitle's first line; a name begins with no small letter."""
    spoken = _SPOKEN.match(f"{line} ")
    if not spoken:
        return ""
    name = spoken[1] or spoken[2]
    return "" if spoken[2] and name[0].islower() else name


def _clock_seconds(where: str, text: str) -> float:
    parts = text.split(":")
    if len(parts) > 3:
        raise _MalformedError(f"{where}: {text!r} is no time")
    return sum(_seconds(where, part) * 60.0**power for power, part in enumerate(reversed(parts)))


def parse_audacity(text: str) -> Iterator[GivenSegment]:
    """Audacity's label track: start, end and label with tabs between; labels are the speakers."""
    for number, line in enumerate(text.splitlines(), start=1):
        # A label of a band of frequencies has a second line, which starts with a backslash.
        if not line.strip() or line.startswith("\\"):
            continue
        fields = line.split("\t", 2)
        if len(fields) < 2:
            raise _MalformedError(f"line {number}: no start and end with a tab between")
        # A label at one place marks no segment.
        if fields[0].strip() != fields[1].strip():
            label = fields[2] if len(fields) > 2 else ""
            yield _segment(f"line {number}", fields[0], fields[1], label)


PARSERS: dict[str, Callable[[str], Iterator[GivenSegment]]] = {
    ".rttm": parse_rttm,
    ".textgrid": parse_text_grid,
    ".csv": parse_table,
    ".tsv": parse_table,
    ".srt": parse_srt,
    ".txt": parse_audacity,
}
