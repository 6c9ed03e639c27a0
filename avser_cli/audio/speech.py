"""Whether anybody speaks or sings in a sound, whatever the pitch of the voice.

Silero VAD knows talk. Shouts, high song and deep voices it takes for something else, so where it
finds nothing it listens again: slower, which lowers every pitch by nine semitones, and faster,
which raises them by four. Speeds and thresholds were chosen on RAVDESS, ASED and sounds made in
code, and measured on others: ``python -m benchmarks.voice_activity``, docs/accuracy.md.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from avser_cli.audio.silero import CHUNK, RATE, SileroStream
from avser_cli.audio.streams import Samples

BLOCK = 0.3
"""Seconds that are read at once: most voices are found in the first or second."""


@dataclass(frozen=True)
class Listening:
    """One way to listen.

    Attributes
    ----------
    speed : float
        At which the network hears the sound.
    threshold : float
        Probability of speech from which on a chunk counts.
    seconds : float
        Of the sound, in such chunks together, that make a voice; less in very short ones.
    """

    speed: float
    threshold: float
    seconds: float

    def holds_speech(self, samples: Samples, rate: int) -> bool:
        """Whether there is a voice in mono samples, shape ``(n,)``."""
        from soxr import ResampleStream

        resampler = ResampleStream(rate, RATE / self.speed, 1, dtype="float32", quality="LQ")
        stream = SileroStream()
        found, length = 0.0, max(1, round(BLOCK * rate))
        enough = min(self.seconds, SHARE * len(samples) / rate)
        for start in range(0, len(samples), length):
            last = start + length >= len(samples)
            block = resampler.resample_chunk(samples[start : start + length], last=last)
            parts = [stream.feed(block), *([stream.finish()] if last else [])]
            count = sum(np.count_nonzero(part >= self.threshold) for part in parts)
            found += count * CHUNK * self.speed / RATE
            if found >= enough:
                return True
        return False


LISTENINGS = (Listening(1.0, 0.5, 0.2), Listening(0.6, 0.15, 0.25), Listening(1.25, 0.5, 0.2))
SHARE = 0.4
"""Of a sound that is too short for these seconds, as much is enough."""


def holds_speech(samples: Samples, rate: int) -> bool:
    """Whether there is a voice in a sound.

    Parameters
    ----------
    samples : numpy.ndarray
        Mono float32 samples, shape ``(n,)``, full scale = 1.
    rate : int
        Sampling rate in Hz.
    """
    return any(listening.holds_speech(samples, rate) for listening in LISTENINGS)
