"""A folder an emotion: ``happy/one.wav``, ``anna/Anger/two.wav``."""

from __future__ import annotations

import filecmp
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from avser_cli.data.clip import SPLITS, Clip, clip_keys
from avser_cli.data.emotion_words import read_emotion
from avser_cli.errors import CorpusError

NAMED_FOLDERS = 5
"""Folders that an error names."""


@dataclass(frozen=True)
class EmotionFolders:
    """What a folder of emotion folders holds.

    Attributes
    ----------
    clips : tuple of Clip
        Sorted by key.
    unknown : Mapping
        Names of folders that are no known emotion, and how many files are in them.
    loose : tuple of pathlib.Path
        Files that lie in no folder below the given one.
    copies : tuple of pathlib.Path
        Second copies of clips, in a second tree further down, which are left out.
    unclear : tuple of pathlib.Path
        Files that lie in folders of two emotions, neither of which is the folder's only one.
    remarks : tuple of str
        What was made of folders that may mean something else.
    """

    clips: tuple[Clip, ...]
    unknown: Mapping[str, int]
    loose: tuple[Path, ...]
    copies: tuple[Path, ...] = ()
    unclear: tuple[Path, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Labelled:
    """A file, what its folders say, and the names of those that are no emotion and no split."""

    path: Path
    emotion: str
    split: str | None
    others: tuple[str, ...]
    inner: bool


def read_emotion_folders(
    folder: Path,
    files: Iterable[Path],
    mapping: Mapping[str, str] | None = None,
    corpus: str | None = None,
) -> EmotionFolders:
    """Clips labelled by the folder that they lie in.

    Of several folders that are named alike the innermost counts; of two emotions the one at the
    level that most files have one at, so that a speaker may be called Joy. A further level of
    folders is taken for speakers where it has more than one name or lies below the emotions; of
    two further levels nobody knows which are the speakers. ``train``, ``dev`` and ``test`` are
    splits.

    Parameters
    ----------
    folder : pathlib.Path
    files : iterable of pathlib.Path
        Files below it.
    mapping : Mapping, optional
        Labels of further names, from `avser_cli.data.emotion_words.parse_mapping`.
    corpus : str, optional
        Its name; by default the folder's.

    Raises
    ------
    CorpusError
        No folder is named for an emotion.
    """
    corpus = corpus or folder.absolute().name or "data"
    ordered = sorted(files)
    below = {path.relative_to(folder).parts for path in ordered}
    emotions = {path: _emotions(path.relative_to(folder), mapping) for path in ordered}
    levels = Counter(level for found in emotions.values() for level in found)
    read, unknown, loose, copies, unclear = [], Counter[str](), [], [], []
    renamed: dict[str, str] = {}
    for path, found in emotions.items():
        *parents, _ = parts = path.relative_to(folder).parts
        if not found:
            if parents:
                unknown[parents[-1]] += 1
            else:
                loose.append(path)
            continue
        at = _emotion_level(found, levels)
        if at is None:
            unclear.append(path)
            continue
        if _is_copy(path, folder, [parts[n:] for n in range(1, at + 1)], below):
            copies.append(path)
            continue
        renamed |= {parents[n]: label for n, label in found.items() if label != found[at]}
        splits = [SPLITS[x.casefold()] for x in _without(parents, at) if x.casefold() in SPLITS]
        others = [name for name in _without(parents, at) if name.casefold() not in SPLITS]
        inner = any(name.casefold() not in SPLITS for name in parents[at + 1 :])
        split = splits[-1] if splits else None
        read.append(_Labelled(path, found[at], split, tuple(others), inner))
    if not read:
        names = ", ".join(sorted(unknown)[:NAMED_FOLDERS]) or "none"
        raise CorpusError(
            f"{folder}: no folder with sounds is named for an emotion; folders: {names}; "
            "name labels with --map, e.g. --map fun=happy"
        )
    speakers, remarks = _speakers(corpus, read)
    remarks += [
        f"{corpus}: folder {name} is taken for a speaker, not for {emotion}"
        for name, emotion in sorted(renamed.items())[:NAMED_FOLDERS]
    ]
    keys = clip_keys(corpus, [item.path.relative_to(folder) for item in read])
    clips = (
        Clip(key, item.path, corpus, item.emotion, speaker=speaker, split=item.split)
        for key, item, speaker in zip(keys, read, speakers, strict=True)
    )
    in_order = tuple(sorted(clips, key=lambda clip: clip.key))
    return EmotionFolders(
        in_order, dict(unknown), tuple(loose), tuple(copies), tuple(unclear), tuple(remarks)
    )


def _emotions(relative: Path, mapping: Mapping[str, str] | None) -> dict[int, str]:
    """The emotions that the folders of a path are named for, by their level."""
    labels = (read_emotion(name, mapping) for name in relative.parts[:-1])
    return {level: label for level, label in enumerate(labels) if label is not None}


def _emotion_level(found: Mapping[int, str], levels: Mapping[int, int]) -> int | None:
    """The level that gives the emotion; `None` where two are as likely."""
    if len(set(found.values())) == 1:
        return max(found)
    most = max(levels[level] for level in found)
    likely = [level for level in found if levels[level] == most]
    return likely[0] if len(likely) == 1 else None


def _without(names: Sequence[str], at: int) -> list[str]:
    return [name for level, name in enumerate(names) if level != at]


def _speakers(corpus: str, read: Sequence[_Labelled]) -> tuple[list[str | None], list[str]]:
    """The speaker of each file, as its folders say, and a remark where they do not say enough."""
    others = [item.others for item in read]
    if len({len(names) for names in others}) == 1 and len(others[0]) > 1:
        # Levels with one folder tell nobody apart.
        kept = [level for level, names in enumerate(zip(*others, strict=True)) if len({*names}) > 1]
        others = [tuple(names[level] for level in kept) or names[-1:] for names in others]
    deepest = max(others, key=len)
    if len(deepest) > 1:
        return [None] * len(read), [
            f"{corpus}: speakers are not known, since folders lie in two levels besides the "
            f"emotions, e.g. {'/'.join(deepest)}; a table with a column speaker names them"
        ]
    if len({*others}) == 1 and not all(item.inner for item in read):
        return [None] * len(read), []
    return [f"{corpus}:{names[0]}" if names else None for names in others], []


def _is_copy(
    path: Path, folder: Path, tails: Iterable[tuple[str, ...]], below: Set[tuple[str, ...]]
) -> bool:
    """Whether the end of a file's path below the folder is the path of an equal file."""
    for other in (folder.joinpath(*tail) for tail in tails if tail in below):
        with suppress(OSError):
            if filecmp.cmp(path, other, shallow=False):
                return True
    return False
