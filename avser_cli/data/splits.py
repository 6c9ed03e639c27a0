"""Which clips are trained on and which are held out.

``random`` is stratified; ``speaker``, ``text`` and ``corpus`` have nobody, no sentence or no corpus
on both sides; ``table`` is what the data say themselves; ``none`` holds nothing out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from avser_cli.checksums import sha256
from avser_cli.data.clip import Clip
from avser_cli.data.corpora import find_corpus
from avser_cli.data.folds import FEWEST_A_SIDE, NAMED_FOLDS, UNITS, Fold, split_folds
from avser_cli.data.overlaps import overlap_chains
from avser_cli.errors import CorpusError, UsageError
from avser_cli.untrusted_input import Checksum

SplitKind = Literal["random", "speaker", "text", "corpus", "table", "none"]
SPLIT_KINDS: tuple[SplitKind, ...] = ("random", "speaker", "text", "corpus", "table", "none")
MAX_SEED = 2**31 - 1
FOLDED = tuple(UNITS)
"""Splits with folds, each of which holds out other clips."""
SPLIT_ALIASES: dict[str, SplitKind] = {"paper": "random", "statement": "text"}
"""Names of splits in older bundles and on older command lines."""
NAMED = 6
"""Members of a held-out side that are named before the others are counted."""


@dataclass(frozen=True)
class SplitSettings:
    """What determines a split.

    Attributes
    ----------
    kind : {"random", "speaker", "text", "corpus", "table", "none"}
    test_size : float
        Share of the clips held out (``random`` only).
    fold : int or str
        Which fold is held out, by number from 1 on or, of corpora and tables, by name; a text that
        is no name counts as a number.
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
        check_seed(self.seed)
        if self.fold != 1 and self.kind not in FOLDED:
            raise UsageError(f"fold {self.fold}: split {self.kind} has no folds")
        if self.fold == "" or (isinstance(self.fold, int) and self.fold < 1):
            raise UsageError(f"fold {self.fold}: a number from 1 on, or a name")

    def describe(self) -> str:
        """In words, for tables and cards."""
        if self.kind == "random":
            return f"random (stratified, {self.test_size:.0%} held out, seed {self.seed})"
        if self.kind == "none":
            return "none (trained on all clips)"
        held_out, folds = self._held_out()
        if not held_out:
            return f"{self.kind} (fold {self.fold})"
        if self.kind in NAMED_FOLDS:
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


def check_seed(seed: int) -> None:
    """Raise `UsageError` where a training could not be drawn by a seed."""
    if not 0 <= seed <= MAX_SEED:
        raise UsageError(f"seed {seed}: 0 to {MAX_SEED}")


def find_fold(folds: Sequence[Fold], settings: SplitSettings) -> Fold:
    """The fold that is asked for, by number or name.

    Raises
    ------
    UsageError
        There is none; the message says which there are.
    """
    asked = settings.fold
    # Names may be numbers, and other ones than the folds'.
    if isinstance(asked, str):
        for fold in folds:
            if fold.name.casefold() == asked.casefold():
                return fold
    if str(asked).isdecimal() and 1 <= int(asked) <= len(folds):
        return folds[int(asked) - 1]
    named = "" if folds[0].name == "1" else f": {', '.join(fold.name for fold in folds)}"
    raise UsageError(f"fold {asked}: split {settings.kind} has folds 1 to {len(folds)} here{named}")


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
        unit = UNITS[settings.kind]
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
    check_side_sizes(clips, split)
    return split


def _random_test(clips: Sequence[Clip], settings: SplitSettings) -> set[str]:
    """Keys of a stratified random share.

    Recordings that exist twice and overlapping parts of one file stay on the training side.
    """
    sounds = Counter(clip.sound for clip in clips)
    takes = Counter(clip.recording for clip in clips)
    takes[None] = 1
    by_emotion: defaultdict[str, list[str]] = defaultdict(list)
    for clip in sorted(clips, key=lambda clip: clip.key):
        by_emotion[clip.emotion].append(clip.key)
    single = {x.key for x in clips if sounds[x.sound] == 1 and takes[x.recording] == 1}
    single -= {clip.key for chain in overlap_chains(clips) for clip in chain}
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


def check_side_sizes(clips: Sequence[Clip], split: Split) -> None:
    """Raise `CorpusError` where a side has fewer than `FEWEST_A_SIDE` clips of an emotion."""
    emotion_of = {clip.key: clip.emotion for clip in clips}
    sides = {"to train on": split.train}
    if split.settings.kind != "none":
        sides["held out"] = split.test
    for emotion in sorted(set(emotion_of.values())):
        for side, members in sides.items():
            count = sum(emotion_of[key] == emotion for key in members)
            if count < FEWEST_A_SIDE:
                others = sorted(set(emotion_of.values()) - {emotion})
                kept = _never_held_out(clips, split)
                way = f" or take --emotions {','.join(others)}" if len(others) > 1 else ""
                raise CorpusError(
                    f"{emotion}: {count} clips {side} in split {split.settings.describe()}; at "
                    f"least {FEWEST_A_SIDE} are needed: add clips{way}{kept}"
                )


def _never_held_out(clips: Sequence[Clip], split: Split) -> str:
    """What a random split holds back, in words, where it does."""
    if split.settings.kind != "random":
        return ""
    parts = sum(map(len, overlap_chains(clips)))
    return f"; {parts} clips overlap others of their file and are only trained on" if parts else ""
