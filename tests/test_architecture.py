"""Imports run one way, and heavy libraries stay where they are used."""

import ast
import subprocess
import sys

import pytest

from tests.conftest import REPOSITORY

PACKAGE = REPOSITORY / "avser_cli"
ROOMS = ["commands", "report", "infer", "learn", "corpus", "sound", "errors"]
BASEMENT = {"errors", "files", "quiet", "cluster", "parsing"}
"""Modules that every room may use."""


def modules():
    return sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE)


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    room = path.relative_to(PACKAGE).parts[0]
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "avser_cli" and len(parts) > 1 and parts[1] not in BASEMENT:
            assert ROOMS.index(parts[1]) >= ROOMS.index(room), f"{room} imports {name}"


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_terminal_and_tensorflow_stay_in_their_rooms(path):
    room = path.relative_to(PACKAGE).parts[0]
    names = {name.split(".")[0] for name in imports(path)}
    if room not in ("commands", "report"):
        assert not names & {"rich", "typer"}
    if room != "learn":
        assert not names & {"tensorflow", "keras"}


HEAVY = {"tensorflow", "keras", "numba", "librosa", "sklearn", "matplotlib", "scipy"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["spectrogram", "--help"],
        ["train", "--help"],
        ["spectrogram", "{corpus}", "{out}"],
        ["classify", "{voice}"],
    ],
    ids=" ".join,
)
def test_quick_commands_import_nothing_heavy(arguments, corpus, tmp_path):
    places = {
        "corpus": str(corpus / "Actor_01"),
        "out": str(tmp_path / "png"),
        "voice": str(REPOSITORY / "examples" / "voice.wav"),
    }
    arguments = [argument.format(**places) for argument in arguments]
    code = (
        "import sys\n"
        f"sys.argv = ['avser', *{arguments!r}]\n"
        "from avser_cli.cli import main\n"
        "try:\n    main()\n"
        "finally:\n"
        "    print('MODULES', *sorted({m.split('.')[0] for m in sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=False
    )
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.rsplit("MODULES", 1)[1].split())
    assert not loaded & HEAVY
