"""Everything that a decoder gives is heard, at the times of the file."""

import logging
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from avser_cli.audio.decoding import open_sound, read_waveform
from avser_cli.audio.vad import frame_length
from avser_cli.inference.windows import Window, spans
from tests.synthetic import CODECS, tone, voice, write_container

RATE = 48000


def quiet_start(quiet=2.0, seconds=3.0):
    return np.concatenate([np.zeros(round(quiet * RATE), np.float32), tone(300, seconds, RATE)])


def write_bare_mp3(path: Path, samples, quality="0"):
    """A VBR MP3 without a Xing header."""
    with av.open(str(path), "w", format="mp3", options={"write_xing": "0"}) as container:
        sound: Any = container.add_stream("libmp3lame", rate=RATE, layout="mono")
        sound.options = {"compression_level": quality}
        encode(container, sound, samples)
    return path


def encode(container, sound, samples, pauses=()):
    """Encode samples; from each (sample, seconds) on, timestamps are later by those seconds."""
    frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
    frame.sample_rate, frame.pts = RATE, 0
    context = sound.codec_context
    convert = av.AudioResampler(
        format=context.format, layout="mono", rate=RATE, frame_size=context.frame_size or 1024
    )
    for part in [*convert.resample(frame), *convert.resample(None), None]:
        for packet in sound.encode(part):
            late = sum(s for at, s in pauses if packet.pts * packet.time_base * RATE >= at)
            packet.pts += round(late / packet.time_base)
            packet.dts = packet.pts
            container.mux(packet)


def test_an_mp3_without_a_length(tmp_path):
    path = write_bare_mp3(tmp_path / "a.mp3", quiet_start())
    assert read_waveform(path).duration == pytest.approx(5.0, abs=0.1)


def test_an_mp3_with_a_length_is_read_as_before(tmp_path):
    soundfile.write(tmp_path / "a.mp3", tone(rate=RATE), RATE)
    clip = read_waveform(tmp_path / "a.mp3")
    assert clip.stream.encoding == "MPEG_LAYER_III"
    assert not clip.stream.estimated


def test_raw_aac_that_starts_quietly(tmp_path):
    path = write_container(tmp_path / "a.aac", quiet_start())
    assert read_waveform(path).duration == pytest.approx(5.0, abs=0.1)


@pytest.mark.parametrize("suffix", [".mp3", ".ogg", ".opus", ".oga"])
def test_recordings_behind_one_another(tmp_path, suffix):
    parts = []
    for number, seconds in enumerate((2.0, 1.0, 1.5)):
        part = tmp_path / f"{number}{suffix}"
        if suffix == ".opus":
            write_container(part, tone(seconds=seconds, rate=RATE))
        else:
            soundfile.write(
                part,
                tone(seconds=seconds, rate=RATE),
                RATE,
                format="MP3" if suffix == ".mp3" else "OGG",
            )
        parts.append(part.read_bytes())
    path = tmp_path / f"joined{suffix}"
    path.write_bytes(b"".join(parts))
    assert read_waveform(path).duration == pytest.approx(4.5, abs=0.25)


def test_flac_of_unknown_length(tmp_path):
    path = tmp_path / "a.flac"
    soundfile.write(path, tone(seconds=2.0, rate=RATE), RATE)
    content = bytearray(path.read_bytes())
    # The lower 36 bits of these eight bytes of STREAMINFO.
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    path.write_bytes(content)
    assert read_waveform(path).duration == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".mov"])
@pytest.mark.parametrize("pauses", [((RATE, 2.0),), ((0, 2.0),)])
def test_a_pause_and_a_late_start_are_silence(tmp_path, suffix, pauses):
    path = tmp_path / f"a{suffix}"
    with av.open(str(path), "w") as container:
        sound: Any = container.add_stream(CODECS[suffix], rate=RATE, layout="mono")
        encode(container, sound, tone(seconds=2.0, rate=RATE), pauses)
    clip = read_waveform(path)
    assert clip.duration == pytest.approx(4.0, abs=0.1)
    silent = clip.samples[round((pauses[0][0] / RATE + 0.2) * RATE) :][: round(1.6 * RATE)]
    assert np.abs(silent).max() < 1e-3


def test_many_short_pauses_do_not_add_up(tmp_path):
    path = tmp_path / "a.mkv"
    pauses = [(k * RATE // 10, 0.03) for k in range(1, 100)]
    with av.open(str(path), "w") as container:
        sound: Any = container.add_stream("pcm_s16le", rate=RATE, layout="mono")
        encode(container, sound, tone(seconds=10.0, rate=RATE), pauses)
    assert read_waveform(path).duration == pytest.approx(12.97, abs=0.1)


def test_one_bad_packet_costs_itself_and_is_named(tmp_path, caplog):
    path = write_container(tmp_path / "a.m4a", voice(seconds=8.0, rate=RATE))
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.size]
        bad = packets[len(packets) // 2]
        place, size = bad.pos, bad.size
    content = bytearray(path.read_bytes())
    assert place is not None
    content[place : place + size] = b"\xff" * size
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING), open_sound(path) as sound:
        count = sum(len(block) for block in sound.blocks())
        assert sound.damaged
    assert count / RATE == pytest.approx(8.0, abs=0.1)
    assert "damaged at 4.0 s" in caplog.text


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 44056, 44100])
def test_times_do_not_drift(rate):
    length = frame_length(rate)
    start = 7200 * rate // length
    rows = [
        (Window(start, start, start + 50, True, np.empty(0, np.float32)), np.ones(1, np.float32))
    ]
    span = next(spans(rows, length / rate))
    assert span.start == pytest.approx(7200, abs=0.1)
