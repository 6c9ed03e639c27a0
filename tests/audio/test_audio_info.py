import numpy as np
import pytest

from avser_cli.audio.audio_info import QUIETEST_DB, facts_of
from avser_cli.audio.decoding import Clip, Stream
from tests.synthetic import tone


def facts(samples, rate=16000):
    samples = samples.astype(np.float32)
    return facts_of(b"", Clip(samples, rate, Stream("WAV", "FLOAT", rate, 1, len(samples))))


def test_levels_and_clipping():
    found = facts(tone(amplitude=1.0))
    assert (found.peak, found.rms) == (pytest.approx(0, abs=0.01), pytest.approx(-3.01, abs=0.01))
    assert found.clipped > 0
    half = facts(tone(amplitude=0.5))
    assert (half.peak, half.clipped) == (pytest.approx(-6.02, abs=0.01), 0)
    square = facts(np.sign(tone()))
    assert square.rms == pytest.approx(0, abs=0.1)


def test_silence_has_a_number():
    found = facts(np.zeros(100))
    assert (found.peak, found.rms, found.clipped) == (QUIETEST_DB, QUIETEST_DB, 0)
