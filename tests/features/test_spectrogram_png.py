import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from avser_cli.audio.selection import SoundSelection
from avser_cli.errors import InputError
from avser_cli.features.fingerprint import fingerprint_of
from avser_cli.features.render import SpectrogramRenderer, render_spectrogram
from avser_cli.features.spectrogram import SpectrogramConfig
from avser_cli.features.spectrogram_png import read_metadata, read_spectrogram, write_spectrogram
from tests.synthetic import voice, write_wav


@pytest.fixture
def drawn(tmp_path):
    sound = write_wav(tmp_path / "a.wav", voice())
    spectrogram, metadata = render_spectrogram(sound, SpectrogramConfig())
    write_spectrogram(tmp_path / "a.png", spectrogram, metadata)
    return tmp_path / "a.png", spectrogram, metadata


def test_picture_and_origin_survive(drawn):
    path, spectrogram, metadata = drawn
    read, found = read_spectrogram(path)
    np.testing.assert_array_equal(read, spectrogram)
    assert found == metadata == read_metadata(path)
    with Image.open(path) as image:
        assert (image.mode, image.size) == ("L", (150, 150))


def test_a_picture_tells_which_channel_it_shows(tmp_path):
    sound = write_wav(tmp_path / "a.wav", np.stack([voice("happy"), voice("sad")], axis=1))
    pictures = {}
    for channel in (1, 2):
        renderer = SpectrogramRenderer(SpectrogramConfig(), SoundSelection(channel))
        path = tmp_path / f"{channel}.png"
        content, info = renderer.render(sound)
        path.write_bytes(content)
        assert read_metadata(path).selection == SoundSelection(channel)
        assert renderer.current(path, info.source_sha256) == info
        assert SpectrogramRenderer(SpectrogramConfig()).current(path, info.source_sha256) is None
        pictures[channel] = read_spectrogram(path)[0]
    assert (pictures[1] != pictures[2]).any()


def test_foreign_and_damaged_pictures_are_refused(drawn, tmp_path):
    path, spectrogram, metadata = drawn
    Image.fromarray(spectrogram).save(tmp_path / "plain.png")
    write_spectrogram(tmp_path / "small.png", spectrogram[:100], metadata)
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(path.read_bytes()[:-400])
    for name, expected in (
        ("plain", "not a picture of avser.s: the title"),
        ("small", "size is not what"),
        ("text", "not a PNG"),
        ("cut", "damaged"),
        ("missing", "no such file"),
    ):
        with pytest.raises(InputError, match=expected):
            read_spectrogram(tmp_path / f"{name}.png")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_anywhere_is_an_input_error(drawn, tmp_path, data):
    content = bytearray(drawn[0].read_bytes())
    # But in the last chunk, which holds nothing.
    place = data.draw(st.integers(0, len(content) - 13))
    content[place] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "damaged.png"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_spectrogram(path)


def noted(path, drawn, name, value):
    """A picture like another, but for one value of its note."""
    with Image.open(drawn[0]) as image:
        note = json.loads(image.info["avser"])
    (note if name in note else note["settings"])[name] = value
    text = PngInfo()
    text.add_text("avser", json.dumps(note))
    Image.fromarray(drawn[1]).save(path, pnginfo=text)
    return path


FACTS = ("duration", "rate", "channels", "peak", "rms", "clipped", "source_sha256")
NOTED = (*FACTS, "format", "settings", "fmax", "width", "fft", "hop")
NUMBERS = st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
NO_VALUES = (
    st.booleans()
    | st.sampled_from([float("nan"), float("inf"), -float("inf")])
    | st.text(max_size=9)
    | st.lists(st.integers(), max_size=2)
)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(NOTED), NO_VALUES)
def test_a_value_of_the_wrong_kind_in_the_note_is_an_input_error(drawn, tmp_path, name, value):
    with pytest.raises(InputError):
        read_spectrogram(noted(tmp_path / "changed.png", drawn, name, value))


@pytest.mark.parametrize("name", FACTS)
def test_a_fact_that_is_missing_is_an_input_error(drawn, tmp_path, name):
    with pytest.raises(InputError):
        read_spectrogram(noted(tmp_path / "changed.png", drawn, name, None))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(NOTED), NUMBERS)
def test_any_number_in_the_note_is_refused_or_has_a_fingerprint(drawn, tmp_path, name, value):
    path = noted(tmp_path / "changed.png", drawn, name, value)
    try:
        found, metadata = read_spectrogram(path)
    except InputError:
        assert name not in ("peak", "rms") or abs(value) > 100
        return
    fingerprint = fingerprint_of(found, metadata.config, metadata.info.rate, metadata.info.duration)
    assert np.isfinite(fingerprint).all()


def test_a_note_nested_without_end(drawn, tmp_path):
    text = PngInfo()
    text.add_text("avser", "[" * 100_000)
    Image.fromarray(drawn[1]).save(tmp_path / "deep.png", pnginfo=text)
    with pytest.raises(InputError, match="note of how it was drawn is damaged"):
        read_spectrogram(tmp_path / "deep.png")
