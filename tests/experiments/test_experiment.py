import os
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from avser_cli.data.sources import DataSources
from avser_cli.experiments.candidates import MODELS, Candidate
from avser_cli.experiments.experiment import (
    TIMED_CLIPS,
    _Group,
    _timed_where_read,
    read_inputs_of,
    read_recordings,
    reading_seconds,
)
from tests.synthetic import voice, write_wav


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


def write_process(path, name):
    Path(f"{path}.{name}").write_text(str(os.getpid()))


@pytest.mark.parametrize(("reads", "here"), [("features", True), ("egemaps", False)])
def test_opensmile_is_timed_in_another_process(monkeypatch, tmp_path, reads, here):
    reader = partial(write_process, name="process")
    monkeypatch.setattr(Candidate, "reader", lambda self: reader)
    clip = tmp_path / "clip.wav"
    assert _timed_where_read(Candidate("row", reads, baseline="svm"), [clip]) > 0
    assert (int(Path(f"{clip}.process").read_text()) == os.getpid()) is here


@pytest.mark.parametrize("name", ["cnn2d-paper", "cnn2d-tutorial", "cnn2d-default"])
def test_compare_tells_training_clips_by_what_evaluate_tells_them_by(tmp_path, name):
    for number, emotion in enumerate(("happy", "sad")):
        write_wav(tmp_path / "mine" / emotion / "1.wav", voice(emotion, seed=number))
    sources, candidate = DataSources.of(tmp_path / "mine"), MODELS[name]
    listener: Any = SimpleNamespace(on_read=lambda *x: None)
    anything: Any = None
    group = _Group(read_recordings(sources, ("happy", "sad")), anything, anything, listener)
    group._read(candidate)
    expected = read_inputs_of(candidate, sources, ("happy", "sad")).corpus.dataset
    found = group.corpus.dataset
    assert found.fingerprints is not None and expected.fingerprints is not None
    np.testing.assert_array_equal(found.fingerprints, expected.fingerprints)
    np.testing.assert_array_equal(group.inputs, expected.inputs)
