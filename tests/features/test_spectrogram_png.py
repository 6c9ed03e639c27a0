import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from avser_cli.errors import InputError
from avser_cli.features.fingerprint import sketch_of
from avser_cli.features.render import picture_of
from avser_cli.features.spectrogram import PictureSettings
from avser_cli.features.spectrogram_png import read_origin, read_picture, write_picture
from tests.synthetic import voice, write_wav


@pytest.fixture
def drawn(tmp_path):
    sound = write_wav(tmp_path / "a.wav", voice())
    picture, origin = picture_of(sound, PictureSettings())
    write_picture(tmp_path / "a.png", picture, origin)
    return tmp_path / "a.png", picture, origin


def test_picture_and_origin_survive(drawn):
    path, picture, origin = drawn
    read, found = read_picture(path)
    np.testing.assert_array_equal(read, picture)
    assert found == origin == read_origin(path)
    with Image.open(path) as image:
        assert (image.mode, image.size) == ("L", (150, 150))


def test_foreign_and_damaged_pictures_are_refused(drawn, tmp_path):
    path, picture, origin = drawn
    Image.fromarray(picture).save(tmp_path / "plain.png")
    write_picture(tmp_path / "small.png", picture[:100], origin)
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(path.read_bytes()[:-400])
    for name, expected in (
        ("plain", "does not say how"),
        ("small", "size is not what"),
        ("text", "not a PNG"),
        ("cut", "damaged"),
        ("missing", "no such file"),
    ):
        with pytest.raises(InputError, match=expected):
            read_picture(tmp_path / f"{name}.png")


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damage_anywhere_is_an_input_error_or_harmless(drawn, tmp_path, data):
    content = bytearray(drawn[0].read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged.png"
    path.write_bytes(content)
    try:
        picture, _ = read_picture(path)
    except InputError:
        return
    assert picture.shape == (150, 150)


FACTS = ("duration", "rate", "channels", "peak", "rms", "clipped", "source_sha256")
VALUES = (
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=9)
) | st.lists(st.integers(), max_size=2)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.sampled_from([*FACTS, "format", "settings", "fmax", "width", "fft", "hop"]), VALUES)
def test_any_value_in_the_note_is_an_input_error_or_has_a_sketch(drawn, tmp_path, name, value):
    path, picture, origin = drawn
    with Image.open(path) as image:
        note = json.loads(image.info["avser"])
    (note if name in note else note["settings"])[name] = value
    text = PngInfo()
    text.add_text("avser", json.dumps(note))
    changed = tmp_path / "changed.png"
    Image.fromarray(picture).save(changed, pnginfo=text)
    try:
        found, origin = read_picture(changed)
    except InputError:
        return
    sketch = sketch_of(found, origin.settings, origin.facts.rate, origin.facts.duration)
    assert np.isfinite(sketch).all()


def test_a_note_nested_without_end(drawn, tmp_path):
    text = PngInfo()
    text.add_text("avser", "[" * 100_000)
    Image.fromarray(drawn[1]).save(tmp_path / "deep.png", pnginfo=text)
    with pytest.raises(InputError, match="note of how it was drawn is damaged"):
        read_picture(tmp_path / "deep.png")
