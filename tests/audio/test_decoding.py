from pathlib import Path

import numpy as np
import pytest
import soundfile

from avser_cli.audio.decoding import check_not_silent, check_rate, read_waveform
from avser_cli.errors import InputError, UsageError
from tests.synthetic import tone, write_wav


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000, 96000])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_U8", "FLOAT", "DOUBLE", "ULAW"])
def test_reads_every_rate_and_depth(tmp_path, rate, subtype):
    samples = tone(rate=rate, seconds=0.3)
    clip = read_waveform(write_wav(tmp_path / "a.wav", samples, rate, subtype))
    assert clip.rate == rate
    assert clip.stream.encoding == subtype
    np.testing.assert_allclose(clip.samples, samples, atol=0.02)


def test_channels_are_averaged(tmp_path):
    format_time_left = tone()
    six = np.stack(
        [
            format_time_left,
            -format_time_left,
            format_time_left,
            format_time_left,
            format_time_left,
            format_time_left,
        ],
        axis=1,
    )
    clip = read_waveform(write_wav(tmp_path / "six.wav", six, subtype="FLOAT"))
    np.testing.assert_allclose(clip.samples, format_time_left * (4 / 6), atol=1e-6)
    assert clip.stream.channels == 6


def test_stereo_with_equal_sides_keeps_its_level(tmp_path):
    clip = read_waveform(write_wav(tmp_path / "two.wav", np.stack([tone(), tone()], axis=1)))
    assert np.abs(clip.samples).max() == pytest.approx(0.5, abs=0.001)


@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".mp3", ".aiff"])
def test_other_containers(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, tone(seconds=1), 16000)
    assert read_waveform(path).duration == pytest.approx(1.0, abs=0.15)


def test_extra_chunk_before_the_data(tmp_path):
    plain = write_wav(tmp_path / "a.wav", tone()).read_bytes()
    filler = b"FLLR" + (64).to_bytes(4, "little") + bytes(64)
    content = plain[:36] + filler + plain[36:]
    longer = content[:4] + (len(content) - 8).to_bytes(4, "little") + content[8:]
    path = tmp_path / "filled.wav"
    path.write_bytes(longer)
    np.testing.assert_array_equal(
        read_waveform(path).samples, read_waveform(tmp_path / "a.wav").samples
    )


def write_bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def bad_inputs(folder: Path):
    whole = write_wav(folder / "whole.wav", tone()).read_bytes()
    nan = tone()
    nan[100] = np.nan
    yield folder / "missing.wav", "no such file"
    yield write_bytes(folder / "empty.wav", b""), "the file is empty"
    yield write_bytes(folder / "text.wav", b"this is not sound at all"), "not a sound file"
    yield write_bytes(folder / "cut.wav", whole[: len(whole) // 2]), "truncated"
    yield write_bytes(folder / "header.wav", whole[:44]), "truncated"
    yield write_wav(folder / "nan.wav", nan, subtype="FLOAT"), "NaN"
    yield write_wav(folder / "none.wav", np.zeros(0, np.float32)), "no samples"
    yield folder, "is a folder"


def test_bad_input_is_one_line_that_names_the_file(tmp_path):
    for path, expected in bad_inputs(tmp_path):
        with pytest.raises(InputError) as caught:
            read_waveform(path)
        message = str(caught.value)
        assert expected in message
        assert message.startswith(f"{path}: ")
        assert "\n" not in message


def test_every_cut_of_a_wav_is_refused(tmp_path):
    whole = write_wav(tmp_path / "whole.wav", tone(seconds=0.3)).read_bytes()
    for length in [*range(1, 60), len(whole) // 2, len(whole) - 2]:
        with pytest.raises(InputError):
            read_waveform(write_bytes(tmp_path / "cut.wav", whole[:length]))


def test_silence_is_refused_and_a_whisper_is_not():
    with pytest.raises(InputError, match="silent"):
        check_not_silent("x.wav", tone(amplitude=0.00005))
    check_not_silent("x.wav", tone(amplitude=0.001))


def test_published_files_with_extra_chunks(ravdess):
    for path in (ravdess / "original").glob("*.wav"):
        clip = read_waveform(path)
        assert clip.rate == 48000
        assert 2.5 < clip.duration < 7


@pytest.mark.parametrize("rate", [0, 100, -1, float("nan")])
def test_a_rate_that_holds_no_voice(rate):
    with pytest.raises(UsageError, match="holds no voice"):
        check_rate(rate)
