"""Headers that are wrong about the length, and files that are no sounds."""

import io

import numpy as np
import pytest

from avser_cli.audio.decoding import STDIN, read_waveform
from avser_cli.errors import InputError
from tests.synthetic import tone, write_container, write_wav


def number(value: int) -> bytes:
    return value.to_bytes(4, "little")


@pytest.fixture
def whole(tmp_path):
    return write_wav(tmp_path / "whole.wav", tone(seconds=0.5))


def read(folder, content):
    path = folder / "made.wav"
    path.write_bytes(content)
    return read_waveform(path)


@pytest.mark.parametrize("more", [-30, -8, 1, 2, 8, 100, 10**6])
def test_a_wrong_riff_size_does_not_matter_where_the_samples_are_there(tmp_path, whole, more):
    content = whole.read_bytes()
    riff = number(len(content) - 8 + more)
    clip = read(tmp_path, content[:4] + riff + content[8:])
    np.testing.assert_array_equal(clip.samples, read_waveform(whole).samples)


@pytest.mark.parametrize("riff", [0, 36, 4088, None, 0xFFFFFFFF])
@pytest.mark.parametrize("filler", [0, 4044, 5000])
def test_a_wav_that_was_never_closed_is_read_to_its_end(tmp_path, whole, monkeypatch, riff, filler):
    content = whole.read_bytes()
    extra = b"FLLR" + number(filler) + bytes(filler) if filler else b""
    size = len(content) + len(extra) - 8 if riff is None else riff
    made = b"RIFF" + number(size) + content[8:36] + extra + b"data" + number(0) + content[44:]
    expected = read_waveform(whole).samples
    np.testing.assert_array_equal(read(tmp_path, made).samples, expected)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(made)))
    np.testing.assert_array_equal(read_waveform(STDIN).samples, expected)


def test_an_empty_wav_with_a_chunk_after_it_stays_empty(tmp_path, whole):
    content = whole.read_bytes()[:40] + number(0) + b"LIST" + number(4) + b"INFO"
    with pytest.raises(InputError, match="no samples"):
        read(tmp_path, content[:4] + number(len(content) - 8) + content[8:])


def test_a_data_chunk_that_ends_early_is_truncated_whatever_the_riff_size(tmp_path, whole):
    content = whole.read_bytes()[:-200]
    with pytest.raises(InputError, match="truncated"):
        read(tmp_path, content[:4] + number(len(content) - 8) + content[8:])


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".m4a", ".mkv", ".webm"])
def test_a_container_that_ends_early_is_truncated(tmp_path, suffix):
    path = write_container(tmp_path / f"a{suffix}", tone(seconds=2.0, rate=48000))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) * 9 // 10])
    with pytest.raises(InputError, match="truncated"):
        read_waveform(path)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "git lfs pull"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "web page"),
        (b"\n  <HTML><head></head></HTML>", "web page"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><html></html>", "web page"),
        (b"<?xml version='1.0'?>\n<!DOCTYPE html PUBLIC '-//W3C'><html></html>", "web page"),
        (bytes(5000), "placeholder"),
        (b"", "empty"),
    ],
)
def test_what_is_no_sound_is_named_for_what_it_is(tmp_path, content, expected):
    with pytest.raises(InputError, match=expected) as caught:
        read(tmp_path, content)
    assert "\n" not in str(caught.value)
