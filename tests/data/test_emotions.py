import pytest

from avser_cli.data.corpora import find_corpus
from avser_cli.data.emotions import CATEGORIES, PAPER_EMOTIONS, category_of, label_order
from avser_cli.errors import UsageError


def test_the_papers_labels_and_categories():
    assert label_order(["neutral", "angry", "sad", "happy"]) == PAPER_EMOTIONS
    assert [CATEGORIES[emotion] for emotion in PAPER_EMOTIONS] == [
        "positive",
        "negative",
        "negative",
        "positive",
    ]


def test_every_emotion_of_ravdess_has_a_category():
    assert set(CATEGORIES) == set(find_corpus("ravdess").emotions.values())


def test_further_labels_come_after_the_known_ones():
    assert label_order(["wistful", "sad", "bored", "happy"]) == ("happy", "sad", "bored", "wistful")


def test_categories_are_named_by_the_user_or_usual_or_none():
    assert category_of("happy") == "positive"
    assert category_of("bored") is None
    assert category_of("bored", {"bored": "negative"}) == "negative"


@pytest.mark.parametrize(
    "names",
    [["happy"], ["happy", "happy"], [], ["happy", "a,b"], ["happy", "a\nb"], ["happy", "x" * 61]],
)
def test_unusable_lists_are_refused(names):
    with pytest.raises(UsageError):
        label_order(names)
