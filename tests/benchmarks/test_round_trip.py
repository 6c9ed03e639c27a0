import pytest

from benchmarks.round_trip import WAYS, differences, made_recordings

CODEC_DELAY = 0.12
"""Two joined MP3s or AACs have the encoder's delay and padding twice."""


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_what_is_there_is_heard(tmp_path, way):
    found = differences(made_recordings(3), way, tmp_path)
    assert max(map(abs, found)) < CODEC_DELAY * way.parts
