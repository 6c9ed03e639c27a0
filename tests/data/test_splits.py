import re
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avser_cli.data.corpora import find_corpus
from avser_cli.data.folds import split_folds
from avser_cli.data.leaks import find_leaks
from avser_cli.data.splits import (
    MAX_SEED,
    Split,
    SplitSettings,
    check_fold,
    check_seed,
    split_clips,
)
from avser_cli.errors import CorpusError, UsageError
from avser_cli.untrusted_input import decode
from tests.data.made_clips import own_clips, ravdess_clips
from tests.synthetic import ravdess_name

RAVDESS = find_corpus("ravdess")


@settings(max_examples=30)
@given(seed=st.integers(0, 10**6), test_size=st.floats(0.1, 0.6))
def test_paper_split_is_stratified_whole_and_repeatable(seed, test_size):
    clips = ravdess_clips()
    wanted = SplitSettings("random", test_size, seed=seed)
    split = split_clips(clips, wanted)
    assert len(split.train) + len(split.test) == len(clips)
    assert not set(split.train) & set(split.test)
    assert len(split.test) == round(len(clips) * test_size)
    counts = Counter(RAVDESS.labels(name)["emotion"] for name in split.test)
    assert max(counts.values()) - min(counts.values()) <= 1
    assert split_clips(clips, wanted) == split
    assert find_leaks(clips, split) == []


@pytest.mark.parametrize(
    ("counts", "held_out"),
    [
        # Quarters of 3.25, 3.75 and 4: together 11.
        ((13, 15, 16), (3, 4, 4)),
        # 25.25, 1.75 and 9: together 36. The small emotion has the largest rest.
        ((101, 7, 36), (25, 2, 9)),
        # 25.75, 2.5 and 2.25: together 30.5, which is rounded to 30. Now the large one has it.
        ((103, 10, 9), (26, 2, 2)),
    ],
)
def test_emotions_are_held_out_by_the_largest_remainder(counts, held_out):
    emotions = [e for e, n in zip(("angry", "happy", "sad"), counts, strict=True) for _ in range(n)]
    clips = [replace(x, emotion=emotions[n]) for n, x in enumerate(own_clips(sum(counts)))]
    test = split_clips(clips, SplitSettings()).test
    found = Counter(clip.emotion for clip in clips if clip.key in test)
    assert (found["angry"], found["happy"], found["sad"]) == held_out


def test_too_few_to_hold_any_out():
    three = own_clips(6, emotions=("happy", "sad"))
    with pytest.raises(CorpusError, match=r"happy: 1 clips held out .* are needed: add clips$"):
        split_clips(three, SplitSettings())
    with pytest.raises(CorpusError, match=r"sad: 1 clips held out .* are needed: add clips$"):
        split_clips(own_clips(4, emotions=("sad",)), SplitSettings())
    with pytest.raises(CorpusError, match=r"or take --emotions happy,sad$"):
        split_clips(own_clips(9, emotions=("angry", "happy", "sad")), SplitSettings())


def test_takes_of_two_names_stay_on_the_training_side():
    clips = [replace(clip, take=str(n)) for n, clip in enumerate(own_clips(48))]
    twins = [replace(clip, key=f"{clip.key} again", samples_sha256=clip.key) for clip in clips[:24]]
    split = split_clips([*clips, *twins], SplitSettings())
    assert len(split.test) == 18
    assert {int(key.split(":")[1]) for key in split.test} <= set(range(24, 48))


def test_seeds_from_0_on():
    assert MAX_SEED == 2147483647 == 2**31 - 1
    for seed in (0, MAX_SEED):
        check_seed(seed)
    for seed in (-1, MAX_SEED + 1):
        with pytest.raises(UsageError, match=f"seed {seed}: 0 to {MAX_SEED}"):
            check_seed(seed)


def test_a_fold_that_is_not_there():
    clips = own_clips(48)
    for fold in (1, 3, "2"):
        check_fold(clips, SplitSettings("speaker", fold=fold))
    for fold in (4, "four", "0"):
        with pytest.raises(UsageError, match=rf"fold {fold}: split speaker has folds 1 to 3 here$"):
            check_fold(clips, SplitSettings("speaker", fold=fold))
    check_fold(clips, SplitSettings())


def test_seeds_give_other_splits():
    one, two = (split_clips(ravdess_clips(), SplitSettings(seed=seed)) for seed in (0, 1))
    assert set(one.test) != set(two.test)


@pytest.mark.parametrize("seed", range(8))
def test_exact_copies_stay_on_the_training_side(seed):
    duplicate_group = (ravdess_name("happy", 7, 2, 1), ravdess_name("happy", 7, 2, 2))
    split = split_clips(ravdess_clips(duplicate_group=duplicate_group), SplitSettings(seed=seed))
    assert set(duplicate_group) <= set(split.train)


@pytest.mark.parametrize("seed", range(8))
def test_re_encoded_copies_stay_on_the_training_side_and_change_no_other_split(seed):
    duplicate_group = (ravdess_name("happy", 7, 2, 1), ravdess_name("sad", 9, 1, 1))
    known = [
        replace(clip, duplicate_group="one")
        if clip.key in duplicate_group
        else replace(clip, duplicate_group=clip.samples_sha256)
        for clip in ravdess_clips()
    ]
    assert set(duplicate_group) <= set(split_clips(known, SplitSettings(seed=seed)).train)
    plain = [replace(clip, duplicate_group=clip.samples_sha256) for clip in ravdess_clips()]
    wanted = SplitSettings(seed=seed)
    assert split_clips(plain, wanted) == split_clips(ravdess_clips(), wanted)


def test_overlapping_parts_stay_on_the_training_side_and_others_are_held_out():
    clips = own_clips(96)
    clips[:48] = [
        replace(clip, path=clips[0].path, start=n / 2, end=n / 2 + 1)
        for n, clip in enumerate(clips[:48])
    ]
    split = split_clips(clips, SplitSettings())
    assert set(split.test) <= {clip.key for clip in clips[48:]} and len(split.test) == 24
    assert find_leaks(clips, split) == []
    message = r"angry: 0 clips held out .*; 48 clips overlap others of their file and are only"
    with pytest.raises(CorpusError, match=message):
        split_clips(clips[:48], SplitSettings())
    # Other splits hold parts out.
    for wanted, others in (
        (SplitSettings("speaker"), own_clips(48)),
        (SplitSettings("corpus"), own_clips(48, name="other")),
    ):
        sad = [clip for clip in [*clips[:48], *others] if clip.emotion == "sad"]
        lone = replace(others[0], key="lone", emotion="angry", speaker="mine:last")
        with pytest.raises(CorpusError, match=r"angry: \d clips .* are needed: add clips$"):
            split_clips([*sad, lone], wanted)


@pytest.mark.parametrize("fold", range(1, 7))
def test_speaker_split_holds_out_the_folds_actors(fold):
    split = split_clips(ravdess_clips(), SplitSettings("speaker", fold=fold))
    speakers = {RAVDESS.labels(name)["speaker"] for name in split.test}
    assert speakers == {f"ravdess:{name}" for name in RAVDESS.folds[fold - 1]}
    assert not speakers & {RAVDESS.labels(name)["speaker"] for name in split.train}


@pytest.mark.parametrize("fold", [1, 2])
def test_statement_split(fold):
    split = split_clips(ravdess_clips(), SplitSettings("text", fold=fold))
    assert {int(RAVDESS.labels(name)["text"]) for name in split.test} == {fold}
    assert {int(RAVDESS.labels(name)["text"]) for name in split.train} == {3 - fold}


def test_none_trains_on_all():
    split = split_clips(ravdess_clips(), SplitSettings("none"))
    assert (len(split.train), len(split.test)) == (384, 0)


def test_too_few_clips_names_the_emotion_and_the_count():
    clips = [
        clip for clip in ravdess_clips() if clip.emotion != "sad" or clip.speaker == "ravdess:02"
    ]
    speakers = ", ".join(RAVDESS.folds[0])
    reason = (
        f"sad: 0 clips held out in split speaker (fold 1 of 6: speakers {speakers} held out); at "
        "least 2 are needed: add clips or take --emotions angry,happy,neutral"
    )
    with pytest.raises(CorpusError, match=f"^{re.escape(reason)}$"):
        split_clips(clips, SplitSettings("speaker", fold=1))
    # Of two emotions, no other set is left.
    two = [clip for clip in clips if clip.emotion in ("sad", "happy")]
    with pytest.raises(CorpusError, match=r"are needed: add clips$"):
        split_clips(two, SplitSettings("speaker", fold=1))


def test_two_clips_a_side_are_enough():
    clips = own_clips(16, speakers=2, emotions=("happy", "sad"))
    assert Counter(clip.emotion for clip in clips if clip.speaker == "mine:00") == {
        "happy": 4, "sad": 4,
    }  # fmt: skip
    fewest = [clip for n, clip in enumerate(clips) if clip.speaker == "mine:00" or n < 8]
    counts = Counter(clip.emotion for clip in fewest if clip.speaker == "mine:01")
    assert counts == {"happy": 2, "sad": 2}
    assert len(split_clips(fewest, SplitSettings("speaker", fold=2)).test) == 4
    with pytest.raises(CorpusError, match="sad: 1 clips held out"):
        split_clips([x for x in fewest if x.key != "mine:3"], SplitSettings("speaker", fold=2))


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "best"},
        {"test_size": 0.0},
        {"test_size": 1.0},
        {"test_size": -0.25},
        {"test_size": 1.25},
        {"kind": "speaker", "fold": 0},
        {"kind": "random", "fold": 2},
        {"kind": "corpus", "fold": ""},
    ],
)
def test_impossible_settings(values):
    with pytest.raises(UsageError):
        SplitSettings(**values)


def test_the_split_of_a_table_holds_out_its_test_side_and_leaves_out_dev():
    clips = own_clips(
        64, split=lambda n: ("train", "train", "test", "dev")[n % 4], emotions=("sad", "happy")
    )
    split = split_clips(clips, SplitSettings("table"))
    assert {n.split(":")[1] for n in split.test} == {str(n) for n in range(64) if n % 4 == 2}
    assert len(split.train) == 32
    assert split.settings.describe() == "table (test held out)"
    folds = own_clips(64, split=lambda n: f"fold{n % 2}", emotions=("sad", "happy"))
    assert [fold.name for fold in split_folds(folds, "table")] == ["fold0", "fold1"]


@pytest.mark.parametrize(
    ("clips", "kind", "reason"),
    [
        (
            own_clips(16, 1),
            "speaker",
            "only one speaker, mine:00: --split speaker needs two or more",
        ),
        (own_clips(16), "corpus", "only one corpus, mine: --split corpus needs two or more"),
        (
            own_clips(16, 0),
            "speaker",
            "16 clips have no speaker, e.g. mine:0; give a level of folders or a table with",
        ),
        (own_clips(16), "text", "16 clips have no text, e.g. mine:0"),
        (
            [replace(x, emotion="abcdefgh"[n]) for n, x in enumerate(own_clips(8, 8))],
            "speaker",
            "8 clips are too few for --split speaker",
        ),
        (own_clips(16), "table", "16 clips have no split, e.g. mine:0"),
        (
            own_clips(16, split=lambda n: "train"),
            "table",
            "all clips are of split train, none are held",
        ),
        (own_clips(16, split=lambda n: "x"), "table", "all clips are of split x; two are needed"),
        (
            [*own_clips(16, name="a"), *own_clips(16, name="b", emotions=("happy", "sad"))],
            "corpus",
            "angry: 0 clips to train on in split corpus (a held out)",
        ),
        (
            [*own_clips(16, name="b"), *own_clips(16, name="a", emotions=("happy", "sad"))],
            "corpus",
            "angry: 0 clips held out in split corpus (a held out)",
        ),
    ],
)
def test_splits_that_cannot_be_say_why(clips, kind, reason):
    with pytest.raises(CorpusError, match=re.escape(reason)):
        split_clips(clips, SplitSettings(kind))


def test_older_bundles_know_whom_they_held_out():
    values = {"settings": {"kind": "statement", "test_size": 0.25, "fold": 2, "seed": 0}}
    old = decode(Split, Split.with_current_names({**values, "train": {}, "test": {}}))
    assert old.settings.describe() == "text (fold 2 of 2: text 02 held out)"
    assert SplitSettings("text").describe() == "text (fold 1 of 2: text 01 held out)"


def test_settings_are_those_that_were_asked_for_whatever_they_came_to_hold_out():
    asked = SplitSettings("speaker", fold=2)
    assert (asked.held_out, asked.folds) == ((), 0)
    split = split_clips(own_clips(48), asked)
    assert split.settings == asked
    assert (split.settings.held_out, split.settings.folds) == (("mine:01",), 3)


def test_splits_in_words():
    words = [
        SplitSettings().describe(),
        SplitSettings(test_size=0.2, seed=3).describe(),
        SplitSettings("speaker", fold=6).describe(),
        SplitSettings("text", fold=2).describe(),
        SplitSettings("none").describe(),
    ]
    speakers = ", ".join(RAVDESS.folds[5])
    assert words == [
        "random (stratified, 25% held out, seed 0)",
        "random (stratified, 20% held out, seed 3)",
        f"speaker (fold 6 of 6: speakers {speakers} held out)",
        "text (fold 2 of 2: text 02 held out)",
        "none (trained on all clips)",
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["mine:a"], "speaker a held out"),
        ([f"mine:{n}" for n in range(6)], "speakers 0, 1, 2, 3, 4, 5 held out"),
        ([f"mine:{n}" for n in range(15)], "speakers 0, 1, 2, 3, 4, 5 and 9 more held out"),
        (["anna", "mine:b"], "speakers anna, b held out"),
        (["anna"], "speaker anna held out"),
        (["a:0", "b:0"], "speakers a:0, b:0 held out"),
    ],
)
def test_many_that_are_held_out_are_counted(names, expected):
    settings = SplitSettings("speaker", fold=2, held_out=tuple(names), folds=3)
    assert settings.describe() == f"speaker (fold 2 of 3: {expected})"


def test_folds_of_older_bundles_that_ravdess_does_not_have():
    assert SplitSettings("text", fold=3).describe() == "text (fold 3)"
    assert SplitSettings("corpus", fold=1).describe() == "corpus (fold 1)"
