from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avser_cli.checksums import sha256
from avser_cli.data.splits import Split, SplitSettings
from avser_cli.errors import ModelError
from avser_cli.model.bundle import CLIPS, CONFIG, MAX_CONFIG_BYTES, read_config
from avser_cli.model.bundle_clips import clips_part, parse_clips
from tests.conftest import REPOSITORY

OLD = REPOSITORY / "tests" / "stored" / "bundle-format-1"


def write(folder, split):
    """A bundle, as far as its config, that was trained on these clips."""
    content = clips_part(split)
    config = replace(read_config(OLD), split=split, files={CLIPS: sha256(content)})
    folder.mkdir(exist_ok=True)
    (folder / CLIPS).write_bytes(content)
    (folder / CONFIG).write_text(config.to_json())
    return folder


def test_a_bundle_of_100_000_clips_is_read(tmp_path):
    keys = [f"a-corpus:AudioWAV/{n:06}_speaker_sentence_ANG_XX" for n in range(100_000)]
    members = {key: f"{number:064x}" for number, key in enumerate(keys)}
    train, test = dict(list(members.items())[25_000:]), dict(list(members.items())[:25_000])
    split = Split(SplitSettings("random", seed=3), train, test)
    folder = write(tmp_path / "large", split)
    assert (folder / CLIPS).stat().st_size > MAX_CONFIG_BYTES
    found = read_config(folder).split
    assert found == split
    assert list(found.train) == list(train)


@given(st.lists(st.text(st.characters(exclude_characters="\0"), min_size=1), unique=True))
def test_any_name_of_a_clip_comes_back(names):
    members = {name: sha256(name.encode("utf-8", "surrogatepass")) for name in names}
    split = Split(SplitSettings(), members, {"a:held/out": "0" * 64})
    assert parse_clips(clips_part(split)) == {"train": members, "test": split.test}


def test_a_name_that_is_no_text_comes_back():
    split = Split(SplitSettings(), {'a:\udcff, "b"\r\n': "0" * 64}, {})
    assert parse_clips(clips_part(split))["train"] == split.train


ROW = b'"train","a:1","' + b"0" * 64 + b'"\n'
HEADER = clips_part(Split(SplitSettings(), {}, {}))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "its columns are not side, clip, samples_sha256"),
        (HEADER + ROW + ROW, "line 3 names a clip twice"),
        (HEADER + ROW.replace(b"train", b"other"), "line 2 is no clip"),
        (HEADER + ROW.replace(b"0", b"x"), "line 2 is no clip"),
        (HEADER + b'"train","a:1"\n', "line 2 is no clip"),
        (HEADER + b'"train","a:1', "line 2: unexpected end of data"),
        (HEADER + b"\xff\n", "can't decode byte"),
    ],
)
def test_damage_is_one_line(tmp_path, content, expected):
    folder = write(tmp_path / "x", Split(SplitSettings(), {}, {}))
    config = (folder / CONFIG).read_text()
    (folder / CONFIG).write_text(config.replace(sha256(HEADER), sha256(content)))
    (folder / CLIPS).write_bytes(content)
    with pytest.raises(ModelError, match=rf"clips\.csv is damaged \(.*{expected}"):
        read_config(folder)


def test_clips_of_another_bundle_or_none_are_refused(tmp_path):
    folder = write(tmp_path / "x", Split(SplitSettings(), {"a:1": "0" * 64}, {}))
    (folder / CLIPS).write_bytes(HEADER)
    with pytest.raises(ModelError, match="wrong checksum"):
        read_config(folder)
    (folder / CLIPS).unlink()
    with pytest.raises(ModelError, match=r"clips\.csv is missing"):
        read_config(folder)
