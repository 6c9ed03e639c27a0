"""What a fuzzer kept of a run, and what made it stop once; see `tests.fuzz_decode`."""

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from avser_cli.audio.decoding import read_waveform
from avser_cli.errors import InputError
from tests.fuzz_decode import main, samples_of, seeds

KEPT = sorted((Path(__file__).parent / "stored" / "fuzz").iterdir())


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.name)
def test_every_kept_file_is_samples_or_an_input_error(path):
    samples_of(path)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("channels-change", "channels change on the way"),
        ("27-channels", "27 channels; .* at most 8"),
    ],
)
def test_what_crashed_once_says_what_is_wrong(name, expected):
    path = next(path for path in KEPT if path.name == name)
    with pytest.raises(InputError, match=expected):
        read_waveform(path)


@pytest.fixture(scope="module")
def containers(tmp_path_factory):
    return dict(seeds(tmp_path_factory.mktemp("seeds")))


def test_every_seed_is_a_sound(containers, tmp_path):
    assert len(containers) > 15
    for name, content in containers.items():
        (tmp_path / name).write_bytes(content)
        assert samples_of(tmp_path / name) is not None, name


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_file_of_any_container_is_samples_or_an_input_error(containers, tmp_path, data):
    content = bytearray(containers[data.draw(st.sampled_from(sorted(containers)))])
    for _ in range(data.draw(st.integers(0, 6))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.sampled_from([0, 1, 0x7F, 0x80, 0xFF]) | st.integers(0, 255))
    end = data.draw(st.integers(0, len(content)) | st.just(len(content)))
    path = tmp_path / "sound"
    path.write_bytes(bytes(content[:end]) + data.draw(st.binary(max_size=40)))
    samples_of(path)


def test_without_the_fuzzer_it_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "atheris", None)
    with pytest.raises(SystemExit, match="pip install atheris"):
        main()
