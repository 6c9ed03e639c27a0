import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from avser_cli.inference.pooling import pool, pool_windows
from avser_cli.inference.windows import Window

NONE = np.empty(0, np.float32)


def row(*values):
    return np.array(values, np.float32)


def window(start, end):
    return Window(0, start, end, False, NONE)


def test_one_window_answers_for_itself():
    np.testing.assert_allclose(pool(row(0.7, 0.2, 0.1)[None], np.array([150])), [0.7, 0.2, 0.1])


def test_windows_count_by_their_length():
    rows = np.stack([row(0.9, 0.1), row(0.2, 0.8)])
    assert pool(rows, np.array([10, 150]))[1] > 0.7
    assert pool(rows, np.array([150, 10]))[0] > 0.7


def test_windows_that_agree_make_surer_up_to_eight():
    sure = [pool(np.stack([row(0.6, 0.4)] * n), np.full(n, 150))[0] for n in (1, 2, 4, 8, 80)]
    assert sure[0] == pytest.approx(0.6)
    assert sure[0] < sure[1] < sure[2] < sure[3]
    assert sure[4] == pytest.approx(sure[3])
    # Two count as 2 ** 0.38 = 1.3 windows.
    assert np.log(sure[1] / (1 - sure[1])) == pytest.approx(1.301 * np.log(1.5), rel=1e-3)


def test_one_window_that_is_too_sure_does_not_outweigh_all():
    rows = np.stack([row(1.0, 0.0), *[row(0.05, 0.95)] * 9])
    assert pool(rows, np.full(10, 150)).argmax() == 1


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20), st.randoms())
def test_pooled_rows_are_probabilities_in_any_order(values, random):
    rows = [row(value, 1 - value) for value in values]
    pooled = pool(np.stack(rows), np.full(len(rows), 100))
    assert pooled.sum() == pytest.approx(1, abs=1e-5)
    random.shuffle(rows)
    np.testing.assert_allclose(pool(np.stack(rows), np.full(len(rows), 100)), pooled, atol=1e-5)


def test_the_seconds_that_windows_cover_count_once():
    answers = [
        (window(0, 150), row(0.9, 0.1)),
        (window(50, 200), row(0.9, 0.1)),
        (window(100, 250), None),
        (window(300, 350), row(0.9, 0.1)),
    ]
    found = pool_windows(answers, 0.02)
    assert found is not None
    assert found.speech == pytest.approx((200 + 50) * 0.02)
    assert found.windows == 3
    assert pool_windows([(window(0, 150), None)], 0.02) is None
