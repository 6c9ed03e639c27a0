import subprocess
import sys
import time
from importlib import import_module

import pytest
from typer.core import TyperGroup

from avser_cli import __version__
from avser_cli.cli import COMMANDS, app
from avser_cli.errors import InputError
from avser_cli.threads import in_order
from tests.conftest import REPOSITORY


def test_version(avser):
    assert avser("--version").stdout == f"avser {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(avser, command):
    done = avser(command, "--help", COLUMNS="200")
    assert done.returncode == 0
    assert f"Example: avser {command}" in done.stdout


def test_help_names_the_commands_and_exit_codes(avser):
    text = " ".join(avser("--help", COLUMNS="200").stdout.split())
    for word in ("spectrogram", "train", "evaluate", "compare", "classify", "130 interrupted"):
        assert word in text


def test_wrong_usage_is_exit_2(avser):
    assert avser("sing").returncode == 2
    assert avser("train", "--optimizer", "sgd").returncode == 2


def test_an_interrupt_while_options_are_read_is_one_line(monkeypatch, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(TyperGroup, "parse_args", interrupted)
    with pytest.raises(SystemExit) as left:
        app(["classify", "clip.wav"])
    assert left.value.code == 130
    assert capsys.readouterr().err == "avser: interrupted\n"


@pytest.mark.parametrize(
    ("error", "status"), [(InputError("clip.wav: bad"), 3), (KeyboardInterrupt(), 130)]
)
def test_no_thread_is_left_at_work(monkeypatch, error, status):
    """Where one was in native code when Python ended, the process aborted."""
    begun, ended = [], []

    def work(number):
        begun.append(number)
        time.sleep(0.05)
        ended.append(number)

    def half_read(*_):
        found = in_order(work, range(100), jobs=2)
        next(found)
        raise error

    monkeypatch.setattr(TyperGroup, "invoke", half_read)
    with pytest.raises(SystemExit) as left:
        app(["classify", "clip.wav"])
    assert left.value.code == status
    assert sorted(begun) == sorted(ended)
    assert len(begun) < 10


def test_help_reads_no_command(tmp_path):
    code = (
        "import sys; sys.argv = ['avser', '--help']\n"
        "from avser_cli.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print('read:', *(m for m in sys.modules if m.startswith('avser_cli.c')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=False
    )
    assert done.stdout.splitlines()[-1] == "read: avser_cli.cli"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_the_first_line_of_a_commands_docstring(command):
    function = getattr(import_module(f"avser_cli.commands.{command}"), command)
    assert COMMANDS[command] == " ".join(function.__doc__.split("\n\n")[0].split())


def test_a_misspelt_command_is_suggested(avser):
    assert "Did you mean 'classify'?" in avser("clasify", COLUMNS="200").stderr


def test_a_command_reads_its_own_module_alone(tmp_path):
    code = (
        "import sys; sys.argv = ['avser', 'classify', '--help']\n"
        "from avser_cli.cli import main\n"
        "try:\n    main()\n"
        "finally:\n    print(*(m for m in sys.modules if m.startswith('avser_cli.commands.')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=False
    )
    read = set(done.stdout.splitlines()[-1].split())
    own = {"classify", "classify_parts", "classify_recordings", "classify_run", "cluster_options",
           "listing",
           "option_groups", "page_options", "sound_options", "speakers"}  # fmt: skip
    assert read == {f"avser_cli.commands.{name}" for name in own}
