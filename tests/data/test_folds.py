from collections import Counter
from dataclasses import replace

import pytest

from avser_cli.data.corpora import find_corpus
from avser_cli.data.folds import split_folds
from avser_cli.data.leaks import find_leaks
from avser_cli.data.splits import SplitSettings, split_clips
from avser_cli.errors import CorpusError, UsageError
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


@pytest.mark.parametrize("count", [2, 3, 4])
def test_no_more_folds_than_the_rarest_emotion_has_speakers(count):
    clips = [x for x in own_clips(480, 12) if x.emotion != "sad" or x.speaker < f"mine:{count:02}"]
    assert len(held_out_by_fold(clips, "speaker")) == count


def test_as_many_folds_as_there_may_be_where_none_hold_every_emotion():
    clips = [x for x in own_clips(480, 12) if x.emotion != "sad" or x.speaker == "mine:03"]
    assert len(split_folds(clips, "speaker")) == 5
    with pytest.raises(CorpusError, match="sad: 0 clips"):
        split_clips(clips, SplitSettings("speaker"))


def test_two_clips_of_each_emotion_make_a_fold():
    clips = own_clips(24, speakers=6, emotions=("happy", "sad"))
    counts = Counter((clip.speaker, clip.emotion) for clip in clips)
    assert set(counts.values()) == {2}
    assert len(held_out_by_fold(clips, "speaker")) == 5


def test_five_speakers_are_held_out_in_the_order_of_their_names():
    clips = own_clips(200, speakers=5)
    assert held_out_by_fold(clips, "speaker") == [(f"mine:0{n}",) for n in range(5)]


@pytest.mark.parametrize(
    ("words", "held_out", "unused"),
    [
        (("train", "validation"), "validation", ()),
        (("dev", "train"), "dev", ()),
        (("dev", "test", "train", "validation"), "test", ("dev", "validation")),
    ],
)
def test_what_a_table_with_a_training_side_holds_out(words, held_out, unused):
    clips = own_clips(64, split=lambda n: words[n % len(words)], emotions=("sad", "happy"))
    (fold,) = split_folds(clips, "table")
    assert (fold.number, fold.name, fold.held_out) == (1, held_out, (held_out,))
    assert fold.unused == unused
    split = split_clips(clips, SplitSettings("table"))
    assert len(split.train) == len(split.test) == 64 // len(words)


def test_other_words_beside_train_do_not_say_what_is_held_out():
    words = ("train", "night", "day")
    clips = own_clips(48, split=lambda n: words[n % 3], emotions=("sad", "happy"))
    with pytest.raises(CorpusError, match="there are day, night; call what is held out test"):
        split_folds(clips, "table")


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
    by_name = split_clips(clips, SplitSettings("corpus", fold="B"))
    assert set(by_name.test) == {clip.key for clip in clips if clip.corpus == "b"}
    assert by_name.settings.describe() == "corpus (b held out)"
    with pytest.raises(UsageError, match=r"fold d: split corpus has folds 1 to 3 here: a, b, c"):
        split_clips(clips, SplitSettings("corpus", fold="d"))


def test_of_a_part_of_a_corpus_every_fold_holds_somebody_out():
    clips = ravdess_clips(actors=range(1, 6))
    expected = [
        tuple(f"ravdess:{name}" for name in fold if int(name) <= 5)
        for fold in RAVDESS.folds
        if any(int(name) <= 5 for name in fold)
    ]
    assert 1 < len(expected) < 6
    assert held_out_by_fold(clips, "speaker") == expected
    two = [int(fold[number]) for fold in RAVDESS.folds[:2] for number in (0, 1)]
    found = held_out_by_fold(ravdess_clips(actors=sorted(two)), "speaker")
    assert [len(fold) for fold in found] == [2, 2]
    # Two actors of one published fold are held out one by one.
    same = sorted(int(name) for name in RAVDESS.folds[0])[:2]
    found = held_out_by_fold(ravdess_clips(actors=same), "speaker")
    assert found == [(f"ravdess:{actor:02d}",) for actor in same]


def test_numbers_that_are_names_of_a_table_are_names():
    words = [str(n) for n in range(11)]
    clips = own_clips(176, split=lambda n: words[n % 11], emotions=("sad", "happy"))
    assert [fold.name for fold in split_folds(clips, "table")] == words
    assert [fold.number for fold in split_folds(clips, "table")] == list(range(1, 12))
    with pytest.raises(UsageError, match=r"folds 1 to 11 here: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10$"):
        split_clips(clips, SplitSettings("table", fold="12"))
    for asked, held_out in (("0", "0"), ("2", "2"), ("10", "10"), ("11", "10"), (1, "0"), (3, "2")):
        split = split_clips(clips, SplitSettings("table", fold=asked))
        assert split.settings.held_out == (held_out,), asked
