import pytest
from hypothesis import given
from hypothesis import strategies as st

from avser_cli.data.emotion_words import _WORDS, parse_mapping, read_emotion
from avser_cli.errors import UsageError


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("happy", "happy"),
        ("HAPPINESS", "happy"),
        ("Anger", "angry"),
        ("sadness", "sad"),
        ("neutral_calm", "neutral"),
        ("happy, sad", None),
        ("sad & angry", None),
        ("sad; sadness", "sad"),
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
        ("惊喜", "surprised"),
        ("kwaad", "angry"),
        ("Triest", "sad"),
        ("bange", "fearful"),
        ("θυμωμένος", "angry"),
        ("furious", "angry"),
        ("03_রাগ", "angry"),
        ("ደስታ", "happy"),
        ("Znechucení", "disgust"),
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


def test_digits_and_separators_count_in_a_mapping_as_in_known_words():
    mapping = parse_mapping("fun=happy,not sure=neutral,s1=sad")
    for word in ("03_fun", "fun_", "FUN-2"):
        assert read_emotion(word, mapping) == "happy"
    assert read_emotion("Not_sure", mapping) == "neutral"
    assert (read_emotion("s1", mapping), read_emotion("s2", mapping)) == ("sad", None)


@pytest.mark.parametrize("text", ["", "fun", "fun=", "=happy", "a=b=c", "a=sad,,b=sad"])
def test_bad_mappings_are_refused(text):
    with pytest.raises(UsageError, match="WORD=LABEL"):
        parse_mapping(text)


def test_one_word_with_two_labels_is_refused():
    with pytest.raises(UsageError, match="two labels"):
        parse_mapping("fun=happy,FUN=sad")
