"""Which sound of a file is read, and rates that hold no voice."""

from typing import Any

import av
import numpy as np
import pytest

from avser_cli.audio.decoding import check_rate, read_waveform
from avser_cli.errors import InputError, UsageError
from tests.synthetic import tone


def test_a_silent_first_track_names_the_other(tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        tracks: list[Any] = [
            container.add_stream("pcm_s16le", rate=16000, layout="mono") for _ in range(2)
        ]
        for track, samples in zip(tracks, (np.zeros(16000), tone()), strict=True):
            frame = av.AudioFrame.from_ndarray(
                (samples * 32767).astype(np.int16)[None], format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts = 16000, 0
            container.mux(track.encode(frame))
    with pytest.raises(InputError, match="track 1 of 2"):
        read_waveform(path)


@pytest.mark.parametrize("rate", [0, 100, -1, float("nan")])
def test_a_rate_that_holds_no_voice(rate):
    with pytest.raises(UsageError, match="holds no voice"):
        check_rate(rate)
