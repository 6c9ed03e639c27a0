"""Disks that are full, folders that cannot be written to or go away meanwhile."""

import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from avser_cli.errors import OutputError
from avser_cli.files import whole_folder, write_whole
from avser_cli.inference.predictions import RecordingPrediction
from avser_cli.report.result_writer import ResultWriter, Row, RowLayout
from tests.conftest import REPOSITORY
from tests.kill_recovery import halves, leftovers
from tests.platforms import needs_posix
from tests.synthetic import voice, write_wav

pytestmark = needs_posix("file systems to mount, named pipes, removal of files in use")


def mount(place, options, what="small"):
    command = ["mount", "-t", "tmpfs", "-o", options, what, str(place)]
    done = os.geteuid() == 0 and subprocess.run(command, capture_output=True).returncode == 0
    if not done:
        pytest.skip("mounting a file system needs privileges")


@pytest.fixture
def disk(tmp_path):
    """A file system of 64 kB that `mount` can change, with the options to start with."""
    place = tmp_path / "disk"
    place.mkdir()
    mount(place, "size=64k")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


CNN = ("--network", "cnn1d", "--epochs", "2")
MLP = ("--models", "mlp", "--seeds", "0", "--epochs", "2", "--cache", "runs")


@pytest.mark.parametrize(
    ("kilobytes", "arguments", "again", "kept"),
    [
        (100, ["spectrogram", "CORPUS", "png"], [], "up to date"),
        (700, ["train", "CORPUS", *CNN, "--out", "m/x"], ["--resume"], "epoch   2/2"),
        (1250, ["evaluate", "CORPUS", "--protocol", "text", *CNN, "--out", "report"], [],
         "2 kept from before"),
        (400, ["compare", "models", "CORPUS", *MLP, "--out", "tables"], [], "1 kept from before"),
        (4, ["classify", "CORPUS", "--any-sound", "--out", "rows.csv"], [], "classified"),
    ],
    ids=["spectrogram", "train", "evaluate", "compare", "classify"],
)  # fmt: skip
def test_a_full_disk_is_one_line_and_goes_on_once_there_is_room(
    avser, corpus, disk, kilobytes, arguments, again, kept
):
    command = [corpus if x == "CORPUS" else x for x in arguments]
    mount(disk, f"remount,size={kilobytes}k")
    full = avser(*command, cwd=disk)
    assert full.returncode == 6, full.stderr
    assert [line for line in full.stderr.splitlines() if line.startswith("avser: ")] == [
        full.stderr.splitlines()[-1]
    ]
    assert full.stderr.splitlines()[-1].endswith("cannot be written: No space left on device")
    assert "Traceback" not in full.stderr
    assert halves(disk) == []
    assert [path for path in leftovers(disk) if path.suffix != ".run"] == []
    before = {path: path.stat().st_mtime_ns for path in disk.rglob("*.png")}
    mount(disk, "remount,size=16m")
    done = avser(*command, *again, cwd=disk)
    assert done.returncode == 0, done.stderr
    assert kept in done.stderr
    assert "epoch   1/2" not in done.stderr or arguments[0] != "train"
    assert leftovers(disk) == []
    if arguments[0] == "spectrogram":
        assert before
        assert before.items() <= {x: x.stat().st_mtime_ns for x in disk.rglob("*.png")}.items()
        assert f"{len(before)} up to date" in done.stderr


def test_a_full_disk_keeps_the_old_folder(disk):
    with whole_folder(disk / "bundle") as part:
        write_whole(part / "a", b"old")
    with (
        pytest.raises(OutputError, match=f"{disk}/bundle/b: .*No space"),
        whole_folder(disk / "bundle") as part,
    ):
        write_whole(part / "b", bytes(100_000))
    assert (disk / "bundle" / "a").read_bytes() == b"old"
    assert [path.name for path in disk.iterdir()] == ["bundle"]


def test_a_row_that_does_not_fit_leaves_no_part(disk):
    answer = RecordingPrediction("sad", "negative", 1.0, {"happy": 0.0, "sad": 1.0}, False)
    writer = ResultWriter(disk / "rows.csv", "csv", RowLayout(("happy", "sad")), "m@1")
    with pytest.raises(OutputError, match="No space left"):
        for number in range(10_000):
            writer.write([Row.of(f"{number}.wav", answer, "m@1")])
    # Of the last block a part was free, which the system takes without a word.
    assert (disk / "rows.csv").read_bytes().endswith(b",m@1\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["spectrogram", "CORPUS", "disk/png"],
        ["train", "CORPUS", *CNN, "--out", "disk/m/x"],
        ["evaluate", "CORPUS", "--protocol", "text", *CNN, "--out", "disk/report"],
        ["classify", str(REPOSITORY / "examples/voice.wav"), "--explain", "disk/why.png"],
        ["compare", "models", "CORPUS", *MLP, "--out", "disk/tables"],
        ["compare", "models", "CORPUS", *MLP[:-1], "disk/runs", "--out", "tables"],
        ["classify", "CORPUS", "--any-sound", "--out", "disk/rows.csv"],
    ],
    ids=lambda value: f"{value[0]} {value[-2]}",
)  # fmt: skip
def test_a_folder_for_reading_only(avser, corpus, disk, arguments):
    mount(disk, "remount,ro")
    done = avser(*[corpus if x == "CORPUS" else x for x in arguments])
    assert done.returncode == 6, done.stderr
    assert "Read-only file system" in done.stderr.splitlines()[-1]
    assert sum(line.startswith("avser: ") for line in done.stderr.splitlines()) == 1
    assert "Traceback" not in done.stderr
    # An hour's training is not begun.
    assert "epoch" not in done.stderr


WAITING = """
import sys
from dataclasses import replace
from avser_cli.audio import folder
from avser_cli.cli import main

plain = folder.list_files

def with_the_pipe(place, suffixes):
    found = plain(place, suffixes)
    names = sorted({*found.files.names, str(place / "c.wav")})
    return replace(found, files=folder.PathList(names))

folder.list_files = with_the_pipe
sys.exit(main())
"""
"""A command that also reads a pipe in the folder, so that the test decides how long it waits."""


@contextmanager
def halfway(home, *arguments):
    """A command that has done two of five sounds, and waits for the third; how it ends."""
    for name in "abde":
        write_wav(home / "wav" / f"{name}.wav", voice())
    os.mkfifo(home / "wav" / "c.wav")
    running = subprocess.Popen(
        [sys.executable, "-c", WAITING, *arguments, "--jobs", "1"],
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while True:
        try:
            pipe = os.open(home / "wav" / "c.wav", os.O_WRONLY | os.O_NONBLOCK)
            break
        except OSError:  # Nobody reads it yet.
            assert running.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
    content = (home / "wav" / "a.wav").read_bytes()
    (home / "wav" / "c.wav").unlink()
    (home / "wav" / "c.wav").write_bytes(content)
    ended: dict[str, object] = {}
    yield ended
    os.set_blocking(pipe, True)
    os.write(pipe, content)
    os.close(pipe)
    _, told = running.communicate(timeout=60)
    ended |= {"code": running.returncode, "told": told.splitlines()}
    assert "Traceback" not in told


def test_the_sounds_of_spectrogram_go_away(avser, tmp_path):
    with halfway(tmp_path, "spectrogram", "wav", "png") as ended:
        shutil.rmtree(tmp_path / "wav")
    assert ended == {
        "code": 4,
        "told": ["avser: wav: the folder was removed while its sounds were read"],
    }
    assert sorted(x.name for x in tmp_path.glob("png/*")) == ["a.png", "b.png", "manifest.csv"]


def test_the_pictures_go_away(avser, tmp_path):
    with halfway(tmp_path, "spectrogram", "wav", "png") as ended:
        shutil.rmtree(tmp_path / "png")
    assert ended["code"] == 6
    assert ended["told"] == [
        "avser: png: 2 of its pictures were removed while others were drawn; start again to draw "
        "them"
    ]
    again = avser("spectrogram", "wav", "png")
    assert (again.returncode, "2 drawn, 3 up to date" in again.stderr) == (0, True)


def test_the_sounds_of_classify_go_away(avser, tmp_path):
    with halfway(tmp_path, "classify", "wav", "--any-sound", "--out", "out/rows.csv") as ended:
        shutil.rmtree(tmp_path / "wav")
    assert ended == {
        "code": 4,
        "told": ["avser: wav: the folder was removed while its sounds were read"],
    }
    assert len((tmp_path / "out" / "rows.csv").read_text().splitlines()) == 4


def test_the_rows_go_away(avser, tmp_path):
    with halfway(tmp_path, "classify", "wav", "--any-sound", "--out", "out/rows.csv") as ended:
        shutil.rmtree(tmp_path / "out")
    assert ended == {
        "code": 6,
        "told": [
            "avser: out/rows.csv: was removed or replaced while rows were written; start again"
        ],
    }
    again = avser("classify", "wav", "--any-sound", "--out", "out/rows.csv")
    assert (again.returncode, "5 classified, 0 kept" in again.stderr) == (0, True)
