import pytest

from avser_cli import __version__


def test_version(avser):
    assert avser("--version").stdout == f"avser {__version__}\n"


@pytest.mark.parametrize("command", ["spectrogram", "train", "evaluate", "compare", "classify"])
def test_help_has_an_example(avser, command):
    done = avser(command, "--help", COLUMNS="200")
    assert done.returncode == 0
    assert f"Example: avser {command}" in done.stdout


def test_help_names_the_commands_and_exit_codes(avser):
    text = avser("--help", COLUMNS="200").stdout
    for word in ("spectrogram", "train", "evaluate", "compare", "classify", "130 interrupted"):
        assert word in text


def test_wrong_usage_is_exit_2(avser):
    assert avser("sing").returncode == 2
    assert avser("train", "--optimizer", "sgd").returncode == 2
