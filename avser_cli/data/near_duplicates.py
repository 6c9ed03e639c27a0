"""Copies of one recording under several names: exact ones, and re-encoded ones by their sketches.

Measured on RAVDESS's 1,316 clips of four emotions and on re-encoded copies of 60 drawn at random
(2026-11-24), in pictures of the recipe ``default``: the highest likeness of two different clips is
0.968 (the next ones 0.960; two takes of one actor, sentence and emotion each), the lowest of a copy
0.995 after MP3 at 64 kbit/s, 0.996 after Ogg Vorbis, 0.997 at 16 kHz, 0.999 at -6 dB, 0.997 with
0.2 s of silence, and 0.992 after all of it. In those of the recipe ``paper``: 0.980, and 0.992 or
more, but 0.846 at 16 kHz: those pictures end at the Nyquist frequency, and their rows are too
coarse to be compared at two rates.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from avser_cli.features.fingerprint import BANDS, FRAMES, Fingerprint

MIN_SIMILARITY = 0.985
"""Correlation of two sketches from which on they are taken for those of one recording."""

POOLED, CANDIDATE = 4, 0.85
"""Frames that are averaged for a first look, and the correlation that asks for a second."""
MAX_SHIFT = 4
"""Frames by which two sketches may lie apart; they are tried at quarters of a frame."""


def duplicate_groups(
    checksums: Sequence[str], fingerprints: Sequence[Fingerprint | None]
) -> list[str]:
    """For each recording a checksum that it shares with its copies, and with nothing else.

    Parameters
    ----------
    checksums : sequence of str
        Of the samples: equal for exact copies.
    fingerprints : sequence of numpy.ndarray or None
        ``None`` where there is none: re-encoded copies are not looked for.

    Returns
    -------
    list of str
        A recording without re-encoded copies has its own checksum.
    """
    group = {checksum: checksum for checksum in checksums}

    def head(checksum: str) -> str:
        while group[checksum] != checksum:
            checksum = group[checksum]
        return checksum

    known = [number for number, fingerprint in enumerate(fingerprints) if fingerprint is not None]
    stack = np.array([fingerprints[number] for number in known])
    for one, other in _candidates(stack) if known else ():
        first, second = sorted(head(checksums[known[number]]) for number in (one, other))
        if first != second and similarity(stack[one], stack[other]) >= MIN_SIMILARITY:
            group[second] = first
    return [head(checksum) for checksum in checksums]


def similarity(one: Fingerprint, other: Fingerprint) -> float:
    """The highest correlation of two sketches over small shifts in time."""
    inner = one[:, MAX_SHIFT:-MAX_SHIFT]
    length, best = inner.shape[1], 0.0
    for quarters in range(8 * MAX_SHIFT):
        start, rest = divmod(quarters, 4)
        shifted = other[:, start : start + length] * (1 - rest / 4)
        shifted = shifted + other[:, start + 1 : start + 1 + length] * (rest / 4)
        best = max(best, float(np.vdot(_unit(inner[None]), _unit(shifted[None]))))
    return best


def _candidates(stack: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """Pairs of sketches that are alike at a first look, shape ``(n, 2)``."""
    pooled = stack.reshape(len(stack), BANDS, -1, POOLED).mean(axis=3)
    still = _unit(pooled[:, :, 1:-1])
    moved = [_unit(pooled[:, :, at : FRAMES // POOLED - 2 + at]) for at in (0, 1, 2)]
    alike = np.maximum.reduce([still @ other.T for other in moved])
    return np.argwhere(np.triu(np.maximum(alike, alike.T), k=1) >= CANDIDATE)


def _unit(stack: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Each as a row with mean 0 and length 1; of a constant, zeros."""
    flat = stack.reshape(len(stack), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(flat, axis=1, keepdims=True)
    rows: npt.NDArray[np.float32] = flat / np.maximum(lengths, 1e-6)
    return rows
