from dataclasses import replace

import numpy as np
import pytest

from avser_cli.data.sources import DataSources
from avser_cli.data.splits import SplitSettings
from avser_cli.errors import CorpusError, UsageError
from avser_cli.inference.loading import load_network
from avser_cli.model.backend import keras
from avser_cli.training import adaptation as module
from avser_cli.training.adaptation import (
    STATISTICS,
    Adaptation,
    Plan,
    adapt,
    choose_plan,
)
from avser_cli.training.adaptation_config import AdaptationConfig
from avser_cli.training.history import Epoch
from avser_cli.training.source_bundle import SourceBundle
from avser_cli.training.training_run import read_corpus
from tests.training.test_trainer import StopError, ignore

SHORT = AdaptationConfig(head_epochs=1, epochs=2, fewest_draws=16, most_draws=16)


@pytest.fixture(scope="module")
def source(trained):
    return SourceBundle.read(trained / "models" / "tiny")


@pytest.fixture(scope="module")
def prepared(trained, source):
    labels, recipe = source.config.labels, source.config.recipe
    return read_corpus(DataSources.of(trained / "png"), labels, recipe).split(SplitSettings())


@pytest.fixture
def adaptation(source, prepared):
    return Adaptation(source, prepared, 3, SHORT)


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
    plan = Plan("re-estimated", 2)
    whole = adapt(twice, plan, ignore)
    assert [(x.member, x.epoch) for x in whole.history] == [
        (m, e) for m in (1, 2) for e in (1, 2, 3)
    ]

    def stop(line):
        if (line.member, line.epoch) == (2, 2):
            raise StopError

    with pytest.raises(StopError):
        adapt(twice, plan, stop, tmp_path)
    told: list[Epoch] = []
    resumed = adapt(twice, plan, told.append, tmp_path)
    assert [(x.member, x.epoch) for x in told] == [(2, 3)]
    assert len(resumed.history) == 6
    for one, other in zip(whole.network.get_weights(), resumed.network.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    with pytest.raises(UsageError, match="other settings"):
        adapt(
            replace(twice, source=replace(twice.source, checksum="0" * 64)), plan, ignore, tmp_path
        )


def test_without_training_the_new_network_answers_as_the_bundle_does(adaptation, prepared):
    found = adapt(adaptation, Plan("frozen", None), ignore)
    assert found.history == ()
    bundle = load_network(adaptation.source.folder, adaptation.source.config)
    expected = bundle.predict(prepared.held_out_inputs.astype(np.float32))
    np.testing.assert_allclose(found.predict(prepared.held_out_inputs), expected, atol=1e-3)


def changed_layers(adaptation, plan):
    """For each layer with weights, whether its own and its statistics changed."""
    (start,) = adaptation.start_weights()
    before, after = module._network(adaptation, start), adapt(adaptation, plan, ignore).members[0]
    found = []
    for one, other in zip(before.layers, after.layers, strict=True):
        pairs = zip(one.get_weights(), other.get_weights(), strict=True)
        if one.weights:
            changed = any(not np.array_equal(x, y) for x, y in pairs)
            found.append((isinstance(one, keras.layers.BatchNormalization), changed))
    return found


def test_last_layers_are_trained_first_and_frozen_statistics_stay(adaptation):
    first = changed_layers(adaptation, Plan("frozen", 0))
    # Five convolutions with their normalisation; then dense, normalisation, attention, output.
    assert [changed for _, changed in first] == [False] * 10 + [True, False, True, True]
    every = changed_layers(adaptation, Plan("frozen", 1))
    assert all(changed != normalises for normalises, changed in every)
    assert all(changed for _, changed in changed_layers(adaptation, Plan("re-estimated", 1)))


def test_weights_are_held_near_the_first_ones(adaptation):
    (start,) = adaptation.start_weights()

    def distance(hold):
        longer = replace(SHORT, hold=hold, fewest_draws=240, most_draws=240)
        held = replace(adaptation, config=longer)
        found = adapt(held, Plan("frozen", 2), ignore).members[0].get_weights()
        return sum(np.square(x - y).sum() for x, y in zip(found, start, strict=True))

    assert distance(100.0) < 0.5 * distance(0.0)


def test_a_head_for_other_emotions_keeps_the_columns_of_shared_ones(trained, source):
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
    np.testing.assert_array_equal(new[-2][:, :2], old[-2][:, [0, 2]])
    np.testing.assert_array_equal(new[-1][:2], old[-1][[0, 2]])
    for one, other in zip(new[:-2], old[:-2], strict=True):
        np.testing.assert_array_equal(one, other)
    assert adapt(adaptation, Plan("frozen", 1), ignore).network.output_shape == (None, 3)


@pytest.fixture
def trials(monkeypatch):
    """Trials that cost nothing: right from the second epoch of re-estimated statistics on."""
    calls = []

    def trial(adaptation, start, clips, inputs, statistics):
        calls.append(statistics)
        data = adaptation.prepared.dataset
        emotions = len(data.emotions)
        found = np.full((SHORT.epochs + 1, len(inputs), emotions), 1 / emotions, np.float32)
        if statistics == "re-estimated":
            rows = [np.flatnonzero((data.inputs == one).all(axis=(1, 2)))[0] for one in inputs]
            found[1:] = 0.1 / emotions + 0.9 * np.eye(emotions)[data.labels[rows]]
        return found

    monkeypatch.setattr(module, "_trial", trial)
    return calls


def test_the_best_plan_on_validation_folds_is_chosen_the_shorter_of_two(adaptation, trials):
    told: list[str] = []
    choice = choose_plan(adaptation, told.append)
    assert choice.plan == Plan("re-estimated", 1)
    assert len(trials) == len(told) == len(STATISTICS) * SHORT.folds
    assert choice.folds.by == "speakers"
    assert choice.calibration().clips == 48


def test_finished_trials_are_not_tried_again(adaptation, trials, tmp_path):
    def stop(line):
        if "re-estimated" in line:
            raise StopError

    with pytest.raises(StopError):
        choose_plan(adaptation, stop, tmp_path)
    assert len(trials) == 3
    again = choose_plan(adaptation, ignore, tmp_path)
    assert len(trials) == 4
    assert again.losses == choose_plan(adaptation, ignore).losses
    with pytest.raises(UsageError, match="other settings"):
        choose_plan(replace(adaptation, seed=4), ignore, tmp_path)


def test_the_held_out_side_has_no_say(adaptation, trials):
    data, split = adaptation.prepared.dataset, adaptation.prepared.split
    labels = data.labels.copy()
    labels[data.rows(split.test)] = 0
    other = replace(adaptation.prepared.corpus, dataset=replace(data, labels=labels))
    blind = replace(adaptation, prepared=replace(adaptation.prepared, corpus=other))
    assert choose_plan(blind, ignore).losses == choose_plan(adaptation, ignore).losses


def test_too_few_clips_say_how_many_lack(adaptation, trials):
    split = adaptation.prepared.split
    few = replace(split, train=dict(list(split.train.items())[:13]))
    with pytest.raises(CorpusError, match="13 clips to train on: 20 are needed, 7 more"):
        choose_plan(replace(adaptation, prepared=replace(adaptation.prepared, split=few)), ignore)


def test_a_real_trial_answers_after_the_head_and_after_each_epoch(adaptation):
    (start,) = adaptation.start_weights()
    fitted = module._training_set(adaptation, adaptation.rows[:32])
    shown = adaptation.prepared.dataset.inputs[adaptation.rows[32:]]
    found = module._trial(adaptation, start, fitted, shown, "frozen")
    assert found.shape == (3, 16, 4)
    assert not np.allclose(found[0], found[1])
    np.testing.assert_allclose(found.sum(axis=2), 1, rtol=1e-5)
