import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.sounds import voice, write_wav


def test_draws_mirrors_and_sums_up(avser, corpus, tmp_path):
    done = avser("spectrogram", corpus, "png")
    assert done.returncode == 0, done.stderr
    assert "png: 64 drawn, 0 up to date, 0 failed" in done.stderr
    assert done.stdout == ""
    drawn = sorted((tmp_path / "png").rglob("*"))
    names = sorted(path.relative_to(corpus).with_suffix(".png") for path in corpus.rglob("*.wav"))
    assert [path.relative_to(tmp_path / "png") for path in drawn if path.is_file()] == names
    with Image.open(next(path for path in drawn if path.is_file())) as image:
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
    assert [path.name for path in (tmp_path / "png").iterdir()] == ["good.png"]
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


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_one_line(avser, tmp_path):
    if os.geteuid() != 0 or os.system(f"mount -t tmpfs -o size=16k t {tmp_path} 2>/dev/null"):
        pytest.skip("mounting a small file system needs privileges")
    try:
        write_wav(Path(f"{tmp_path}.wavs") / "a.wav", voice())
        (tmp_path / "filler").write_bytes(bytes(12 * 1024))
        done = avser("spectrogram", f"{tmp_path}.wavs", tmp_path / "png", cwd="/")
        left = [path for path in tmp_path.rglob("*") if path.is_file()]
    finally:
        os.system(f"umount {tmp_path}")
    assert done.returncode == 6
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in left] == ["filler"]
