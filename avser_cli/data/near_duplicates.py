"""Copies of one recording under several names: exact ones, and re-encoded ones by fingerprints.

Measured on RAVDESS's 1,316 clips of four emotions and on re-encoded copies of 60 drawn at random
(2026-11-24), in pictures of the recipe ``default``: the highest likeness of two different clips is
0.968 (the next ones 0.960; two takes of one actor, sentence and emotion each), the lowest of a copy
0.995 after MP3 at 64 kbit/s, 0.996 after Ogg Vorbis, 0.997 at 16 kHz, 0.999 at -6 dB, 0.997 with
0.2 s of silence, and 0.992 after all of it. In those of the recipe ``paper``: 0.980, and 0.992 or
more, but 0.846 at 16 kHz: those pictures end at the Nyquist frequency, and their rows are too
coarse to be compared at two rates. Sounds are compared in pictures of ``default`` therefore.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from avser_cli.features.fingerprint import BANDS, FRAMES, Fingerprint

Fingerprints = npt.NDArray[np.floating]
"""Shape ``(n, BANDS, FRAMES)``."""

MIN_SIMILARITY = 0.985
"""Correlation of two fingerprints from which on they are taken for those of one recording."""

POOLED, CANDIDATE = 4, 0.85
"""Frames that are averaged for a first look, and the correlation that asks for a second."""
BLOCK, CHUNK = 2048, 256
"""Fingerprints compared with as many others at once, and pairs that are looked at again."""
MAX_SHIFT = 4
"""Frames by which two fingerprints may lie apart; they are tried at quarters of a frame."""


def duplicate_groups(checksums: Sequence[str], fingerprints: Fingerprints | None) -> list[str]:
    """For each recording a checksum that it shares with its copies, and with nothing else.

    Parameters
    ----------
    checksums : sequence of str
        Of the samples: equal for exact copies.
    fingerprints : numpy.ndarray or None
        Shape ``(n, BANDS, FRAMES)``; `None`: re-encoded copies are not looked for.

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

    if fingerprints is not None:
        # Exact copies are known already: one of them is compared with the others.
        rows = {checksum: row for row, checksum in reversed(list(enumerate(checksums)))}
        distinct = np.array(sorted(rows.values()), np.intp)
        for pairs in _candidates(fingerprints, distinct):
            found = _similarities(
                *(fingerprints[pairs[:, side]].astype(np.float32) for side in (0, 1))
            )
            for one, other in pairs[found >= MIN_SIMILARITY]:
                first, second = sorted(head(checksums[row]) for row in (one, other))
                group[second] = first
    return [head(checksum) for checksum in checksums]


def similarity(one: Fingerprint, other: Fingerprint) -> float:
    """The highest correlation of two fingerprints over small shifts in time."""
    return float(_similarities(one[None], other[None])[0])


def _similarities(ones: Fingerprint, others: Fingerprint) -> npt.NDArray[np.float32]:
    """`similarity` of pairs of fingerprints, each of shape ``(n, BANDS, FRAMES)``.

    A shift by a part of a frame is a mean of two neighbouring shifts, so that its correlation
    follows from those of whole frames and from how alike the neighbours are.
    """
    inner = _unit(ones[:, :, MAX_SHIFT:-MAX_SHIFT])
    length = FRAMES - 2 * MAX_SHIFT
    windows = [_centred(others[:, :, at : at + length]) for at in range(2 * MAX_SHIFT + 1)]
    products = [np.einsum("nd,nd->n", inner, window) for window in windows]
    powers = [np.einsum("nd,nd->n", window, window) for window in windows]
    best = np.zeros(len(ones), np.float32)
    for at in range(2 * MAX_SHIFT):
        neighbours = np.einsum("nd,nd->n", windows[at], windows[at + 1])
        for part in (0.0, 0.25, 0.5, 0.75, 1.0):
            product = (1 - part) * products[at] + part * products[at + 1]
            power = (
                (1 - part) ** 2 * powers[at]
                + part**2 * powers[at + 1]
                + 2 * part * (1 - part) * neighbours
            )
            best = np.maximum(best, product / np.maximum(np.sqrt(np.maximum(power, 0)), 1e-6))
    return best


def _candidates(
    fingerprints: Fingerprints, rows: npt.NDArray[np.intp]
) -> Iterator[npt.NDArray[np.intp]]:
    """Pairs of these rows that are alike at a first look, in arrays of shape ``(up to CHUNK, 2)``.

    Blocks against blocks: memory does not grow with the square of their number.
    """
    pooled = np.empty((len(rows), BANDS, FRAMES // POOLED), np.float32)
    for start in range(0, len(rows), CHUNK):
        part = fingerprints[rows[start : start + CHUNK]].reshape(
            -1, BANDS, FRAMES // POOLED, POOLED
        )
        pooled[start : start + CHUNK] = part.mean(axis=3, dtype=np.float32)
    width = pooled.shape[2] - 2
    starts = range(0, len(rows), BLOCK)
    for first in starts:
        still = _unit(pooled[first : first + BLOCK, :, 1:-1])
        for second in starts[first // BLOCK :]:
            block = pooled[second : second + BLOCK]
            best = still @ _unit(block[:, :, :width]).T
            for at in (1, 2):
                np.maximum(best, still @ _unit(block[:, :, at : at + width]).T, out=best)
            alike = best >= CANDIDATE
            pairs = np.argwhere(np.triu(alike, k=1) if first == second else alike)
            pairs += (first, second)
            for start in range(0, len(pairs), CHUNK):
                yield rows[pairs[start : start + CHUNK]]


def _centred(stack: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Each as a row with mean 0."""
    flat = stack.reshape(len(stack), -1)
    rows: npt.NDArray[np.float32] = flat - flat.mean(axis=1, keepdims=True)
    return rows


def _unit(stack: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Each as a row with mean 0 and length 1; of a constant, zeros."""
    flat = _centred(stack)
    rows: npt.NDArray[np.float32] = flat / np.maximum(
        np.linalg.norm(flat, axis=1, keepdims=True), 1e-6
    )
    return rows
