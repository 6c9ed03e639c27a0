from dataclasses import replace

import numpy as np
import pytest

from avser_cli.data.sources import DataSources
from avser_cli.data.splits import SplitSettings
from avser_cli.errors import UsageError
from avser_cli.inference.loading import load_network
from avser_cli.model.backend import keras
from avser_cli.model.calibration import Calibration, with_temperature
from avser_cli.training import adaptation as module
from avser_cli.training.adaptation import Adaptation, adapt
from avser_cli.training.adaptation_config import UNCHANGED, Plan
from avser_cli.training.history import Epoch
from avser_cli.training.training_run import read_corpus
from tests.training.conftest import SHORT
from tests.training.test_trainer import StopError, ignore


def of_two(adaptation):
    """The same with an ensemble of two, of which both have the weights of the one."""
    recipe = adaptation.recipe.with_options(ensemble=2)
    both = replace(adaptation.source, config=replace(adaptation.source.config, recipe=recipe))
    return replace(adaptation, source=both)


@pytest.fixture
def twice(monkeypatch, adaptation):
    (weights,) = adaptation.start_weights()
    monkeypatch.setattr(module, "read_member_weights", lambda *x: (weights, weights))
    return of_two(adaptation)


def test_resuming_changes_nothing_and_nothing_is_drawn_but_by_the_seed(twice, tmp_path):
    plan = Plan("re-estimated", True, 2)
    whole = adapt(twice, plan, ignore)
    assert [(x.member, x.epoch) for x in whole.history] == [(1, 1), (1, 2), (2, 1), (2, 2)]

    def stop(line):
        if (line.member, line.epoch) == (2, 1):
            raise StopError

    with pytest.raises(StopError):
        adapt(twice, plan, stop, tmp_path)
    told: list[Epoch] = []
    resumed = adapt(twice, plan, told.append, tmp_path)
    assert [(x.member, x.epoch) for x in told] == [(2, 2)]
    assert len(resumed.history) == 4
    for one, other in zip(whole.network.get_weights(), resumed.network.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    with pytest.raises(UsageError, match="other settings"):
        adapt(
            replace(twice, source=replace(twice.source, checksum="0" * 64)), plan, ignore, tmp_path
        )


def test_without_training_the_new_network_answers_as_the_bundle_does(adaptation, prepared):
    found = adapt(adaptation, UNCHANGED, ignore)
    assert found.history == ()
    bundle = load_network(adaptation.source.folder, adaptation.source.config)
    expected = bundle.predict(prepared.held_out_inputs.astype(np.float32))
    np.testing.assert_allclose(found.predict(prepared.held_out_inputs), expected, atol=1e-3)


def test_biases_of_the_bundles_calibration_are_not_lost(adaptation, prepared):
    calibration = Calibration(0.6, 0.5, 0.9, 0.9, 0.1, 0.1, 40, "clips", (1.5, -0.5, 0.0, -1.0))
    config = replace(adaptation.source.config, calibration=calibration)
    calibrated = replace(adaptation, source=replace(adaptation.source, config=config))
    bundle = load_network(calibrated.source.folder, config)
    said = bundle.predict(prepared.held_out_inputs.astype(np.float32))
    found = adapt(calibrated, UNCHANGED, ignore).predict(prepared.held_out_inputs)
    expected = calibration.apply(said)
    np.testing.assert_allclose(with_temperature(found, 0.6), expected, atol=0.02)
    assert np.abs(said - expected).max() > 0.2


def changed_layers(adaptation, plan):
    """For each layer with weights, whether it normalises and whether its weights changed."""
    (start,) = adaptation.start_weights()
    before, after = adaptation.network(), adapt(adaptation, plan, ignore).members[0]
    before.set_weights(start)
    found = []
    for one, other in zip(before.layers, after.layers, strict=True):
        pairs = zip(one.get_weights(), other.get_weights(), strict=True)
        if one.weights:
            changed = any(not np.array_equal(x, y) for x, y in pairs)
            found.append((isinstance(one, keras.layers.BatchNormalization), changed))
    return found


def test_a_plan_changes_what_it_names_and_nothing_else(adaptation):
    output = changed_layers(adaptation, Plan("frozen", True))
    assert [changed for _, changed in output] == [False] * (len(output) - 1) + [True]
    statistics = changed_layers(adaptation, Plan("re-estimated", False))
    assert all(changed == normalises for normalises, changed in statistics)
    every = changed_layers(adaptation, Plan("frozen", True, 1))
    assert all(changed != normalises for normalises, changed in every)
    both = changed_layers(adaptation, Plan("re-estimated", True, 1))
    assert all(changed for _, changed in both)


def test_all_layers_are_held_near_the_weights_before(adaptation):
    def distance(hold):
        longer = replace(SHORT, hold=hold, most_draws=240)
        held = replace(adaptation, config=longer)
        start = adapt(held, Plan("frozen", True), ignore).members[0].get_weights()
        found = adapt(held, Plan("frozen", True, 2), ignore).members[0].get_weights()
        return sum(np.square(x - y).sum() for x, y in zip(found, start, strict=True))

    assert distance(100.0) < 0.5 * distance(0.0)


def test_outputs_for_other_emotions_begin_at_0_and_shared_ones_stay(trained, source):
    labels = ("happy", "angry", "bored")
    sources = DataSources.of(trained / "png")
    corpus = read_corpus(
        replace(sources, mapping={"neutral": "bored"}), labels, source.config.recipe
    )
    adaptation = Adaptation(source, corpus.split(SplitSettings()), 0, SHORT)
    old_network = Adaptation(source, adaptation.prepared, 0).source.config.labels
    assert old_network == ("happy", "sad", "angry", "neutral")
    (new,) = adaptation.start_weights()
    same = replace(adaptation.prepared.corpus.dataset, emotions=old_network)
    prepared = replace(adaptation.prepared, corpus=replace(corpus, dataset=same))
    (old,) = Adaptation(source, prepared, 0, SHORT).start_weights()
    assert new[-2].shape[1] == 3
    assert not new[-2][:, 2].any() and new[-1][2] == 0
    np.testing.assert_array_equal(new[-2][:, :2], old[-2][:, [0, 2]])
    np.testing.assert_array_equal(new[-1][:2], old[-1][[0, 2]])
    for one, other in zip(new[:-2], old[:-2], strict=True):
        np.testing.assert_array_equal(one, other)
    assert adapt(adaptation, Plan("frozen", True, 1), ignore).network.output_shape == (None, 3)
