"""Silero VAD, a small network that tells speech from other sound, in LiteRT.

The weights are those of Silero VAD 6.2 for 16 kHz (Silero Team, MIT,
<https://github.com/snakers4/silero-vad>), converted by ``tests/record_silero.py``. Silero's own
packages bring PyTorch or an ONNX runtime; LiteRT is here already, for avser's networks. A test
holds the output against the ONNX model's.

For each chunk of 32 ms: the magnitudes of four short-time spectra, four convolutions over them, an
LSTM cell that remembers the chunks before, and one sigmoid unit.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from avser_cli.audio.streams import Samples
from avser_cli.litert import load_interpreter

SpeechProbabilities = npt.NDArray[np.float32]

NETWORK = Path(__file__).with_name("silero_vad.tflite")

RATE = 16000
"""Sampling rate in Hz that the network reads."""
CHUNK = 512
"""Samples for which it gives one probability: 32 ms."""
CONTEXT = 64
"""Samples before a chunk that it also reads; as many are mirrored at the end."""
AT_ONCE = 8
"""Chunks that the network reads at once."""
STRIDES = (1, 2, 2, 1)
"""Of its convolutions over a chunk's spectra."""
UNITS = 128
"""Of the LSTM cell."""

_of_thread = threading.local()


def _network() -> Any:
    """The network of this thread: chunks and state to probabilities and state."""
    if not hasattr(_of_thread, "network"):
        _of_thread.network = load_interpreter(NETWORK.read_bytes()).get_signature_runner()
    return _of_thread.network


class SileroStream:
    """The network on one recording that comes in piece by piece."""

    def __init__(self) -> None:
        self._rest: Samples = np.zeros(CONTEXT, np.float32)
        self._state = {name: np.zeros((1, UNITS), np.float32) for name in ("hidden", "cell")}

    def feed(self, samples: Samples) -> SpeechProbabilities:
        """Take in samples at `RATE`; give the probability of speech in the chunks that are settled.

        Parameters
        ----------
        samples : numpy.ndarray
            Mono, full scale = 1, shape ``(n,)``; what is louder is clipped.

        Returns
        -------
        numpy.ndarray
            float32, shape ``(chunks,)``: a multiple of `AT_ONCE`.
        """
        held = np.concatenate([self._rest, np.clip(samples, -1.0, 1.0)])
        length = AT_ONCE * CHUNK
        count = (len(held) - CONTEXT) // length
        self._rest = held[count * length :]
        starts = range(0, count * length, length)
        found = [self._read(held[start : start + length + CONTEXT]) for start in starts]
        return np.concatenate(found) if found else np.empty(0, np.float32)

    def finish(self) -> SpeechProbabilities:
        """The chunks that are left, the last one filled up with silence."""
        length = len(self._rest) - CONTEXT
        padded = np.zeros(AT_ONCE * CHUNK, np.float32)
        padded[:length] = self._rest[CONTEXT:]
        self._rest = self._rest[:CONTEXT]
        return self.feed(padded)[: -(-length // CHUNK)]

    def _read(self, samples: Samples) -> SpeechProbabilities:
        chunks = np.lib.stride_tricks.sliding_window_view(samples, CHUNK + CONTEXT)[::CHUNK]
        mirrored = np.concatenate([chunks, chunks[:, -2 : -2 - CONTEXT : -1]], axis=1)
        outputs = _network()(chunks=mirrored, **self._state)
        self._state = {name: outputs[f"{name}_out"] for name in self._state}
        found: SpeechProbabilities = outputs["probabilities"]
        return found


def speech_probabilities(samples: Samples) -> SpeechProbabilities:
    """The probability of speech in each chunk of a whole recording at `RATE`."""
    stream = SileroStream()
    return np.concatenate([stream.feed(samples), stream.finish()])
