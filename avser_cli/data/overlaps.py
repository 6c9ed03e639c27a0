"""Clips that are overlapping parts of one file: what is heard in one is heard in the other."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import accumulate
from pathlib import Path

from avser_cli.data.clip import Clip

TOUCHING = 0.001
"""Seconds that two parts may share and still stand side by side: times in tables are rounded."""


def overlap_chains(clips: Sequence[Clip]) -> list[list[Clip]]:
    """Clips of one file, each of which overlaps another one of its list; of no other clips.

    Where all files are whole there are none: their copies are known by their samples.
    """
    if not _has_parts(clips):
        return []
    chains: list[list[Clip]] = []
    for same in _by_file(clips).values():
        reached = -math.inf
        for clip in sorted(same, key=_span):
            start, end = _span(clip)
            if start >= reached - TOUCHING:
                chains.append([])
                reached = end
            chains[-1].append(clip)
            reached = max(reached, end)
    return [chain for chain in chains if len(chain) > 1]


def overlapping_pairs(clips: Sequence[Clip], others: Sequence[Clip]) -> list[tuple[Clip, Clip]]:
    """Each of some clips that overlaps one of the others, with one that it overlaps."""
    if not _has_parts([*clips, *others]):
        return []
    there = _by_file(others)
    found = []
    for file, same in _by_file(clips).items():
        ordered = sorted(there.get(file, ()), key=_span)
        starts = [_span(other)[0] for other in ordered]
        # For each, the one that ends last of those that start no later.
        last_to_end = list(accumulate(ordered, _later_end))
        for clip in same:
            start, end = _span(clip)
            begun = bisect_left(starts, end - TOUCHING)
            if begun and _span(last_to_end[begun - 1])[1] - TOUCHING > start:
                found.append((clip, last_to_end[begun - 1]))
    return found


def _has_parts(clips: Iterable[Clip]) -> bool:
    return any(clip.start is not None or clip.end is not None for clip in clips)


def _by_file(clips: Iterable[Clip]) -> dict[Path, list[Clip]]:
    """By one path a file, whether a table names it from the root or from its folder."""
    folders: dict[Path, Path] = {}
    found = defaultdict[Path, list[Clip]](list)
    for clip in clips:
        folder = clip.path.parent
        if folder not in folders:
            folders[folder] = folder.resolve()
        found[folders[folder] / clip.path.name].append(clip)
    return found


def _later_end(one: Clip, other: Clip) -> Clip:
    return max(one, other, key=lambda clip: _span(clip)[1])


def _span(clip: Clip) -> tuple[float, float]:
    return clip.start or 0.0, math.inf if clip.end is None else clip.end
