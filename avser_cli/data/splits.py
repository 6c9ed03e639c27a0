"""Which clips are trained on and which are held out, and whether anything leaks between them.

``random`` is stratified; ``speaker``, ``text`` and ``corpus`` have nobody, no sentence or no corpus
on both sides; ``table`` is what the data say themselves; ``none`` holds nothing out.
"""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from avser_cli.checksums import sha256
from avser_cli.data.clip import Clip
from avser_cli.data.corpora import find_corpus, known_corpora
from avser_cli.errors import CorpusError, UsageError
from avser_cli.untrusted_input import Checksum

SplitKind = Literal["random", "speaker", "text", "corpus", "table", "none"]
SPLIT_KINDS: tuple[SplitKind, ...] = ("random", "speaker", "text", "corpus", "table", "none")
FOLDED: tuple[SplitKind, ...] = ("speaker", "text", "corpus", "table")
"""Splits with folds, each of which holds out other clips."""
SPLIT_ALIASES: dict[str, SplitKind] = {"paper": "random", "statement": "text"}
"""Names of splits in older bundles and on older command lines."""
FEWEST_A_SIDE = 2
"""Fewest clips of an emotion that each side must have."""
GROUP_FOLDS = 5
"""Folds of speakers or texts where none are published and there are more than so many."""
NAMED = 6
"""Members of a held-out side that are named before the others are counted."""

_UNITS: dict[SplitKind, Callable[[Clip], str | None]] = {
    "speaker": lambda clip: clip.speaker,
    "text": lambda clip: clip.said,
    "corpus": lambda clip: clip.corpus,
    "table": lambda clip: clip.split,
}
"""What each split with folds holds out whole."""


@dataclass(frozen=True)
class SplitSettings:
    """What determines a split.

    Attributes
    ----------
    kind : {"random", "speaker", "text", "corpus", "table", "none"}
    test_size : float
        Share of the clips held out (``random`` only).
    fold : int or str
        Which fold is held out, by number from 1 on or, of corpora and tables, by name.
    seed : int
        Draws the random split (``random`` only).
    held_out : tuple of str
        Speakers, texts, corpora or words of a table that the fold holds out; empty until clips are
        split.
    folds : int
        Number of folds, 0 until clips are split.
    """

    kind: SplitKind = "random"
    test_size: float = 0.25
    fold: int | str = 1
    seed: int = 0
    held_out: tuple[str, ...] = field(default=(), compare=False)
    folds: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        if self.kind not in SPLIT_KINDS:
            raise UsageError(f"unknown split {self.kind!r}; known: {', '.join(SPLIT_KINDS)}")
        if not 0.0 < self.test_size < 1.0:
            raise UsageError(f"--test-size {self.test_size}: more than 0, less than 1")
        if self.fold != 1 and self.kind not in FOLDED:
            raise UsageError(f"--fold {self.fold}: --split {self.kind} has no folds")
        if self.fold == "" or (isinstance(self.fold, int) and self.fold < 1):
            raise UsageError(f"--fold {self.fold}: a number from 1 on, or a name")

    def describe(self) -> str:
        """In words, for tables and cards."""
        if self.kind == "random":
            return f"random (stratified, {self.test_size:.0%} held out, seed {self.seed})"
        if self.kind == "none":
            return "none (trained on all clips)"
        held_out, folds = self._held_out()
        if not held_out:
            return f"{self.kind} (fold {self.fold})"
        if self.kind in ("corpus", "table"):
            return f"{self.kind} ({', '.join(held_out)} held out)"
        shared = {name.split(":", 1)[0] for name in held_out if ":" in name}
        prefix = f"{shared.pop()}:" if len(shared) == 1 else ""
        names = [name.removeprefix(prefix) for name in held_out]
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        several = "s" if len(names) > 1 else ""
        listed = f"{self.kind}{several} {', '.join(names[:NAMED])}{more}"
        return f"{self.kind} (fold {self.fold} of {folds}: {listed} held out)"

    def _held_out(self) -> tuple[tuple[str, ...], int]:
        """Those of the settings; of older bundles, which know RAVDESS only, those of its folds."""
        if self.held_out or not isinstance(self.fold, int):
            return self.held_out, self.folds
        ravdess = find_corpus("ravdess")
        of_speakers = [tuple(f"ravdess:{name}" for name in fold) for fold in ravdess.folds]
        of_texts = [(f"ravdess:{text}",) for text in ravdess.texts.values()]
        known = of_speakers if self.kind == "speaker" else of_texts if self.kind == "text" else []
        return (known[self.fold - 1] if self.fold <= len(known) else ()), len(known)


@dataclass(frozen=True)
class Split:
    """The members of each side by key, and the checksums of their samples.

    Attributes
    ----------
    settings : SplitSettings
    train, test : dict
        Key of the clip to SHA-256 of its samples.
    """

    settings: SplitSettings
    train: dict[str, Checksum]
    test: dict[str, Checksum]

    @staticmethod
    def with_current_names(values: dict[str, Any]) -> dict[str, Any]:
        """The same values with the kind's name of today, see `SPLIT_ALIASES`."""
        settings = dict(values["settings"])
        settings["kind"] = SPLIT_ALIASES.get(settings["kind"], settings["kind"])
        return {**values, "settings": settings}


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


def split_folds(clips: Sequence[Clip], kind: SplitKind) -> tuple[Fold, ...]:
    """The folds of a split; none of those without folds.

    Folds of speakers are the corpus's published ones, if it has any, those of texts and of other
    speakers one each, or up to `GROUP_FOLDS` that are stratified by emotion where there are more.
    Folds of several corpora are joined, the first with the first.

    Raises
    ------
    CorpusError
        A clip lacks what is held out, or there is only one of it.
    """
    if kind not in FOLDED:
        return ()
    unit = _UNITS[kind]
    units = {unit(clip) for clip in clips}
    if None in units:
        _refuse_unknown(clips, kind)
    words = sorted(str(word) for word in units)
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


def _refuse_unknown(clips: Sequence[Clip], kind: SplitKind) -> None:
    unit = _UNITS[kind]
    without = [clip.key for clip in clips if unit(clip) is None]
    word = "split" if kind == "table" else kind
    raise CorpusError(
        f"{len(without)} clips have no {word}, e.g. {without[0]}; give a table with a column "
        f"{word}, or choose another --split"
    )


def _table_folds(words: Sequence[str]) -> tuple[Fold, ...]:
    """One fold that holds out ``test`` (or ``dev``); else each word of the table is a fold."""
    if "train" not in words:
        if len(words) < 2:
            raise CorpusError(f"--split table: all clips are of split {words[0]}; two are needed")
        return tuple(Fold(n, word, (word,)) for n, word in enumerate(words, start=1))
    others = [word for word in words if word != "train"]
    held_out = next((word for word in ("test", "dev", *others) if word in others), None)
    if held_out is None:
        raise CorpusError("--split table: all clips are of split train, none are held out")
    unused = tuple(word for word in others if word != held_out)
    return (Fold(1, held_out, (held_out,), unused),)


def _groups(corpus: str, clips: Sequence[Clip], kind: SplitKind) -> Sequence[Sequence[str]]:
    """The speakers or texts of a corpus that each of its folds holds out."""
    unit = _UNITS[kind]
    units = sorted({str(unit(clip)) for clip in clips})
    known = known_corpora().get(corpus)
    if kind == "speaker" and known is not None and known.folds:
        published = [[f"{corpus}:{name}" for name in fold] for fold in known.folds]
        if set(units) <= {name for fold in published for name in fold}:
            return published
    if len(units) <= GROUP_FOLDS:
        return [[word] for word in units]
    # As many folds as hold every emotion each; where no number does, as many as there may be.
    tried = [_stratified(clips, kind, count) for count in range(GROUP_FOLDS, 1, -1)]
    found = [folds for folds in tried if folds is not None]
    if not found:
        raise CorpusError(f"{corpus}: {len(clips)} clips are too few for --split {kind}")
    return next((folds for folds in found if _hold_all(clips, kind, folds)), found[0])


def _stratified(clips: Sequence[Clip], kind: SplitKind, count: int) -> list[list[str]] | None:
    """So many folds of speakers or texts, with a like share of each emotion; `None` of too few."""
    from sklearn.model_selection import StratifiedGroupKFold

    unit = _UNITS[kind]
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


def _hold_all(clips: Sequence[Clip], kind: SplitKind, folds: Sequence[Sequence[str]]) -> bool:
    """Whether each fold holds out enough clips of every emotion."""
    unit = _UNITS[kind]
    fold_of = {word: number for number, fold in enumerate(folds) for word in fold}
    counts = Counter((clip.emotion, fold_of[str(unit(clip))]) for clip in clips)
    emotions = {clip.emotion for clip in clips}
    return all(
        counts[emotion, number] >= FEWEST_A_SIDE
        for emotion in emotions
        for number in range(len(folds))
    )


def find_fold(folds: Sequence[Fold], settings: SplitSettings) -> Fold:
    """The fold that is asked for, by number or name.

    Raises
    ------
    UsageError
        There is none; the message says which there are.
    """
    for fold in folds:
        if settings.fold in (fold.number, fold.name, str(fold.number)):
            return fold
    named = "" if folds[0].name == "1" else f": {', '.join(fold.name for fold in folds)}"
    raise UsageError(
        f"--fold {settings.fold}: --split {settings.kind} has folds 1 to {len(folds)} here{named}"
    )


def check_fold(clips: Sequence[Clip], settings: SplitSettings) -> None:
    """Raise what `split_clips` would raise where there is no such fold."""
    if settings.kind in FOLDED:
        find_fold(split_folds(clips, settings.kind), settings)


def split_clips(clips: Sequence[Clip], settings: SplitSettings) -> Split:
    """Divide clips into a training and a held-out side.

    Returns
    -------
    Split
        Its settings say what is held out.

    Raises
    ------
    CorpusError
        An emotion has too few clips on a side, the message names it and the counts; or see
        `split_folds`.
    UsageError
        There is no such fold.
    """
    held_out: set[str] = set()
    unused: set[str] = set()
    if settings.kind in FOLDED:
        unit = _UNITS[settings.kind]
        folds = split_folds(clips, settings.kind)
        fold = find_fold(folds, settings)
        held_out = {clip.key for clip in clips if unit(clip) in fold.held_out}
        unused = {clip.key for clip in clips if unit(clip) in fold.unused}
        settings = replace(settings, held_out=fold.held_out, folds=len(folds))
    elif settings.kind == "random":
        held_out = _random_test(clips, settings)
    neither = held_out | unused
    train = {clip.key: clip.samples_sha256 for clip in clips if clip.key not in neither}
    test = {clip.key: clip.samples_sha256 for clip in clips if clip.key in held_out}
    split = Split(settings, train, test)
    _check_side_sizes(clips, split)
    return split


def _random_test(clips: Sequence[Clip], settings: SplitSettings) -> set[str]:
    """Keys of a stratified random share; recordings that exist twice stay on the training side."""
    sounds = Counter(clip.sound for clip in clips)
    takes = Counter(clip.recording for clip in clips)
    takes[None] = 1
    by_emotion: defaultdict[str, list[str]] = defaultdict(list)
    for clip in sorted(clips, key=lambda clip: clip.key):
        by_emotion[clip.emotion].append(clip.key)
    single = {x.key for x in clips if sounds[x.sound] == 1 and takes[x.recording] == 1}
    quotas = _quotas({e: len(keys) for e, keys in by_emotion.items()}, settings.test_size)
    test: set[str] = set()
    for emotion, keys in by_emotion.items():
        candidates = [key for key in keys if key in single]
        candidates.sort(key=lambda key: _draw(settings.seed, key))
        test.update(candidates[: quotas[emotion]])
    return test


def _draw(seed: int, key: str) -> str:
    """A clip's place in a seed's order: a hash, so that no library's generator decides it."""
    return sha256(f"{seed}:{key}".encode())


def _quotas(counts: dict[str, int], share: float) -> dict[str, int]:
    """How many of each emotion to hold out: shares rounded so that they add up (largest rest)."""
    total = round(sum(counts.values()) * share)
    quotas = {emotion: int(count * share) for emotion, count in counts.items()}
    by_rest = sorted(counts, key=lambda e: (quotas[e] - counts[e] * share, e))
    for emotion in by_rest[: total - sum(quotas.values())]:
        quotas[emotion] += 1
    return quotas


def _check_side_sizes(clips: Sequence[Clip], split: Split) -> None:
    emotion_of = {clip.key: clip.emotion for clip in clips}
    sides = {"to train on": split.train}
    if split.settings.kind != "none":
        sides["held out"] = split.test
    for emotion in sorted(set(emotion_of.values())):
        for side, members in sides.items():
            count = sum(emotion_of[key] == emotion for key in members)
            if count < FEWEST_A_SIDE:
                raise CorpusError(
                    f"{emotion}: {count} clips {side} in split {split.settings.describe()}; at "
                    f"least {FEWEST_A_SIDE} are needed, so add clips or leave the emotion out"
                )


def without_copies(clips: Sequence[Clip], split: Split) -> Split:
    """The same split without training clips that are copies, exact or re-encoded, of held-out ones.

    Raises
    ------
    CorpusError
        An emotion has too few clips left to train on.
    """
    sounds = {clip.sound for clip in clips if clip.key in split.test}
    copies = {clip.key for clip in clips if clip.sound in sounds}
    train = {key: samples for key, samples in split.train.items() if key not in copies}
    left = replace(split, train=train)
    _check_side_sizes(clips, left)
    return left


RE_ENCODED = "sound (re-encoded)"


@dataclass(frozen=True)
class Leak:
    """Something that stands on both sides of a split.

    Attributes
    ----------
    kind : {"samples", "sound (re-encoded)", "take", "speaker", "text", "corpus"}
    trained, held_out : str
        A pair that shows it.
    """

    kind: str
    trained: str
    held_out: str

    def __str__(self) -> str:
        return f"same {self.kind}: {self.trained} (trained on) and {self.held_out} (held out)"


def find_leaks(clips: Sequence[Clip], split: Split) -> list[Leak]:
    """Look for held-out clips that the training side gives away.

    The same samples, the same sound re-encoded and the same take are leaks in every split; the same
    speaker, text or corpus in the split of that name.
    """
    keys: dict[str, Callable[[Clip], Hashable]] = {
        "samples": lambda clip: clip.samples_sha256,
        RE_ENCODED: lambda clip: clip.sound,
        "take": lambda clip: clip.recording,
    }
    if split.settings.kind in ("speaker", "text", "corpus"):
        keys[split.settings.kind] = _UNITS[split.settings.kind]
    trained = [clip for clip in clips if clip.key in split.train]
    held_out = [clip for clip in clips if clip.key in split.test]
    leaks = []
    for kind, key in keys.items():
        seen = {found: clip.key for clip in trained if (found := key(clip)) is not None}
        leaks += [Leak(kind, seen[key(x)], x.key) for x in held_out if key(x) in seen]
    exact = {leak.held_out for leak in leaks if leak.kind == "samples"}
    return [leak for leak in leaks if leak.kind != RE_ENCODED or leak.held_out not in exact]
