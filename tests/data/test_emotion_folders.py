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


def test_one_speaker_below_the_emotions_is_one():
    found = read("sad/anna/1.wav", "joy/anna/1.wav")
    assert {clip.speaker for clip in found.clips} == {"mine:anna"}
    above = read("x/sad/1.wav", "x/joy/1.wav")
    assert {clip.speaker for clip in above.clips} == {None}


def test_of_two_further_levels_nobody_knows_the_speakers():
    days = [f"{what}/{who}/{day}/1.wav" for what in ("sad", "joy") for who in "ab" for day in "xy"]
    found = read(*days)
    assert {clip.speaker for clip in found.clips} == {None}
    assert found.remarks == (
        "mine: speakers are not known, since folders lie in two levels besides the emotions, e.g. "
        "a/x; a table with a column speaker names them",
    )
    # A level with one folder tells nobody apart.
    inside = read(*(f"data/{name.replace('/y/', '/x/')}" for name in days))
    assert {clip.speaker for clip in inside.clips} == {"mine:a", "mine:b"}
    assert not inside.remarks


def test_a_speaker_who_is_called_as_an_emotion():
    names = [f"{what}/{who}/1.wav" for what in ("happy", "sad") for who in ("anna", "Joy", "ben")]
    found = read(*names)
    emotions = [(clip.key.split("/")[0], clip.emotion) for clip in found.clips]
    assert {*emotions} == {("mine:happy", "happy"), ("mine:sad", "sad")}
    assert "mine:Joy" in {clip.speaker for clip in found.clips}
    assert found.remarks == ("mine: folder Joy is taken for a speaker, not for happy",)


def test_folders_of_two_emotions_are_left_out():
    found = read("sad/happy/1.wav", "angry/happy/2.wav", "sad/sad/3.wav")
    assert [clip.emotion for clip in found.clips] == ["sad"]
    assert [path.name for path in found.unclear] == ["2.wav", "1.wav"]


def test_a_second_tree_of_the_same_files_is_left_out(tmp_path):
    names = ["happy/1.wav", "anna/sad/1.wav"]
    for place in ("", "mine", "mine/again"):
        for name in names:
            file = tmp_path / place / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(name)
    other = tmp_path / "ben" / "happy" / "1.wav"
    other.parent.mkdir(parents=True)
    other.write_text("of ben's")
    found = read_emotion_folders(tmp_path, tmp_path.rglob("*.wav"), corpus="mine")
    keys = {clip.key: clip.speaker for clip in found.clips}
    assert keys == {
        "mine:happy/1": None,
        "mine:anna/sad/1": "mine:anna",
        "mine:ben/happy/1": "mine:ben",
    }
    assert len(found.copies) == 4


def test_splits_are_no_speakers():
    found = read("train/sad/1.wav", "test/sad/2.wav", "validation/happy/3.wav")
    assert {clip.split for clip in found.clips} == {"train", "test", "dev"}
    assert {clip.speaker for clip in found.clips} == {None}


def test_no_emotion_at_all_is_refused():
    with pytest.raises(CorpusError, match="folders: cats, dogs; name labels with --map"):
        read("cats/1.wav", "dogs/2.wav")
