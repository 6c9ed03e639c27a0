from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avser_cli.data.ravdess import ACTOR_FOLDS, parse_name
from avser_cli.data.splits import (
    Recording,
    Split,
    SplitSettings,
    find_leaks,
    split_recordings,
)
from avser_cli.errors import CorpusError, UsageError
from tests.synthetic import PITCH, ravdess_name


def corpus(actors=range(1, 25), duplicate_group=()):
    names = [
        ravdess_name(emotion, actor, statement, repetition)
        for actor in actors
        for emotion in PITCH
        for statement in (1, 2)
        for repetition in (1, 2)
    ]
    same = dict.fromkeys(duplicate_group, "copied")
    return [Recording(name, parse_name(name), f"sha-{same.get(name, name)}") for name in names]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), test_size=st.floats(0.1, 0.6))
def test_paper_split_is_stratified_whole_and_repeatable(seed, test_size):
    recordings = corpus()
    wanted = SplitSettings("random", test_size, seed=seed)
    split = split_recordings(recordings, wanted)
    assert len(split.train) + len(split.test) == len(recordings)
    assert not set(split.train) & set(split.test)
    assert len(split.test) == round(len(recordings) * test_size)
    counts = Counter(parse_name(name).emotion for name in split.test)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert split_recordings(recordings, wanted) == split
    assert find_leaks(recordings, split) == []


def test_seeds_give_other_splits():
    one, two = (split_recordings(corpus(), SplitSettings(seed=seed)) for seed in (0, 1))
    assert set(one.test) != set(two.test)


@pytest.mark.parametrize("seed", range(8))
def test_exact_copies_stay_on_the_training_side(seed):
    duplicate_group = (ravdess_name("happy", 7, 2, 1), ravdess_name("happy", 7, 2, 2))
    split = split_recordings(corpus(duplicate_group=duplicate_group), SplitSettings(seed=seed))
    assert set(duplicate_group) <= set(split.train)


@pytest.mark.parametrize("seed", range(8))
def test_re_encoded_copies_stay_on_the_training_side_and_change_no_other_split(seed):
    duplicate_group = (ravdess_name("happy", 7, 2, 1), ravdess_name("sad", 9, 1, 1))
    known = [
        replace(r, duplicate_group="one")
        if r.name in duplicate_group
        else replace(r, duplicate_group=r.samples_sha256)
        for r in corpus()
    ]
    assert set(duplicate_group) <= set(split_recordings(known, SplitSettings(seed=seed)).train)
    plain = [replace(r, duplicate_group=r.samples_sha256) for r in corpus()]
    wanted = SplitSettings(seed=seed)
    assert split_recordings(plain, wanted) == split_recordings(corpus(), wanted)


@pytest.mark.parametrize("fold", range(1, 7))
def test_speaker_split_holds_out_the_folds_actors(fold):
    split = split_recordings(corpus(), SplitSettings("speaker", fold=fold))
    actors = {parse_name(name).actor for name in split.test}
    assert actors == set(ACTOR_FOLDS[fold - 1])
    assert not actors & {parse_name(name).actor for name in split.train}


@pytest.mark.parametrize("fold", [1, 2])
def test_statement_split(fold):
    split = split_recordings(corpus(), SplitSettings("statement", fold=fold))
    assert {parse_name(name).statement for name in split.test} == {fold}
    assert {parse_name(name).statement for name in split.train} == {3 - fold}


def test_none_trains_on_all():
    split = split_recordings(corpus(), SplitSettings("none"))
    assert (len(split.train), len(split.test)) == (384, 0)


def test_too_few_clips_names_the_emotion_and_the_count():
    recordings = [r for r in corpus() if r.labels.emotion != "sad" or r.labels.actor == 2]
    with pytest.raises(CorpusError, match=r"sad: 0 clips held out .* at least 2"):
        split_recordings(recordings, SplitSettings("speaker", fold=1))


@pytest.mark.parametrize(
    "values",
    [{"kind": "best"}, {"test_size": 0.0}, {"test_size": 1.0}, {"kind": "speaker", "fold": 7}],
)
def test_impossible_settings(values):
    with pytest.raises(UsageError):
        SplitSettings(**values)


def test_leaks_are_found():
    recordings = corpus(actors=(1, 2))
    by_actor = SplitSettings("speaker", fold=1)
    names = [r.name for r in recordings]
    planted = Recording(names[-1], recordings[-1].labels, recordings[0].samples_sha256)
    split = Split(by_actor, {names[0]: "", names[-2]: ""}, dict.fromkeys((names[1], names[-1]), ""))
    kinds = {leak.kind for leak in find_leaks([*recordings[:-1], planted], split)}
    assert kinds == {"samples", "actor"}


def test_a_re_encoded_copy_is_a_leak_and_an_exact_one_is_named_once():
    recordings = [replace(r, duplicate_group="one") for r in corpus(actors=(1,))[:3]]
    exact = replace(recordings[2], samples_sha256=recordings[0].samples_sha256)
    one, two, three = (r.name for r in recordings)
    split = Split(SplitSettings(), {one: ""}, {two: "", three: ""})
    leaks = find_leaks([*recordings[:2], exact], split)
    assert [(leak.kind, leak.held_out) for leak in leaks] == [
        ("samples", three),
        ("sound (re-encoded)", two),
    ]


def test_the_same_take_under_two_names_is_a_leak():
    audio, video = ravdess_name("sad"), ravdess_name("sad").replace("03-", "01-", 1)
    recordings = [Recording(name, parse_name(name), name) for name in (audio, video)]
    leaks = find_leaks(recordings, Split(SplitSettings(), {audio: ""}, {video: ""}))
    assert [leak.kind for leak in leaks] == ["take"]
    assert audio in str(leaks[0])


def test_same_statement_is_a_leak_of_the_statement_split():
    recordings = corpus(actors=(1,))
    split = Split(SplitSettings("statement"), {recordings[0].name: ""}, {recordings[1].name: ""})
    assert [leak.kind for leak in find_leaks(recordings, split)] == ["statement"]


def test_splits_in_words():
    words = [
        SplitSettings(test_size=0.2, seed=3).describe(),
        SplitSettings("speaker", fold=6).describe(),
        SplitSettings("statement", fold=2).describe(),
        SplitSettings("none").describe(),
    ]
    actors = ", ".join(map(str, ACTOR_FOLDS[5]))
    assert words == [
        "random (stratified, 20% held out, seed 3)",
        f"speaker (fold 6 of 6: actors {actors} held out)",
        "statement (statement 2 held out)",
        "none (trained on all clips)",
    ]
