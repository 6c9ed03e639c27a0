"""A folder of a published corpus: which corpus it is, and what clips of it are there."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avser_cli.data.clip import Clip, SkippedFile, clip_key
from avser_cli.data.corpora import GROUPS, Corpus, known_corpora
from avser_cli.errors import CorpusError, os_reason
from avser_cli.shell import quoted
from avser_cli.untrusted_input import read_bounded

LOSSLESS = frozenset({".wav", ".flac", ".aiff", ".aif", ".caf"})
"""Endings of sounds that are read rather than other copies of a clip."""
MAX_TABLE_BYTES = 64_000_000
STRAY = 0.1
"""Share of other corpora's clips that a corpus's folder may have; with more it is refused."""
CLOSE = 0.1
"""Share of names that must have a corpus's form where nothing else gives labels."""


@dataclass(frozen=True)
class CorpusCopy:
    """What a folder holds of a corpus.

    Attributes
    ----------
    corpus : Corpus
    clips : tuple of Clip
        Sorted by key; of two copies of a clip, the one nearer to the top, then the lossless one.
    copies : tuple of pathlib.Path
        Second copies of clips, which are left out.
    skipped : tuple of SkippedFile
    """

    corpus: Corpus
    clips: tuple[Clip, ...]
    copies: tuple[Path, ...]
    skipped: tuple[SkippedFile, ...]

    def remark(self) -> str | None:
        """One line where the copy is not a full, single one; else `None`."""
        parts = []
        if len(self.clips) not in (self.corpus.clips, *self.corpus.other_counts):
            count, published = len(self.clips), self.corpus.clips
            more = f"{count} clips, more than the {published} published"
            parts.append(more if count > published else f"{count} of {published} clips")
        if self.copies:
            parts.append(second_copies(self.copies))
        return f"{self.corpus.title}: {'; '.join(parts)}" if parts else None


def second_copies(paths: Sequence[Path]) -> str:
    """How a remark names them."""
    return f"{len(paths)} second copies left out, e.g. {paths[0]}"


def identity(clip: Clip) -> tuple[str, ...]:
    """Equal for copies of a clip of a known corpus, in whatever folders they lie."""
    labels = (getattr(clip, group) or "" for group in sorted(GROUPS))
    corpus = known_corpora().get(clip.corpus)
    stem = "" if corpus is not None and corpus.labels_identify else clip.path.stem.casefold()
    return (clip.corpus, stem, *labels)


def recognize(names: Sequence[str], folder: Path = Path("FOLDER")) -> Corpus | None:
    """The corpus that most of the names fit, or `None` where no corpus fits half of them.

    Parameters
    ----------
    names : sequence of str
        Paths below a folder, with ``/`` and without the files' endings.
    folder : pathlib.Path
        For the message.

    Raises
    ------
    CorpusError
        Two corpora fit equally well, or there are clips of both.
    """
    counts = {
        corpus.name: sum(fits(corpus, name) for name in names)
        for corpus in known_corpora().values()
        if not corpus.table
    }
    most = max(counts.values())
    best = [known_corpora()[name] for name, count in counts.items() if count == most]
    if most == 0:
        return None
    best = [one for one in best if one.yields_to not in {other.name for other in best}]
    if 2 * most < sum(best[0].near_miss(name) is None for name in names):
        return None
    if len(best) > 1:
        check_one_corpus(folder, names)
        titles = " and ".join(corpus.title for corpus in best)
        raise CorpusError(
            f"{folder}: names fit {titles}; say which, e.g. --data "
            f"{quoted(f'{best[0].name}={folder}')}"
        )
    return best[0]


def equally_fitting(corpus: Corpus, names: Sequence[str]) -> list[Corpus]:
    """Corpora that yield to one, though they fit all names that it fits."""
    yielding = [other for other in known_corpora().values() if other.yields_to == corpus.name]
    return [
        other
        for other in yielding
        if all(fits(other, name) for name in names if fits(corpus, name))
    ]


def closest_corpus(names: Sequence[str]) -> Corpus | None:
    """The corpus whose form most names have, whatever their codes; `None` where few have any's."""
    forms = {
        corpus.name: sum(corpus.has_form(name) for name in names)
        for corpus in known_corpora().values()
        if not corpus.table
    }
    corpora = known_corpora()
    best = max(forms, key=lambda name: (forms[name], corpora[name].yields_to is None))
    return corpora[best] if forms[best] > CLOSE * len(names) else None


def mixed_corpora(names: Iterable[str], first: Corpus | None = None) -> dict[str, int]:
    """How many of the names fit some corpus, by the first that each fits.

    Parameters
    ----------
    names : iterable of str
    first : Corpus, optional
        The one that is asked before the others.
    """
    counts: Counter[str] = Counter()
    by_right = _by_right(first)
    for name in names:
        if (corpus := next((x for x in by_right if fits(x, name)), None)) is not None:
            counts[corpus.name] += 1
    return dict(counts)


def check_one_corpus(folder: Path, names: Sequence[str], main: Corpus | None = None) -> None:
    """Refuse a folder of several corpora: it would be read as one of them, or as none.

    Parameters
    ----------
    folder : pathlib.Path
    names : sequence of str
        Of its files, see `published_name`.
    main : Corpus, optional
        The one that it would be read as.

    Raises
    ------
    CorpusError
        It holds more clips of others than a few strays.
    """
    mixed = mixed_corpora(names, main)
    fitting = sum(mixed.values())
    if main is None:
        several = len(mixed) > 1 and 2 * fitting >= len(names)
    else:
        several = fitting - mixed[main.name] > STRAY * len(names)
    if several:
        found = ", ".join(f"{name} {count}" for name, count in sorted(mixed.items()))
        raise CorpusError(
            f"{folder}: holds clips of several corpora ({found}); give each corpus's folder"
        )


def recognize_folder(folder: Path, files: Sequence[Path]) -> Corpus | None:
    """The corpus that a folder holds, by its names or by a table of labels in it.

    Raises
    ------
    CorpusError
        Two corpora fit equally well.
    """
    for corpus in known_corpora().values():
        places = _table_places(corpus, folder, files) if corpus.table else []
        if any(_has_columns(corpus, place) for place in places):
            return corpus
    return recognize([published_name(path, folder) for path in files], folder)


def read_corpus(corpus: Corpus, folder: Path, files: Iterable[Path]) -> CorpusCopy:
    """Clips of a corpus among the files below a folder.

    Raises
    ------
    CorpusError
        The corpus's table of labels is missing or damaged.
    """
    files = list(files)
    rows = _table(corpus, folder, files) if corpus.table else None
    clips, copies, skipped = [], [], []
    seen: set[tuple[str, ...]] = set()
    for path in sorted(files, key=_preference):
        name = published_name(path, folder)
        try:
            labels: dict[str, Any] = (
                corpus.labels(name) if rows is None else _row_labels(corpus, rows, path)
            )
        except ValueError as error:
            skipped.append(SkippedFile(path, _reason(corpus, name, error)))
            continue
        key = clip_key(corpus.name, path.relative_to(folder))
        clip = Clip(key=key, path=path, corpus=corpus.name, **labels)
        if identity(clip) in seen:
            copies.append(path)
        else:
            seen.add(identity(clip))
            clips.append(clip)
    clips.sort(key=lambda clip: clip.key)
    return CorpusCopy(corpus, tuple(clips), tuple(copies), tuple(skipped))


def _preference(path: Path) -> tuple[int, bool, str]:
    """Of two copies, the nearer to the top is read, then the lossless one."""
    return (len(path.parts), path.suffix.lower() not in LOSSLESS, path.as_posix())


def _by_right(first: Corpus | None = None) -> list[Corpus]:
    """Corpora in the order in which names are asked about; those that yield come last."""
    known = (corpus for corpus in known_corpora().values() if not corpus.table)
    return sorted(known, key=lambda corpus: (corpus is not first, corpus.yields_to is not None))


def _reason(corpus: Corpus, name: str, error: ValueError) -> str:
    """Why a name is no clip of a corpus, which may be that it is one of another."""
    if corpus.table or corpus.has_form(name):
        return str(error)
    other = next((x for x in _by_right() if fits(x, name)), None)
    return str(error) if other is None else f"name is of {other.title}'s form; give its folder"


def fits(corpus: Corpus, name: str) -> bool:
    """Whether a path without its ending is one of a corpus's clips."""
    if corpus.match(name) is None:
        return False
    try:
        corpus.labels(name)
    except ValueError:
        return False
    return True


def published_name(path: Path, folder: Path) -> str:
    """What patterns read: the path without its ending, with the names of two folders above.

    So one speaker's folder is read as well.
    """
    relative = path.relative_to(folder).with_suffix("").as_posix()
    return "/".join((*(part.strip("/") for part in folder.absolute().parts[-2:]), relative))


def _table_places(corpus: Corpus, folder: Path, files: Iterable[Path]) -> list[Path]:
    """Where a corpus's table may be: in a folder, above it, or in the one that holds all files."""
    below = {path.relative_to(folder).parts[0] for path in files}
    folders = (folder, folder.absolute().parent, *(folder / name for name in below))
    return [place / corpus.table["file"] for place in folders[: 3 if len(below) == 1 else 2]]


def _open_table(corpus: Corpus, path: Path) -> list[dict[str, str]]:
    lines = read_bounded(path, MAX_TABLE_BYTES).decode("utf-8-sig").splitlines()
    return list(csv.DictReader(lines, delimiter=corpus.table["delimiter"]))


def _has_columns(corpus: Corpus, path: Path) -> bool:
    try:
        rows = _open_table(corpus, path)
    except (OSError, ValueError, csv.Error):
        return False
    return bool(rows) and {corpus.table["audio"], corpus.table["emotion"]} <= set(rows[0])


def _table(corpus: Corpus, folder: Path, files: Iterable[Path]) -> dict[str, dict[str, str]]:
    places = _table_places(corpus, folder, files)
    path = next((place for place in places if _has_columns(corpus, place)), places[0])
    try:
        rows = _open_table(corpus, path)
    except OSError as error:
        raise CorpusError(f"{path}: {os_reason(error)}") from None
    except (ValueError, csv.Error) as error:
        raise CorpusError(f"{path}: {error}") from None
    column = corpus.table["audio"]
    if not rows or column not in rows[0]:
        raise CorpusError(f"{path}: no column {column}")
    names = (row[column] or "" for row in rows)
    return {Path(name).stem: row for name, row in zip(names, rows, strict=True)}


def _row_labels(corpus: Corpus, rows: Mapping[str, dict[str, str]], path: Path) -> dict[str, str]:
    row = rows.get(path.stem)
    if row is None:
        raise ValueError(f"not in {corpus.table['file']}")
    codes = {group: (row.get(corpus.table[group]) or "").strip() for group in
             ("emotion", "speaker", "sex", "text")}  # fmt: skip
    return corpus.from_codes({group: code for group, code in codes.items() if code})
