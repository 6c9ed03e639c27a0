from dataclasses import replace

import numpy as np
import pytest

from avser_cli.model.recipe import Augmentation, Sampling
from avser_cli.training import batches as batches_module
from avser_cli.training.batches import Batches, mix
from avser_cli.training.sampling import TrainingSet
from tests.training.test_trainer import RECIPE

ONLY_LOUDER = Augmentation(
    stretch=0, time_shift=0, warp=0, row_shift=0, filter_db=0, noise=0, reverberation=0,
    band_limit=0, gain_db=6, masks=0,
)  # fmt: skip
PLAIN = replace(RECIPE, augmentation=None, mixup=0.0)


def test_mixing_keeps_half_of_each_and_mixes_labels_alike():
    inputs = np.arange(8, dtype=np.float32).reshape(8, 1, 1) + np.zeros((8, 2, 3), np.float32)
    targets = np.eye(8, dtype=np.float32)
    mixed, labels = mix(inputs, targets, 0.4, np.random.default_rng(0))
    assert (labels.diagonal() >= 0.5).all()
    assert (labels.diagonal() < 1).any()
    np.testing.assert_allclose(labels.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(mixed[:, 0, 0], labels @ np.arange(8), rtol=1e-5)


def small_set(labels, corpora=None):
    labels = np.array(labels)
    corpora = np.zeros_like(labels) if corpora is None else np.array(corpora)
    return TrainingSet(
        np.zeros((len(labels), 150, 150), np.uint8), labels, 2, corpora, np.zeros_like(labels)
    )


def test_balance_makes_rare_emotions_count():
    recipe = PLAIN.with_options(class_weight_power=1.0, batch_size=6)
    clips = small_set([0, 0, 0, 0, 1, 1])
    _, found, weights = Batches(recipe, clips, [0])[0]
    by_emotion = [weights[found[:, emotion] == 1].sum() for emotion in (0, 1)]
    assert by_emotion == pytest.approx([3, 3])
    _, _, plain = Batches(recipe.with_options(class_weight_power=0.0), clips, [0])[0]
    np.testing.assert_array_equal(plain, 1)


def test_emotions_that_are_drawn_alike_weigh_alike():
    """Weights by the clips that there are would count a rare emotion twice."""
    recipe = PLAIN.with_options(
        class_weight_power=1.0, batch_size=6, sampling=Sampling(emotion=0.0)
    )
    batches = Batches(recipe, small_set([0, 0, 0, 0, 1, 1]), [0])
    _, targets, weights = batches[0]
    assert targets.sum(axis=0).tolist() == [3, 3]
    np.testing.assert_allclose(weights, 1)


def test_an_epoch_has_as_many_clips_as_are_to_be_drawn():
    recipe = PLAIN.with_options(batch_size=4, sampling=Sampling(draws=9))
    batches = Batches(recipe, small_set([0, 0, 0, 1, 1, 1]), [0])
    assert [len(batches[number][0]) for number in range(len(batches))] == [4, 4, 1]
    whole = Batches(PLAIN.with_options(batch_size=3), small_set([0, 0, 0, 1, 1, 1]), [0])
    assert [len(whole[number][0]) for number in range(len(whole))] == [3, 3]


def test_an_epoch_takes_every_clip_once_and_changes_each_batch_anew():
    clips = small_set([0, 1] * 5)
    clips.inputs[:] = np.arange(10, dtype=np.uint8)[:, None, None]
    recipe = PLAIN.with_options(batch_size=4)
    epoch = Batches(recipe, clips, [0])
    shown = np.concatenate([epoch[number][0][:, 0, 0] for number in range(len(epoch))])
    assert sorted(shown) == list(range(10))
    assert shown.tolist() != list(range(10))
    labels = np.concatenate([epoch[number][1] for number in range(len(epoch))])
    np.testing.assert_array_equal(labels.argmax(axis=1), shown % 2)
    # Of equal clips, no two batches are alike, and no two epochs.
    clips.inputs[:] = 100
    recipe = recipe.with_options(augmentation=ONLY_LOUDER)
    epochs = [Batches(recipe, clips, [0, number]) for number in (0, 1)]
    levels = {float(epoch[number][0][0, 0, 0]) for epoch in epochs for number in (0, 1)}
    assert len(levels) == 4
    again = Batches(recipe, clips, [0, 1])[1][0]
    np.testing.assert_array_equal(again, epochs[1][1][0])


def test_a_recipe_with_mixup_mixes():
    clips = small_set([0, 1] * 4)
    recipe = PLAIN.with_options(batch_size=8, class_weight_power=0.0)
    plain = Batches(recipe, clips, [0])[0][1]
    assert set(plain.ravel()) == {0, 1}
    _, mixed, weights = Batches(recipe.with_options(mixup=0.4), clips, [0])[0]
    assert ((mixed > 0) & (mixed < 1)).any()
    np.testing.assert_allclose(weights, 1, rtol=1e-6)


@pytest.mark.parametrize(("seconds", "expected"), [(6.0, 0.04), (None, 0.02)])
def test_echoes_last_as_long_in_every_picture(monkeypatch, seconds, expected):
    """A column of a fixed span is so long; of a stretched picture, as of one of three seconds."""
    told = []

    def recorded(batch, strength, dynamic_range, seconds_per_column, rng):
        told.append((dynamic_range, seconds_per_column))
        return batch.astype(np.float32)

    monkeypatch.setattr(batches_module, "augment", recorded)
    assert RECIPE.spectrogram is not None
    spectrogram = replace(RECIPE.spectrogram, seconds=seconds, dynamic_range=70.0)
    recipe = RECIPE.with_options(spectrogram=spectrogram, mixup=0.0)
    assert Batches(recipe, small_set([0, 1]), [0])[0][0].dtype == np.float32
    assert told == [(70.0, pytest.approx(expected))]


def test_an_emotion_that_is_never_drawn_counts_as_one_clip():
    recipe = PLAIN.with_options(class_weight_power=1.0, batch_size=6)
    batches = Batches(recipe, small_set([0, 0, 0, 0]), [0])
    assert batches.weights == pytest.approx([5 / 8, 5 / 2])
    # One clip is no less than one.
    assert Batches(recipe, small_set([0, 0, 0, 1]), [0]).weights == pytest.approx([4 / 6, 2])
