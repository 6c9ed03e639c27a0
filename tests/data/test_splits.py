import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avser_cli.data.clip import Clip
from avser_cli.data.corpora import find_corpus
from avser_cli.data.splits import (
    Split,
    SplitSettings,
    find_leaks,
    split_clips,
    split_folds,
    without_copies,
)
from avser_cli.errors import CorpusError, UsageError
from avser_cli.untrusted_input import decode
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
    split = split_clips(corpus(), SplitSettings("text", fold=fold))
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
    [
        {"kind": "best"},
        {"test_size": 0.0},
        {"test_size": 1.0},
        {"kind": "speaker", "fold": 0},
        {"kind": "random", "fold": 2},
        {"kind": "corpus", "fold": ""},
    ],
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
    split = Split(SplitSettings("text"), {clips[0].key: ""}, {clips[1].key: ""})
    assert [leak.kind for leak in find_leaks(clips, split)] == ["text"]


def own(count, speakers=3, texts=0, name="mine", split=None, emotions=tuple(PITCH)):
    """Clips of no known corpus, the emotions of each speaker in turn."""
    return [
        Clip(
            key=f"{name}:{n}",
            path=Path(f"{n}.wav"),
            corpus=name,
            emotion=emotions[n // max(speakers, 1) % len(emotions)],
            speaker=f"{name}:{n % speakers:02d}" if speakers else None,
            text=str(n % texts) if texts else None,
            split=split(n) if split else None,
            samples_sha256=f"{name}-sha-{n}",
        )
        for n in range(count)
    ]


def held_out_by_fold(clips, kind):
    folds = split_folds(clips, kind)
    splits = [split_clips(clips, SplitSettings(kind, fold=fold.number)) for fold in folds]
    assert all(not find_leaks(clips, split) for split in splits)
    held_out = [key for split in splits for key in split.test]
    assert sorted(held_out) == sorted(clip.key for clip in clips)
    return [split.settings.held_out for split in splits]


def test_few_speakers_are_held_out_one_by_one():
    assert held_out_by_fold(own(48), "speaker") == [("mine:00",), ("mine:01",), ("mine:02",)]


@pytest.mark.parametrize(
    ("kind", "values"), [("speaker", {"speakers": 12}), ("text", {"texts": 9})]
)
def test_many_speakers_or_texts_are_in_stratified_folds(kind, values):
    clips = own(360, **values)
    assert len(held_out_by_fold(clips, kind)) == 5
    split = split_clips(clips, SplitSettings(kind, fold=2))
    counts = Counter(clip.emotion for clip in clips if clip.key in split.test)
    assert max(counts.values()) - min(counts.values()) <= 0.2 * len(split.test)


def test_no_more_folds_than_the_rarest_emotion_has_speakers():
    clips = [x for x in own(480, 12) if x.emotion != "sad" or x.speaker < "mine:03"]
    assert len(held_out_by_fold(clips, "speaker")) == 3


def test_folds_of_several_corpora_are_joined_and_published_ones_stay():
    clips = [*corpus(), *own(48)]
    found = held_out_by_fold(clips, "speaker")
    assert len(found) == 6
    assert set(found[0]) == {*(f"ravdess:{name}" for name in RAVDESS.folds[0]), "mine:00"}
    assert set(found[5]) == {f"ravdess:{name}" for name in RAVDESS.folds[5]}


def test_words_that_two_corpora_share_are_in_one_fold():
    sentence = "the same words"
    clips = [
        replace(clip, text=sentence if clip.text == "1" else f"{clip.corpus} only {clip.text}")
        for clip in [*own(96, 1, 3, "one"), *own(96, 1, 3, "two")]
    ]
    folds = held_out_by_fold(clips, "text")
    assert sum(sentence in fold for fold in folds) == 1


def test_a_corpus_is_held_out_by_number_or_name():
    clips = [*own(16, name="b"), *own(16, name="a"), *own(16, name="c")]
    assert held_out_by_fold(clips, "corpus") == [("a",), ("b",), ("c",)]
    by_name = split_clips(clips, SplitSettings("corpus", fold="b"))
    assert set(by_name.test) == {clip.key for clip in clips if clip.corpus == "b"}
    assert by_name.settings.describe() == "corpus (b held out)"
    with pytest.raises(
        UsageError, match=r"--fold d: --split corpus has folds 1 to 3 here: a, b, c"
    ):
        split_clips(clips, SplitSettings("corpus", fold="d"))


def test_the_split_of_a_table_holds_out_its_test_side_and_leaves_out_dev():
    clips = own(
        64, split=lambda n: ("train", "train", "test", "dev")[n % 4], emotions=("sad", "happy")
    )
    split = split_clips(clips, SplitSettings("table"))
    assert {n.split(":")[1] for n in split.test} == {str(n) for n in range(64) if n % 4 == 2}
    assert len(split.train) == 32
    assert split.settings.describe() == "table (test held out)"
    folds = own(64, split=lambda n: f"fold{n % 2}", emotions=("sad", "happy"))
    assert [fold.name for fold in split_folds(folds, "table")] == ["fold0", "fold1"]


@pytest.mark.parametrize(
    ("clips", "kind", "reason"),
    [
        (own(16, 1), "speaker", "only one speaker, mine:00: --split speaker needs two or more"),
        (own(16), "corpus", "only one corpus, mine: --split corpus needs two or more"),
        (
            own(16, 0),
            "speaker",
            "16 clips have no speaker, e.g. mine:0; give a table with a column",
        ),
        (own(16), "text", "16 clips have no text, e.g. mine:0"),
        (
            [replace(x, emotion="abcdefgh"[n]) for n, x in enumerate(own(8, 8))],
            "speaker",
            "8 clips are too few for --split speaker",
        ),
        (own(16), "table", "16 clips have no split, e.g. mine:0"),
        (own(16, split=lambda n: "train"), "table", "all clips are of split train, none are held"),
        (own(16, split=lambda n: "x"), "table", "all clips are of split x; two are needed"),
        (
            [*own(16, name="a"), *own(16, name="b", emotions=("happy", "sad"))],
            "corpus",
            "angry: 0 clips to train on in split corpus (a held out)",
        ),
    ],
)
def test_splits_that_cannot_be_say_why(clips, kind, reason):
    with pytest.raises(CorpusError, match=re.escape(reason)):
        split_clips(clips, SplitSettings(kind))


def test_copies_of_held_out_clips_are_dropped_from_training_where_asked():
    clips = own(48)
    clips[1] = replace(clips[1], duplicate_group=clips[0].sound)
    split = split_clips(clips, SplitSettings("speaker", fold=1))
    assert [leak.kind for leak in find_leaks(clips, split)] == ["sound (re-encoded)"]
    left = without_copies(clips, split)
    assert set(split.train) - set(left.train) == {clips[1].key}
    assert left.test == split.test and find_leaks(clips, left) == []
    all_copies = [replace(clip, duplicate_group="one") for clip in clips]
    with pytest.raises(CorpusError, match="0 clips to train on"):
        without_copies(all_copies, split)


def test_older_bundles_know_whom_they_held_out():
    values = {"settings": {"kind": "statement", "test_size": 0.25, "fold": 2, "seed": 0}}
    old = decode(Split, Split.with_current_names({**values, "train": {}, "test": {}}))
    assert old.settings.describe() == "text (fold 2 of 2: text 02 held out)"


def test_splits_in_words():
    words = [
        SplitSettings(test_size=0.2, seed=3).describe(),
        SplitSettings("speaker", fold=6).describe(),
        SplitSettings("text", fold=2).describe(),
        SplitSettings("none").describe(),
    ]
    speakers = ", ".join(RAVDESS.folds[5])
    assert words == [
        "random (stratified, 20% held out, seed 3)",
        f"speaker (fold 6 of 6: speakers {speakers} held out)",
        "text (fold 2 of 2: text 02 held out)",
        "none (trained on all clips)",
    ]
