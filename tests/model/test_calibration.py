import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from avser_cli.model.calibration import (
    Calibration,
    accuracy_by_coverage,
    calibrate,
    expected_calibration_error,
    fit_temperature,
    fit_temperature_and_bias,
    fit_threshold,
    reliability,
    rescaled,
    with_temperature,
)
from avser_cli.untrusted_input import decode


def drawn(count=4000, overconfident=3.0, seed=0):
    """Probabilities whose logits are too large by a factor, and labels drawn from the true ones."""
    draw = np.random.default_rng(seed)
    logits = draw.normal(0, 1.5, (count, 4))
    truth = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.array([draw.choice(4, p=row) for row in truth])
    return with_temperature(truth.astype(np.float32), 1 / overconfident), labels


def test_the_fitted_temperature_undoes_overconfidence():
    probabilities, labels = drawn()
    assert fit_temperature(probabilities, labels) == pytest.approx(3.0, rel=0.1)
    after = with_temperature(probabilities, 3.0)
    assert expected_calibration_error(probabilities, labels) > 0.15
    assert expected_calibration_error(after, labels) < 0.03


@given(st.floats(0.1, 10), st.integers(0, 1000))
@settings(max_examples=30)
def test_a_temperature_changes_no_answer_and_keeps_sums(temperature, seed):
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(4), 20).astype(np.float32)
    found = with_temperature(probabilities, temperature)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    best = probabilities[np.arange(20), found.argmax(axis=1)]
    np.testing.assert_allclose(best, probabilities.max(axis=1), rtol=1e-5)


def test_temperature_one_changes_nothing():
    probabilities = np.array([[1.0, 0, 0, 0], [0.4, 0.3, 0.2, 0.1]], np.float32)
    np.testing.assert_allclose(with_temperature(probabilities, 1.0), probabilities, atol=1e-6)


def test_error_by_hand():
    probabilities = np.array([[0.9, 0.1]] * 4 + [[0.6, 0.4]] * 4, np.float32)
    labels = np.array([0, 0, 0, 1, 0, 0, 1, 1])
    lines = reliability(probabilities, labels)
    assert [(round(sure, 2), right, n) for sure, right, n in lines] == [
        (0.6, 0.5, 4),
        (0.9, 0.75, 4),
    ]
    assert expected_calibration_error(probabilities, labels) == pytest.approx(0.125, abs=1e-6)


def test_bins_are_fifteen_equal_ones():
    sure = np.array([0.6, 0.65, 0.67, 0.9, 0.94, 1.0])
    probabilities = np.stack([sure, 1 - sure], axis=1).astype(np.float32)
    lines = reliability(probabilities, np.array([0, 1, 0, 0, 0, 1]))
    assert [(right, n) for _, right, n in lines] == [(0.5, 2), (1.0, 1), (1.0, 1), (0.5, 2)]
    assert [sure for sure, *_ in lines] == pytest.approx([0.625, 0.67, 0.9, 0.97])


@pytest.mark.parametrize(("label", "expected"), [(0, 1 / 20), (1, 20.0)])
def test_a_temperature_has_bounds(label, expected):
    probabilities = np.full((50, 2), (0.6, 0.4), np.float32)
    found = fit_temperature(probabilities, np.full(50, label))
    assert found == pytest.approx(expected, rel=0.01)


def test_a_label_that_was_ruled_out_spoils_no_fit():
    probabilities, labels = drawn()
    probabilities[0], labels[0] = (1, 0, 0, 0), 3
    assert 2.5 < fit_temperature(probabilities, labels) < 4


def test_coverage_takes_the_surest_first():
    probabilities = np.array([[0.6, 0.4], [0.9, 0.1], [0.8, 0.2]], np.float32)
    coverage, accuracy = accuracy_by_coverage(probabilities, np.array([1, 0, 0]))
    np.testing.assert_allclose(coverage, [1 / 3, 2 / 3, 1])
    np.testing.assert_allclose(accuracy, [1, 1, 2 / 3])


def test_threshold_is_the_lowest_that_keeps_the_promise():
    probabilities = np.array([[0.6, 0.4], [0.9, 0.1], [0.8, 0.2]], np.float32)
    labels = np.array([1, 0, 0])
    assert fit_threshold(probabilities, labels) == pytest.approx(0.8)
    assert fit_threshold(probabilities, labels, wanted=0.6) == pytest.approx(0.6)
    assert fit_threshold(probabilities, labels, wanted=2 / 3) == pytest.approx(0.6)
    assert fit_threshold(probabilities, 1 - labels, wanted=0.9) == 1.0


def test_calibration_is_measured_on_folds_left_out():
    folds = [drawn(1500, seed=seed) for seed in range(3)]
    calibration, scaled, _ = calibrate(folds, "three folds")
    assert calibration.temperature == pytest.approx(3.0, rel=0.1)
    assert calibration.ece_after < 0.04 < calibration.ece_before
    assert calibration.accuracy == pytest.approx(0.9, abs=0.04)
    assert 0 < calibration.coverage < 1
    assert calibration.clips == 4500
    assert [len(part) for part in scaled] == [1500] * 3
    # The first fold's labels have no say in the first fold's temperature.
    wrong = [(folds[0][0], (folds[0][1] + 1) % 4), *folds[1:]]
    np.testing.assert_array_equal(calibrate(wrong, "")[1][0], scaled[0])


@pytest.mark.parametrize("with_bias", [False, True])
def test_what_a_calibration_states(with_bias):
    folds = [drawn(300, seed=seed) for seed in range(2)]
    calibration, scaled, _ = calibrate(folds, "two folds", with_bias=with_bias)
    probabilities, labels = (np.concatenate(part) for part in zip(*folds, strict=True))
    temperature, bias = fit_temperature(probabilities, labels), None
    if with_bias:
        temperature, bias = fit_temperature_and_bias(probabilities, labels)
        assert bias == tuple(round(x, 4) for x in bias) != tuple(round(x, 3) for x in bias)
    assert calibration.temperature == round(temperature, 4) != round(temperature, 3)
    assert calibration.bias == bias
    corrected = rescaled(probabilities, temperature, bias)
    threshold = fit_threshold(corrected, labels)
    assert calibration.threshold == round(threshold, 4) != round(threshold, 3)
    np.testing.assert_allclose(calibration.apply(probabilities), corrected, atol=1e-4)
    before = expected_calibration_error(probabilities, labels)
    after = expected_calibration_error(np.concatenate(scaled), labels)
    assert (calibration.ece_before, calibration.ece_after) == (round(before, 4), round(after, 4))
    # Each fold is judged by what was fitted on the other.
    sure, right = [], []
    for (rows, truth), other, found in zip(folds, folds[::-1], scaled, strict=True):
        fitted = fit_temperature_and_bias(*other) if with_bias else (fit_temperature(*other), None)
        np.testing.assert_array_equal(found, rescaled(rows, *fitted))
        least = fit_threshold(rescaled(other[0], *fitted), other[1])
        sure.append(found.max(axis=1) >= least)
        right.append((found.argmax(axis=1) == truth)[sure[-1]])
    assert calibration.coverage == round(np.concatenate(sure).mean(), 4)
    assert calibration.accuracy == round(np.concatenate(right).mean(), 4)
    assert (calibration.clips, calibration.source) == (600, "two folds")


def test_where_no_answer_is_sure_enough_none_is_right():
    rows = np.full((20, 2), (0.7, 0.3), np.float32)
    calibration, *_ = calibrate([(rows, np.ones(20, int))] * 2, "")
    assert (calibration.threshold, calibration.accuracy, calibration.coverage) == (1, 0, 0)


def test_an_answer_as_sure_as_the_threshold_is_above_it():
    rows = np.full((20, 2), (0.7, 0.3), np.float32)
    calibration, scaled, _ = calibrate([(rows, np.zeros(20, int))] * 2, "")
    assert calibration.threshold == pytest.approx(float(scaled[0].max()), abs=1e-4)
    assert (calibration.accuracy, calibration.coverage) == (1, 1)


def test_clips_of_the_fold_judged_have_no_say_in_its_fit():
    folds = [drawn(1500, seed=seed) for seed in range(3)]
    names = [[f"{fold}-{n}" for n in range(1500)] for fold in range(3)]
    plain = calibrate(folds, "", names)[1]
    np.testing.assert_array_equal(plain[0], calibrate(folds, "")[1][0])
    # The second fold holds 500 clips of the first, too, with labels that would spoil the fit.
    probabilities, labels = folds[0][0][:500], (folds[0][1][:500] + 1) % 4
    shared = (np.concatenate([folds[1][0], probabilities]), np.concatenate([folds[1][1], labels]))
    names[1] = names[1] + names[0][:500]
    mixed = [folds[0], shared, folds[2]]
    np.testing.assert_array_equal(calibrate(mixed, "", names)[1][0], plain[0])
    assert not np.allclose(calibrate(mixed, "")[1][0], plain[0])


def test_folds_of_the_same_clips_cannot_judge_each_other():
    names = [[str(n) for n in range(50)]] * 2
    with pytest.raises(ValueError, match="nothing is left"):
        calibrate([drawn(50), drawn(50, seed=1)], "", names)


@pytest.mark.parametrize(
    "change",
    [
        {"temperature": 0},
        {"temperature": -1},
        {"temperature": 100},
        {"bias": [11.5, 0, 0, 0]},
        {"bias": [-11.5, 0, 0, 0]},
        {"threshold": 1.2},
        {"accuracy": "high"},
        {"ece_after": -0.1},
        {"clips": 1.5},
        {"moon": 1},
    ],
)
def test_impossible_calibrations_are_refused(change):
    values = calibrate([drawn(50), drawn(50, seed=1)], "")[0].as_dict()
    assert decode(Calibration, values).as_dict() == values
    least = {**values, "temperature": 0.05}
    assert decode(Calibration, least).as_dict() == least
    most = {**values, "temperature": 99.5, "bias": (11.0, -11.0, 0.0, 0.0)}
    assert decode(Calibration, most).as_dict() == most
    with pytest.raises(ValueError, match=next(iter(change))):
        decode(Calibration, {**values, **change})


ROWS = st.lists(st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3), min_size=1, max_size=8).map(
    lambda rows: np.array([np.array(row) / sum(row) for row in rows], np.float32)
)
BIASES = st.lists(st.floats(-3, 3), min_size=3, max_size=3)
TEMPERATURES = st.floats(0.2, 5.0)


@given(ROWS, TEMPERATURES, BIASES, st.floats(-3, 3))
def test_biases_move_answers_and_nothing_else(rows, temperature, bias, shift):
    plain = with_temperature(rows, temperature)
    np.testing.assert_allclose(rescaled(rows, temperature, [0.0] * 3), plain, atol=1e-6)
    found = rescaled(rows, temperature, bias)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    # Only differences count, and the odds of two emotions move by that of their biases.
    np.testing.assert_allclose(rescaled(rows, temperature, np.add(bias, shift)), found, atol=1e-5)
    odds = np.log(found[:, 0] / found[:, 1]) - np.log(plain[:, 0] / plain[:, 1])
    np.testing.assert_allclose(odds, bias[0] - bias[1], atol=1e-2)
    order = [2, 0, 1]
    moved = rescaled(rows[:, order], temperature, [bias[x] for x in order])
    np.testing.assert_allclose(moved, found[:, order], atol=1e-5)


@settings(max_examples=20)
@given(ROWS.filter(lambda rows: len(rows) > 2), st.randoms(use_true_random=False))
def test_a_fit_never_makes_labels_less_likely(rows, random):
    labels = np.array([random.randrange(3) for _ in rows])
    temperature, bias = fit_temperature_and_bias(rows, labels)
    assert sum(bias) == pytest.approx(0, abs=1e-3)

    def surprise(probabilities):
        weights = 1 / np.bincount(labels, minlength=3)[labels]
        return -(weights * np.log(probabilities[np.arange(len(labels)), labels])).sum()

    assert surprise(rescaled(rows, temperature, bias)) <= surprise(rows) + 1e-3


def test_a_bias_that_was_put_in_is_found_again():
    rng = np.random.default_rng(0)
    labels = np.arange(3000) % 3
    logits = rng.normal(size=(3000, 3)) + 1.5 * np.eye(3)[labels]
    true = np.exp(1.5 * logits) / np.exp(1.5 * logits).sum(axis=1, keepdims=True)
    skewed = rescaled(true.astype(np.float32), 1.5, (1.0, 0.0, -1.0))
    temperature, bias = fit_temperature_and_bias(skewed, labels)
    # The inverse of a temperature and then a bias has the bias times the temperature.
    np.testing.assert_allclose(bias, (-1.5, 0.0, 1.5), atol=0.1)
    assert temperature == pytest.approx(1 / 1.5, abs=0.05)


def test_priors_hold_bias_and_temperature():
    """The likeliest values under normal priors of 1 and, of the logarithm, 0.5, by other means."""
    rows = np.full((2, 2), 0.5, np.float32)
    temperature, bias = fit_temperature_and_bias(rows, np.array([0, 0]))
    best = minimize_scalar(lambda b: 2 * np.log1p(np.exp(-2 * b)) + b**2).x
    assert bias == pytest.approx((best, -best), abs=0.01)
    assert temperature == pytest.approx(1, abs=0.01)
    sure = np.array([[0.8, 0.2], [0.2, 0.8]] * 2, np.float32)
    temperature, bias = fit_temperature_and_bias(sure, np.array([0, 1, 0, 1]))
    logit = np.log(4)
    best = minimize_scalar(
        lambda x: 4 * np.log1p(np.exp(-logit * np.exp(-x))) + (x / 0.5) ** 2 / 2
    ).x
    assert temperature == pytest.approx(np.exp(best), abs=0.01)
    assert bias == pytest.approx((0, 0), abs=0.01)


def test_a_frequent_emotion_is_not_favoured():
    rows = np.full((8, 2), 0.5, np.float32)
    _, bias = fit_temperature_and_bias(rows, np.array([0, 0, 0, 0, 0, 0, 1, 1]))
    assert bias == pytest.approx((0, 0), abs=0.01)


def test_few_clips_move_answers_a_little():
    rows = np.full((4, 2), 0.5, np.float32)
    few = fit_temperature_and_bias(rows[:2], np.array([0, 0]))[1]
    many = fit_temperature_and_bias(np.tile(rows, (50, 1)), np.zeros(200, int))[1]
    assert 0 < few[0] < many[0]


def test_a_fold_counts_as_much_as_any_other_where_folds_are_alike():
    small, large = drawn(200, overconfident=1.0), drawn(3000, overconfident=4.0, seed=1)
    folds = [small, large, drawn(400, overconfident=2.0, seed=2)]
    # The same with each clip of the small folds as often as makes all of a size.
    repeated = [
        (np.repeat(rows, 3000 // len(rows), axis=0), np.repeat(labels, 3000 // len(rows)))
        for rows, labels in (folds[0], folds[1])
    ]
    rows, labels = (np.concatenate([part] * 7 + [part[:200]]) for part in folds[2])
    pooled, _, _ = calibrate([*repeated, (rows, labels)], "")
    found, scaled, sure = calibrate(folds, "", folds_alike=True)
    assert found.temperature == pytest.approx(pooled.temperature, rel=0.02)
    assert found.temperature < calibrate(folds, "")[0].temperature
    assert found.threshold == pytest.approx(pooled.threshold, abs=0.02)
    errors = [
        expected_calibration_error(rows, labels)
        for rows, (_, labels) in zip(scaled, folds, strict=True)
    ]
    assert found.ece_after == pytest.approx(np.mean(errors), abs=1e-4)
    assert found.coverage == pytest.approx(np.mean([x.mean() for x in sure]), abs=1e-4)
    right = [
        ((rows.argmax(axis=1) == labels) & above).mean()
        for rows, above, (_, labels) in zip(scaled, sure, folds, strict=True)
    ]
    assert found.accuracy == pytest.approx(np.mean(right) / found.coverage, abs=1e-3)


def test_a_temperature_that_does_not_carry_over_to_the_next_corpus_is_not_used():
    factors = (1.6, 0.6, 0.65, 1.5)
    folds = [drawn(600, overconfident=x, seed=seed) for seed, x in enumerate(factors)]
    found, scaled, _ = calibrate(folds, "", folds_alike=True)
    assert found.temperature == 1
    assert found.ece_after == found.ece_before
    for after, (before, _) in zip(scaled, folds, strict=True):
        np.testing.assert_allclose(after, before, atol=1e-6)
    # Where clips count and not corpora, any other clip may come from any of them.
    assert 1 < calibrate(folds, "")[0].temperature < 1.3


def test_a_temperature_that_all_corpora_need_is_used():
    folds = [drawn(600, overconfident=x, seed=seed) for seed, x in enumerate((2.0, 3.0, 2.5))]
    found, scaled, _ = calibrate(folds, "", folds_alike=True)
    assert found.temperature == pytest.approx(2.5, abs=0.3)
    assert found.ece_after < found.ece_before
    assert all(
        after.max(axis=1).mean() < before.max(axis=1).mean()
        for after, (before, _) in zip(scaled, folds, strict=True)
    )


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("factors", [(2.0, 3.0, 2.5), (1.6, 0.6, 0.65), (0.5, 2.0, 0.9), (2, 3)])
def test_a_second_training_on_each_corpus_changes_no_calibration(factors):
    folds = [drawn(400, overconfident=x, seed=seed) for seed, x in enumerate(factors)]
    names = [[f"{number}/{row}" for row in range(400)] for number in range(len(folds))]
    once, scaled, sure = calibrate(folds, "", names, folds_alike=True)
    twice, scaled_twice, sure_twice = calibrate(folds * 2, "", names * 2, folds_alike=True)
    assert twice.temperature == pytest.approx(once.temperature, abs=1e-3)
    for number in range(len(folds)):
        np.testing.assert_allclose(scaled_twice[number], scaled[number], atol=1e-4)
        assert (sure_twice[number] != sure[number]).mean() < 0.02
    assert twice.ece_after == pytest.approx(once.ece_after, abs=1e-3)
