"""Whether the training side of a split gives held-out clips away."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

from avser_cli.data.clip import Clip
from avser_cli.data.folds import UNITS
from avser_cli.data.overlaps import overlapping_pairs
from avser_cli.data.splits import Split, check_side_sizes

RE_ENCODED = "sound (re-encoded)"
"""Kind of leak: equal to the ear, though no sample may be."""
PART = "part"
"""Kind of leak: overlapping parts of one file."""


@dataclass(frozen=True)
class Leak:
    """Something that stands on both sides of a split.

    Attributes
    ----------
    kind : {"samples", "part", "sound (re-encoded)", "take", "speaker", "text", "corpus"}
    trained, held_out : str
        A pair that shows it.
    """

    kind: str
    trained: str
    held_out: str

    def __str__(self) -> str:
        what = "overlapping parts of one file" if self.kind == PART else f"same {self.kind}"
        return f"{what}: {self.trained} (trained on) and {self.held_out} (held out)"


def find_leaks(clips: Sequence[Clip], split: Split) -> list[Leak]:
    """Look for held-out clips that the training side gives away.

    The same samples, overlapping parts of one file, the same sound re-encoded and the same take are
    leaks in every split; the same speaker, text or corpus in the split of that name.
    """
    keys: dict[str, Callable[[Clip], Hashable]] = {
        "samples": lambda clip: clip.samples_sha256,
        RE_ENCODED: lambda clip: clip.sound,
        "take": lambda clip: clip.recording,
    }
    if split.settings.kind in ("speaker", "text", "corpus"):
        keys[split.settings.kind] = UNITS[split.settings.kind]
    trained = [clip for clip in clips if clip.key in split.train]
    held_out = [clip for clip in clips if clip.key in split.test]
    leaks = []
    for kind, key in keys.items():
        seen = {found: clip.key for clip in trained if (found := key(clip)) is not None}
        leaks += [Leak(kind, seen[key(x)], x.key) for x in held_out if key(x) in seen]
    parts = [Leak(PART, one.key, x.key) for x, one in overlapping_pairs(held_out, trained)]
    exact = {leak.held_out for leak in leaks if leak.kind == "samples"}
    same_file = exact | {leak.held_out for leak in parts}
    return [
        *(leak for leak in parts if leak.held_out not in exact),
        *(leak for leak in leaks if leak.kind != RE_ENCODED or leak.held_out not in same_file),
    ]


def without_copies(clips: Sequence[Clip], split: Split) -> Split:
    """The same split without training clips that are copies, exact or re-encoded, of held-out ones.

    Parts of a file that overlap held-out ones are left out, too.

    Raises
    ------
    CorpusError
        An emotion has too few clips left to train on.
    """
    sounds = {clip.sound for clip in clips if clip.key in split.test}
    copies = {clip.key for clip in clips if clip.sound in sounds}
    held_out = [clip for clip in clips if clip.key in split.test]
    trained = [clip for clip in clips if clip.key in split.train]
    copies |= {clip.key for clip, _ in overlapping_pairs(trained, held_out)}
    train = {key: samples for key, samples in split.train.items() if key not in copies}
    left = replace(split, train=train)
    check_side_sizes(clips, left)
    return left
