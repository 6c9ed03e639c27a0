"""Which clips are trained on and which are held out, and whether anything leaks between them.

Three protocols: ``random`` (stratified), ``speaker`` (no actor on both sides; EmoBox's six
folds) and ``statement`` (train on one sentence, test on the other). ``none`` holds nothing out.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from avser_cli.data.ravdess import ACTOR_FOLDS, Labels
from avser_cli.errors import CorpusError, UsageError
from avser_cli.untrusted_input import Checksum

SplitKind = Literal["random", "speaker", "statement", "none"]
SPLIT_KINDS: tuple[SplitKind, ...] = ("random", "speaker", "statement", "none")
SPLIT_ALIASES: dict[str, SplitKind] = {"paper": "random"}
"""Names of splits in bundles of format 1 and 2 and on older command lines."""
FEWEST_A_SIDE = 2
"""Fewest clips of an emotion that each side must have."""


@dataclass(frozen=True)
class Recording:
    """A clip as the splits see it.

    Attributes
    ----------
    name : str
        RAVDESS's name.
    labels : Labels
    samples_sha256 : str
        Checksum of its samples: equal for exact copies.
    duplicate_group : str
        Equal for exact and re-encoded copies, see `avser_cli.data.near_duplicates`; where nothing
        is given, for exact ones.
    """

    name: str
    labels: Labels
    samples_sha256: str
    duplicate_group: str = field(default="", compare=False)

    @property
    def sound(self) -> str:
        """A checksum that it shares with its known copies."""
        return self.duplicate_group or self.samples_sha256


@dataclass(frozen=True)
class SplitSettings:
    """What determines a split.

    Attributes
    ----------
    kind : {"random", "speaker", "statement", "none"}
    test_size : float
        Share of the clips held out (``random`` only).
    fold : int
        1 to 6: whose actors are held out (``speaker``); 1 or 2: which statement is (``statement``).
    seed : int
        Draws the random split (``random`` only).
    """

    kind: SplitKind = "random"
    test_size: float = 0.25
    fold: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in SPLIT_KINDS:
            raise UsageError(f"unknown split {self.kind!r}; known: {', '.join(SPLIT_KINDS)}")
        if not 0.0 < self.test_size < 1.0:
            raise UsageError(f"--test-size {self.test_size}: more than 0, less than 1")
        folds = {"speaker": len(ACTOR_FOLDS), "statement": 2}.get(self.kind, 1)
        if not 1 <= self.fold <= folds:
            raise UsageError(f"--fold {self.fold}: 1 to {folds} for --split {self.kind}")

    def describe(self) -> str:
        """In words, for tables and cards."""
        if self.kind == "random":
            return f"random (stratified, {self.test_size:.0%} held out, seed {self.seed})"
        if self.kind == "speaker":
            actors = ", ".join(map(str, ACTOR_FOLDS[self.fold - 1]))
            return f"speaker (fold {self.fold} of 6: actors {actors} held out)"
        if self.kind == "statement":
            return f"statement (statement {self.fold} held out)"
        return "none (trained on all clips)"


@dataclass(frozen=True)
class Split:
    """The members of each side, as RAVDESS names, and the checksums of their samples.

    Attributes
    ----------
    settings : SplitSettings
    train, test : dict
        Name to SHA-256 of the samples.
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


def split_recordings(recordings: Sequence[Recording], settings: SplitSettings) -> Split:
    """Divide recordings into a training and a held-out side.

    Raises
    ------
    CorpusError
        An emotion has too few clips on a side; the message names it and the counts.
    """
    if settings.kind == "random":
        held_out = _random_test(recordings, settings)
    elif settings.kind == "speaker":
        actors = ACTOR_FOLDS[settings.fold - 1]
        held_out = {r.name for r in recordings if r.labels.actor in actors}
    elif settings.kind == "statement":
        held_out = {r.name for r in recordings if r.labels.statement == settings.fold}
    else:
        held_out = set()
    train = {r.name: r.samples_sha256 for r in recordings if r.name not in held_out}
    test = {r.name: r.samples_sha256 for r in recordings if r.name in held_out}
    split = Split(settings, train, test)
    _check_side_sizes(recordings, split)
    return split


def _random_test(recordings: Sequence[Recording], settings: SplitSettings) -> set[str]:
    """Names of a stratified random share; recordings that exist twice stay on the training side."""
    duplicate_group = Counter(r.sound for r in recordings)
    by_emotion: defaultdict[str, list[str]] = defaultdict(list)
    for recording in sorted(recordings, key=lambda r: r.name):
        by_emotion[recording.labels.emotion].append(recording.name)
    single = {r.name for r in recordings if duplicate_group[r.sound] == 1}
    quotas = _quotas({e: len(names) for e, names in by_emotion.items()}, settings.test_size)
    test: set[str] = set()
    for emotion, names in by_emotion.items():
        candidates = [name for name in names if name in single]
        candidates.sort(key=lambda name: _draw(settings.seed, name))
        test.update(candidates[: quotas[emotion]])
    return test


def _draw(seed: int, name: str) -> bytes:
    """A clip's place in a seed's order: a hash, so that no library's generator decides it."""
    return hashlib.sha256(f"{seed}:{name}".encode()).digest()


def _quotas(counts: dict[str, int], share: float) -> dict[str, int]:
    """How many of each emotion to hold out: shares rounded so that they add up (largest rest)."""
    total = round(sum(counts.values()) * share)
    quotas = {emotion: int(count * share) for emotion, count in counts.items()}
    by_rest = sorted(counts, key=lambda e: (quotas[e] - counts[e] * share, e))
    for emotion in by_rest[: total - sum(quotas.values())]:
        quotas[emotion] += 1
    return quotas


def _check_side_sizes(recordings: Sequence[Recording], split: Split) -> None:
    emotion_of = {r.name: r.labels.emotion for r in recordings}
    sides = {"to train on": split.train}
    if split.settings.kind != "none":
        sides["held out"] = split.test
    for emotion in sorted(set(emotion_of.values())):
        for side, members in sides.items():
            count = sum(emotion_of[name] == emotion for name in members)
            if count < FEWEST_A_SIDE:
                raise CorpusError(
                    f"{emotion}: {count} clips {side} in split {split.settings.describe()}; at "
                    f"least {FEWEST_A_SIDE} are needed, so add clips or leave the emotion out"
                )


RE_ENCODED = "sound (re-encoded)"


@dataclass(frozen=True)
class Leak:
    """Something that stands on both sides of a split.

    Attributes
    ----------
    kind : {"samples", "sound (re-encoded)", "take", "actor", "statement"}
    trained, held_out : str
        A pair that shows it.
    """

    kind: str
    trained: str
    held_out: str

    def __str__(self) -> str:
        return f"same {self.kind}: {self.trained} (trained on) and {self.held_out} (held out)"


def find_leaks(recordings: Sequence[Recording], split: Split) -> list[Leak]:
    """Look for held-out clips that the training side gives away.

    The same samples, the same sound re-encoded and the same take are leaks in every split; the same
    actor in ``speaker``; the same statement in ``statement``.
    """
    keys: dict[str, Any] = {
        "samples": lambda r: r.samples_sha256,
        RE_ENCODED: lambda r: r.sound,
        "take": lambda r: r.labels.take,
    }
    if split.settings.kind == "speaker":
        keys["actor"] = lambda r: r.labels.actor
    elif split.settings.kind == "statement":
        keys["statement"] = lambda r: r.labels.statement
    trained = [r for r in recordings if r.name in split.train]
    held_out = [r for r in recordings if r.name in split.test]
    leaks = []
    for kind, key in keys.items():
        seen = {key(r): r.name for r in trained}
        leaks += [Leak(kind, seen[key(r)], r.name) for r in held_out if key(r) in seen]
    exact = {leak.held_out for leak in leaks if leak.kind == "samples"}
    return [leak for leak in leaks if leak.kind != RE_ENCODED or leak.held_out not in exact]
