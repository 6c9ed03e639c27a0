import pytest

from avser_cli.errors import UsageError
from avser_cli.experiments.runs import plan


def test_plans_cover_folds_and_seeds():
    assert [run.name for run in plan("random")] == [f"random-seed{seed}" for seed in range(5)]
    assert [run.split.seed for run in plan("random")] == [0, 1, 2, 3, 4]
    assert [run.name for run in plan("speaker")] == [f"speaker{n}-seed0" for n in range(1, 7)]
    chosen = plan("statement", folds=[2], seeds=[3, 4])
    assert [(run.split.fold, run.seed) for run in chosen] == [(2, 3), (2, 4)]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [(("speaker", [7]), "folds 1 to 6"), (("random", [2]), "folds 1 to 1"),
     (("statement", [1, 1]), "named twice"), (("none",), "unknown protocol")],
)  # fmt: skip
def test_plans_that_cannot_be(arguments, expected):
    with pytest.raises(UsageError, match=expected):
        plan(*arguments)
