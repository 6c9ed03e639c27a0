"""The folds of a split: which speakers, texts, corpora or words of a table each holds out."""

from __future__ import annotations

import sys
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from avser_cli.data.clip import Clip
from avser_cli.data.corpora import known_corpora
from avser_cli.errors import CorpusError

FEWEST_A_SIDE = 2
"""Fewest clips of an emotion that each side must have."""
GROUP_FOLDS = 5
"""Folds of speakers or texts where none are published and there are more than so many."""

UNITS: dict[str, Callable[[Clip], str | None]] = {
    "speaker": lambda clip: clip.speaker,
    "text": lambda clip: clip.said,
    "corpus": lambda clip: clip.corpus,
    "table": lambda clip: clip.split,
}
"""What each split with folds holds out whole, by the split's kind."""
NAMED_FOLDS = ("corpus", "table")
"""Splits whose folds have names, which may be numbers."""


@dataclass(frozen=True)
class Fold:
    """What one fold of a split holds out.

    Attributes
    ----------
    number : int
        From 1 on.
    name : str
        A corpus's, or a table's word; else the number.
    held_out : tuple of str
        Speakers, texts, corpora or words of a table.
    unused : tuple of str
        Words of a table whose clips are on neither side.
    """

    number: int
    name: str
    held_out: tuple[str, ...]
    unused: tuple[str, ...] = ()


def split_folds(clips: Sequence[Clip], kind: str) -> tuple[Fold, ...]:
    """The folds of a split; none of those without folds.

    Folds of speakers are the corpus's published ones, if it has any, those of texts and of other
    speakers one each, or up to `GROUP_FOLDS` that are stratified by emotion where there are more.
    Folds of several corpora are joined, the first with the first.

    Parameters
    ----------
    clips : sequence of Clip
    kind : str
        One of `avser_cli.data.splits.SPLIT_KINDS`.

    Raises
    ------
    CorpusError
        A clip lacks what is held out, or there is only one of it.
    """
    if kind not in UNITS:
        return ()
    unit = UNITS[kind]
    units = {unit(clip) for clip in clips}
    if None in units:
        _refuse_unknown(clips, kind)
    words = sorted((str(word) for word in units), key=_in_order)
    if kind == "table":
        return _table_folds(words)
    if len(words) < 2:
        raise CorpusError(
            f"only one {kind}, {words[0]}: --split {kind} needs two or more; use --split random"
        )
    if kind == "corpus":
        return tuple(Fold(n, word, (word,)) for n, word in enumerate(words, start=1))
    folds: list[list[str]] = []
    assigned: set[str] = set()
    for corpus in sorted({clip.corpus for clip in clips}):
        mine = [x for x in clips if x.corpus == corpus and unit(x) not in assigned]
        for number, group in enumerate(_groups(corpus, mine, kind)):
            if number == len(folds):
                folds.append([])
            folds[number] += group
            assigned.update(group)
    return tuple(Fold(n, str(n), tuple(group)) for n, group in enumerate(folds, start=1))


def _in_order(word: str) -> tuple[int, str]:
    """Sorts numbers by their value, before words."""
    return (int(word), word) if word.isdecimal() else (sys.maxsize, word)


def _refuse_unknown(clips: Sequence[Clip], kind: str) -> None:
    unit = UNITS[kind]
    without = [clip.key for clip in clips if unit(clip) is None]
    word = "split" if kind == "table" else kind
    ways = "a level of folders or " if kind == "speaker" else ""
    raise CorpusError(
        f"{len(without)} clips have no {word}, e.g. {without[0]}; give {ways}a table with a column "
        f"{word}, or choose another --split"
    )


def _table_folds(words: Sequence[str]) -> tuple[Fold, ...]:
    """One fold that holds out ``test`` (or ``dev``); without ``train`` each word is a fold."""
    if "train" not in words:
        if len(words) < 2:
            raise CorpusError(f"--split table: all clips are of split {words[0]}; two are needed")
        return tuple(Fold(n, word, (word,)) for n, word in enumerate(words, start=1))
    others = [word for word in words if word != "train"]
    if not others:
        raise CorpusError("--split table: all clips are of split train, none are held out")
    held_out = next((word for word in ("test", "dev") if word in others), others[0])
    if held_out not in ("test", "dev") and len(others) > 1:
        raise CorpusError(
            f"--split table: besides train there are {', '.join(others)}; call what is held out "
            "test"
        )
    unused = tuple(word for word in others if word != held_out)
    return (Fold(1, held_out, (held_out,), unused),)


def _groups(corpus: str, clips: Sequence[Clip], kind: str) -> Sequence[Sequence[str]]:
    """The speakers or texts of a corpus that each of its folds holds out."""
    unit = UNITS[kind]
    units = sorted({str(unit(clip)) for clip in clips})
    known = known_corpora().get(corpus)
    if kind == "speaker" and known is not None and known.folds:
        published = [[f"{corpus}:{name}" for name in fold] for fold in known.folds]
        if set(units) <= {name for fold in published for name in fold}:
            # Of a part of the corpus, those that hold out somebody.
            there = [[name for name in fold if name in units] for fold in published]
            if len(folds := [fold for fold in there if fold]) > 1:
                return folds
    if len(units) <= GROUP_FOLDS:
        return [[word] for word in units]
    # As many folds as hold every emotion each; where no number does, as many as there may be.
    tried = [_stratified(clips, kind, count) for count in range(GROUP_FOLDS, 1, -1)]
    found = [folds for folds in tried if folds is not None]
    if not found:
        raise CorpusError(f"{corpus}: {len(clips)} clips are too few for --split {kind}")
    return next((folds for folds in found if _hold_all(clips, kind, folds)), found[0])


def _stratified(clips: Sequence[Clip], kind: str, count: int) -> list[list[str]] | None:
    """So many folds of speakers or texts, with a like share of each emotion; `None` of too few."""
    from sklearn.model_selection import StratifiedGroupKFold

    unit = UNITS[kind]
    ordered = sorted(clips, key=lambda clip: clip.key)
    members = [str(unit(clip)) for clip in ordered]
    emotions = [clip.emotion for clip in ordered]
    with warnings.catch_warnings():
        # An emotion with fewer clips than folds is seen to where sides are checked.
        warnings.simplefilter("ignore", UserWarning)
        try:
            splits = list(StratifiedGroupKFold(count).split(members, emotions, members))
        except ValueError:  # Every emotion has fewer clips than folds.
            return None
    return [sorted({members[row] for row in rows}) for _, rows in splits]


def _hold_all(clips: Sequence[Clip], kind: str, folds: Sequence[Sequence[str]]) -> bool:
    """Whether each fold holds out enough clips of every emotion."""
    unit = UNITS[kind]
    fold_of = {word: number for number, fold in enumerate(folds) for word in fold}
    counts = Counter((clip.emotion, fold_of[str(unit(clip))]) for clip in clips)
    emotions = {clip.emotion for clip in clips}
    return all(
        counts[emotion, number] >= FEWEST_A_SIDE
        for emotion in emotions
        for number in range(len(folds))
    )
