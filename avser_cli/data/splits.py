"""Which clips are trained on and which are held out, and whether anything leaks between them.

Three protocols: ``random`` (stratified), ``speaker`` (no speaker on both sides; EmoBox's six
folds) and ``statement`` (train on one sentence, test on the other). ``none`` holds nothing out.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from avser_cli.checksums import sha256
from avser_cli.data.clip import Clip
from avser_cli.data.corpora import find_corpus
from avser_cli.errors import CorpusError, UsageError
from avser_cli.untrusted_input import Checksum

SplitKind = Literal["random", "speaker", "statement", "none"]
SPLIT_KINDS: tuple[SplitKind, ...] = ("random", "speaker", "statement", "none")
SPLIT_ALIASES: dict[str, SplitKind] = {"paper": "random"}
"""Names of splits in bundles of format 1 and 2 and on older command lines."""
FEWEST_A_SIDE = 2
"""Fewest clips of an emotion that each side must have."""


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
        folds = {"speaker": len(_speaker_folds()), "statement": 2}.get(self.kind, 1)
        if not 1 <= self.fold <= folds:
            raise UsageError(f"--fold {self.fold}: 1 to {folds} for --split {self.kind}")

    def describe(self) -> str:
        """In words, for tables and cards."""
        if self.kind == "random":
            return f"random (stratified, {self.test_size:.0%} held out, seed {self.seed})"
        if self.kind == "speaker":
            actors = ", ".join(str(int(name)) for name in _speaker_folds()[self.fold - 1])
            return f"speaker (fold {self.fold} of 6: actors {actors} held out)"
        if self.kind == "statement":
            return f"statement (statement {self.fold} held out)"
        return "none (trained on all clips)"


def _speaker_folds() -> tuple[tuple[str, ...], ...]:
    return find_corpus("ravdess").folds


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


def split_clips(clips: Sequence[Clip], settings: SplitSettings) -> Split:
    """Divide clips into a training and a held-out side.

    Raises
    ------
    CorpusError
        An emotion has too few clips on a side; the message names it and the counts.
    """
    if settings.kind == "random":
        held_out = _random_test(clips, settings)
    elif settings.kind == "speaker":
        speakers = {f"ravdess:{name}" for name in _speaker_folds()[settings.fold - 1]}
        held_out = {clip.key for clip in clips if clip.speaker in speakers}
    elif settings.kind == "statement":
        held_out = {clip.key for clip in clips if clip.text == f"{settings.fold:02d}"}
    else:
        held_out = set()
    train = {clip.key: clip.samples_sha256 for clip in clips if clip.key not in held_out}
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


RE_ENCODED = "sound (re-encoded)"


@dataclass(frozen=True)
class Leak:
    """Something that stands on both sides of a split.

    Attributes
    ----------
    kind : {"samples", "sound (re-encoded)", "take", "speaker", "statement"}
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
    speaker in ``speaker``; the same statement in ``statement``.
    """
    keys: dict[str, Callable[[Clip], Hashable]] = {
        "samples": lambda clip: clip.samples_sha256,
        RE_ENCODED: lambda clip: clip.sound,
        "take": lambda clip: clip.recording,
    }
    if split.settings.kind == "speaker":
        keys["speaker"] = lambda clip: clip.speaker
    elif split.settings.kind == "statement":
        keys["statement"] = lambda clip: clip.said
    trained = [clip for clip in clips if clip.key in split.train]
    held_out = [clip for clip in clips if clip.key in split.test]
    leaks = []
    for kind, key in keys.items():
        seen = {found: clip.key for clip in trained if (found := key(clip)) is not None}
        leaks += [Leak(kind, seen[key(x)], x.key) for x in held_out if key(x) in seen]
    exact = {leak.held_out for leak in leaks if leak.kind == "samples"}
    return [leak for leak in leaks if leak.kind != RE_ENCODED or leak.held_out not in exact]
