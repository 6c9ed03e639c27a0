"""Each command, killed at any moment and started again, ends as if it had not been disturbed.

``python -m tests.kill_recovery [--times 50] [--seed 0] [command ...]`` prints the table.
"""

import argparse
import csv
import io
import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from PIL import Image

from avser_cli.files import LEFTOVER
from avser_cli.model.tflite import TFLiteNetwork
from tests.conftest import REPOSITORY
from tests.synthetic import make_corpus

EPOCHS = 20
SMALL, LARGE = "small", "large"
"""Corpora: for training; with enough sounds that `spectrogram` draws in processes."""
TRAIN = ("train", SMALL, "--network", "cnn1d", "--epochs", str(EPOCHS), "--out", "models/x")

UNLIKE = {"created", "seconds", "clip_seconds", "clip_ms", "files"}
"""Keys of JSON files that differ from run to run: dates, durations, and checksums of files whose
content is compared itself."""
UNLIKE_COLUMNS = {"status", "seconds"}
"""Whether a picture was drawn by this run or the one before; durations."""
FOR_PEOPLE = {".md", ".html"}
"""Endings of texts that say in words, dates and durations among them, what JSON files say."""


@dataclass(frozen=True)
class Case:
    """A command, what it is started again with, and how far it is.

    `units` counts what is finished in a folder, `told` what a run says that it did.
    """

    arguments: tuple[str, ...]
    again: tuple[str, ...]
    units: Callable[[Path], int]
    told: Callable[[str], int]
    before: tuple[str, ...] = ()


def spectrograms(home: Path) -> int:
    return len([path for path in home.glob("png/*/*.png") if not path.name.startswith(".")])


def rows(home: Path) -> int:
    out = home / "results.csv"
    return max(0, out.read_text().count("\n") - 1) if out.exists() else 0


def epochs(home: Path) -> int:
    """Those of finished runs, and of the checkpoints of others."""
    if new_bundle(home):
        return EPOCHS
    runs = {path.parent.name: path for path in home.glob("runs/*/run.json")}
    for state in home.rglob("state.json"):
        runs.setdefault(state.parents[1].name.removeprefix(".").removesuffix(".run"), state)
    return sum(
        len(json.loads(path.read_text())["history"])
        for path in runs.values()
        if not LEFTOVER.search(str(path))
    )


def new_bundle(home: Path) -> bool:
    """Whether `train` is done; the bundle that it is to replace has another seed."""
    config = home / "models" / "x" / "config.json"
    return config.exists() and json.loads(config.read_text())["seed"] == 0


def epoch_lines(text: str) -> int:
    return len(re.findall(r"\bepoch +\d+/", text))


CASES = {
    "spectrogram": Case(
        ("spectrogram", LARGE, "png"),
        (),
        spectrograms,
        lambda text: int(re.findall(r"(\d+) drawn", text)[-1]),
    ),
    "train": Case(TRAIN, ("--resume",), epochs, epoch_lines),
    "train --force": Case((*TRAIN, "--force"), ("--resume",), epochs, epoch_lines,
                          before=(*TRAIN, "--seed", "1")),
    "evaluate": Case(
        ("evaluate", SMALL, "--protocol", "text", "--network", "cnn1d", "--epochs",
         str(EPOCHS), "--cache", "runs", "--out", "report"), (), epochs, epoch_lines,
    ),
    "compare": Case(
        ("compare", "models", SMALL, "--models", "mlp,cnn1d", "--seeds", "0,1",
         "--epochs", str(EPOCHS), "--cache", "runs", "--out", "tables"), (), epochs, epoch_lines,
    ),
    "classify": Case(
        ("classify", LARGE, "--any-sound", "--out", "results.csv"),
        (),
        rows,
        lambda text: int(re.findall(r"(\d+) classified", text)[-1]),
    ),
}  # fmt: skip


LIGHT = ("spectrogram", "classify")
"""Commands without TensorFlow. It takes longer to import than the others work, so that most kills
would hit nothing: those are forked from a process that has it."""
PRELOADED = ["avser_cli.training.ensemble", "avser_cli.commands.compare",
             "avser_cli.commands.evaluate", "avser_cli.commands.train", "librosa",
             "sklearn.neural_network", "matplotlib.figure"]  # fmt: skip


@cache
def starter() -> ForkServerContext:
    """What forks a process that has imported what takes long; Linux alone forks such ones."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def avser(arguments: tuple[str, ...], home: Path) -> None:
    """Run the command in this process, which becomes a group of its own."""
    from avser_cli.cli import main

    os.setpgid(0, 0)
    os.chdir(home)
    with Path("stderr").open("wb") as stderr, Path(os.devnull).open("wb") as null:
        os.dup2(null.fileno(), 1)
        os.dup2(stderr.fileno(), 2)
    sys.argv = ["avser", *arguments]
    main()


class Running:
    """A command at work in a process group of its own; what it tells goes to a file."""

    def __init__(self, arguments: tuple[str, ...], home: Path, corpora: Path) -> None:
        given = tuple(str(corpora / x) if x in (SMALL, LARGE) else x for x in arguments)
        self.told = home / "stderr"
        self.process: Any
        if given[0] not in LIGHT and sys.platform == "linux":
            self.process = starter().Process(target=avser, args=(given, home))
            self.process.start()
            return
        with self.told.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "avser_cli", *given],
                cwd=home,
                env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                process_group=0,
            )

    def finish(self, limit: float = 120.0) -> tuple[int | None, str]:
        """Exit code and what was told."""
        if isinstance(self.process, subprocess.Popen):
            self.process.wait(limit)
            code = self.process.returncode
        else:
            self.process.join(limit)
            code = self.process.exitcode
        text = self.told.read_text() if self.told.exists() else ""
        self.told.unlink(missing_ok=True)
        if code is None:
            self.kill()
            raise TimeoutError(f"no end after {limit:.0f} s: {text[-500:]}")
        return code, text

    def kill(self) -> None:
        """Kill the process and all that it started."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            self.process.kill()  # It has no group yet, or has ended.
        self.finish()


def outcome(home: Path) -> dict[str, object]:
    """What a command left, file by file, without what differs from run to run."""
    return {
        path.relative_to(home).as_posix(): content(path)
        for path in sorted(home.rglob("*"))
        if path.is_file()
    }


def content(path: Path) -> object:
    if path.suffix in FOR_PEOPLE:
        return "there"
    if path.suffix == ".json":
        return apply(json.loads(path.read_text()))
    if path.suffix == ".keras":
        # HDF5 keeps dates, and Keras numbers what a process has built.
        with zipfile.ZipFile(path) as archive:
            return arrays(archive.read("model.weights.h5"))
    if path.suffix == ".tflite":
        # It holds the same numbered names. What counts is what it answers.
        network = TFLiteNetwork(path.read_bytes())
        return network.predict(np.ones((1, *network.input_shape), np.float32)).tobytes()
    if path.suffix == ".csv" and path.name != "results.csv":
        with path.open(newline="") as file:
            return [apply(row) for row in csv.DictReader(file)]
    return path.read_bytes()


def arrays(content: bytes) -> dict[str, bytes]:
    """The arrays of an HDF5 file."""
    found = {}

    def add(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item[()].tobytes()

    with h5py.File(io.BytesIO(content)) as file:
        file.visititems(add)
    return found


def apply(values: object) -> object:
    if isinstance(values, dict):
        return {k: apply(v) for k, v in values.items() if k not in UNLIKE | UNLIKE_COLUMNS}
    return [apply(value) for value in values] if isinstance(values, list) else values


def halves(home: Path) -> list[str]:
    """Files under names that a reader goes by, and that are not whole."""
    found = []
    for path in home.rglob("*"):
        name = path.relative_to(home).as_posix()
        if path.is_dir() or "/." in f"/{name}":
            continue
        try:
            if path.suffix == ".png":
                with Image.open(path) as image:
                    image.load()
            elif path.suffix == ".csv" and not path.read_bytes().endswith(b"\n"):
                raise ValueError("cut")
            else:
                content(path)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            found.append(f"half: {name}: {error}")
    return found


def leftovers(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.name.startswith(".") or path.suffix == ".run"]


def grow_old(home: Path) -> None:
    """As if the second run came an hour later: leftovers of the last minutes are not touched."""
    for path in leftovers(home):
        if LEFTOVER.fullmatch(path.name):
            os.utime(path, times=(time.time() - 3600,) * 2)


def identities(home: Path) -> dict[Path, tuple[int, int]]:
    """Finished files that are written once."""
    kept = [
        *home.glob("png/*/*.png"),
        *home.glob("report/runs/[!.]*/*"),
        *home.glob("runs/[!.]*/*"),
    ]
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in kept
            if not LEFTOVER.search(str(path)) and path.parent.suffix != ".run"}  # fmt: skip


def kills(name: str, times: int, seed: int, place: Path) -> dict[str, object]:
    """Kill a command so many times; what the table says of it."""
    case, draw = CASES[name], random.Random(f"{seed} {name}")
    corpora, undisturbed = place / "corpora", place / f"undisturbed {name}"
    for corpus, actors in ((SMALL, 2), (LARGE, 13)):
        if not (corpora / corpus).exists():
            make_corpus(corpora / corpus, range(1, actors + 1))
    prepared = place / f"before {name}"
    prepared.mkdir(exist_ok=True)
    if case.before:
        Running(case.before, prepared, corpora).finish()
    shutil.copytree(prepared, undisturbed)
    begin = time.monotonic()
    code, text = Running(case.arguments, undisturbed, corpora).finish()
    seconds = time.monotonic() - begin
    assert code == 0, text
    wanted, total = outcome(undisturbed), case.units(undisturbed)
    when: Counter[str] = Counter()
    problems: list[str] = []
    for number in range(times):
        home = place / "home"
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(prepared, home)
        running = Running(case.arguments, home, corpora)
        moment = draw.uniform(0, seconds)
        time.sleep(moment)
        running.kill()
        found = halves(home)
        done, written = case.units(home), identities(home)
        when["before" if done == 0 else "end" if done == total else "midway"] += 1
        # Only there is no telling that the bundle is what was asked for: --force asks for another.
        again = case.before and done == total and not (home / "models" / ".x.run").exists()
        grow_old(home)
        begin = time.monotonic()
        code, text = Running((*case.arguments, *case.again), home, corpora).finish()
        if done == 0:
            # As good as undisturbed: how long one takes on the machine as busy as it is now.
            seconds = time.monotonic() - begin
        if code != 0 or "Traceback" in text:
            found.append(f"exit code {code}: {text[-300:]}")
        elif not again and done + (did := case.told(text)) != total:
            found.append(f"{done} of {total} were done, and the second run did {did}")
        format_time_left = identities(home)
        found += [
            f"written twice: {path}"
            for path in written
            if format_time_left.get(path) != written[path]
        ]
        found += [f"left over: {path.relative_to(home)}" for path in leftovers(home)]
        got = outcome(home)
        found += [f"differs: {key}" for key in wanted.keys() | got.keys()
                  if wanted.get(key) != got.get(key)]  # fmt: skip
        when["equal"] += not found
        problems += [f"{name}, kill {number} at {moment:.2f} s: {line}" for line in found]
    return {"command": name, "seconds": seconds, "units": total, "kills": times,
            **{key: when[key] for key in ("before", "midway", "end", "equal")},
            "problems": problems}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("commands", nargs="*", metavar="command", help=", ".join(CASES))
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print("command         seconds  units  kills  before the first  midway  at the end  "
          "resumed to equal  problems")  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        for name in given.commands or CASES:
            row = kills(name, given.times, given.seed, Path(place))
            problems = row["problems"]
            assert isinstance(problems, list)
            print(
                f"{name:<14} {row['seconds']:>8.1f} {row['units']:>6} {row['kills']:>6} "
                f"{row['before']:>17} {row['midway']:>7} {row['end']:>11} {row['equal']:>17} "
                f"{len(problems):>9}",
                flush=True,
            )
            for line in problems:
                print(f"  {line}", flush=True)


if __name__ == "__main__":
    main()
