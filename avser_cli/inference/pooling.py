"""One answer for a recording from those for its windows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from avser_cli.inference.windows import Window
from avser_cli.model.calibration import Probabilities, softmax

TINY = 1e-6
"""Least probability: one window of a network that is too sure must not outweigh all others."""
AGREEMENT = 0.38
"""How much surer several windows make than one: n of them as a temperature of ``n**-AGREEMENT``.
0 would count them as one, 1 as independent. Fitted on recordings joined of clips that the network
had not met: ``python -m benchmarks.pooling``, docs/accuracy.md."""
MOST_COUNTED = 8
"""Windows beyond that make no surer: their number was not measured."""


@dataclass(frozen=True)
class PooledAnswer:
    """The answer for the judged windows of a recording.

    Attributes
    ----------
    probabilities : numpy.ndarray
        float32, shape ``(emotions,)``.
    speech : float
        Seconds that the windows cover.
    windows : int
    """

    probabilities: Probabilities
    speech: float
    windows: int


def pool_windows(
    answers: Iterable[tuple[Window, Probabilities | None]], frame: float
) -> PooledAnswer | None:
    """Pool the windows of a recording; None where no window was judged.

    Parameters
    ----------
    answers : iterable of (Window, numpy.ndarray or None)
        In the order of time; None where a window was not judged.
    frame : float
        Seconds of a frame.
    """
    rows: list[Probabilities] = []
    lengths: list[int] = []
    covered = end = 0
    for window, row in answers:
        if row is None:
            continue
        rows.append(row)
        lengths.append(window.end - window.start)
        covered += max(0, window.end - max(window.start, end))
        end = max(end, window.end)
    if not rows:
        return None
    return PooledAnswer(pool(np.stack(rows), np.array(lengths)), covered * frame, len(rows))


def pool(
    rows: Probabilities,
    lengths: npt.NDArray[np.integer],
    agreement: float = AGREEMENT,
) -> Probabilities:
    """Pool the answers for windows.

    Parameters
    ----------
    rows : numpy.ndarray
        Their calibrated probabilities, shape ``(n, emotions)``.
    lengths : numpy.ndarray
        By which they count, shape ``(n,)``.
    agreement : float
        See `AGREEMENT`.

    Returns
    -------
    numpy.ndarray
        float32, shape ``(emotions,)``; one window's answer is that window's.
    """
    logits = np.log(np.maximum(rows, TINY))
    mean = np.average(logits, axis=0, weights=lengths)
    pooled: Probabilities = softmax(mean[None] * min(len(rows), MOST_COUNTED) ** agreement)[0]
    return pooled
