import numpy as np
import pytest

from avser_cli.experiments.baselines import fit_boosting, fit_svm
from avser_cli.experiments.candidates import BASELINES


def drawn(count, seed, separation):
    """Ten features; the first tells four unevenly frequent emotions apart."""
    rng = np.random.default_rng(seed)
    labels = rng.choice(4, count, p=[0.4, 0.3, 0.2, 0.1])
    features = rng.normal(size=(count, 10))
    features[:, 0] += separation * np.array([0, 2, 1, 3])[labels]
    return features.astype(np.float32), labels


@pytest.mark.parametrize("fit", [fit_boosting, fit_svm])
def test_what_can_be_learnt_is(fit):
    predict, parameters = fit(*drawn(400, 0, 5), 4)
    features, labels = drawn(200, 1, 5)
    probabilities = predict(features)
    assert probabilities.shape == (200, 4)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities.argmax(axis=1) == labels).mean() > 0.9
    assert parameters > 100


@pytest.mark.parametrize("fit", [fit_boosting, fit_svm])
def test_noise_is_not_learnt(fit):
    predict, _ = fit(*drawn(400, 0, 0), 4)
    features, labels = drawn(1000, 1, 0)
    hits = predict(features).argmax(axis=1) == labels
    assert np.mean([hits[labels == emotion].mean() for emotion in range(4)]) < 0.35


def test_boosting_gives_an_emotion_without_clips_no_probability():
    features, labels = drawn(100, 0, 5)
    predict, _ = fit_boosting(features[labels != 2], labels[labels != 2], 4)
    probabilities = predict(features)
    assert set(probabilities[:, 2]) == {0}
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_boosting_is_the_same_each_time():
    features, labels = drawn(200, 0, 1)
    first, second = (fit_boosting(features, labels, 4)[0](features) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_opensmile_stands_with_both_classifiers():
    rows = [(row.name, row.reads, row.baseline) for row in BASELINES["opensmile"]]
    assert rows == [
        (f"opensmile-{features}-{classifier}", features, classifier)
        for classifier in ("svm", "boosting")
        for features in ("egemaps", "compare")
    ]
