"""What a source of labelled recordings holds, and what gives the labels.

A source is a known corpus in its published layout, a folder an emotion, a table of labels, or a
folder of pictures that were drawn from one of these.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

from avser_cli.audio.decoding import SOUND_SUFFIXES
from avser_cli.audio.folder import list_files
from avser_cli.data import audformat
from avser_cli.data.clip import Clip, SkippedFile
from avser_cli.data.corpora import Corpus, known_corpora
from avser_cli.data.corpus_folder import (
    STRAY,
    check_one_corpus,
    closest_corpus,
    equally_fitting,
    fits,
    identity,
    published_name,
    read_corpus,
    recognize_folder,
    second_copies,
)
from avser_cli.data.emotion_folders import read_emotion_folders
from avser_cli.data.emotion_words import map_example, read_emotion
from avser_cli.data.label_table import TABLE_SUFFIXES, LabelTable, has_columns, read_table
from avser_cli.data.manifest import drawn_of, gone_pictures, labelled_pictures
from avser_cli.data.sources import Source
from avser_cli.errors import CorpusError, InputError
from avser_cli.shell import quoted

PICTURE_SUFFIXES = frozenset({".png"})
Kind = Literal["pictures", "sounds"]
NAMED = 5
"""Names that a message lists before it counts the others."""


@dataclass(frozen=True)
class SourceContent:
    """What a source holds.

    Attributes
    ----------
    name : str
        Of the corpus.
    kind : {"pictures", "sounds"}
    clips : tuple of Clip
        Sorted by key.
    skipped : tuple of SkippedFile
    remarks : tuple of str
        Lines about it, e.g. that a copy is not whole.
    unknown : Mapping
        Folders whose names are no known emotion, and how many files are in them.
    """

    name: str
    kind: Kind
    clips: tuple[Clip, ...]
    skipped: tuple[SkippedFile, ...] = ()
    remarks: tuple[str, ...] = ()
    unknown: Mapping[str, int] = field(default_factory=dict)


def read_source(source: Source, mapping: Mapping[str, str] | None = None) -> SourceContent:
    """The clips of a source.

    A folder with sounds that have labels is a folder of sounds, whatever pictures lie beside them;
    otherwise its pictures count.

    Raises
    ------
    InputError
        The source is missing or unreadable.
    CorpusError
        Nothing in it has a label, or two corpora fit; the message says what was looked for.
    """
    path = source.path
    if not path.exists():
        raise InputError(f"{path}: no such folder or table of labels; check the name")
    if not path.is_dir():
        return _read_table(path, source, mapping)
    listed = list_files(path, PICTURE_SUFFIXES | SOUND_SUFFIXES)
    pictures = [x for x in listed.files if x.suffix.lower() in PICTURE_SUFFIXES]
    sounds = [x for x in listed.files if x.suffix.lower() not in PICTURE_SUFFIXES]
    unread = tuple(
        SkippedFile(Path(line), "folder cannot be read", unreadable=True)
        for line in listed.unreadable
    )
    try:
        found = _read_files(source, sounds, mapping)
        without = _without_sound(pictures, sounds)
    except CorpusError:
        if not pictures:
            raise
        found, without = _read_pictures(source, pictures, mapping), ()
    return replace(found, skipped=(*unread, *without, *found.skipped))


def label_sounds(folder: Path, files: Sequence[Path]) -> dict[Path, Clip]:
    """Labels of the sounds of a folder, where it has any and is not gone meanwhile."""
    try:
        found = _read_files(Source(folder), files, None)
    except (CorpusError, InputError, FileNotFoundError):
        return {}
    return {clip.path: clip for clip in found.clips if clip.start is clip.end is None}


def is_table(path: Path) -> bool:
    """Whether a file's name is that of a table of labels or an audformat database."""
    return path.suffix.lower() in TABLE_SUFFIXES | {".yaml", ".yml"} and path.is_file()


def _read_table(path: Path, source: Source, mapping: Mapping[str, str] | None) -> SourceContent:
    if path.name == audformat.HEADER or path.suffix.lower() in (".yaml", ".yml"):
        return _of_table(partial(audformat.read_database, path, mapping), source)
    if path.suffix.lower() in TABLE_SUFFIXES:
        return _of_table(partial(read_table, path, mapping), source)
    raise InputError(
        f"{path}: neither a folder nor a table of labels (.csv, .tsv, {audformat.HEADER})"
    )


def _of_table(read: Callable[[str | None], LabelTable], source: Source) -> SourceContent:
    """Content of a table that is read under a name."""
    found = read(source.name)
    name = found.clips[0].corpus
    own = name if source.name in known_corpora() else own_name(name, (x.path for x in found.clips))
    if own != name:
        found = read(own)
    drawn = all(clip.path.suffix.lower() in PICTURE_SUFFIXES for clip in found.clips)
    kind: Kind = "pictures" if drawn else "sounds"
    remarks = (*_renaming(source, name, own), *found.remarks)
    return SourceContent(own, kind, found.clips, found.skipped, remarks)


def own_name(name: str, files: Iterable[Path]) -> str:
    """The name of recordings of one's own: never a known corpus's, unless their names are its."""
    corpus = known_corpora().get(name.casefold())
    if corpus is None:
        return name
    paths = [path.with_suffix("").as_posix() for path in files]
    fitting = 0 if corpus.table else sum(fits(corpus, path) for path in paths)
    return name if fitting and 2 * fitting >= len(paths) else f"own-{name}"


def _renaming(source: Source, name: str, own: str) -> tuple[str, ...]:
    """A line where recordings are not called what their folder or table is."""
    if own == name:
        return ()
    title = known_corpora()[name.casefold()].title
    return (f"{source.path}: not read as {title}, whose names are others; called {own}",)


def _read_files(
    source: Source, files: Sequence[Path], mapping: Mapping[str, str] | None
) -> SourceContent:
    """Labels of a folder's sounds, by whatever gives them."""
    folder = source.path
    if source.name in known_corpora():
        return _of_corpus(known_corpora()[str(source.name)], folder, files, mapping)
    if (folder / audformat.HEADER).is_file():
        header = folder / audformat.HEADER
        return _of_table(partial(audformat.read_database, header, mapping), source)
    names = [published_name(path, folder) for path in files]
    # A name of one's own says that the labels are, whatever the files are called.
    corpus = recognize_folder(folder, files) if source.name is None else None
    if corpus is not None:
        found = _of_corpus(corpus, folder, files, mapping)
        if corpus.table:
            return found
        check_one_corpus(folder, names, corpus)
        return replace(
            found,
            remarks=(
                *_other_readings(corpus, folder, names, found.clips, mapping),
                *found.remarks,
            ),
        )
    if (table := _table_in(folder)) is not None:
        named = source.name or folder.absolute().name
        found = _of_table(lambda name: read_table(table, mapping, name or named), source)
        return replace(
            found,
            skipped=(*found.skipped, *_not_in(table, found, files)),
            remarks=(*found.remarks, f"{found.name}: labels from {table.name}"),
        )
    check_one_corpus(folder, names)
    try:
        return _of_folders(source, files, mapping)
    except CorpusError as error:
        closest = closest_corpus(names)
        if closest is not None:
            return _of_corpus(closest, folder, files, mapping)
        if not files:
            raise
        raise CorpusError(
            f"{error}; nor are its {len(files)} files named as those of a known corpus "
            "(avser train --list-corpora), nor is there a table with columns file and emotion"
        ) from None


def _other_readings(
    corpus: Corpus,
    folder: Path,
    names: Sequence[str],
    clips: Sequence[Clip],
    mapping: Mapping[str, str] | None,
) -> tuple[str, ...]:
    """Lines on what else a corpus's folder may be read as.

    Raises
    ------
    CorpusError
        The folders that its clips lie in are named for other emotions than the clips are.
    """
    mine = quoted(f"mine={folder}")
    lines = [
        f"{folder}: names fit {other.title}, too; taken for {corpus.title} (else --data "
        f"{quoted(f'{other.name}={folder}')})"
        for other in equally_fitting(corpus, names)
    ]
    if (table := _table_in(folder)) is not None:
        lines.append(
            f"{folder}: labels by the names of {corpus.title}, not from {table.name} "
            f"(else --data {mine})"
        )
    moved = [clip for clip in clips if _lies_elsewhere(clip, folder, mapping)]
    if moved:
        example = moved[0].path.relative_to(folder)
        what = (
            f"{folder}: {len(moved)} clips of {corpus.title} lie in folders of other emotions, "
            f"e.g. {example}: {moved[0].emotion} by its name"
        )
        if len(moved) > STRAY * len(clips):
            raise CorpusError(
                f"{what}; say what counts: the names, --data {quoted(f'{corpus.name}={folder}')}, "
                f"or the folders, --data {mine}"
            )
        lines.append(f"{what}, which counts")
    return tuple(lines)


def _lies_elsewhere(clip: Clip, folder: Path, mapping: Mapping[str, str] | None) -> bool:
    """Whether a clip's folders are named for emotions, and none for its own."""
    parents = clip.path.relative_to(folder).parts[:-1]
    named = {label for name in parents if (label := read_emotion(name, mapping))}
    return bool(named) and not {clip.emotion, read_emotion(clip.emotion)} & named


def _not_in(table: Path, found: SourceContent, files: Iterable[Path]) -> tuple[SkippedFile, ...]:
    """Sounds beside a table of labels that it does not name."""
    named = {clip.path for clip in found.clips} | {item.path for item in found.skipped}
    return tuple(SkippedFile(path, f"not in {table.name}") for path in files if path not in named)


def _table_in(folder: Path) -> Path | None:
    """The table of labels that lies in a folder of sounds, if one does."""
    files = (x for x in folder.iterdir() if x.suffix.lower() in TABLE_SUFFIXES)
    tables = sorted(x for x in files if x.is_file() and has_columns(x))
    if len(tables) > 1:
        names = ", ".join(table.name for table in tables)
        raise CorpusError(f"{folder}: several tables of labels, {names}; give one of them")
    return tables[0] if tables else None


def _of_corpus(
    corpus: Corpus, folder: Path, files: Iterable[Path], mapping: Mapping[str, str] | None
) -> SourceContent:
    copy = read_corpus(corpus, folder, files)
    if not copy.clips:
        why = f"; the first: {copy.skipped[0]}" if copy.skipped else ""
        raise CorpusError(
            f"{folder}: no clip of {corpus.title} among {len(copy.skipped)} files{why}"
        )
    note = f"{corpus.title}: {corpus.note}" if corpus.note else None
    remarks = tuple(line for line in (copy.remark(), note) if line)
    clips = _mapped(copy.clips, mapping)
    return SourceContent(corpus.name, "sounds", clips, copy.skipped, remarks)


def _mapped(clips: Iterable[Clip], mapping: Mapping[str, str] | None) -> tuple[Clip, ...]:
    """With the labels that the user puts in place of the corpus's."""
    if not mapping:
        return tuple(clips)
    return tuple(replace(x, emotion=read_emotion(x.emotion, mapping) or x.emotion) for x in clips)


def _of_folders(
    source: Source, files: Sequence[Path], mapping: Mapping[str, str] | None
) -> SourceContent:
    folder = source.path
    empty = _empty_folders(folder, files, mapping)
    if empty and not files:
        raise CorpusError(f"{folder}: no sound in its folders {', '.join(empty[:NAMED])}")
    given = source.name or folder.absolute().name or "data"
    name = source.name or own_name(given, files)
    found = read_emotion_folders(folder, files, mapping, name)
    remarks = [*_renaming(source, given, name)]
    if found.unknown:
        folders = [f"{one} ({count})" for one, count in sorted(found.unknown.items())]
        example = map_example(sorted(found.unknown), "happy")
        more = f" and {len(folders) - NAMED} more" if len(folders) > NAMED else ""
        remarks.append(
            f"{name}: folders whose names are no known emotion are left out: "
            f"{', '.join(folders[:NAMED])}{more}; name their labels with --map"
            f"{f', e.g. {example}' if example else ''}"
        )
    if found.copies:
        remarks.append(f"{name}: {second_copies(found.copies)}")
    if empty:
        remarks.append(f"{name}: no sound in folders {', '.join(empty[:NAMED])}")
    skipped = (
        *(SkippedFile(path, "in no folder that is named for an emotion") for path in found.loose),
        *(SkippedFile(path, "in folders of two emotions") for path in found.unclear),
    )
    remarks += found.remarks
    return SourceContent(name, "sounds", found.clips, skipped, tuple(remarks), found.unknown)


def _empty_folders(
    folder: Path, files: Sequence[Path], mapping: Mapping[str, str] | None
) -> list[str]:
    """Names of folders for emotions that hold no sound."""
    filled = {parent for path in files for parent in path.parents}
    folders = (Path(place) for place, _, _ in os.walk(folder))
    return sorted(x.name for x in folders if x not in filled and read_emotion(x.name, mapping))


def _each_once(
    clips: Iterable[Clip], sounds: Mapping[Path, str]
) -> tuple[tuple[Clip, ...], list[Path]]:
    """Clips by key, and pictures of second copies of a known corpus's clips.

    Channels of one sound are no copies.
    """
    kept, copies = [], []
    first: dict[tuple[str, ...], Path] = {}
    for clip in sorted(clips, key=lambda clip: (len(clip.path.parts), clip.path.as_posix())):
        before = first.setdefault(identity(clip), clip.path)
        drawn_twice = before in sounds and sounds[before] == sounds.get(clip.path)
        if before == clip.path or drawn_twice or clip.corpus not in known_corpora():
            kept.append(clip)
        else:
            copies.append(clip.path)
    return tuple(sorted(kept, key=lambda clip: clip.key)), copies


def _read_pictures(
    source: Source, pictures: Sequence[Path], mapping: Mapping[str, str] | None
) -> SourceContent:
    """Labels of pictures, from their manifest, or else as those of sounds would be read."""
    folder = source.path
    gone = gone_pictures(folder)
    skipped = [SkippedFile(path, gone[path]) for path in pictures if path in gone]
    there = [path for path in pictures if path not in gone]
    clips: dict[Path, Clip] = {}
    if source.name not in known_corpora():
        labelled = _mapped(labelled_pictures(folder, there, source.name), mapping)
        clips = {clip.path: clip for clip in labelled}
    others = [path for path in there if path not in clips]
    named = Counter(clip.corpus for clip in clips.values()).most_common(1)
    remarks: tuple[str, ...] = ()
    if others:
        name = source.name or (named[0][0] if named else None)
        try:
            found = (
                _of_folders(replace(source, name=name), there, mapping)
                if named and named[0][0] not in known_corpora()
                else _read_files(replace(source, name=name), others, mapping)
            )
        except CorpusError:
            if not clips:
                raise
            skipped += [SkippedFile(path, "no label in manifest.csv") for path in others]
        else:
            clips = {clip.path: clip for clip in found.clips} | clips
            skipped += [item for item in found.skipped if item.path not in clips]
            remarks = found.remarks
    if not clips:
        raise CorpusError(f"{folder}: the sounds of its {len(pictures)} pictures are gone")
    ordered, copies = _each_once(clips.values(), drawn_of(folder))
    if copies:
        remarks += (f"{folder}: {second_copies(copies)}",)
    return SourceContent(ordered[0].corpus, "pictures", ordered, tuple(skipped), remarks)


def _without_sound(pictures: Sequence[Path], sounds: Sequence[Path]) -> tuple[SkippedFile, ...]:
    there = {path.with_suffix("") for path in sounds}
    return tuple(
        SkippedFile(path, "a picture without its sound, in a folder of sounds")
        for path in pictures
        if path.with_suffix("") not in there
    )
