import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from avser_cli.errors import InputError
from avser_cli.report.page_media import (
    Media,
    SoundPart,
    clip_name,
    common_folder,
    embedded_bytes,
    media_fields,
    read_media,
    seconds_of,
)

RATE = 16000


@pytest.fixture
def sound(tmp_path):
    """A second of silence, then a second of noise."""
    noise = 0.3 * np.random.default_rng(0).standard_normal(RATE)
    path = tmp_path / "a.wav"
    soundfile.write(path, np.concatenate([np.zeros(RATE), noise]), RATE)
    return path


def brightness(media):
    with Image.open(io.BytesIO(media.picture)) as image:
        return np.asarray(image.convert("L")).mean()


def test_parts_of_one_file_are_drawn_and_copied_each(sound):
    silent, loud, whole = SoundPart(sound, None, 1.0), SoundPart(sound, 1.0), SoundPart(sound)
    found = read_media([silent, loud, whole], embed=True)
    assert [found[x].seconds for x in (silent, loud, whole)] == pytest.approx([1.0, 1.0, 2.0])
    assert brightness(found[silent]) < brightness(found[whole]) < brightness(found[loud])
    samples, rate = soundfile.read(io.BytesIO(found[loud].opus))
    assert len(samples) / rate == pytest.approx(1.0, abs=0.1)
    assert np.std(samples) > 0.1


def test_a_part_after_the_end_has_no_picture(sound):
    part = SoundPart(sound, 5.0, 6.0)
    assert read_media([part], embed=True) == {part: Media()}


def test_pictures_are_shown_and_have_no_sound(tmp_path):
    path = tmp_path / "a.png"
    Image.new("L", (1500, 1500), 200).save(path)
    part = SoundPart(path)
    media = read_media([part], embed=True)[part]
    with Image.open(io.BytesIO(media.picture)) as image:
        assert max(image.size) == 600
    assert media.opus == b""
    assert "sound" not in media_fields(part, media, tmp_path / "p.html")
    path.write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"a\.png"):
        read_media([part], embed=False)


def test_a_linked_part_says_where_it_starts(sound, tmp_path):
    fields = media_fields(SoundPart(sound, 1.0, 2.0), Media(1.0), tmp_path / "p.html")
    assert fields == {"seconds": 1.0, "sound": "a.wav", "offset": 1.0}
    embedded = media_fields(SoundPart(sound, 1.0), Media(1.0, b"", b"x"), tmp_path / "p.html")
    assert embedded == {"seconds": 1.0, "sound": "data:audio/ogg;base64,eA=="}


def test_clips_are_named_from_the_folder_that_holds_all(tmp_path):
    paths = [tmp_path / "a" / "1.wav", tmp_path / "b" / "1.wav"]
    assert common_folder(paths) == tmp_path
    assert common_folder(paths[:1]) == tmp_path / "a"
    assert common_folder([]) == Path.cwd()
    assert clip_name(SoundPart(paths[0]), tmp_path) == "a/1.wav"
    assert clip_name(SoundPart(paths[0], None, 1.5), tmp_path / "a") == "1.wav (0 to 1.5 s)"
    # As where another clip lies on another drive.
    assert clip_name(SoundPart(paths[0]), tmp_path / "c") == paths[0].as_posix()


def test_lengths_before_anything_is_read(sound, tmp_path):
    assert seconds_of(SoundPart(sound)) == pytest.approx(2.0)
    assert seconds_of(SoundPart(sound, 0.5)) == pytest.approx(1.5)
    assert seconds_of(SoundPart(sound, 0.5, 0.75)) == 0.25
    assert seconds_of(SoundPart(tmp_path / "gone.wav")) == 0.0
    assert seconds_of(SoundPart(tmp_path / "a.png")) == 0.0
    assert embedded_bytes(60) == 240_000
