from dataclasses import replace

import numpy as np
import pytest

from avser_cli.data.folds import Fold
from avser_cli.errors import UsageError
from avser_cli.experiments.runs import MAX_RUN_BYTES, FinishedRun, plan

SPEAKERS = tuple(Fold(n, str(n), (f"mine:{n}", f"mine:{n + 6}")) for n in range(1, 7))
CORPORA = (Fold(1, "emodb", ("emodb",)), Fold(2, "a b", ("a b",)))


def test_plans_cover_folds_and_seeds():
    assert [run.name for run in plan("random")] == [f"random-seed{seed}" for seed in range(5)]
    assert [run.split.seed for run in plan("random")] == [0, 1, 2, 3, 4]
    runs = plan("speaker", SPEAKERS)
    assert [run.name for run in runs] == [f"speaker{n}-seed0" for n in range(1, 7)]
    chosen = plan("text", SPEAKERS[:2], folds=[2], seeds=[3, 4])
    assert [(run.split.fold, run.seed) for run in chosen] == [(2, 3), (2, 4)]
    assert chosen[0].split.describe() == "text (fold 2 of 2: texts 2, 8 held out)"


def test_corpora_are_named_where_names_can_stand_in_a_file_name():
    assert [run.name for run in plan("corpus", CORPORA)] == ["corpus-emodb-seed0", "corpus2-seed0"]
    assert [run.split.describe() for run in plan("corpus", CORPORA, ["emodb"])] == [
        "corpus (emodb held out)"
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("speaker", SPEAKERS, [7]), "folds 1 to 6"),
        (("random", (), [1]), "--folds: split random has none; --seeds draws it anew"),
        (("random", (), [2]), "--folds: split random has none"),
        (("text", SPEAKERS, [1, 1]), "named twice"),
        (("corpus", CORPORA, [1, "emodb"]), "named twice"),
        (("corpus", CORPORA, ["urdu"]), "has folds 1 to 2 here: emodb, a b"),
        (("none",), "holds nothing out"),
    ],
)
def test_plans_that_cannot_be(arguments, expected):
    with pytest.raises(UsageError, match=expected):
        plan(*arguments)


def test_what_many_clips_were_answered_is_read_as_it_was_written():
    count = 20_000
    rng = np.random.default_rng(0)
    found = FinishedRun(
        planned=plan("random", seeds=[0])[0],
        names=tuple(f"mine:speaker-{n // 100:05d}/call-{n:06d}" for n in range(count)),
        labels=rng.integers(0, 4, count),
        probabilities=rng.dirichlet(np.ones(4), count).astype(np.float32),
        history=(),
        parameters=1,
        seconds=1.5,
    )
    content = found.to_json("key")
    key, read = FinishedRun.from_json(content, found.planned, 4)
    assert key == "key"
    assert read.names == found.names
    np.testing.assert_array_equal(read.labels, found.labels)
    np.testing.assert_array_equal(read.probabilities, found.probabilities)
    for change in (
        {"probabilities": np.full((count, 4), np.nan, np.float32)},
        {"probabilities": found.probabilities + 1},
        {"probabilities": -found.probabilities},
        {"seconds": -1.0},
        {"seconds": float("inf")},
        {"parameters": -1},
        {"clip_seconds": float("nan")},
    ):
        with pytest.raises(ValueError, match=r"shares|from 0 on|is no number"):
            FinishedRun.from_json(replace(found, **change).to_json("key"), found.planned, 4)
    # Of a million clips, too.
    assert len(content) * 1_000_000 / count < MAX_RUN_BYTES
