import json
from itertools import product

import numpy as np
import pytest

from avser_cli.infer.reference import FEWEST, SpeakerReference
from benchmarks.reference import Run, one_mood, some


@pytest.fixture
def run(tmp_path):
    """Two actors, speech, two statements, each with four takes of happy and of sad."""
    names = [
        f"03-01-{emotion:02d}-{intensity:02d}-{statement:02d}-{take:02d}-{actor:02d}"
        for actor, statement, emotion, intensity, take in product(
            (1, 2), (1, 2), (3, 4), (1, 2), (1, 2)
        )
    ]
    draw = np.random.default_rng(0)
    values = {
        "names": names,
        "labels": [0 if name[6:8] == "03" else 1 for name in names],
        "probabilities": draw.dirichlet(np.ones(4), len(names)).tolist(),
    }
    (tmp_path / "run.json").write_text(json.dumps(values))
    return Run(tmp_path)


def test_a_reference_is_of_the_same_actor_and_the_other_statement(run):
    found = run.referred(some(99), 0)
    mine = [n for n, name in enumerate(run.names) if (name.actor, name.statement) == (1, 1)]
    others = [n for n, name in enumerate(run.names) if (name.actor, name.statement) == (1, 2)]
    reference = SpeakerReference.of(run.probabilities[others])
    np.testing.assert_allclose(found[mine], reference.without(run.probabilities[mine]))


def test_draws_hang_on_the_seed_alone(run):
    np.testing.assert_array_equal(run.referred(some(4), 1), run.referred(some(4), 1))
    assert not np.allclose(run.referred(some(4), 1), run.referred(some(4), 2))


def test_one_mood_is_one_mood(run):
    rows = np.arange(len(run.names))
    for seed in range(5):
        chosen = one_mood(rows, run.labels, np.random.default_rng(seed))
        assert len(chosen) == FEWEST
        assert len(set(run.labels[chosen].tolist())) == 1
