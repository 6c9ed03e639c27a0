from pathlib import Path

import pytest

from avser_cli.data.emotion_folders import read_emotion_folders
from avser_cli.errors import CorpusError


def read(*names, mapping=None):
    folder = Path("mine")
    return read_emotion_folders(folder, [folder / name for name in names], mapping)


def test_folders_give_labels():
    found = read("Anger/a.wav", "HAPPINESS/a.wav", "odd/b.wav", "odd/c.wav", "d.wav")
    assert [(clip.key, clip.emotion) for clip in found.clips] == [
        ("mine:Anger/a", "angry"),
        ("mine:HAPPINESS/a", "happy"),
    ]
    assert found.clips[0].speaker is None
    assert found.unknown == {"odd": 2}
    assert [path.name for path in found.loose] == ["d.wav"]
    assert read("odd/b.wav", mapping={"odd": "sad"}).clips[0].emotion == "sad"


@pytest.mark.parametrize("form", ["{who}/{what}/1.wav", "{what}/{who}/1.wav"])
def test_a_further_level_is_speakers(form):
    names = [form.format(who=who, what=what) for who in ("anna", "ben") for what in ("sad", "joy")]
    found = read(*names)
    assert {clip.speaker for clip in found.clips} == {"mine:anna", "mine:ben"}


def test_splits_are_no_speakers():
    found = read("train/sad/1.wav", "test/sad/2.wav", "validation/happy/3.wav")
    assert {clip.split for clip in found.clips} == {"train", "test", "dev"}
    assert {clip.speaker for clip in found.clips} == {None}


def test_no_emotion_at_all_is_refused():
    with pytest.raises(CorpusError, match="folders: cats, dogs; name labels with --map"):
        read("cats/1.wav", "dogs/2.wav")
