import pytest

from avser_cli.data.emotions import CATEGORIES, PAPER_EMOTIONS, label_order
from avser_cli.data.ravdess import EMOTIONS
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
    assert set(CATEGORIES) == set(EMOTIONS.values())


@pytest.mark.parametrize("names", [["happy"], ["happy", "happy"], [], ["happy", "bored"]])
def test_unusable_lists_are_refused(names):
    with pytest.raises(UsageError):
        label_order(names)
