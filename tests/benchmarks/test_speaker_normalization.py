from itertools import product

import numpy as np
import pytest

from avser_cli.data.splits import SplitSettings
from avser_cli.experiments.runs import FinishedRun, PlannedRun
from avser_cli.inference.speaker_normalization import MIN_RECORDINGS, SpeakerNormalization
from benchmarks.speaker_normalization import one_mood, referred, some


@pytest.fixture
def run():
    """Two actors, speech, two statements, each with four takes of happy and of sad."""
    names = [
        f"03-01-{emotion:02d}-{intensity:02d}-{statement:02d}-{take:02d}-{actor:02d}"
        for actor, statement, emotion, intensity, take in product(
            (1, 2), (1, 2), (3, 4), (1, 2), (1, 2)
        )
    ]
    return FinishedRun(
        planned=PlannedRun(SplitSettings("speaker"), 0),
        names=tuple(names),
        labels=np.array([0 if name[6:8] == "03" else 1 for name in names]),
        probabilities=np.random.default_rng(0).dirichlet(np.ones(4), len(names)).astype(np.float32),
        history=(),
        parameters=0,
        seconds=0.0,
    )


def spoken(run, actor, statement):
    ending = f"-{statement:02d}-"
    return [
        n
        for n, name in enumerate(run.names)
        if name[11:15] == ending and name.endswith(f"{actor:02d}")
    ]


def test_a_reference_is_of_the_same_actor_and_the_other_statement(run):
    found = referred(run, some(99), 0).probabilities
    mine, others = spoken(run, 1, 1), spoken(run, 1, 2)
    assert len(mine) == len(others) == 8
    normalization = SpeakerNormalization.of(run.probabilities[others])
    np.testing.assert_allclose(found[mine], normalization.apply(run.probabilities[mine]))


def test_draws_hang_on_the_seed_alone(run):
    first, again, other = (referred(run, some(4), seed).probabilities for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)


def test_one_mood_is_one_mood(run):
    rows = np.arange(len(run.names))
    for seed in range(5):
        chosen = one_mood(rows, run.labels, np.random.default_rng(seed))
        assert len(chosen) == MIN_RECORDINGS
        assert len(set(run.labels[chosen].tolist())) == 1
