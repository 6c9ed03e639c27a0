import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from avser_cli.model.known_recipes import find_recipe
from avser_cli.model.mlp import MlpWeights
from avser_cli.training.mlp import train_mlp


@pytest.mark.parametrize("emotions", [2, 4])
def test_learns_and_survives_the_disk(emotions):
    draw = np.random.default_rng(0)
    labels = np.arange(120) % emotions
    features = draw.normal(0, 1, (120, 181)).astype(np.float32)
    features[np.arange(120), labels] += 5
    epochs = []
    weights = train_mlp(
        find_recipe("mlp").with_options(epochs=60),
        features,
        labels,
        emotions,
        0,
        lambda *line: epochs.append(line),
    )
    probabilities = weights.predict(features)
    assert probabilities.shape == (120, emotions)
    assert np.mean(probabilities.argmax(axis=1) == labels) > 0.95
    assert [line[0] for line in epochs] == list(range(1, 61))
    again = MlpWeights.from_npz(weights.to_npz(), emotions)
    np.testing.assert_array_equal(again.predict(features), probabilities)


def test_the_number_of_cores_changes_no_weight():
    draw = np.random.default_rng(0)
    features = draw.normal(0, 1, (512, 181)).astype(np.float32)
    labels = np.arange(512) % 4
    recipe = find_recipe("mlp").with_options(epochs=5)
    found = []
    for cores in (1, 2, 4):
        with threadpool_limits(cores):
            found.append(train_mlp(recipe, features, labels, 4, 0, lambda *line: None).to_npz())
    assert found[0] == found[1] == found[2]
