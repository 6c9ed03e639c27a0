import csv
import os
import re
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from avser_cli.data.clips import index_folder
from avser_cli.data.emotions import PAPER_EMOTIONS
from tests.conftest import REPOSITORY
from tests.platforms import kill
from tests.synthetic import make_corpus, ravdess_name, tone, voice, write_wav


def test_draws_mirrors_and_sums_up(avser, corpus, tmp_path):
    done = avser("spectrogram", corpus, "png")
    assert done.returncode == 0, done.stderr
    assert "png: 64 drawn, 0 up to date, 0 failed" in done.stderr
    assert done.stdout == ""
    drawn = sorted((tmp_path / "png").rglob("*"))
    names = sorted(path.relative_to(corpus).with_suffix(".png") for path in corpus.rglob("*.wav"))
    spectrograms = [path.relative_to(tmp_path / "png") for path in drawn if path.suffix == ".png"]
    assert spectrograms == names
    with Image.open(tmp_path / "png" / spectrograms[0]) as image:
        assert (image.mode, image.size) == ("L", (150, 150))
    again = avser("spectrogram", corpus, "png")
    assert "0 drawn, 64 up to date, 0 failed" in again.stderr


def test_other_settings_are_drawn_again(avser, tmp_path):
    write_wav(tmp_path / "wav" / "a.wav", voice())
    avser("spectrogram", "wav", "png")
    assert "1 drawn" in avser("spectrogram", "wav", "png", "--recipe", "paper").stderr


def test_one_bad_file_costs_one_line_and_the_exit_code(avser, tmp_path):
    write_wav(tmp_path / "wav" / "good.wav", voice())
    write_wav(tmp_path / "wav" / "silent.wav", np.zeros(16000, np.float32))
    (tmp_path / "wav" / "line\nbreak.wav").write_text("no sound")
    done = avser("spectrogram", "wav", "png")
    assert done.returncode == 4
    assert "1 drawn, 0 up to date, 2 failed" in done.stderr
    failed = [line for line in done.stderr.splitlines() if line.startswith("failed: ")]
    assert len(failed) == 2
    assert any("line\\nbreak.wav" in line for line in failed)
    assert sorted(path.name for path in (tmp_path / "png").iterdir()) == [
        "good.png",
        "manifest.csv",
    ]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir(), lambda p: p.touch()])
def test_no_folder_no_sound(avser, tmp_path, make):
    make(tmp_path / "wav")
    done = avser("spectrogram", "wav", "png")
    assert done.returncode == 3
    assert done.stderr.startswith("avser: wav: ")
    assert not (tmp_path / "png").exists()


def test_an_output_that_cannot_be_written(avser, tmp_path):
    write_wav(tmp_path / "wav" / "a.wav", voice())
    (tmp_path / "png").touch()
    done = avser("spectrogram", "wav", "png")
    assert done.returncode == 6
    assert "png: cannot be written" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def manifest(folder):
    with (folder / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_manifest_says_what_each_picture_shows(avser, tmp_path):
    name = ravdess_name("sad", actor=4)
    write_wav(tmp_path / "wav" / f"{name}.wav", np.stack([tone(amplitude=0.5)] * 2, axis=1))
    write_wav(tmp_path / "wav" / "loud.wav", np.clip(4 * tone(), -1, 1))
    (tmp_path / "wav" / "text.wav").write_text("no sound")
    avser("spectrogram", "wav", "png")
    sad, loud, text = manifest(tmp_path / "png")
    assert (sad["picture"], sad["emotion"], sad["speaker"]) == (f"{name}.png", "sad", "ravdess:04")
    assert (sad["rate"], sad["channels"], sad["duration"]) == ("16000", "2", "1.0")
    assert float(sad["peak"]) == pytest.approx(-6.02, abs=0.02)
    assert float(sad["rms"]) == pytest.approx(-9.03, abs=0.02)
    assert sad["clipped"] == "0"
    assert int(loud["clipped"]) > 1000
    assert loud["emotion"] == ""
    assert (text["status"], text["picture"]) == ("failed", "")
    assert "not a sound file" in text["reason"]
    again = avser("spectrogram", "wav", "png")
    assert again.returncode == 4
    assert [{**row, "status": "drawn"} for row in manifest(tmp_path / "png")[:2]] == [sad, loud]


def test_settings_by_option(avser, tmp_path):
    write_wav(tmp_path / "wav" / "a.wav", voice())
    options = ["--size", "64x32", "--scale", "mel", "--fmin", "100", "--fmax", "0", "--no-trim"]
    options += ["--window", "0.02", "--hop", "0.005", "--fft", "1024", "--range", "80"]
    options += ["--floor", "-100", "--resize", "stretch"]
    done = avser("spectrogram", "wav", "png", *options)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "png" / "a.png") as image:
        assert image.size == (64, 32)
        assert '"ref_db": -20.0' in image.info["avser"]
    assert (
        "0 drawn, 1 up to date"
        in avser(
            "spectrogram", "wav", "png", *options, "--floor", "-100", "--resize", "stretch"
        ).stderr
    )
    for wrong in (["--size", "big"], ["--trim", "30", "--no-trim"], ["--palette", "sox"]):
        assert avser("spectrogram", "wav", "png", *wrong).returncode == 2


def test_other_settings_are_refused_by_train(avser, corpus, tmp_path):
    avser("spectrogram", corpus, "png")
    odd = sorted(corpus.rglob("*.wav"))[3]
    target = tmp_path / "png" / odd.relative_to(corpus).with_suffix(".png")
    avser("spectrogram", odd, target, "--range", "90")
    done = avser("train", "png", "--epochs", "1")
    assert done.returncode == 7
    assert target.name in done.stderr
    assert "dynamic_range 90" in done.stderr


def test_one_file_and_pipes(avser, tmp_path):
    sound = write_wav(tmp_path / "a.wav", voice())
    assert "a.png: drawn" in avser("spectrogram", "a.wav", "a.png").stderr
    with sound.open("rb") as stdin:
        done = subprocess.run(
            [sys.executable, "-m", "avser_cli", "spectrogram", "-", "-"],
            stdin=stdin,
            capture_output=True,
            cwd=REPOSITORY,
            check=True,
        )
    with Image.open(tmp_path / "a.png") as one:
        (tmp_path / "piped.png").write_bytes(done.stdout)
        with Image.open(tmp_path / "piped.png") as other:
            np.testing.assert_array_equal(np.asarray(one), np.asarray(other))
    missing = avser("spectrogram", "b.wav", "b.png")
    assert (missing.returncode, (tmp_path / "b.png").exists()) == (3, False)


@pytest.mark.parametrize("style", ["spek", "waveform"])
def test_pictures_for_eyes(avser, tmp_path, style):
    write_wav(tmp_path / "wav" / "a.wav", voice(rate=48000), rate=48000)
    first = avser("spectrogram", "wav", "eyes", "--style", style, "--size", "800x500")
    assert "1 drawn" in first.stderr, first.stderr
    with Image.open(tmp_path / "eyes" / "a.png") as image:
        assert image.size == (800, 500)
    again = avser("spectrogram", "wav", "eyes", "--style", style, "--size", "800x500")
    assert "0 drawn, 1 up to date" in again.stderr
    other = avser("spectrogram", "wav", "eyes", "--style", style, "--palette", "magma")
    assert "1 drawn" in other.stderr
    assert avser("spectrogram", "wav/a.wav", "a.svg", "--style", style).returncode == 0
    text = (tmp_path / "a.svg").read_text()
    for words in ("PCM signed 16-bit little-endian, 768 kbps, 48000 Hz, 1 channel", "kHz", "dB"):
        assert words in text
    assert avser("spectrogram", "wav/a.wav", "a.pdf", "--style", style).returncode == 0
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_silence_is_drawn_for_eyes_and_refused_for_networks(avser, tmp_path):
    write_wav(tmp_path / "wav" / "a.wav", np.zeros(16000, np.float32))
    assert avser("spectrogram", "wav", "eyes", "--style", "waveform").returncode == 0
    refused = avser("spectrogram", "wav", "png")
    assert refused.returncode == 3
    assert refused.stderr.splitlines()[-1] == "avser: none of 1 sounds could be drawn"


def test_strict_stops_at_the_first_failure(avser, tmp_path):
    (tmp_path / "wav").mkdir()
    for number in range(5):
        (tmp_path / "wav" / f"{number}.wav").write_text("no sound")
    done = avser("spectrogram", "wav", "png", "--strict")
    assert done.returncode == 3
    assert len(done.stderr.splitlines()) == 1


def test_killed_runs_leave_whole_pictures_only(tmp_path):
    for number in range(60):
        write_wav(tmp_path / "wav" / f"{number:02}.wav", voice(seconds=2.0, seed=number))
    command = [sys.executable, "-m", "avser_cli", "spectrogram", "wav", "png"]
    suppress_native_output = {"cwd": tmp_path, "env": {**os.environ, "PYTHONPATH": str(REPOSITORY)}}
    for _ in range(3):
        running = subprocess.Popen(command, stderr=subprocess.DEVNULL, **suppress_native_output)
        before = len(list(tmp_path.glob("png/*.png")))
        while running.poll() is None and len(list(tmp_path.glob("png/*.png"))) < before + 10:
            time.sleep(0.002)
        running.kill()
        running.wait()
        for spectrogram in tmp_path.glob("png/*.png"):
            with Image.open(spectrogram) as image:
                image.load()
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, **suppress_native_output
    )
    assert "0 failed" in done.stderr
    assert "60 drawn" not in done.stderr
    assert len(manifest(tmp_path / "png")) == 60
    fresh = subprocess.run(
        [*command[:-1], "fresh"], capture_output=True, check=True, **suppress_native_output
    )
    assert fresh.returncode == 0
    for spectrogram in tmp_path.glob("fresh/*.png"):
        assert spectrogram.read_bytes() == (tmp_path / "png" / spectrogram.name).read_bytes()


def test_dask_cluster_that_loses_a_worker(workers, tmp_path):
    for number in range(80):
        write_wav(tmp_path / "wav" / f"{number:02}.wav", voice(seconds=3.0, seed=number))
    (tmp_path / "wav" / "text.wav").write_text("no sound")
    command = [sys.executable, "-m", "avser_cli", "spectrogram", "wav", "png"]
    running = subprocess.Popen(
        [*command, "--scheduler", workers.scheduler_address],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stderr=subprocess.PIPE,
        text=True,
    )
    while running.poll() is None and not list(tmp_path.glob("png/*.png")):
        time.sleep(0.01)
    kill(workers.workers[0].pid)
    _, told = running.communicate(timeout=120)
    assert running.returncode == 4, told
    assert "failed: wav/text.wav: not a sound file" in told
    # What the killed worker had drawn but not told of is up to date for the other.
    drawn, current, failed = map(int, re.findall(r"\d+", told.splitlines()[-2])[:3])
    assert (drawn + current, failed) == (80, 1), told
    assert len(list(tmp_path.glob("png/*.png"))) == 80
    assert len(manifest(tmp_path / "png")) == 81


def test_pictures_whose_sound_is_gone_are_named_and_not_trained_on(avser, tmp_path):
    wav = make_corpus(tmp_path / "wav", actors=(1,))
    sounds = sorted(wav.rglob("*.wav"))
    write_wav(tmp_path / "other" / "b.wav", voice())
    assert avser("spectrogram", "wav", "png").returncode == 0
    assert avser("spectrogram", "other", "png").returncode == 0
    sounds[0].unlink()
    sounds[1].rename(sounds[1].with_name(f"{ravdess_name('calm', 1)}.wav"))
    for _ in range(2):
        done = avser("spectrogram", "wav", "png")
        assert done.stderr.count("its sound is gone, not trained on: png/Actor_01/") == 2
        rows = {row["picture"]: row["status"] for row in manifest(tmp_path / "png")}
        assert rows["b.png"] == "drawn"
        assert sum(status == "gone" for status in rows.values()) == 2
    index = index_folder(tmp_path / "png", PAPER_EMOTIONS)
    assert len(index.clips) == len(sounds) - 2
    assert [x.reason for x in index.skipped if "gone" in x.reason] == ["its sound is gone"] * 2


def test_a_slip_of_the_pen_writes_over_no_recording(avser, tmp_path):
    sounds = [write_wav(tmp_path / name, voice()) for name in ("a.wav", "b.wav")]
    before = sounds[1].read_bytes()
    for target in ("b.wav", "a.wav", "a.jpg", "nowhere"):
        done = avser("spectrogram", "a.wav", target)
        assert (done.returncode, "the name must end in .png" in done.stderr) == (2, True)
    assert sounds[1].read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "b.wav"]


def test_of_a_sound_that_is_drawn_by_channel_the_picture_of_all_is_not_used(avser, tmp_path):
    for number, emotion in enumerate(("happy", "sad")):
        both = [voice(emotion, seed=seed) for seed in (number, 10 + number)]
        write_wav(tmp_path / "st" / emotion / "1.wav", np.stack(both, axis=1))

    def used():
        found = index_folder(tmp_path / "png", ("happy", "sad"))
        return sorted(x.path.relative_to(tmp_path / "png").as_posix() for x in found.clips)

    alone = ["happy/1.png", "sad/1.png"]
    each = [f"{channel}/{picture}" for channel in ("left", "right") for picture in alone]
    for _ in range(2):
        assert avser("spectrogram", "st", "png").returncode == 0
        assert used() == alone
        done = avser("spectrogram", "st", "png", "--channel", "each")
        assert "to another picture since, not trained on: png/happy/1.png" in done.stderr
        assert used() == each


def test_a_manifest_with_a_cell_too_many_is_written_anew(avser, tmp_path):
    write_wav(tmp_path / "wav" / "a.wav", voice())
    assert avser("spectrogram", "wav", "png").returncode == 0
    path = tmp_path / "png" / "manifest.csv"
    whole = path.read_bytes()
    path.write_bytes(whole.rstrip() + b",more\r\n")
    done = avser("spectrogram", "wav", "png")
    assert (done.returncode, "1 up to date" in done.stderr) == (0, True), done.stderr
    assert path.read_bytes().rstrip().count(b",") == whole.rstrip().count(b",")


def test_a_broken_strict_run_keeps_the_rows_of_others(avser, tmp_path):
    for name in ("b", "c"):
        write_wav(tmp_path / "wav" / f"{name}.wav", voice())
    assert avser("spectrogram", "wav", "png").returncode == 0
    (tmp_path / "wav" / "a.wav").write_bytes(b"no sound")
    assert avser("spectrogram", "wav", "png", "--strict", "-j", "1", "--force").returncode == 3
    assert {row["picture"] for row in manifest(tmp_path / "png")} >= {"b.png", "c.png"}


def two_voices(path):
    return write_wav(path, np.stack([voice("happy"), voice("sad")], axis=1))


def test_each_channel_is_a_picture(avser, tmp_path):
    name = ravdess_name("sad")
    two_voices(tmp_path / "wav" / "sub" / f"{name}.wav")
    write_wav(tmp_path / "wav" / "mono.wav", voice())
    (tmp_path / "wav" / "none.wav").write_text("no sound")
    done = avser("spectrogram", "wav", "png", "--channel", "each")
    assert done.returncode == 4, done.stderr
    assert "3 drawn, 0 up to date, 1 failed" in done.stderr
    drawn = sorted(p.relative_to(tmp_path / "png").as_posix() for p in tmp_path.rglob("*.png"))
    assert drawn == [f"left/sub/{name}.png", "mono.png", f"right/sub/{name}.png"]
    left, right = (tmp_path / "png" / drawn[place] for place in (0, 2))
    assert left.read_bytes() != right.read_bytes()
    assert "0 drawn, 3 up to date" in avser("spectrogram", "wav", "png", "--channel", "each").stderr
    avser("spectrogram", "wav/sub", "one", "--channel", "right")
    assert (tmp_path / "one" / f"{name}.png").read_bytes() == right.read_bytes()
    again = avser("spectrogram", "wav/sub", "one", "--channel", "left")
    assert "1 drawn" in again.stderr


def test_each_channel_of_one_sound(avser, tmp_path):
    two_voices(tmp_path / "a.wav")
    assert avser("spectrogram", "a.wav", "b.png", "--channel", "each").returncode == 0
    assert sorted(p.name for p in tmp_path.glob("*.png")) == ["b.left.png", "b.right.png"]
    stdout = avser("spectrogram", "a.wav", "-", "--channel", "each")
    assert (stdout.returncode, stdout.stdout) == (2, "")
    figure = avser("spectrogram", "a.wav", "c.svg", "--style", "spek", "--channel", "right")
    assert figure.returncode == 0, figure.stderr
    assert "2 channels: right channel" in (tmp_path / "c.svg").read_text()


def test_pictures_that_would_share_a_name_are_refused(avser, tmp_path):
    two_voices(tmp_path / "wav" / "a.wav")
    write_wav(tmp_path / "wav" / "left" / "a.wav", voice())
    done = avser("spectrogram", "wav", "png", "--channel", "each")
    assert done.returncode == 2
    assert "png/left/a.png" in done.stderr
    assert not (tmp_path / "png").exists()


@pytest.mark.parametrize("options", [["--channel", "centre"], ["--channel", "0"], ["--track", "0"]])
def test_no_such_channel_or_track(avser, tmp_path, options):
    two_voices(tmp_path / "wav" / "a.wav")
    done = avser("spectrogram", "wav", "png", *options)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "png").exists()


def test_the_files_of_a_table_are_drawn_with_their_labels(avser, tmp_path):
    for name in ("a", "b", "c"):
        write_wav(tmp_path / "wav" / f"{name}.wav", voice(seed=ord(name)))
    table = tmp_path / "mine.csv"
    table.write_text(
        "file,emotion,speaker\nwav/a.wav,wistful,7\nwav/b.wav,joy,8\nwav/x.wav,sad,8\n"
    )
    done = avser("spectrogram", "mine.csv", "png")
    assert done.returncode == 0, done.stderr
    assert "left out: wav/x.wav: line 4: no such file" in done.stderr
    rows = [(row["picture"], row["emotion"], row["speaker"]) for row in manifest(tmp_path / "png")]
    assert rows == [("wav/a.png", "wistful", "mine:7"), ("wav/b.png", "happy", "mine:8")]
    index = index_folder(tmp_path / "png", ("happy", "wistful"))
    assert [clip.key for clip in index.clips] == ["mine:wav/a", "mine:wav/b"]
    table.write_text("file,emotion,start\nwav/a.wav,sad,1\n")
    refused = avser("spectrogram", "mine.csv", "png2")
    assert refused.returncode == 2
    assert "start and end have no pictures" in refused.stderr


def test_pictures_of_a_table_stay_below_the_target(avser, tmp_path):
    write_wav(tmp_path / "wav" / "a.wav", voice())
    (tmp_path / "deep" / "sub").mkdir(parents=True)
    for name in ("../../wav/a.wav", tmp_path / "wav" / "a.wav"):
        (tmp_path / "deep" / "sub" / "t.csv").write_text(f"file,emotion\n{name},sad\n")
        refused = avser("spectrogram", "deep/sub/t.csv", "png/x")
        assert refused.returncode == 2
        assert "wav/a.wav: not below the table's folder" in refused.stderr
    assert not list(tmp_path.rglob("*.png"))
    (tmp_path / "t.csv").write_text(f"file,emotion\n{tmp_path / 'wav' / 'a.wav'},sad\n")
    assert avser("spectrogram", "t.csv", "png").returncode == 0
    assert (tmp_path / "png" / "wav" / "a.png").is_file()
