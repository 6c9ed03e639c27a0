"""``manifest.csv``: what each picture of a folder shows, and why some sounds have none."""

from __future__ import annotations

import csv
import heapq
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from itertools import chain
from pathlib import Path
from typing import Any

from avser_cli.audio.audio_info import AudioInfo
from avser_cli.audio.folder import PathList, PathPairs
from avser_cli.csv_records import csv_record
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
"""Status of a picture whose sound is not there any more, or was drawn to another one since."""
NO_SOUND = "its sound is gone"


class Outcomes:
    """What became of the sounds of a run, as the manifest needs it: a text for each.

    Parameters
    ----------
    batches : sequence of PathPairs
        All sounds of the run and their pictures.

    Attributes
    ----------
    counts : Counter of str
        How many have which status.
    failures : dict of int to str
        Reasons, by the number of the sound.
    """

    def __init__(self, batches: Sequence[PathPairs]) -> None:
        self._sounds = [name for pairs in batches for name in pairs.sounds.names]
        self._pictures = [name for pairs in batches for name in pairs.pictures.names]
        self._numbers = {name: number for number, name in enumerate(self._pictures)}
        self._facts: list[str | None] = [None] * len(self._sounds)
        self._sorted = len(batches) == 1
        self.counts: Counter[str] = Counter()
        self.failures: dict[int, str] = {}

    def add(self, outcome: RenderResult) -> None:
        """Take one in."""
        number = self._numbers[str(outcome.target)]
        self.counts[outcome.status] += 1
        if outcome.status == "failed":
            self.failures[number] = outcome.reason
        facts = vars(outcome.info).values() if outcome.info is not None else ()
        self._facts[number] = ",".join(map(str, (outcome.status, *facts)))

    def leave_out_removed(self) -> int:
        """Leave out what was drawn and is not there any more; returns how many."""
        removed = 0
        for number, facts in enumerate(self._facts):
            drawn = facts is not None and number not in self.failures
            if drawn and not os.path.exists(self._pictures[number]):  # noqa: PTH110 - many
                self._facts[number] = None
                removed += 1
        return removed

    def sounds(self) -> PathList:
        """The sounds that something is known of."""
        known = zip(self._sounds, self._facts, strict=True)
        return PathList(name for name, facts in known if facts)

    def has(self, picture: Path) -> bool:
        """Whether something is known of the sound of a picture."""
        number = self._numbers.get(str(picture))
        return number is not None and bool(self._facts[number])

    def rows(self, folder: Path, labels: Mapping[Path, Clip]) -> Iterator[dict[str, str]]:
        """The rows of the manifest of a folder, sorted by sound."""
        numbers: Iterable[int] = range(len(self._sounds))
        if not self._sorted:
            numbers = sorted(numbers, key=lambda number: Path(self._sounds[number]))
        for number in numbers:
            facts = self._facts[number]
            if facts is None:
                continue
            sound = Path(self._sounds[number])
            status, *info = facts.split(",")
            row = {"sound": str(sound), "status": status, "picture": ""}
            row |= {"reason": self.failures.get(number, ""), **_labels(labels.get(sound))}
            if status != "failed":
                row["picture"] = Path(self._pictures[number]).relative_to(folder).as_posix()
            yield row | dict(zip(_INFO, info, strict=False))


def write_manifest(
    folder: Path,
    outcomes: Outcomes,
    labels: Mapping[Path, Clip],
    source: Path | None = None,
) -> dict[str, str]:
    """Write the manifest of a folder of pictures, sorted by sound.

    Rows of other pictures that stand in it are kept. Those of the same sounds, as of all channels
    where each has a picture now, are `GONE`: of one sound there is one training clip a channel.

    Parameters
    ----------
    folder : pathlib.Path
    outcomes : Outcomes
    labels : Mapping
        Clips of the sounds, from `avser_cli.data.source_content.label_sounds`.
    source : pathlib.Path or None
        A folder all of whose sounds are among the outcomes: pictures of others of it are `GONE`.

    Returns
    -------
    dict of str to str
        Pictures that are `GONE`, and why.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    sounds: set[str] = set(outcomes.sounds().names)
    kept = []
    for row in _stored_rows(folder):
        picture = folder / row["picture"]
        if outcomes.has(picture) or not picture.is_file():
            continue
        if row["sound"] in sounds:
            row |= {"status": GONE, "reason": "its sound was drawn to another picture since"}
        elif source is not None and _lies_in(row["sound"], source):
            row |= {"status": GONE, "reason": NO_SOUND}
        kept.append(row)
    kept.sort(key=_sound)
    rows = heapq.merge(outcomes.rows(folder, labels), kept, key=_sound)
    # Names of files need not be text.
    lines = (_line(row.get(column, "") for column in COLUMNS) for row in rows)
    write_whole(folder / MANIFEST, chain([_line(COLUMNS)], lines))
    gone = {row["picture"]: row["reason"] for row in kept if row["status"] == GONE}
    return dict(sorted(gone.items()))


def _sound(row: dict[str, str]) -> Path:
    return Path(row["sound"])


def _line(cells: Iterable[str]) -> bytes:
    return csv_record(cells).encode("utf-8", "surrogateescape")


def read_manifest(folder: Path) -> list[dict[str, str]]:
    """The rows of a folder's manifest, up to where it is damaged; none where there is none."""
    return list(_stored_rows(folder))


def _stored_rows(folder: Path) -> Iterator[dict[str, str]]:
    with (
        suppress(OSError, csv.Error),
        (folder / MANIFEST).open(encoding="utf-8", errors="surrogateescape", newline="") as lines,
    ):
        for row in csv.DictReader(lines):
            if _is_whole(row):
                yield _current(row)


def _is_whole(row: Mapping[str | None, str | list[str] | None]) -> bool:
    """Whether it has the cells that count, and none too few or, under `None`, too many."""
    counts = {"picture", "sound", "status"} <= row.keys()
    return counts and None not in row and None not in row.values()


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


def drawn_of(folder: Path) -> dict[Path, str]:
    """The sound that each picture of a folder was drawn of, by its manifest."""
    return {folder / row["picture"]: row["sound"] for row in read_manifest(folder)}


def gone_pictures(folder: Path) -> dict[Path, str]:
    """Pictures of a folder whose sounds are gone or have others now, by its manifest, and why."""
    rows = (row for row in read_manifest(folder) if row["status"] == GONE)
    return {folder / row["picture"]: row["reason"] or NO_SOUND for row in rows}


def _lies_in(sound: str, source: Path) -> bool:
    above = os.path.abspath(source)  # noqa: PTH100 - links as they are named
    return Path(os.path.abspath(sound)).is_relative_to(above)  # noqa: PTH100


def _labels(clip: Clip | None) -> dict[str, str]:
    if clip is None:
        return {}
    return {name: getattr(clip, name) or "" for name in _LABELS}
