"""Headers that were never finished, or are of some seconds ago."""

import io
import struct

import numpy as np
import pytest
import soundfile

from avser_cli.audio.decoding import STDIN, read_waveform
from avser_cli.audio.part_of_file import PartOfFile
from avser_cli.audio.stated_sizes import W64_DATA
from avser_cli.errors import InputError
from tests.synthetic import tone, voice

RATE = 16000
SOUND = voice(seconds=3.0)


def encoded(format, subtype="PCM_16", samples=SOUND):
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format=format, subtype=subtype)
    return bytearray(file.getvalue())


def put(content, place, format, *values):
    struct.pack_into(format, content, place, *values)


def header_of(format, stated, subtype="PCM_16"):
    """A file whose header states so many bytes of samples."""
    content = encoded(format, subtype)
    if format == "WAV":
        put(content, content.index(b"data") + 4, "<I", stated)
        put(content, 4, "<I", stated + 36)
    elif format == "RF64":
        put(content, 20, "<QQ", stated, stated)
    elif format == "AIFF":
        place = content.index(b"SSND")
        put(content, place + 4, ">I", stated + 8)
        put(content, content.index(b"COMM") + 10, ">I", stated // 2)
        put(content, 4, ">I", place + stated + 8)
    elif format == "AU":
        put(content, 8, ">I", stated)
    elif format == "W64":
        put(content, content.index(W64_DATA) + 16, "<Q", stated + 24)
    elif format == "CAF":
        put(content, content.index(b"data") + 4, ">Q", stated + 4)
    return content


@pytest.mark.parametrize("format", ["WAV", "RF64", "W64", "AIFF", "AU", "CAF"])
@pytest.mark.parametrize("stated", [0, 32000, 64000])
def test_samples_behind_the_stated_ones_are_read(tmp_path, format, stated, monkeypatch):
    content = header_of(format, stated)
    path = tmp_path / "a"
    path.write_bytes(content)
    found = read_waveform(path)
    assert found.duration == pytest.approx(3.0, abs=0.001)
    np.testing.assert_allclose(found.samples[: len(SOUND)], SOUND, atol=1e-4)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    np.testing.assert_array_equal(read_waveform(STDIN).samples, found.samples)


@pytest.mark.parametrize("format", ["WAV", "RF64", "W64", "AIFF", "AU", "CAF"])
def test_a_file_that_lost_its_end_is_truncated(tmp_path, format):
    content = encoded(format)
    path = tmp_path / "a"
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=rf"truncated: the header promises {len(content)} bytes"):
        read_waveform(path)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "FLOAT"])
def test_samples_of_any_size_go_on(tmp_path, subtype):
    content = header_of("WAV", 24000, subtype)
    (tmp_path / "a.wav").write_bytes(content)
    assert read_waveform(tmp_path / "a.wav").duration == pytest.approx(3.0, abs=0.01)


def random_bytes(count):
    return np.random.default_rng(0).bytes(count)


@pytest.mark.parametrize(
    "behind",
    [
        b"TAG" + bytes(125),
        b"ID3\x04" + b"x" * 9000,
        b"<?xpacket begin?>" + b"x" * 9000,
        bytes(20000),
        b"LIST" + struct.pack("<I", 9000) + b"x" * 9000,
        random_bytes(20000),
        b"PK\x03\x04" + random_bytes(20000),
        random_bytes(500),
    ],
)
def test_what_is_no_sound_behind_the_samples_is_not_read(tmp_path, behind):
    content = encoded("WAV")
    (tmp_path / "a.wav").write_bytes(content + behind)
    assert read_waveform(tmp_path / "a.wav").duration == 3.0


def test_wavs_behind_one_another_are_read_whole(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(encoded("WAV") + encoded("WAV", samples=tone(seconds=1.0)) + encoded("WAV"))
    found = read_waveform(path)
    assert found.duration == 7.0
    np.testing.assert_allclose(found.samples[-len(SOUND) :], SOUND, atol=1e-4)


def test_a_part_of_a_file_is_a_file_of_its_own():
    part = PartOfFile(io.BytesIO(b"0123456789"), 2, 8, {1: b"ab", 5: b"yz"})
    assert part.read() == b"2ab56y"
    assert part.seek(-2, 2) == 4
    assert part.read(9) == b"6y"
    assert part.read() == b""
