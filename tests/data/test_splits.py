from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avser_cli.data.corpora import find_corpus
from avser_cli.data.splits import (
    Split,
    SplitSettings,
    find_leaks,
    split_clips,
)
from avser_cli.errors import CorpusError, UsageError
from tests.synthetic import PITCH, ravdess_clip, ravdess_name

RAVDESS = find_corpus("ravdess")


def corpus(actors=range(1, 25), duplicate_group=()):
    names = [
        ravdess_name(emotion, actor, statement, repetition)
        for actor in actors
        for emotion in PITCH
        for statement in (1, 2)
        for repetition in (1, 2)
    ]
    same = dict.fromkeys(duplicate_group, "copied")
    return [ravdess_clip(name, f"sha-{same.get(name, name)}") for name in names]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), test_size=st.floats(0.1, 0.6))
def test_paper_split_is_stratified_whole_and_repeatable(seed, test_size):
    clips = corpus()
    wanted = SplitSettings("random", test_size, seed=seed)
    split = split_clips(clips, wanted)
    assert len(split.train) + len(split.test) == len(clips)
    assert not set(split.train) & set(split.test)
    assert len(split.test) == round(len(clips) * test_size)
    counts = Counter(RAVDESS.labels(name)["emotion"] for name in split.test)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert split_clips(clips, wanted) == split
    assert find_leaks(clips, split) == []


def test_seeds_give_other_splits():
    one, two = (split_clips(corpus(), SplitSettings(seed=seed)) for seed in (0, 1))
    assert set(one.test) != set(two.test)


@pytest.mark.parametrize("seed", range(8))
def test_exact_copies_stay_on_the_training_side(seed):
    duplicate_group = (ravdess_name("happy", 7, 2, 1), ravdess_name("happy", 7, 2, 2))
    split = split_clips(corpus(duplicate_group=duplicate_group), SplitSettings(seed=seed))
    assert set(duplicate_group) <= set(split.train)


@pytest.mark.parametrize("seed", range(8))
def test_re_encoded_copies_stay_on_the_training_side_and_change_no_other_split(seed):
    duplicate_group = (ravdess_name("happy", 7, 2, 1), ravdess_name("sad", 9, 1, 1))
    known = [
        replace(clip, duplicate_group="one")
        if clip.key in duplicate_group
        else replace(clip, duplicate_group=clip.samples_sha256)
        for clip in corpus()
    ]
    assert set(duplicate_group) <= set(split_clips(known, SplitSettings(seed=seed)).train)
    plain = [replace(clip, duplicate_group=clip.samples_sha256) for clip in corpus()]
    wanted = SplitSettings(seed=seed)
    assert split_clips(plain, wanted) == split_clips(corpus(), wanted)


@pytest.mark.parametrize("fold", range(1, 7))
def test_speaker_split_holds_out_the_folds_actors(fold):
    split = split_clips(corpus(), SplitSettings("speaker", fold=fold))
    speakers = {RAVDESS.labels(name)["speaker"] for name in split.test}
    assert speakers == {f"ravdess:{name}" for name in RAVDESS.folds[fold - 1]}
    assert not speakers & {RAVDESS.labels(name)["speaker"] for name in split.train}


@pytest.mark.parametrize("fold", [1, 2])
def test_statement_split(fold):
    split = split_clips(corpus(), SplitSettings("statement", fold=fold))
    assert {int(RAVDESS.labels(name)["text"]) for name in split.test} == {fold}
    assert {int(RAVDESS.labels(name)["text"]) for name in split.train} == {3 - fold}


def test_none_trains_on_all():
    split = split_clips(corpus(), SplitSettings("none"))
    assert (len(split.train), len(split.test)) == (384, 0)


def test_too_few_clips_names_the_emotion_and_the_count():
    clips = [clip for clip in corpus() if clip.emotion != "sad" or clip.speaker == "ravdess:02"]
    with pytest.raises(CorpusError, match=r"sad: 0 clips held out .* at least 2"):
        split_clips(clips, SplitSettings("speaker", fold=1))


@pytest.mark.parametrize(
    "values",
    [{"kind": "best"}, {"test_size": 0.0}, {"test_size": 1.0}, {"kind": "speaker", "fold": 7}],
)
def test_impossible_settings(values):
    with pytest.raises(UsageError):
        SplitSettings(**values)


def test_leaks_are_found():
    clips = corpus(actors=(1, 2))
    by_actor = SplitSettings("speaker", fold=1)
    names = [clip.key for clip in clips]
    planted = replace(clips[-1], samples_sha256=clips[0].samples_sha256)
    split = Split(by_actor, {names[0]: "", names[-2]: ""}, dict.fromkeys((names[1], names[-1]), ""))
    kinds = {leak.kind for leak in find_leaks([*clips[:-1], planted], split)}
    assert kinds == {"samples", "speaker"}


def test_a_re_encoded_copy_is_a_leak_and_an_exact_one_is_named_once():
    clips = [replace(clip, duplicate_group="one") for clip in corpus(actors=(1,))[:3]]
    exact = replace(clips[2], samples_sha256=clips[0].samples_sha256)
    one, two, three = (clip.key for clip in clips)
    split = Split(SplitSettings(), {one: ""}, {two: "", three: ""})
    leaks = find_leaks([*clips[:2], exact], split)
    assert [(leak.kind, leak.held_out) for leak in leaks] == [
        ("samples", three),
        ("sound (re-encoded)", two),
    ]


def test_the_same_take_under_two_names_is_a_leak():
    one = ravdess_clip(ravdess_name("sad"))
    other = replace(one, key="renamed", samples_sha256="other")
    leaks = find_leaks([one, other], Split(SplitSettings(), {one.key: ""}, {"renamed": ""}))
    assert [leak.kind for leak in leaks] == ["take"]
    assert one.key in str(leaks[0])


def test_same_statement_is_a_leak_of_the_statement_split():
    clips = corpus(actors=(1,))
    split = Split(SplitSettings("statement"), {clips[0].key: ""}, {clips[1].key: ""})
    assert [leak.kind for leak in find_leaks(clips, split)] == ["statement"]


def test_splits_in_words():
    words = [
        SplitSettings(test_size=0.2, seed=3).describe(),
        SplitSettings("speaker", fold=6).describe(),
        SplitSettings("statement", fold=2).describe(),
        SplitSettings("none").describe(),
    ]
    actors = ", ".join(str(int(name)) for name in RAVDESS.folds[5])
    assert words == [
        "random (stratified, 20% held out, seed 3)",
        f"speaker (fold 6 of 6: actors {actors} held out)",
        "statement (statement 2 held out)",
        "none (trained on all clips)",
    ]
