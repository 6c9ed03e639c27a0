import io
import os
import threading

import numpy as np
import pytest
import soundfile

from avser_cli.audio import input as audio_input
from avser_cli.audio.decoding import STDIN, open_sound, read_waveform
from avser_cli.errors import InputError
from tests.platforms import needs_posix
from tests.synthetic import tone, write_container, write_wav


@pytest.fixture
def stdin(monkeypatch):
    def give(content):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))

    return give


def streamed(content: bytes, size: int) -> bytes:
    """A WAV as a recorder writes it to a pipe: it cannot know its size."""
    field = size.to_bytes(4, "little")
    return content[:4] + field + content[8:40] + field + content[44:]


@pytest.mark.parametrize("size", [0, 0x7FFFF000, 0x7FFFFF24, 0x80000000, 0xFFFFFFFF])
@pytest.mark.parametrize("live", [False, True])
def test_a_streamed_wav_is_read_to_its_end(tmp_path, stdin, size, live):
    whole = write_wav(tmp_path / "a.wav", tone())
    expected = read_waveform(whole)
    content = streamed(whole.read_bytes(), size)
    stdin(content)
    with open_sound(STDIN, live) as sound:
        samples = np.concatenate(list(sound.blocks()))
    np.testing.assert_array_equal(samples, expected.samples)
    file = tmp_path / "kept.wav"
    file.write_bytes(content)
    np.testing.assert_array_equal(read_waveform(file).samples, expected.samples)


@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".ogg"])
def test_other_formats_on_stdin(tmp_path, stdin, suffix):
    soundfile.write(tmp_path / f"a{suffix}", tone(), 16000)
    stdin((tmp_path / f"a{suffix}").read_bytes())
    assert read_waveform(STDIN).duration == pytest.approx(1.0, abs=0.15)


def test_a_container_on_stdin(tmp_path, stdin):
    stdin(write_container(tmp_path / "a.mp4", tone(rate=48000)).read_bytes())
    assert read_waveform(STDIN).duration == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"", "empty|not a sound"), (b"hello, no sound here\n" * 9, "not a sound file"),
     (bytes(range(256)) * 40, "not a sound file")],
)  # fmt: skip
def test_bad_stdin_is_one_line(stdin, live, content, expected):
    stdin(content)
    with pytest.raises(InputError, match=f"^stdin: .*({expected})"), open_sound(STDIN, live):
        pass


def test_a_pipe_cut_short_of_an_honest_size(tmp_path, stdin):
    stdin(write_wav(tmp_path / "a.wav", tone()).read_bytes()[:9000])
    with pytest.raises(InputError, match=r"^stdin: truncated"):
        read_waveform(STDIN)


def test_endless_input_is_refused(stdin, monkeypatch):
    monkeypatch.setattr(audio_input, "MAX_PIPED_BYTES", 1000)
    stdin(bytes(2000))
    with pytest.raises(InputError, match="more than"):
        read_waveform(STDIN)


@needs_posix("named pipes")
def test_a_named_pipe(tmp_path):
    content = write_wav(tmp_path / "a.wav", tone()).read_bytes()
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(content,))
    writer.start()
    assert read_waveform(tmp_path / "pipe").duration == 1.0
    writer.join()
