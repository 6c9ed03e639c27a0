import os

import numpy as np
import pytest

from avser_cli.audio.audio_info import MIN_DB, RunningAudioInfo, audio_info, source_checksum
from avser_cli.audio.decoding import STDIN, Stream, Waveform
from avser_cli.checksums import sha256
from tests.synthetic import tone


def info(samples, rate=16000):
    samples = samples.astype(np.float32)
    return audio_info(None, Waveform(samples, rate, Stream("WAV", "FLOAT", rate, 1, len(samples))))


def test_levels_and_clipping():
    found = info(tone(amplitude=1.0))
    assert (found.peak, found.rms) == (pytest.approx(0, abs=0.01), pytest.approx(-3.01, abs=0.01))
    assert found.clipped > 0
    half = info(tone(amplitude=0.5))
    assert (half.peak, half.clipped) == (pytest.approx(-6.02, abs=0.01), 0)
    square = info(np.sign(tone()))
    assert square.rms == pytest.approx(0, abs=0.1)


def test_silence_has_a_number():
    found = info(np.zeros(100))
    assert (found.peak, found.rms, found.clipped) == (MIN_DB, MIN_DB, 0)


def test_facts_of_blocks_are_those_of_the_whole():
    samples = np.clip(tone(amplitude=1.2), -1, 1)
    stream = Stream("WAV", "FLOAT", 16000, 1, len(samples))
    running = RunningAudioInfo()
    for first in range(0, len(samples), 999):
        running.feed(samples[first : first + 999])
    whole = audio_info(None, Waveform(samples, 16000, stream))
    assert running.result(None, stream) == whole
    assert running.result("a" * 64, stream).source_sha256 == "a" * 64


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_what_is_read_once_has_no_checksum_of_its_own(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert source_checksum(tmp_path / "pipe") is None
    assert source_checksum(STDIN) is None
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    assert source_checksum(tmp_path / "a.wav") == sha256(b"RIFF")
