from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avser_cli.data.clip import Clip
from avser_cli.evaluation.group_scores import language_of, score_groups, worst_groups
from avser_cli.evaluation.metrics import score

EMOTIONS = ("happy", "sad", "angry", "neutral")


def clip(corpus="emodb", speaker=None, sex=None):
    return Clip("key", Path("x.wav"), corpus, "sad", speaker=speaker, sex=sex)


def test_groups_are_of_corpora_languages_sexes_and_speakers():
    clips = [
        clip("emodb", "emodb:03", "male"),
        clip("emodb", "emodb:03", "male"),
        clip("emovo", "emovo:f1", "female"),
        clip("mine"),
    ]
    found = score_groups(clips, np.array([0, 1, 0, 1]), np.array([0, 0, 0, 1]))
    assert [(x.by, x.name, x.clips, x.uar) for x in found] == [
        ("corpus", "emodb", 2, 0.5),
        ("corpus", "emovo", 1, 1.0),
        ("corpus", "mine", 1, 1.0),
        ("language", "de", 2, 0.5),
        ("language", "it", 1, 1.0),
        ("sex", "female", 1, 1.0),
        ("sex", "male", 2, 0.5),
        ("speaker", "emodb:03", 2, 0.5),
        ("speaker", "emovo:f1", 1, 1.0),
    ]
    assert [x.emotions for x in found[:2]] == [2, 1]


def test_languages_come_from_the_corpora():
    assert language_of(clip("ravdess")) == "en"
    assert language_of(clip("esd", "esd:0010")) == "zh"
    assert language_of(clip("esd", "esd:0011")) == "en"
    assert language_of(clip("esd")) == language_of(clip("esd", "esd:21")) == "zh or en"
    assert language_of(clip("my recordings")) is None


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.integers(0, 3)), min_size=1)
)
def test_scores_of_a_group_are_those_of_its_clips_alone(rows):
    speakers, truth, predicted = zip(*rows, strict=True)
    clips = [clip(speaker=f"emodb:{name}") for name in speakers]
    found = score_groups(clips, np.array(truth), np.array(predicted))
    for group in found:
        if group.by == "speaker":
            own = np.array([f"emodb:{name}" == group.name for name in speakers])
            whole = score(EMOTIONS, np.array(truth)[own], np.array(predicted)[own])
            assert group.uar == pytest.approx(whole.uar)
            assert group.accuracy == pytest.approx(whole.accuracy)
            assert group.clips == whole.clips


def test_the_worst_group_of_each_kind_is_named_unless_it_is_alone_or_tiny():
    clips = [
        clip(speaker=name, sex=sex)
        for name, sex, count in (("a", "male", 10), ("b", "female", 20), ("c", "female", 3))
        for _ in range(count)
    ]
    truth = np.zeros(33, np.int64)
    predicted = np.array([0] * 4 + [1] * 6 + [0] * 20 + [1] * 3)
    worst = worst_groups(score_groups(clips, truth, predicted))
    assert [(group.by, group.name, group.uar) for group in worst] == [
        ("sex", "male", 0.4),
        ("speaker", "a", 0.4),
    ]
