"""A folder an emotion: ``happy/one.wav``, ``anna/Anger/two.wav``."""

from __future__ import annotations

import filecmp
from collections import Counter
from collections.abc import Iterable, Mapping, Set
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
    """

    clips: tuple[Clip, ...]
    unknown: Mapping[str, int]
    loose: tuple[Path, ...]
    copies: tuple[Path, ...] = ()


def read_emotion_folders(
    folder: Path,
    files: Iterable[Path],
    mapping: Mapping[str, str] | None = None,
    corpus: str | None = None,
) -> EmotionFolders:
    """Clips labelled by the folder that they lie in; the innermost emotion counts.

    A further level of folders is taken for speakers where it has more than one name or lies below
    the emotions; ``train``, ``dev`` and ``test`` are splits.

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
    read, unknown, loose, copies = [], Counter[str](), [], []
    ordered = sorted(files)
    below = {path.relative_to(folder).parts for path in ordered}
    for path in ordered:
        relative = path.relative_to(folder)
        parents = relative.parts[:-1]
        labels = [read_emotion(name, mapping) for name in parents]
        at = max((n for n, label in enumerate(labels) if label is not None), default=None)
        if at is None:
            if parents:
                unknown[parents[-1]] += 1
            else:
                loose.append(path)
            continue
        if _is_copy(path, folder, [relative.parts[n:] for n in range(1, at + 1)], below):
            copies.append(path)
            continue
        others = [name for n, name in enumerate(parents) if n != at]
        splits = [SPLITS[name.casefold()] for name in others if name.casefold() in SPLITS]
        speaker = "/".join(name for name in others if name.casefold() not in SPLITS)
        inner = any(name.casefold() not in SPLITS for name in parents[at + 1 :])
        read.append((path, str(labels[at]), speaker, splits[-1] if splits else None, inner))
    if not read:
        names = ", ".join(sorted(unknown)[:NAMED_FOLDERS]) or "none"
        raise CorpusError(
            f"{folder}: no folder with sounds is named for an emotion; folders: {names}; "
            "name labels with --map, e.g. --map fun=happy"
        )
    keys = clip_keys(corpus, [path.relative_to(folder) for path, *_ in read])
    by_folder = len({speaker for *_, speaker, _, _ in read}) > 1 or all(inner for *_, inner in read)
    clips = tuple(
        Clip(
            key=key,
            path=path,
            corpus=corpus,
            emotion=emotion,
            speaker=f"{corpus}:{speaker}" if by_folder and speaker else None,
            split=split,
        )
        for key, (path, emotion, speaker, split, _) in zip(keys, read, strict=True)
    )
    in_order = tuple(sorted(clips, key=lambda clip: clip.key))
    return EmotionFolders(in_order, dict(unknown), tuple(loose), tuple(copies))


def _is_copy(
    path: Path, folder: Path, tails: Iterable[tuple[str, ...]], below: Set[tuple[str, ...]]
) -> bool:
    """Whether the end of a file's path below the folder is the path of an equal file."""
    for other in (folder.joinpath(*tail) for tail in tails if tail in below):
        with suppress(OSError):
            if filecmp.cmp(path, other, shallow=False):
                return True
    return False
