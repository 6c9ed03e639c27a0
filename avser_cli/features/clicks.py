"""Clicks that are far louder than the voice: crackle, pops of a plug, dropped samples.

Which samples are clicks is told by the loudest tenth of a second, not by the loudest sample, so
that clicks do not hide themselves; in recordings without such clicks nothing changes.
"""

from __future__ import annotations

import numpy as np

from avser_cli.audio.streams import Samples

FRAME = 0.02
"""Length in seconds of the frames whose level is looked at."""

FRAMES, MEDIAN_HEADROOM = 5, 26.0
"""Most of so many frames in a row are louder than what one click in them can do; a sample is a
click's if it is so many dB over the loudest such median. Of 2,716 published clips of speech the
highest peak is 20.3 dB over it."""

RANK_HEADROOM = ((10, 27.0), (20, 33.0))
"""The same for the frames of these ranks by their level, where clicks lie close together. Of the
same clips, the highest peaks are 23.1 and 30.4 dB over them."""

EDGE = 14.0
"""A click reaches as far as its samples are less than so many dB under that limit."""

PAUSE, LONGEST = 0.001, 0.04
"""Seconds under `EDGE` that end a click, which are cut out as well; longest click."""


def without_clicks(samples: Samples, rate: int) -> Samples:
    """The same samples with a straight line in place of each click.

    Parameters
    ----------
    samples : numpy.ndarray
        Mono samples, shape ``(n,)``.
    rate : int
        Sampling rate in Hz.

    Returns
    -------
    numpy.ndarray
        `samples` itself where there are no clicks.
    """
    if len(samples) == 0:
        return samples
    limit = highest_plausible(samples, rate)
    if limit == 0.0 or max(float(samples.max()), -float(samples.min())) <= limit:
        return samples
    level = np.abs(samples)
    pause = max(1, round(PAUSE * rate))
    high = np.flatnonzero(level > limit * 10 ** (-EDGE / 20))
    runs = np.split(high, np.flatnonzero(np.diff(high) > pause) + 1)
    mended = samples.copy()
    for run in runs:
        if level[run].max() <= limit or run[-1] - run[0] > LONGEST * rate:
            continue
        _fill(mended, max(0, int(run[0]) - pause), min(len(samples), int(run[-1]) + pause + 1))
    return mended


def _fill(samples: Samples, start: int, end: int) -> None:
    """Put what lies before and behind a gap, mirrored and cross-faded, into it."""
    count = end - start
    before = samples[max(0, start - count) : start][::-1]
    behind = samples[end : end + count][::-1]
    fade = np.cos(np.linspace(0, np.pi / 2, count + 2)[1:-1]).astype(np.float32)
    samples[start:end] = 0.0
    samples[start : start + len(before)] += before * fade[: len(before)]
    samples[end - len(behind) : end] += behind * fade[::-1][count - len(behind) :]


def highest_plausible(samples: Samples, rate: int) -> float:
    """The amplitude over which samples are no voice's, by how loud most of the sound is."""
    power = frame_power(samples, max(1, round(FRAME * rate)))
    edge = np.zeros(FRAMES // 2, np.float32)
    padded = np.concatenate([edge, power, edge])
    neighbours = np.lib.stride_tricks.sliding_window_view(padded, FRAMES)
    medians = np.partition(neighbours, FRAMES // 2, axis=1)[:, FRAMES // 2]
    ranked = np.sort(power)[::-1]
    plausible = [float(medians.max(initial=0.0)) * 10 ** (MEDIAN_HEADROOM / 10)]
    for rank, headroom in RANK_HEADROOM:
        if 3 * rank <= len(ranked):
            plausible.append(float(ranked[rank]) * 10 ** (headroom / 10))
    return float(np.sqrt(min(plausible)))


def frame_power(samples: Samples, length: int) -> Samples:
    """Mean square of frames of so many samples, the last one filled up with zeros."""
    count = -(-len(samples) // length)
    squares = np.zeros(count * length, dtype=np.float32)
    np.square(samples, out=squares[: len(samples)])
    power: Samples = squares.reshape(count, length).mean(axis=1)
    return power
