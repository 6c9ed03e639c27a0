"""Time and memory of reading many labelled clips: index, pictures, search for copies.

``python -m benchmarks.reading 30000`` writes so many made sounds of 2.5 s (80 kB each) under names
of CREMA-D's form into a temporary folder, in six emotions of 91 speakers, and reads them as `train`
does. Peak memory is the process's, libraries included, as Linux counts it.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from avser_cli.data.clips import index_data
from avser_cli.data.corpora import find_corpus
from avser_cli.data.dataset import load_dataset
from avser_cli.data.leaks import find_leaks
from avser_cli.data.near_duplicates import duplicate_groups
from avser_cli.data.network_inputs import reader_of
from avser_cli.data.sources import DataSources
from avser_cli.data.splits import SplitSettings, split_clips
from avser_cli.features.fingerprint import BANDS, FRAMES
from avser_cli.model.known_recipes import find_recipe

RATE = 16000
SYLLABLES, SYLLABLE = 20, 2000
"""Their number in a sound, and samples of each."""
EMOTIONS = ("happy", "sad", "angry", "neutral", "fearful", "disgust")


def main() -> None:
    """Make the sounds, read them and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", type=int, nargs="?", default=30000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        _make(Path(folder), given.clips)
        start = time.perf_counter()
        index = index_data(DataSources.of(Path(folder)), EMOTIONS)
        start = _print_time(f"index of {len(index.clips)} clips", start)
        settings = find_recipe("cnn2d").spectrogram
        dataset = load_dataset(index, EMOTIONS, reader_of(index, settings))
        start = _print_time("reading, drawing and the search for copies", start)
        split = split_clips(dataset.clips, SplitSettings("speaker"))
        leaks = find_leaks(dataset.clips, split)
        start = _print_time(f"split by speakers and leak check ({len(leaks)} leaks)", start)
        draw = np.random.default_rng(0)
        fingerprints = draw.random((len(dataset), BANDS, FRAMES), np.float32)
        checksums = [clip.samples_sha256 for clip in dataset.clips]
        start = time.perf_counter()
        duplicate_groups(checksums, fingerprints)
        _print_time("search for copies alone, where no two fingerprints are alike", start)


def _make(folder: Path, count: int) -> None:
    """Buzzes of various pitches and loudnesses, no two alike."""
    crema = find_corpus("crema-d")
    speakers = sorted(crema.speakers)
    codes = {emotion: code for code, emotion in crema.emotions.items()}
    draw = np.random.default_rng(0)
    for number in range(count):
        emotion = codes[EMOTIONS[number % len(EMOTIONS)]]
        speaker = speakers[number // len(EMOTIONS) % len(speakers)]
        word = "".join(chr(65 + number // 26**place % 26) for place in range(3))
        steps = draw.uniform(90, 800, SYLLABLES).repeat(SYLLABLE) / RATE
        loudness = (10 ** draw.uniform(-2, 0, SYLLABLES)).repeat(SYLLABLE)
        samples = 0.5 * loudness * np.sin(2 * np.pi * np.cumsum(steps)) ** 5
        samples += 0.001 * draw.standard_normal(len(samples))
        path = folder / f"{speaker}_{word}_{emotion}_XX.wav"
        soundfile.write(path, samples, RATE, subtype="PCM_16")


def _print_time(what: str, start: float) -> float:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{what}: {time.perf_counter() - start:.1f} s, peak {memory} MB so far", flush=True)
    return time.perf_counter()


if __name__ == "__main__":
    main()
