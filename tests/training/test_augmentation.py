from dataclasses import asdict, fields, replace

import numpy as np
import pytest

from avser_cli.model.recipe import Augmentation
from avser_cli.training.augmentation import _add_babble, augment

OFF = Augmentation(**{field.name: 0 for field in fields(Augmentation)})


def spectrograms(count=6):
    return np.random.default_rng(0).integers(60, 200, (count, 150, 150), dtype=np.uint8)


def changed(strength, batch=None, seed=1):
    batch = spectrograms() if batch is None else batch
    return augment(batch, strength, 120.0, 0.02, np.random.default_rng(seed))


def test_nothing_on_changes_nothing():
    np.testing.assert_allclose(changed(OFF), spectrograms(), atol=0.05)


def test_same_seed_same_pictures():
    np.testing.assert_array_equal(changed(Augmentation()), changed(Augmentation()))
    assert not np.array_equal(changed(Augmentation()), changed(Augmentation(), seed=2))


def test_values_stay_gray():
    strong = Augmentation(*(getattr(Augmentation(), f.name) * 3 for f in fields(Augmentation)))
    found = changed(replace(strong, masks=3))
    assert found.dtype == np.float32
    assert found.shape == (6, 150, 150)
    assert found.min() >= 0
    assert found.max() <= 255


def test_gain_moves_every_pixel_alike():
    difference = changed(replace(OFF, gain_db=10.0)) - spectrograms()
    assert np.ptp(difference, axis=(1, 2)).max() < 0.1
    assert np.ptp(difference[:, 0, 0]) > 1
    assert np.abs(difference).max() <= 10 * 255 / 120 + 0.1


def test_masks_blank_bands_and_spans():
    found = changed(replace(OFF, masks=2, mask_width=20))
    blank = found == 0
    assert blank.all(axis=2).any()
    assert blank.all(axis=1).any()


def test_noise_and_reverberation_only_add():
    base = np.full((8, 150, 150), 40, np.uint8)
    base[:, 70:80, 60:80] = 220
    for strength in (replace(OFF, noise=1.0), replace(OFF, reverberation=1.0)):
        found = changed(strength, base)
        assert (found - base).min() > -0.01
        assert (found - base).max() > 5
    tail = changed(replace(OFF, reverberation=1.0), base)[:, 75]
    assert (tail[:, 82] > tail[:, 58] + 5).all()


def test_babble_is_voices_of_other_clips_five_to_twenty_db_under_the_clip():
    quiet = np.full((400, 6, 50), 0, np.uint8)
    row = np.arange(400) % 4
    quiet[np.arange(400), row] = 200
    found = changed(replace(OFF, babble=1.0), quiet)
    power = 10 ** ((found * 120 / 255 - 120) / 10)
    own = power[np.arange(400), row].mean(axis=1)
    behind = (power.sum(axis=1).mean(axis=1) - own) / own
    assert found[:, 4:].max() < 10, "rows in which no clip has a voice"
    assert 10 * np.log10(behind.max()) == pytest.approx(-5, abs=1)
    assert (behind < 10**-0.5).all()
    assert 10 * np.log10(np.median(behind)) == pytest.approx(-12.5 + 10 * np.log10(3 / 4), abs=1)


def test_babble_spares_what_no_share_names_and_a_clip_that_is_alone():
    alone = spectrograms(1)
    np.testing.assert_allclose(changed(replace(OFF, babble=1.0), alone), alone, atol=0.05)
    loud = np.full((2000, 4, 6), 200, np.uint8)
    louder = changed(replace(OFF, babble=0.25), loud).mean(axis=(1, 2)) > 200.01
    assert louder.mean() == pytest.approx(0.25, abs=0.04)


def test_without_babble_the_other_changes_are_those_of_older_recipes():
    """Bundles can be trained again: what is off draws no random numbers."""
    rng = np.random.default_rng(1)
    _add_babble(np.ones((4, 3, 3), np.float32), 0.0, rng)
    assert rng.random() == np.random.default_rng(1).random()


@pytest.mark.parametrize("part", ["stretch", "time_shift", "warp", "row_shift", "band_limit"])
def test_each_change_does_something(part):
    strength = Augmentation(**{**asdict(OFF), part: 1.0 if part == "band_limit" else 0.2})
    assert not np.allclose(changed(strength), spectrograms(), atol=0.01)


def test_masks_reach_the_first_and_the_last_row_and_column():
    narrow = replace(OFF, masks=1, mask_width=3)
    blank = changed(narrow, np.full((600, 8, 8), 200, np.uint8)) == 0
    assert blank.any(axis=0)[[0, -1], :].all()
    assert blank.any(axis=0)[:, [0, -1]].all()


def test_a_band_limit_weakens_up_to_a_third_at_the_top_and_two_fifths_at_the_bottom():
    loud = np.full((2000, 150, 4), 255, np.uint8)
    weaker = (changed(replace(OFF, band_limit=1.0), loud) < 250).all(axis=2)
    top, bottom = weaker[:, :75].sum(axis=1), weaker[:, 75:].sum(axis=1)
    assert (top.min(), top.max()) == (0, 49)
    assert (bottom.min(), bottom.max()) == (0, 59)
    assert weaker[:, 0].mean() == pytest.approx(49 / 50, abs=0.02)
    taken = (255 - changed(replace(OFF, band_limit=1.0), loud)[weaker]) * 120 / 255
    assert (taken.min(), taken.max()) == pytest.approx((20, 60), abs=0.2)


def test_a_share_of_the_pictures_is_limited():
    found = changed(replace(OFF, band_limit=0.25), np.full((2000, 30, 4), 255, np.uint8))
    assert (found.min(axis=(1, 2)) < 250).mean() == pytest.approx(0.25, abs=0.04)
