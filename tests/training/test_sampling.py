from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avser_cli.data.clip import Clip
from avser_cli.model.recipe import EACH_CLIP_ONCE, Sampling
from avser_cli.training.sampling import TrainingSet


def training_set(groups):
    """A set of clips of these corpora, emotions and speakers."""
    corpora, labels, speakers = np.array(groups, np.int64).reshape(-1, 3).T
    return TrainingSet(np.arange(len(labels)), labels, 4, corpora, speakers)


GROUPS = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60
)
POWERS = st.sampled_from([0.0, 0.25, 0.5, 1.0])
SAMPLINGS = st.builds(
    Sampling,
    corpus=POWERS,
    emotion=POWERS,
    speaker=POWERS,
    draws=st.none() | st.integers(1, 200),
)


def totals(counts, *groups):
    """Summed draws of each combination of the groups."""
    found: dict[tuple[int, ...], float] = {}
    for count, key in zip(counts, zip(*groups, strict=True), strict=True):
        found[key] = found.get(key, 0.0) + count
    return found


@given(GROUPS, SAMPLINGS)
def test_groups_are_drawn_by_powers_of_their_counts(groups, sampling):
    clips = training_set(groups)
    counts = clips.draw_counts(sampling)
    assert counts.sum() == pytest.approx(sampling.draws or len(clips))
    levels = [clips.corpora, clips.labels, clips.speakers]
    for depth, power in enumerate((sampling.corpus, sampling.emotion, sampling.speaker), start=1):
        drawn = totals(counts, *levels[:depth])
        there = totals(np.ones(len(clips)), *levels[:depth])
        for one in drawn:
            for other in drawn:
                if one[:-1] == other[:-1]:
                    expected = (there[one] / there[other]) ** power
                    assert drawn[one] / drawn[other] == pytest.approx(expected)


@given(GROUPS, SAMPLINGS, st.integers(0, 5))
def test_each_epoch_gives_each_group_and_clip_its_share(groups, sampling, epoch):
    clips = training_set(groups)
    rows = clips.epoch(sampling, [7, epoch])
    assert len(rows) == (sampling.draws or len(clips))
    found = np.bincount(rows, minlength=len(clips))
    expected = clips.draw_counts(sampling)
    levels = [np.arange(len(clips)), clips.corpora, clips.labels, clips.speakers]
    for names in (levels[:1], levels[1:2], levels[1:3], levels[1:]):
        due, drawn = totals(expected, *names), totals(found, *names)
        assert all(abs(due[key] - drawn[key]) < 1 + 1e-9 for key in due)


@given(GROUPS, SAMPLINGS)
def test_the_seed_alone_decides_a_draw(groups, sampling):
    first = training_set(groups).epoch(sampling, [3, 2])
    np.testing.assert_array_equal(first, training_set(groups).epoch(sampling, [3, 2]))


def test_epochs_draw_other_clips_and_reach_all():
    clips = training_set([(0, 0, 0)] * 90 + [(1, 0, 1)] * 10)
    sampling = Sampling(corpus=0.0, draws=50)
    epochs = [clips.epoch(sampling, [0, number]) for number in range(20)]
    assert all((rows < 90).sum() == 25 for rows in epochs)
    assert set(epochs[0]) != set(epochs[1])
    assert len(set(np.concatenate(epochs))) > 95


def test_without_powers_every_clip_is_taken_once_in_the_order_of_old():
    clips = training_set([(0, 1, 2), (1, 2, 0), (0, 0, 0)] * 9)
    rows = clips.epoch(EACH_CLIP_ONCE, [5, 1])
    np.testing.assert_array_equal(rows, np.random.default_rng([5, 1]).permutation(27))
    assert sorted(clips.epoch(Sampling(draws=27), [5, 1])) == list(range(27))


def test_clips_of_no_known_speaker_count_as_one(tmp_path):
    clips = [
        Clip(key=str(number), path=tmp_path, corpus="mine", emotion="sad", speaker=speaker)
        for number, speaker in enumerate([None, None, None, "mine:anna"])
    ]
    found = TrainingSet.of(np.zeros(4), np.zeros(4, np.int64), 1, clips)
    counts = found.draw_counts(Sampling(speaker=0.0))
    assert counts == pytest.approx([2 / 3, 2 / 3, 2 / 3, 2])


def clip(corpus, speaker):
    return Clip(f"{corpus}:{speaker}", Path("x.wav"), corpus, "sad", speaker)


def test_a_specialist_hears_one_corpus_alone():
    clips = [clip("a", "1"), clip("b", "2"), clip("a", "3"), clip("b", "4")]
    both = TrainingSet.of(np.arange(4), np.array([0, 0, 1, 1]), 2, clips)
    of_b = both.of_specialist("b")
    assert of_b.inputs.tolist() == [1, 3] and of_b.labels.tolist() == [0, 1]
    assert of_b.corpora.tolist() == [0, 0] and len(set(of_b.speakers)) == 2
    assert len(of_b.epoch(Sampling(corpus=0.0, draws=5), [0, 0])) == 5


@pytest.mark.parametrize("corpus", [None, "c", "a"])
def test_without_its_corpus_whole_a_specialist_hears_all(corpus):
    clips = [clip("a", "1"), clip("b", "2"), clip("b", "3")]
    both = TrainingSet.of(np.arange(3), np.array([0, 0, 1]), 2, clips)
    assert both.of_specialist(corpus) is both


def test_of_a_single_corpus_a_specialist_hears_all():
    clips = [clip("a", "1"), clip("a", "2")]
    alone = TrainingSet.of(np.arange(2), np.array([0, 1]), 2, clips)
    assert alone.of_specialist("a") is alone
