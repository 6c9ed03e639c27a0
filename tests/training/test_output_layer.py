import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from avser_cli.training.output_layer import OutputLayer

COUNT, FEATURES, EMOTIONS = 240, 6, 3


@pytest.fixture(scope="module")
def clips():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, EMOTIONS, COUNT)
    middles = 5 + 2 * rng.normal(size=(EMOTIONS, FEATURES))
    return 3 * (middles[labels] + rng.normal(size=(COUNT, FEATURES))).astype(np.float32), labels


def equal(count):
    return np.full(count, 1 / count)


def blank():
    zeros = np.zeros((FEATURES, EMOTIONS), np.float32)
    return OutputLayer(zeros, np.zeros(EMOTIONS, np.float32))


def test_from_nothing_it_is_logistic_regression(clips):
    features, labels = clips
    hold = 0.01
    found = blank().fitted(features, labels, equal(COUNT), 1.0, hold)
    spread = features.std(dtype=np.float64)
    scaled = (features - features.mean(axis=0)) / spread
    # Scikit-learn leaves the biases free; theirs are held by a hundredth here.
    peer = LogisticRegression(C=1 / (hold * COUNT), tol=1e-8, max_iter=1000).fit(scaled, labels)
    np.testing.assert_allclose(
        softmax(found.logits(features), axis=1), peer.predict_proba(scaled), atol=0.01
    )


def test_held_hard_it_stays_as_it_is(clips):
    features, labels = clips
    rng = np.random.default_rng(1)
    old = OutputLayer(rng.normal(size=(FEATURES, EMOTIONS)), rng.normal(size=EMOTIONS))
    found = old.fitted(features, labels, equal(COUNT), 1.5, 1e9)
    np.testing.assert_allclose(found.kernel, old.kernel, atol=1e-6)
    np.testing.assert_allclose(found.bias, old.bias, atol=1e-4)


def test_what_it_knew_stays_where_the_clips_say_nothing(clips):
    features, labels = clips
    old = blank().fitted(features, labels, equal(COUNT), 1.0, 0.01)
    few = np.concatenate([np.flatnonzero(labels == emotion)[:2] for emotion in (0, 1)])
    anew, further = (
        layer.fitted(features[few], labels[few], equal(len(few)), 1.0, 1.0)
        for layer in (blank(), old)
    )
    third = features[labels == 2]
    assert (anew.logits(third).argmax(axis=1) == 2).mean() < 0.1
    assert (further.logits(third).argmax(axis=1) == 2).mean() > 0.9


def test_clips_count_by_their_weight(clips):
    features, _ = clips
    same = np.repeat(features[:1], 2, axis=0)
    found = blank().fitted(same, np.array([0, 1]), np.array([0.9, 0.1]), 1.0, 1e-6)
    first, second, third = softmax(found.logits(same[:1]), axis=1)[0]
    assert first == pytest.approx(0.9, abs=0.01) and second == pytest.approx(0.1, abs=0.01)
    assert third < 0.01


def test_the_temperature_is_taken_into_account(clips):
    """Logits that are twice as sure and are halved lead to the same answers."""
    features, labels = clips
    rng = np.random.default_rng(2)
    kernel = rng.normal(size=(FEATURES, EMOTIONS)).astype(np.float32)
    bias = np.zeros(EMOTIONS, np.float32)
    once = OutputLayer(kernel, bias).fitted(features, labels, equal(COUNT), 1.0, 0.1)
    twice = OutputLayer(2 * kernel, 2 * bias).fitted(features, labels, equal(COUNT), 2.0, 0.1)
    np.testing.assert_allclose(
        twice.logits(features), 2 * once.logits(features), rtol=1e-3, atol=0.01
    )
