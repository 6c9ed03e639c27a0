import weakref

import numpy as np
import pytest

from avser_cli.audio.decoding import MAX_SECONDS, Waveform, read_waveform
from avser_cli.audio.parts import read_parts
from avser_cli.errors import InputError
from tests.synthetic import tone, write_wav

RATE = 16000


def test_parts_are_what_the_whole_file_holds_there(tmp_path):
    path = write_wav(tmp_path / "a.wav", tone(seconds=3) * np.linspace(0, 1, 3 * RATE))
    whole = read_waveform(path).samples
    parts = [(0.5, 1.25), (None, 0.1), (2.5, None), (1.0, 3.9), (0.5, 1.25)]
    found = dict(read_parts(path, parts))
    for start, end in parts:
        part = found[start, end]
        assert isinstance(part, Waveform)
        first, last = round((start or 0) * RATE), round(min(end or 9, 3) * RATE)
        np.testing.assert_array_equal(part.samples, whole[first:last])


def test_blocks_do_not_matter(tmp_path):
    # More than one block: 2**20 samples.
    path = write_wav(tmp_path / "a.wav", np.arange(2**21) / 2**22)
    whole = read_waveform(path).samples
    start, end = (2**20 - 1000) / RATE, (2**20 + 1000) / RATE
    part = dict(read_parts(path, [(start, end)]))[start, end]
    assert isinstance(part, Waveform)
    np.testing.assert_array_equal(part.samples, whole[2**20 - 1000 : 2**20 + 1000])


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ((3.5, None), "start 3.5 is not before its end, 3.000 s"),
        ((3.0, 4.0), "not before its end"),
        ((1.0, 4.1), "3.000 s long, but its part ends at 4.1 s; are the times another file's?"),
    ],
)
def test_parts_behind_the_end_are_named(tmp_path, part, reason):
    path = write_wav(tmp_path / "a.wav", tone(seconds=3))
    found = dict(read_parts(path, [part, (0.0, 1.0)]))
    assert isinstance(found[0.0, 1.0], Waveform)
    error = found[part]
    assert isinstance(error, InputError) and reason in str(error)


def test_a_part_is_no_longer_than_a_clip_may_be(tmp_path):
    seconds = int(MAX_SECONDS) + 2
    path = write_wav(tmp_path / "a.wav", tone(seconds=seconds, rate=1000), rate=1000)
    found = dict(read_parts(path, [(0.0, None), (1.0, MAX_SECONDS + 1)]))
    assert "over 600 s long" in str(found[0.0, None])
    assert isinstance(found[1.0, MAX_SECONDS + 1], Waveform)


def test_a_part_comes_when_it_ends_and_is_not_held(tmp_path):
    # Four blocks of 2**20 samples.
    path = write_wav(tmp_path / "a.wav", np.arange(2**22) / 2**22)
    parts = [(second, second + 1.0) for second in range(0, 250, 10)]
    held = []
    for part, waveform in read_parts(path, parts):
        assert isinstance(waveform, Waveform)
        held.append((part, weakref.ref(waveform.samples)))
        del waveform
        assert sum(reference() is not None for _, reference in held) <= 1
    assert [part for part, _ in held] == parts


def test_a_file_that_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"")
    with pytest.raises(InputError, match="empty"):
        list(read_parts(tmp_path / "a.wav", [(0.0, 1.0)]))
