from dataclasses import replace

import numpy as np
import pytest

from avser_cli.data.sources import DataSources
from avser_cli.data.splits import SplitSettings
from avser_cli.errors import CorpusError, UsageError
from avser_cli.inference.loading import load_network
from avser_cli.model.backend import keras
from avser_cli.training import adaptation as module
from avser_cli.training.adaptation import UNCHANGED, Adaptation, Plan, adapt, choose_plan
from avser_cli.training.adaptation_config import AdaptationConfig
from avser_cli.training.history import Epoch
from avser_cli.training.source_bundle import SourceBundle
from avser_cli.training.training_run import read_corpus
from tests.training.test_trainer import StopError, ignore

SHORT = AdaptationConfig(fewest_to_train=20, epochs=2, most_draws=16)


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


@pytest.fixture
def trials(monkeypatch):
    """Trials of all layers that cost nothing: right from the second epoch on."""
    calls = []

    def trial(adaptation, statistics, rows, shown):
        calls.append(len(rows))
        data = adaptation.prepared.dataset
        emotions = len(data.emotions)
        found = np.full((SHORT.epochs, len(shown), emotions), 1 / emotions, np.float32)
        same = [np.flatnonzero((data.inputs == one).all(axis=(1, 2)))[0] for one in shown]
        found[1:] = 0.1 / emotions + 0.9 * np.eye(emotions)[data.labels[same]]
        return found

    monkeypatch.setattr(module, "_trial", trial)
    return calls


def test_all_layers_are_trained_as_long_as_is_best_on_validation_folds(adaptation, trials):
    told: list[str] = []
    choice = choose_plan(adaptation, told.append)
    assert (choice.plan.fits_output, choice.plan.epochs) == (True, 2)
    assert len(trials) == SHORT.folds == len(told) - 1
    assert choice.folds.by == "speakers"
    assert choice.calibration().clips == 48
    assert choice.losses[choice.plan] == min(choice.losses.values())


def test_with_few_clips_all_layers_are_not_tried(adaptation, trials):
    few = replace(adaptation, config=replace(SHORT, fewest_to_train=49))
    choice = choose_plan(few, ignore)
    assert not trials and choice.plan.epochs == 0
    fitted = [Plan(statistics, True) for statistics in ("frozen", "re-estimated")]
    assert list(choice.losses) == [UNCHANGED, *fitted]


def test_more_is_only_done_where_it_gains_more_than_chance_has_it():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 200)
    right = (0.1 + 0.6 * np.eye(4)[labels]).astype(np.float32)
    noisy = right * np.exp(rng.normal(0, 0.3, right.shape)).astype(np.float32)
    noisy /= noisy.sum(axis=1, keepdims=True)
    each = np.arange(200)
    assert module.is_better(right, np.full_like(right, 0.25), labels, each)
    assert module.is_better(right, noisy, labels, each)
    assert not module.is_better(right, right, labels, each)
    assert not module.is_better(noisy, right, labels, each)


def test_what_one_of_three_speakers_gains_is_no_gain_for_others():
    labels = np.arange(240) % 4
    speakers = np.arange(240) // 80
    before = np.full((240, 4), 0.25, np.float32)
    after = (0.2 + 0.2 * np.eye(4)[labels]).astype(np.float32)
    mixed = np.where(speakers[:, None] == 0, after, before)
    assert module.is_better(mixed, before, labels, np.arange(240))
    assert not module.is_better(mixed, before, labels, speakers)
    assert module.is_better(after, before, labels, speakers)


def test_what_was_learned_shows_on_folds_that_it_was_not_fitted_on(adaptation):
    """Labels in random order: a fit that saw the clips that it is judged by would know them."""
    data = adaptation.prepared.dataset
    rng = np.random.default_rng(1)
    shuffled = replace(data, labels=rng.permutation(data.labels))
    prepared = replace(
        adaptation.prepared, corpus=replace(adaptation.prepared.corpus, dataset=shuffled)
    )
    loose = replace(SHORT, hold_output=0.01, fewest_to_train=1000)
    choice = choose_plan(replace(adaptation, prepared=prepared, config=loose), ignore)
    fitted = [loss for plan, loss in choice.losses.items() if plan.fits_output]
    assert min(fitted) > 0.9 * np.log(4)


def test_finished_trials_are_not_tried_again(adaptation, trials, tmp_path):
    def stop(line):
        if "fold 2" in line:
            raise StopError

    with pytest.raises(StopError):
        choose_plan(adaptation, stop, tmp_path)
    assert len(trials) == 2
    again = choose_plan(adaptation, ignore, tmp_path)
    assert len(trials) == 3
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


def test_a_real_trial_answers_after_each_epoch(adaptation):
    rows = adaptation.rows
    shown = adaptation.prepared.dataset.inputs[rows[32:]]
    found = module._trial(adaptation, "frozen", rows[:32], shown)
    assert found.shape == (2, 16, 4)
    assert not np.allclose(found[0], found[1])
    np.testing.assert_allclose(found.sum(axis=2), 1, rtol=1e-5)
