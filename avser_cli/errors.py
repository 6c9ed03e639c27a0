"""Typed errors, one exit code each.

The engine raises these; `avser_cli.cli` prints the message as one line on stderr and exits with
the code. A message says which file, what is wrong, and what to do.
"""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path


class ExitCode(IntEnum):
    """Exit codes of the `avser` command (documented in docs/reference/exit-codes.md)."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    INPUT = 3
    PARTIAL = 4
    MODEL = 5
    OUTPUT = 6
    CORPUS = 7
    MISSING_EXTRA = 8
    CLUSTER = 9
    INTERRUPTED = 130


class AvserError(Exception):
    """Base of every error that the user can act on."""

    exit_code: ExitCode = ExitCode.INTERNAL


class UsageError(AvserError):
    """Options that contradict each other or name something unknown."""

    exit_code = ExitCode.USAGE


class InputError(AvserError):
    """A sound or a picture that cannot be used; the message names the file."""

    exit_code = ExitCode.INPUT


class NoVoiceError(InputError):
    """A sound in which nobody speaks.

    Parameters
    ----------
    name : str
        Of the sound, as messages show it.
    seconds : float
        Its length.
    """

    def __init__(self, name: str, seconds: float) -> None:
        # As they are: errors come from other processes, too, and are made anew from these.
        super().__init__(name, seconds)
        self.seconds = seconds

    def __str__(self) -> str:
        return f"{self.args[0]}: no voice found; --any-sound classifies it nevertheless"


class PartialError(AvserError):
    """Some inputs were done and some were not."""

    exit_code = ExitCode.PARTIAL


class ModelError(AvserError):
    """A model bundle that is missing, damaged, too new, or made for other pictures."""

    exit_code = ExitCode.MODEL


class OutputError(AvserError):
    """An output that cannot be written: no permission, no space, already there."""

    exit_code = ExitCode.OUTPUT


class CorpusError(AvserError):
    """A corpus that cannot be trained on or split as asked, or a split that leaks."""

    exit_code = ExitCode.CORPUS


class MissingExtraError(AvserError):
    """A part of the installation is missing for what was asked."""

    exit_code = ExitCode.MISSING_EXTRA


class ClusterError(AvserError):
    """A Dask cluster that does not answer, has no workers, or lost the work under way."""

    exit_code = ExitCode.CLUSTER


def of_path(error: AvserError, path: Path) -> None:
    """Name a file as it was given in an error that names it by its absolute path."""
    text, *others = error.args
    error.args = (str(text).replace(str(path.absolute()), str(path), 1), *others)


def os_reason(error: OSError) -> str:
    """The operating system's reason in a few words, without the file name."""
    return error.strerror or type(error).__name__
