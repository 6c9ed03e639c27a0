"""Where in a recording somebody may speak: an energy detector that follows the noise floor.

It cuts a recording into stretches, cheaply; `avser_cli.audio.speech` decides which of their windows
hold a voice, and not a tone or music.

A frame of 20 ms is voice where its level (smoothed over 100 ms) stands out from the quietest
within 10 s before and 1 s after it: by a third of the way from there to the loudest of the same
span, by 12 dB at most. Nothing is voice where the loudest is less than 6 dB over the quietest
(steady noise), under -70 dBFS, or more than 40 dB under the loudest.

Following the minimum is after Martin, "Noise power spectral density estimation based on optimal
smoothing and minimum statistics", IEEE Trans. Speech Audio Process. 9(5), 2001.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from avser_cli.audio.streams import Samples

FRAME = 0.02
"""Length of a frame in seconds."""

SMOOTHING = 5
BEFORE, AFTER = round(10 / FRAME), round(1 / FRAME)
"""Frames of context whose quietest and loudest decide."""

SHARE, MOST_OVER_FLOOR = 1 / 3, 12.0
STEADY = 6.0
UNDER_PEAK, QUIETEST = 40.0, -70.0

PAUSE = round(0.5 / FRAME)
"""Frames without voice that end a stretch."""
SHORTEST = round(0.3 / FRAME)
"""Frames from the first voiced one to the last that a stretch has at least."""
PADDING = round(0.1 / FRAME)
"""Frames that are kept before and after a stretch."""


def frame_length(rate: int) -> int:
    """Samples in a frame."""
    return max(1, round(FRAME * rate))


class VoiceActivityDetector:
    """Tells voiced frames from others while a recording comes in.

    Parameters
    ----------
    rate : int
        Sampling rate in Hz.
    """

    def __init__(self, rate: int) -> None:
        self._length = frame_length(rate)
        self._rest = np.empty(0, np.float32)
        self._levels = np.empty(0, np.float64)
        self._decided = 0

    def feed(self, samples: Samples) -> npt.NDArray[np.bool_]:
        """Take in samples of any number; give the frames that are settled now.

        A frame is settled once the second after it has come in.
        """
        samples = np.concatenate([self._rest, samples])
        count = len(samples) // self._length
        self._rest = samples[count * self._length :]
        frames = samples[: count * self._length].reshape(count, self._length)
        power = np.square(frames, dtype=np.float64).mean(axis=1)
        self._levels = np.concatenate([self._levels, 10 * np.log10(np.maximum(power, 1e-10))])
        return self._settle(len(self._levels) - AFTER - SMOOTHING)

    def finish(self) -> npt.NDArray[np.bool_]:
        """The frames that are left when the recording has ended; a part of a frame is dropped."""
        return self._settle(len(self._levels))

    def _settle(self, until: int) -> npt.NDArray[np.bool_]:
        if until <= self._decided:
            return np.empty(0, np.bool_)
        found = speech_frames(self._levels)[self._decided : until]
        dropped = max(0, until - BEFORE - SMOOTHING)
        self._levels = self._levels[dropped:]
        self._decided = until - dropped
        return found


def speech_frames(levels: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which frames are voice.

    Parameters
    ----------
    levels : numpy.ndarray
        Level of each frame in dBFS, shape ``(n,)``.

    Returns
    -------
    numpy.ndarray
        bool, shape ``(n,)``.
    """
    half = SMOOTHING // 2
    power = np.pad(10 ** (levels / 10), half, mode="edge")
    smooth = 10 * np.log10(np.convolve(power, np.full(SMOOTHING, 1 / SMOOTHING), mode="valid"))
    view = np.lib.stride_tricks.sliding_window_view
    floor = view(np.pad(smooth, (BEFORE, AFTER), constant_values=np.inf), BEFORE + 1 + AFTER)
    peak = view(np.pad(smooth, (BEFORE, AFTER), constant_values=-np.inf), BEFORE + 1 + AFTER)
    quietest, loudest = floor.min(axis=1), peak.max(axis=1)
    over_floor = np.minimum(SHARE * (loudest - quietest), MOST_OVER_FLOOR)
    threshold = np.maximum(quietest + over_floor, np.maximum(loudest - UNDER_PEAK, QUIETEST))
    voiced: npt.NDArray[np.bool_] = (smooth > threshold) & (loudest - quietest >= STEADY)
    return voiced


@dataclass
class SpeechRegion:
    """A run of voiced frames, with the pauses shorter than half a second in it.

    Attributes
    ----------
    start, end : int
        Frames, the end excluded, margins included.
    closed : bool
        The pause that ends it has been seen.
    """

    start: int
    end: int
    closed: bool = False


class SpeechRegions:
    """Joins voiced frames to stretches while they come in."""

    def __init__(self) -> None:
        self.frames = 0
        self._first = self._last = -1
        self._ended = 0

    def feed(self, voiced: npt.NDArray[np.bool_]) -> list[SpeechRegion]:
        """Take in frames; give the stretches that they close, and the open one if long enough."""
        found = []
        before = self.frames
        self.frames += len(voiced)
        for frame in (np.flatnonzero(voiced) + before).tolist():
            if self._first >= 0 and frame - self._last > PAUSE:
                found += self._close()
            if self._first < 0:
                self._first = frame
            self._last = frame
        if self._first >= 0 and self.frames - self._last > PAUSE:
            found += self._close()
        if self._first >= 0 and self._last + 1 - self._first >= SHORTEST:
            found.append(SpeechRegion(self._start(), self._last + 1))
        return found

    def finish(self) -> list[SpeechRegion]:
        """The stretch that was open when the recording ended."""
        return self._close()

    @property
    def needed(self) -> int:
        """The first frame that may still be part of a stretch."""
        return max(0, self._start() if self._first >= 0 else self.frames - PADDING)

    def _start(self) -> int:
        return max(self._ended, self._first - PADDING)

    def _close(self) -> list[SpeechRegion]:
        first, last = self._first, self._last
        found = []
        if first >= 0 and last + 1 - first >= SHORTEST:
            end = min(self.frames, last + 1 + PADDING)
            found.append(SpeechRegion(self._start(), end, closed=True))
            self._ended = end
        self._first = -1
        return found
