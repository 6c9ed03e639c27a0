"""A kill of each command; `python -m tests.kill_recovery` has many."""

import pytest

from tests.kill_recovery import CASES, kills
from tests.platforms import needs_posix

pytestmark = needs_posix("groups of processes to kill")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("kills")


@pytest.mark.parametrize("name", CASES)
def test_a_killed_command_ends_as_an_undisturbed_one(name, place):
    row = kills(name, 1, 0, place)
    assert row["problems"] == []
    assert row["equal"] == 1
