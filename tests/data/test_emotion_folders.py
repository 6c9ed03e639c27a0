from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avser_cli.data.emotion_folders import read_emotion_folders
from avser_cli.data.emotion_words import _WORDS, parse_mapping, read_emotion
from avser_cli.errors import CorpusError, UsageError


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("happy", "happy"),
        ("HAPPINESS", "happy"),
        ("Anger", "angry"),
        ("sadness", "sad"),
        ("neutral_calm", "neutral"),
        ("01_Anger", "angry"),
        ("Pleasant_surprise", "surprised"),
        ("Colère", "angry"),
        ("Cole\u0300re", "angry"),
        ("Wütend", "angry"),
        ("tristeza", "sad"),
        ("Mutlu", "happy"),
        ("радость", "happy"),
        ("高兴", "happy"),
        ("슬픔", "sad"),
        ("not_happy", None),
        ("frustrated", None),
        ("007", None),
        ("", None),
    ],
)
def test_words(word, label):
    assert read_emotion(word) == label


def test_no_word_has_two_labels():
    words = [word for line in _WORDS.values() for word in line.split()]
    assert len(words) == len(set(words))
    for label, line in _WORDS.items():
        for word in line.split():
            assert read_emotion(word) == read_emotion(word.upper()) == label, word


@given(st.text(max_size=20))
def test_any_word_is_read_or_unknown(word):
    assert read_emotion(word) in {None, *_WORDS}


def test_a_mapping_goes_before_the_words():
    mapping = parse_mapping("frustrated=angry, Fun=Happiness,calm=neutral,x 1=wistful")
    assert read_emotion("Frustrated", mapping) == "angry"
    assert read_emotion("fun", mapping) == "happy"
    assert read_emotion("calm", mapping) == "neutral"
    assert read_emotion("X 1", mapping) == "wistful"


@pytest.mark.parametrize("text", ["", "fun", "fun=", "=happy", "a=b=c", "a=sad,,b=sad"])
def test_bad_mappings_are_refused(text):
    with pytest.raises(UsageError, match="WORD=LABEL"):
        parse_mapping(text)


def test_one_word_with_two_labels_is_refused():
    with pytest.raises(UsageError, match="two labels"):
        parse_mapping("fun=happy,FUN=sad")


def read(*names, mapping=None):
    folder = Path("mine")
    return read_emotion_folders(folder, [folder / name for name in names], mapping)


def test_folders_give_labels():
    found = read("Anger/a.wav", "HAPPINESS/a.wav", "odd/b.wav", "odd/c.wav", "d.wav")
    assert [(clip.key, clip.emotion) for clip in found.clips] == [
        ("mine:Anger/a.wav", "angry"),
        ("mine:HAPPINESS/a.wav", "happy"),
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
