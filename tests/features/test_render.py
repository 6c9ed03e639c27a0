import time

import numpy as np
import pytest
import soundfile

from avser_cli.audio.folder import find_sounds, mirrored
from avser_cli.errors import InputError, OutputError
from avser_cli.features import render
from avser_cli.features.render import SpectrogramRenderer, render_all, render_spectrogram
from avser_cli.features.spectrogram import SpectrogramConfig
from tests.synthetic import tone, voice, write_wav

SETTINGS = SpectrogramConfig()


def statuses(source, target, **options):
    pairs = mirrored(find_sounds(source), source, target, ".png")
    found = {o.source.name: o for o in render_all(pairs, SpectrogramRenderer(SETTINGS), **options)}
    assert len(found) == len(pairs)
    return found


def test_a_second_run_draws_only_what_changed(tmp_path):
    for name in ("a", "b"):
        write_wav(tmp_path / f"wav/deep/{name}.wav", voice())
    first = statuses(tmp_path / "wav", tmp_path / "png")
    assert {o.status for o in first.values()} == {"drawn"}
    assert (tmp_path / "png/deep/a.png").exists()
    write_wav(tmp_path / "wav/deep/b.wav", voice(seed=9))
    second = statuses(tmp_path / "wav", tmp_path / "png")
    assert second["a.wav"].status == "up to date"
    assert second["b.wav"].status == "drawn"
    forced = statuses(tmp_path / "wav", tmp_path / "png", force=True)
    assert forced["a.wav"].status == "drawn"


def test_a_broken_picture_is_drawn_again(tmp_path):
    write_wav(tmp_path / "wav/a.wav", voice())
    statuses(tmp_path / "wav", tmp_path / "png")
    (tmp_path / "png/a.png").write_bytes(b"half")
    assert statuses(tmp_path / "wav", tmp_path / "png")["a.wav"].status == "drawn"


def test_bad_files_fail_alone(tmp_path):
    write_wav(tmp_path / "wav/good.wav", voice())
    write_wav(tmp_path / "wav/silent.wav", np.zeros(16000, np.float32))
    write_wav(tmp_path / "wav/short.wav", tone(seconds=0.05))
    (tmp_path / "wav/text.wav").write_text("hello")
    found = statuses(tmp_path / "wav", tmp_path / "png")
    assert found["good.wav"].status == "drawn"
    for name, reason in (("silent", "silent"), ("short", "too short"), ("text", "not a sound")):
        assert found[f"{name}.wav"].status == "failed"
        assert reason in found[f"{name}.wav"].reason
    assert [path.name for path in (tmp_path / "png").iterdir()] == ["good.png"]


def test_pictures_under_way_are_whole_when_one_cannot_be_written(tmp_path, monkeypatch):
    for name in "abcdefgh":
        write_wav(tmp_path / f"wav/{name}.wav", voice())
    begun, ended = [], []

    def write(path, content):
        if path.stem == "a":
            raise OutputError(f"{path}: cannot be written: full")
        begun.append(path)
        time.sleep(0.3)
        ended.append(path)

    monkeypatch.setattr(render, "write_whole", write)
    with pytest.raises(OutputError, match=r"a\.png: cannot be written"):
        statuses(tmp_path / "wav", tmp_path / "png", jobs=2)
    # Those that were given out with it, and not the rest.
    assert sorted(begun) == sorted(ended)
    assert 0 < len(ended) < 7


def test_two_endings_give_two_pictures(tmp_path):
    sounds = [tmp_path / "a.flac", tmp_path / "a.wav"]
    pairs = mirrored(sounds, tmp_path, tmp_path / "png", ".png")
    assert [png.name for _, png in pairs] == ["a.png", "a.wav.png"]


def test_folders_without_sound(tmp_path):
    for folder, expected in ((tmp_path, "no sound files"), (tmp_path / "no", "no such folder")):
        with pytest.raises(InputError, match=expected):
            find_sounds(folder)


def test_copies_of_a_recording_have_one_checksum(tmp_path):
    wav = write_wav(tmp_path / "a.wav", voice())
    samples, rate = soundfile.read(wav, dtype="int16")
    soundfile.write(tmp_path / "a.flac", samples, rate)
    origins = [render_spectrogram(path, SETTINGS)[1] for path in (wav, tmp_path / "a.flac")]
    assert origins[0].info.samples_sha256 == origins[1].info.samples_sha256
    assert origins[0].info.source_sha256 != origins[1].info.source_sha256
