from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from avser_cli.data.clip import Clip
from avser_cli.training.validation_folds import validation_folds


def clips_of(speakers, sounds=None):
    return [
        Clip(
            key=str(number),
            path=Path("x.wav"),
            corpus="mine",
            emotion="sad",
            speaker=speaker,
            samples_sha256=sounds[number] if sounds else str(number),
        )
        for number, speaker in enumerate(speakers)
    ]


def test_speakers_are_in_one_fold_each():
    speakers = [f"mine:{number // 6}" for number in range(36)]
    folds = validation_folds(clips_of(speakers), np.arange(36) % 3, 2)
    assert folds is not None
    assert folds.describe() == "2 folds of speakers"
    sides = [{speakers[row] for row in rows} for rows in folds.rows]
    assert not sides[0] & sides[1]
    assert sorted(np.concatenate(folds.rows)) == list(range(36))


def test_overlapping_parts_are_in_one_fold_with_their_copies():
    sounds = [str(n) for n in range(24)]
    sounds[12] = sounds[0]
    clips = clips_of([None] * 24, sounds)
    for n, clip in enumerate(clips):
        if n < 12:  # Two and two overlap.
            start = n // 2 * 3.0 + n % 2
            clips[n] = replace(clip, start=start, end=start + 2)
        else:
            clips[n] = replace(clip, path=Path(f"{n}.wav"))
    folds = validation_folds(clips, np.arange(24) // 2 % 2, 3)
    assert folds is not None and folds.by == "clips"
    for rows in folds.rows:
        assert all(row ^ 1 in rows for row in rows if row < 12)
        assert (12 in rows) == (0 in rows)


def test_two_speakers_make_two_folds_however_many_are_wanted():
    folds = validation_folds(clips_of(["a"] * 8 + ["b"] * 8), np.arange(16) % 2, 5)
    assert folds is not None and [len(rows) for rows in folds.rows] == [8, 8]


def test_clips_take_the_place_of_speakers_who_do_not_do():
    labels = np.arange(12) % 2
    for speakers in (["a"] * 12, [None] * 12, ["a"] * 11 + [None]):
        folds = validation_folds(clips_of(speakers), labels, 3)
        assert folds is not None
        assert folds.describe().startswith("3 folds of clips, the speakers being too few or not")
    # Each speaker has an emotion of their own: the others of a fold would lack it.
    apart = validation_folds(clips_of(["a", "b"] * 6), labels, 3)
    assert apart is not None and apart.by == "clips"


def test_many_emotions_of_few_clips_have_fewer_folds():
    labels = np.arange(20) % 5
    folds = validation_folds(clips_of([None] * 20), labels, 5)
    assert folds is not None and [len(rows) for rows in folds.rows] == [5] * 4


def test_copies_of_a_sound_stay_together():
    sounds = [f"{number // 2}" for number in range(24)]
    folds = validation_folds(clips_of([None] * 24, sounds), np.arange(24) // 2 % 2, 3)
    assert folds is not None
    sides = [{sounds[row] for row in rows} for rows in folds.rows]
    assert sum(map(len, sides)) == 12


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 2)), min_size=1, max_size=30))
def test_what_is_tried_was_trained_on_with_every_emotion(drawn):
    speakers, labels = [f"s{x}" for x, _ in drawn], np.array([y for _, y in drawn])
    folds = validation_folds(clips_of(speakers), labels, 2)
    if folds is None:
        assert np.bincount(labels)[np.unique(labels)].min() < 2
        return
    assert sorted(np.concatenate(folds.rows)) == list(range(len(drawn)))
    for rows in folds.rows:
        others = np.setdiff1d(np.arange(len(drawn)), rows)
        assert set(labels[others]) == set(labels)
