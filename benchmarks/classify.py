"""How fast `avser classify` is, beside TensorFlow and openSMILE in the same run.

``python -m benchmarks.classify ./wav`` prints ratios: the cold start of a process for one clip to
that of ``import tensorflow``, with its peak memory; a folder to a plain Keras loop on its clips
(``load_model``, ``predict``) and to openSMILE's eGeMAPS (extra ``opensmile``); and a
recording of an hour in windows. Cold starts run five times; the fastest counts, as other
work on the machine can only slow them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
from joblib import Parallel, delayed

from avser_cli.audio.folder import find_sounds
from avser_cli.data.network_inputs import Reader
from avser_cli.errors import MissingExtraError
from avser_cli.experiments.baselines import check_opensmile, read_opensmile
from avser_cli.features.render import render_spectrogram
from avser_cli.inference.classifier import Classifier
from avser_cli.inference.loading import bundled_model

REPEATS = 5
SOME = 100
"""Clips that the slower peers are timed on."""


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sounds", type=Path)
    given = parser.parse_args()
    clips = find_sounds(given.sounds)
    with tempfile.TemporaryDirectory() as folder:
        _cold_start(clips[0])
        per_clip = _folder(given.sounds, len(clips), Path(folder))
        # Before TensorFlow is imported here: a child's peak memory starts with its parent's.
        _hour(clips, Path(folder))
        _keras(clips[:SOME], per_clip)
        _opensmile(clips[:SOME], per_clip)


def _cold_start(clip: Path) -> None:
    seconds, memory = _fastest([sys.executable, "-m", "avser_cli", "classify", str(clip)])
    tensorflow, _ = _fastest([sys.executable, "-c", "import tensorflow"])
    print(
        f"one clip, cold: {seconds:.2f} s, {memory} MB; import tensorflow: {tensorflow:.2f} s; "
        f"ratio 1/{tensorflow / seconds:.1f}",
        flush=True,
    )


def _folder(sounds: Path, count: int, folder: Path) -> float:
    start = time.perf_counter()
    memory = _run(_classify(sounds, "--out", folder / "rows.csv"))
    per_clip = (time.perf_counter() - start) / count
    print(f"{count} clips: {1000 * per_clip:.1f} ms a clip, {memory} MB, start-up included")
    return per_clip


def _keras(clips: list[Path], per_clip: float) -> None:
    from avser_cli.model.backend import keras

    settings = Classifier.load(bundled_model()).config.recipe.spectrogram
    assert settings is not None
    network = keras.models.load_model(bundled_model() / "model.keras")
    start = time.perf_counter()
    for clip in clips:
        spectrogram, _ = render_spectrogram(clip, settings)
        network.predict(spectrogram[None].astype(np.float32), verbose=0)
    _told("Keras, load_model and predict, without its start", start, clips, per_clip)


def _opensmile(clips: list[Path], per_clip: float) -> None:
    try:
        check_opensmile()
    except MissingExtraError as error:
        print(f"openSMILE: {error}")
        return
    reader = Reader(partial(read_opensmile, feature_set="egemaps"))
    # Processes: it is not safe in threads. Their start is not counted.
    with Parallel(n_jobs=-1) as parallel:
        parallel(delayed(reader)(clip) for clip in clips[:4])
        start = time.perf_counter()
        parallel(delayed(reader)(clip) for clip in clips)
    _told("openSMILE eGeMAPS, on all cores, without a classifier", start, clips, per_clip)


def _told(name: str, start: float, clips: list[Path], per_clip: float) -> None:
    seconds = (time.perf_counter() - start) / len(clips)
    print(f"{name}: {1000 * seconds:.1f} ms a clip, {seconds / per_clip:.1f} times avser's")


def _hour(clips: list[Path], folder: Path) -> None:
    long, seconds = folder / "hour.wav", 0.0
    with soundfile.SoundFile(long, "w", soundfile.info(clips[0]).samplerate, 1) as file:
        while seconds < 3600:
            for clip in clips:
                samples, rate = soundfile.read(clip, always_2d=True)
                if rate == file.samplerate and seconds < 3600:
                    file.write(samples.mean(axis=1))
                    seconds += len(samples) / rate
    start = time.perf_counter()
    memory = _run(_classify(long, "--windows", "--out", folder / "hour.csv"))
    print(f"one hour in windows: {time.perf_counter() - start:.1f} s, {memory} MB")


def _classify(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "avser_cli", "classify", *map(str, arguments)]


def _fastest(command: list[str]) -> tuple[float, int]:
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        memory = _run(command)
        seconds.append(time.perf_counter() - start)
    return min(seconds), memory


def _run(command: list[str]) -> int:
    """Run a command and give its peak memory in MB."""
    null = subprocess.DEVNULL
    running = subprocess.Popen(command, stdout=null, stderr=null)
    _, status, usage = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise SystemExit(f"failed: {' '.join(command)}")
    unit = 1024 if sys.platform == "darwin" else 1
    return usage.ru_maxrss // unit // 1024


if __name__ == "__main__":
    main()
