import time
from pathlib import Path

import pytest

from avser_cli.experiments.comparison import TIMED_CLIPS, reading_seconds


@pytest.mark.parametrize("count", [1, TIMED_CLIPS, 95])
def test_the_first_reading_is_not_timed(monkeypatch, count):
    paths = [Path(f"{number}.wav") for number in range(count)]
    read: list[Path] = []
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])

    def reader(path):
        # The first call loads libraries.
        clock[0] += 0.001 if read else 5.0
        read.append(path)

    assert reading_seconds(reader, paths) == pytest.approx(0.001)
    assert read[0] == read[1] == paths[0]
    assert len(set(read)) == len(read) - 1 <= TIMED_CLIPS
    assert len(set(read)) >= min(count, TIMED_CLIPS // 2)
