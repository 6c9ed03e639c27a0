import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from avser_cli.audio.decoding import open_sound, read_waveform
from avser_cli.errors import InputError
from tests.conftest import REPOSITORY
from tests.platforms import needs_names_of_bytes
from tests.synthetic import CODECS, tone, write_container, write_wav


@pytest.mark.parametrize("suffix", CODECS)
def test_each_container_sounds_as_it_was_written(tmp_path, suffix):
    samples = tone(440.0, seconds=2.0, rate=48000)
    clip = read_waveform(write_container(tmp_path / f"a{suffix}", samples))
    assert clip.rate == 48000
    assert clip.duration == pytest.approx(2.0, abs=0.05)
    spectrum = np.abs(np.fft.rfft(clip.samples))
    assert spectrum.argmax() / clip.duration == pytest.approx(440, abs=1)
    middle = clip.samples[20000:60000]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.03)


def test_the_audio_track_of_a_video(tmp_path):
    path = write_container(tmp_path / "a.mp4", tone(rate=44100), 44100, video=True)
    clip = read_waveform(path)
    assert clip.stream.encoding == "aac"
    assert (clip.rate, clip.stream.channels) == (44100, 1)


def test_channels_of_a_container_are_averaged(tmp_path):
    format_time_left = tone(rate=48000, amplitude=0.5)
    path = write_container(
        tmp_path / "a.mkv", np.stack([format_time_left, np.zeros_like(format_time_left)], axis=1)
    )
    clip = read_waveform(path)
    assert clip.stream.channels == 2
    np.testing.assert_allclose(clip.samples, format_time_left / 2, atol=1e-3)


def test_eight_channels_are_averaged(tmp_path):
    path = tmp_path / "a.m4a"
    loud = tone(rate=48000, seconds=0.5)
    with av.open(str(path), "w") as container:
        sound: Any = container.add_stream("aac", rate=48000, layout="7.1")
        # Packed, then made planar by FFmpeg: PyAV itself trips over eight planes.
        packed = np.stack([loud, *[np.zeros_like(loud)] * 7], axis=1).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, format="flt", layout="7.1")
        frame.sample_rate, frame.pts = 48000, 0
        convert = av.AudioResampler(format="fltp", layout="7.1", rate=48000, frame_size=1024)
        for part in [*convert.resample(frame), *convert.resample(None)]:
            container.mux(sound.encode(part))
        container.mux(sound.encode(None))
    clip = read_waveform(path)
    assert clip.stream.channels == 8
    assert np.abs(clip.samples).max() == pytest.approx(0.5 / 8, rel=0.2)


def test_what_a_file_holds_decides_not_its_ending(tmp_path):
    path = write_container(tmp_path / "a.m4a", tone(rate=48000)).rename(tmp_path / "a.wav")
    assert read_waveform(path).stream.encoding == "aac"


def test_a_video_without_sound(tmp_path):
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        spectrograms: Any = container.add_stream("mpeg4", rate=25, width=64, height=64)
        frame = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")
        container.mux(spectrograms.encode(frame))
        container.mux(spectrograms.encode(None))
    with pytest.raises(InputError, match="no audio track"):
        read_waveform(path)


@pytest.mark.parametrize("suffix", CODECS)
def test_cut_containers_are_refused_or_shorter_and_never_crash(tmp_path, suffix):
    path = write_container(tmp_path / f"a{suffix}", tone(seconds=2.0, rate=48000))
    whole = path.read_bytes()
    for length in (1, 30, len(whole) // 10, len(whole) // 2):
        path.write_bytes(whole[:length])
        try:
            assert read_waveform(path).duration < 1.9
        except InputError as error:
            assert str(error).startswith(f"{path}: ")
            assert "\n" not in str(error)


def test_a_playlist_opens_nothing_else(tmp_path):
    write_wav(tmp_path / "a.wav", tone())
    for name, text in (
        ("list.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.wav\n#EXT-X-ENDLIST\n"),
        ("concat.mp4", "ffconcat version 1.0\nfile a.wav\n"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match="not a sound file"):
            read_waveform(tmp_path / name)


def test_blocks_of_a_long_container_are_bounded(tmp_path):
    path = write_container(tmp_path / "a.mkv", tone(seconds=60.0, rate=48000))
    with open_sound(path) as sound:
        lengths = [len(block) for block in sound.blocks()]
    assert max(lengths) < 2**20 + 2**16
    assert sum(lengths) == 60 * 48000


@needs_names_of_bytes
@pytest.mark.parametrize("suffix", [".wav", ".mkv"])
def test_names_that_are_not_text(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    if suffix == ".wav":
        write_wav(path, tone(rate=48000), 48000)
    else:
        write_container(path, tone(rate=48000))
    odd = path.rename(tmp_path / f"-\udcff \n:{suffix}")
    assert read_waveform(odd).duration == pytest.approx(1.0, abs=0.01)


def test_wav_is_read_without_ffmpeg(tmp_path):
    path = write_wav(tmp_path / "a.wav", tone())
    code = (
        "import sys; from pathlib import Path; from avser_cli.audio.decoding import read_waveform\n"
        f"read_waveform(Path({str(path)!r})); sys.exit('av' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=False).returncode == 0


def test_a_rate_that_changes_on_the_way(tmp_path):
    parts = [
        write_container(tmp_path / f"{rate}.aac", tone(seconds=1.0, rate=rate), rate).read_bytes()
        for rate in (48000, 16000)
    ]
    path = Path(tmp_path / "joined.aac")
    path.write_bytes(b"".join(parts))
    with pytest.raises(InputError, match=r"changes on the way|damaged"):
        read_waveform(path)
