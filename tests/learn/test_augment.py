from dataclasses import asdict, fields, replace

import numpy as np
import pytest

from avser_cli.learn.augment import SHORTEST_SPAN, Augmentation, augment
from avser_cli.learn.recipes import STRONG

OFF = Augmentation()


def pictures(count=6):
    return np.random.default_rng(0).integers(60, 200, (count, 150, 150), dtype=np.uint8)


def changed(strength, batch=None, seed=1):
    batch = pictures() if batch is None else batch
    return augment(batch, batch[::-1], strength, 120.0, 0.02, np.random.default_rng(seed))


def test_nothing_on_changes_nothing():
    np.testing.assert_allclose(changed(OFF), pictures(), atol=0.05)


def test_same_seed_same_pictures():
    np.testing.assert_array_equal(changed(STRONG), changed(STRONG))
    assert not np.array_equal(changed(STRONG), changed(STRONG, seed=2))


def test_values_stay_gray():
    stronger = Augmentation(*(getattr(STRONG, f.name) * 3 for f in fields(Augmentation)))
    found = changed(replace(stronger, masks=3))
    assert found.dtype == np.float32
    assert found.shape == (6, 150, 150)
    assert found.min() >= 0
    assert found.max() <= 255


def test_gain_moves_every_pixel_alike():
    difference = changed(replace(OFF, gain_db=10.0)) - pictures()
    assert np.ptp(difference, axis=(1, 2)).max() < 0.1
    assert np.ptp(difference[:, 0, 0]) > 1
    assert np.abs(difference).max() <= 10 * 255 / 120 + 0.1


def test_a_tilt_is_a_straight_line_over_the_rows():
    difference = (changed(replace(OFF, tilt_db=3.0)) - pictures()).mean(axis=2)
    np.testing.assert_allclose(difference[:, 0], -difference[:, -1], atol=0.1)
    np.testing.assert_allclose(np.diff(difference, n=2, axis=1), 0, atol=0.1)


def test_joined_clips_are_a_span_of_both_equally_loud():
    base = np.zeros((2, 150, 150), np.uint8)
    base[0, 20:40, 10:100], base[1, 100:120, 50:130] = 200, 120
    lengths = set()
    for seed in range(30):
        found = changed(replace(OFF, join=1.0), base, seed=seed)[0]
        columns = np.flatnonzero(found.any(axis=0))
        lengths.add(len(columns))
        assert SHORTEST_SPAN - 10 <= np.ptp(columns) + 1 <= 150
        assert set(np.round(np.unique(found))) <= {0, 200}
    assert len(lengths) > 5


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


@pytest.mark.parametrize(
    "part", ["stretch", "time_shift", "warp", "row_shift", "band_limit", "tilt_db"]
)
def test_each_change_does_something(part):
    strength = Augmentation(**{**asdict(OFF), part: 1.0 if part == "band_limit" else 0.2})
    assert not np.allclose(changed(strength), pictures(), atol=0.01)
