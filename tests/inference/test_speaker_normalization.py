import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from avser_cli.inference.speaker_normalization import (
    SHRINKAGE,
    SpeakerNormalization,
    normalize_by_speaker,
    normalize_each,
)

rows = arrays(
    np.float32, st.tuples(st.integers(1, 20), st.just(4)), elements=st.floats(-6, 6, width=32)
)


def softmax(logits):
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


@given(rows)
def test_answers_without_a_leaning_are_probabilities(logits):
    heard = softmax(logits)
    found = SpeakerNormalization.of(heard).apply(heard)
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


def test_a_leaning_that_all_recordings_have_is_taken_off():
    news = np.random.default_rng(0).normal(0, 2, (400, 4))
    news -= news.mean(axis=0)
    bias = np.array([0.0, 3.0, -1.0, -2.0])
    heard = softmax(news + bias)
    assert (heard.argmax(axis=1) == 1).mean() > 0.6
    found = SpeakerNormalization.of(heard).apply(heard)
    assert (found.argmax(axis=1) == news.argmax(axis=1)).mean() > 0.97


def test_no_leaning_changes_nothing():
    heard = softmax(np.random.default_rng(1).normal(0, 1, (5, 4)))
    even = SpeakerNormalization.of(np.full((9, 4), 0.25, np.float32))
    np.testing.assert_allclose(even.apply(heard), heard, atol=1e-6)


@pytest.mark.parametrize("count", [1, 4, 100])
def test_few_recordings_are_trusted_less(count):
    heard = softmax(np.tile([2.0, 0.0, 0.0, -2.0], (count, 1)))
    whole = np.array([2.0, 0.0, 0.0, -2.0])
    expected = whole * count / (count + SHRINKAGE)
    np.testing.assert_allclose(SpeakerNormalization.of(heard).bias, expected, atol=1e-3)


def test_certain_answers_are_not_infinite():
    certain = np.array([[1.0, 0.0, 0.0, 0.0]] * 8, np.float32)
    found = SpeakerNormalization.of(certain).apply(certain)
    assert np.isfinite(found).all()


def test_the_key_tells_references_apart_and_hangs_on_no_last_bit():
    heard = softmax(np.random.default_rng(2).normal(0, 1, (8, 4)))
    key = SpeakerNormalization.of(heard).key
    assert len(key) == 8
    assert SpeakerNormalization.of(heard * np.float32(1 + 1e-7)).key == key
    assert SpeakerNormalization.of(heard[:7]).key != key


def test_a_clip_is_no_part_of_its_own_reference():
    heard = np.random.default_rng(0).dirichlet(np.ones(4), 11).astype(np.float32)
    speakers = [*"abaababaa", None, "c"]
    found, _ = normalize_each(heard, speakers)
    others = heard[[2, 3, 5, 7, 8]]
    np.testing.assert_array_equal(found[0], SpeakerNormalization.of(others).apply(heard[:1])[0])
    changed = heard.copy()
    changed[0] = [0.97, 0.01, 0.01, 0.01]
    again, _ = normalize_each(changed, speakers)
    assert not np.allclose(again[2], found[2])
    np.testing.assert_array_equal(again[[1, 4, 6, 9, 10]], found[[1, 4, 6, 9, 10]])


def test_unknown_speakers_and_those_of_few_clips_have_no_reference():
    heard = np.random.default_rng(0).dirichlet(np.ones(4), 14).astype(np.float32)
    speakers = [*["a"] * 5, *["b"] * 4, *[None] * 5]
    found, normalized = normalize_each(heard, speakers)
    assert normalized.tolist() == [True] * 5 + [False] * 9
    np.testing.assert_array_equal(found[5:], heard[5:])
    assert not np.allclose(found[:5], heard[:5])


def test_each_speakers_bias_is_taken_off_their_own_answers():
    draw = np.random.default_rng(0)
    every = list(softmax(draw.normal(0, 2, (9, 4)).astype(np.float32)))
    speakers = ["anna", "ben"] * 4 + ["carl"]
    found = normalize_by_speaker([*speakers, "anna"], [*every, None])
    anna = SpeakerNormalization.of(np.stack(every[0:8:2]))
    expected = anna.apply(np.stack(every[0:8:2]))
    for one, row in zip(found[0:8:2], expected, strict=True):
        assert one is not None
        np.testing.assert_array_equal(one, row)
    assert found[1] is not None
    assert not np.allclose(found[1], anna.apply(every[1][None])[0])
    assert found[8] is every[8]
    assert found[9] is None
    unknown = normalize_by_speaker([""] * 9, every)
    assert all(one is row for one, row in zip(unknown, every, strict=True))
