from dataclasses import replace

import numpy as np
import pytest

from avser_cli.errors import CorpusError, UsageError
from avser_cli.training import adaptation_choice as module
from avser_cli.training.adaptation_choice import choose_plan
from avser_cli.training.adaptation_config import UNCHANGED, Plan
from tests.training.conftest import SHORT
from tests.training.test_trainer import StopError, ignore


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
    # An output layer that may hardly move leaves them something to gain.
    held = replace(adaptation, config=replace(SHORT, hold_output=1e6))
    told: list[str] = []
    choice = choose_plan(held, told.append)
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


def test_what_a_speaker_who_is_alone_gains_by_chance_is_no_gain():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 4
    these, others = rng.dirichlet(np.ones(4), (2, 200, 60)).astype(np.float32)
    alone = np.zeros(60, int)
    better = [module.is_better(*pair, labels, alone) for pair in zip(these, others, strict=True)]
    # One standard error is passed by chance in one of six; without an error it would be one of two.
    assert 10 <= sum(better) <= 50
    right = (0.1 + 0.6 * np.eye(4)[labels]).astype(np.float32)
    assert module.is_better(right, these[0], labels, alone)


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
        if "fold 1" in line:
            raise StopError

    with pytest.raises(StopError):
        choose_plan(adaptation, stop, tmp_path)
    assert len(trials) == 1
    again = choose_plan(adaptation, ignore, tmp_path)
    assert len(trials) == 2
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
