from collections import Counter
from dataclasses import replace

import pytest

from avser_cli.data.corpora import find_corpus
from avser_cli.data.folds import split_folds
from avser_cli.data.leaks import find_leaks
from avser_cli.data.splits import SplitSettings, split_clips
from avser_cli.errors import UsageError
from tests.data.made_clips import own_clips, ravdess_clips

RAVDESS = find_corpus("ravdess")


def held_out_by_fold(clips, kind):
    folds = split_folds(clips, kind)
    splits = [split_clips(clips, SplitSettings(kind, fold=fold.number)) for fold in folds]
    assert all(not find_leaks(clips, split) for split in splits)
    held_out = [key for split in splits for key in split.test]
    assert sorted(held_out) == sorted(clip.key for clip in clips)
    return [split.settings.held_out for split in splits]


def test_few_speakers_are_held_out_one_by_one():
    assert held_out_by_fold(own_clips(48), "speaker") == [("mine:00",), ("mine:01",), ("mine:02",)]


@pytest.mark.parametrize(
    ("kind", "values"), [("speaker", {"speakers": 12}), ("text", {"texts": 9})]
)
def test_many_speakers_or_texts_are_in_stratified_folds(kind, values):
    clips = own_clips(360, **values)
    assert len(held_out_by_fold(clips, kind)) == 5
    split = split_clips(clips, SplitSettings(kind, fold=2))
    counts = Counter(clip.emotion for clip in clips if clip.key in split.test)
    assert max(counts.values()) - min(counts.values()) <= 0.2 * len(split.test)


def test_no_more_folds_than_the_rarest_emotion_has_speakers():
    clips = [x for x in own_clips(480, 12) if x.emotion != "sad" or x.speaker < "mine:03"]
    assert len(held_out_by_fold(clips, "speaker")) == 3


def test_folds_of_several_corpora_are_joined_and_published_ones_stay():
    clips = [*ravdess_clips(), *own_clips(48)]
    found = held_out_by_fold(clips, "speaker")
    assert len(found) == 6
    assert set(found[0]) == {*(f"ravdess:{name}" for name in RAVDESS.folds[0]), "mine:00"}
    assert set(found[5]) == {f"ravdess:{name}" for name in RAVDESS.folds[5]}


def test_words_that_two_corpora_share_are_in_one_fold():
    sentence = "the same words"
    clips = [
        replace(clip, text=sentence if clip.text == "1" else f"{clip.corpus} only {clip.text}")
        for clip in [*own_clips(96, 1, 3, "one"), *own_clips(96, 1, 3, "two")]
    ]
    folds = held_out_by_fold(clips, "text")
    assert sum(sentence in fold for fold in folds) == 1


def test_a_corpus_is_held_out_by_number_or_name():
    clips = [*own_clips(16, name="b"), *own_clips(16, name="a"), *own_clips(16, name="c")]
    assert held_out_by_fold(clips, "corpus") == [("a",), ("b",), ("c",)]
    by_name = split_clips(clips, SplitSettings("corpus", fold="b"))
    assert set(by_name.test) == {clip.key for clip in clips if clip.corpus == "b"}
    assert by_name.settings.describe() == "corpus (b held out)"
    with pytest.raises(
        UsageError, match=r"--fold d: --split corpus has folds 1 to 3 here: a, b, c"
    ):
        split_clips(clips, SplitSettings("corpus", fold="d"))
