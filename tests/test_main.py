"""The command's first moments."""

import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

INTERRUPTED_AT = """
import sys

class Interrupted:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupted())
sys.argv = ["avser", "classify", "examples/voice.wav"]
from avser_cli.__main__ import main
main()
"""


@pytest.mark.parametrize(
    "module", ["typer", "avser_cli.report.console", "avser_cli.commands.classify"]
)
def test_an_interrupt_while_modules_are_imported_is_one_line(module):
    code = INTERRUPTED_AT.format(module=module)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "avser: interrupted\n")
