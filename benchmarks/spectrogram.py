"""How fast `avser spectrogram` draws a folder, beside SoX, FFmpeg and librosa with Matplotlib.

``python -m benchmarks.spectrogram ./wav`` draws every clip at 150 x 150 with each of them on all
cores, start-up included, and prints milliseconds a clip and ratios. SoX and FFmpeg are run as
their users run them, through ``xargs -P``; those that are not installed are left out. FFmpeg and
the librosa loop draw some clips only; the loop's start is not counted. The programs take turns; the
fastest of three turns counts. It needs a POSIX shell; memory is as Linux counts it.

``--stages`` shows instead where one process's time goes, in milliseconds of processor time a clip.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from avser_cli.audio.audio_info import audio_info
from avser_cli.audio.decoding import read_waveform
from avser_cli.audio.folder import find_sounds
from avser_cli.features.render import clip_spectrogram
from avser_cli.features.spectrogram import SpectrogramConfig
from avser_cli.features.spectrogram_png import SpectrogramMetadata, png_bytes
from avser_cli.files import write_whole

TURNS = 3
SOME = 60
"""Clips that FFmpeg and the librosa loop draw."""

COMMANDS = {
    "sox": 'sox "$0" -n spectrogram -r -m -x 150 -Y 130 -o "$OUT/$(basename "$0").png"',
    "ffmpeg": 'ffmpeg -v error -y -i "$0" -lavfi showspectrumpic=s=150x150:legend=0 '
    '"$OUT/$(basename "$0").png" < /dev/null',
}


def main() -> None:
    """Time and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sounds", type=Path)
    parser.add_argument("--stages", action="store_true", help="where avser's own time goes")
    given = parser.parse_args()
    clips = find_sounds(given.sounds)
    if given.stages:
        with tempfile.TemporaryDirectory() as folder:
            turns = [_stages(clips, Path(folder)) for _ in range(TURNS)]
        for name in turns[0]:
            print(f"{name}: {min(turn[name] for turn in turns):.2f} ms a clip")
        return
    ways: dict[str, tuple[int, Callable[[Path], None]]] = {
        "avser": (len(clips), partial(_avser, given.sounds)),
        "avser, recipe paper": (len(clips), partial(_avser, given.sounds, recipe="paper")),
    }
    for name, command in COMMANDS.items():
        if shutil.which(name):
            some = clips if name == "sox" else clips[:SOME]
            ways[name] = (len(some), partial(_xargs, some, command))
        else:
            print(f"{name}: not installed")
    best: dict[str, float] = {}
    for _ in range(TURNS):
        for name, (count, way) in ways.items():
            with tempfile.TemporaryDirectory() as folder:
                start = time.perf_counter()
                way(Path(folder))
                seconds = (time.perf_counter() - start) / count
                assert len(list(Path(folder).rglob("*.png"))) == count, name
            best[name] = min(best.get(name, seconds), seconds)
    best["librosa and Matplotlib, one core"] = _librosa(clips[:SOME])
    for name, seconds in best.items():
        ratio = seconds / best["avser"]
        print(f"{name}: {1000 * seconds:.2f} ms a clip, {ratio:.2f} times avser's")
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    print(f"peak memory of any process: {memory} MB")


def _stages(clips: list[Path], out: Path) -> dict[str, float]:
    """Processor time of each stage of drawing, in milliseconds a clip, and their sum."""
    config = SpectrogramConfig()
    times: defaultdict[str, float] = defaultdict(float)

    def timed(stage: str, work: Callable[[], Any]) -> Any:
        start = time.process_time()
        found = work()
        times[stage] += 1000 * (time.process_time() - start) / len(clips)
        return found

    for number, clip in enumerate(clips):
        waveform = timed("decode", partial(read_waveform, clip))
        picture = timed("silence, FFT, rows", partial(clip_spectrogram, clip, waveform, config))
        content = timed("read the file again", clip.read_bytes)
        info = timed("checksums, levels", partial(audio_info, content, waveform))
        metadata = SpectrogramMetadata(config, info)
        png = timed("PNG", partial(png_bytes, picture, metadata))
        timed("write", partial(write_whole, out / f"{number}.png", png))
    return {**times, "sum": sum(times.values())}


def _avser(sounds: Path, out: Path, recipe: str = "default") -> None:
    command = [sys.executable, "-m", "avser_cli", "spectrogram", str(sounds), str(out)]
    command += ["--recipe", recipe]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def _xargs(clips: list[Path], command: str, out: Path) -> None:
    names = "\n".join(map(str, clips))
    subprocess.run(
        ["xargs", "-d", "\n", "-P", str(os.cpu_count()), "-n", "1", "sh", "-c", command],
        input=names,
        text=True,
        check=True,
        env={**os.environ, "OUT": str(out)},
    )


def _librosa(clips: list[Path]) -> float:
    """The loop of many tutorials: load, stft, specshow, savefig."""
    import librosa
    import librosa.display
    import matplotlib as mpl
    import numpy as np

    mpl.use("Agg")
    from matplotlib import pyplot

    with tempfile.TemporaryDirectory() as folder:
        for number, clip in enumerate(clips):
            if number == 1:  # The first pays for the start.
                start = time.perf_counter()
            samples, rate = librosa.load(clip, sr=None)
            levels = librosa.amplitude_to_db(np.abs(librosa.stft(samples)), ref=np.max)
            figure = pyplot.figure(figsize=(1.5, 1.5), dpi=100)
            librosa.display.specshow(levels, sr=rate, cmap="gray")
            figure.savefig(Path(folder, f"{number}.png"))
            pyplot.close(figure)
        return (time.perf_counter() - start) / (len(clips) - 1)


if __name__ == "__main__":
    main()
