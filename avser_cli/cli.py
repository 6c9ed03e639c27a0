"""The `avser` command: registers the subcommands and turns errors into exit codes."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from avser_cli import __version__
from avser_cli.errors import AvserError, ExitCode, os_reason
from avser_cli.native_output import prepare_streams, silence_native_stderr
from avser_cli.report.console import echo, escape

COMMANDS = {
    "spectrogram": "Draw sounds as spectrogram pictures: 150 x 150 grayscale for networks, or "
    "figures for people.",
    "train": "Train a network and write a model bundle, scored on clips that it never saw.",
    "evaluate": "Score a bundle on labelled clips that it was not trained on, or cross-validate a "
    "recipe.",
    "compare": "Retrace the paper's Tables 2 and 3 on your copy of the corpus.",
    "classify": "Print the emotion in each recording and its positive or negative category.",
}
"""Each is a function of its name in a module of its name, imported when it is asked for; `avser
--help` shows these first lines of their docstrings without importing them."""

EPILOG = (
    "Exit codes: 0 done; 2 wrong usage; 3 unusable input; 4 some inputs failed; 5 model bundle; "
    "6 output cannot be written; 7 corpus or split; 8 an extra is not installed; 9 Dask cluster; "
    "130 interrupted."
)


class ErrorHandlingGroup(TyperGroup):
    """Runs a command and turns what goes wrong into one line and an exit code."""

    def __init__(self, **settings: Any) -> None:
        # The names alone: Typer suggests one of them for a misspelt one.
        super().__init__(**{**settings, "commands": dict.fromkeys(COMMANDS)})
        self._summaries_suffice = False

    def list_commands(self, ctx: Any) -> list[str]:
        """Names of the subcommands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The subcommand of a name, or None. The others' modules stay unread."""
        if cmd_name not in COMMANDS:
            return None
        if self._summaries_suffice:
            return TyperCommand(name=cmd_name, help=COMMANDS[cmd_name])
        return _command(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, with a line for each subcommand."""
        self._summaries_suffice = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._summaries_suffice = False

    def make_context(self, *args: Any, **settings: Any) -> Any:
        """Read the options of all commands, for which Typer imports more than for anything else."""
        try:
            return super().make_context(*args, **settings)
        except KeyboardInterrupt:
            _fail("interrupted", ExitCode.INTERRUPTED)

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen subcommand."""
        try:
            with _nothing_left_at_work():
                return super().invoke(ctx)
        except AvserError as error:
            _fail(str(error), error.exit_code)
        except KeyboardInterrupt:
            _fail("interrupted", ExitCode.INTERRUPTED)
        except BrokenPipeError:
            # Whoever read stdout has gone (`| head`): no error, but Python would complain at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(ExitCode.OK)
        except OSError as error:
            _fail(f"{error.filename or 'a file'}: {os_reason(error)}", ExitCode.OUTPUT)
        except Exception as error:
            if type(error).__module__.split(".")[0] in ("click", "typer"):
                raise
            _fail(
                f"unexpected {type(error).__name__}: {error}; this is a bug: please report it "
                "with the output of `avser --debug ...`",
                ExitCode.INTERNAL,
            )


@contextmanager
def _nothing_left_at_work() -> Iterator[None]:
    """End the threads that work for generators which an error left half read."""
    try:
        yield
    except BaseException as error:
        traceback.clear_frames(error.__traceback__)
        raise


app = typer.Typer(
    name="avser",
    cls=ErrorHandlingGroup,
    help="Recognise emotion in recorded speech: spectrogram pictures, read by a 2-D CNN.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode="rich",
)

_debug = False


def _version(wanted: bool) -> None:
    if wanted:
        print(f"avser {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Options of all commands."""
    global _debug
    _debug = debug


@cache
def _command(name: str) -> Any:
    from avser_cli.commands.option_groups import with_groups

    alone = typer.Typer(add_completion=False, context_settings=app.info.context_settings)
    function = getattr(import_module(f"avser_cli.commands.{name}"), name)
    alone.command(name, no_args_is_help=name == "classify")(with_groups(function))
    return typer.main.get_command(alone)


def main() -> None:
    """Run the command line; exits with one of `ExitCode`."""
    prepare_streams()
    if "--debug" not in sys.argv:
        silence_native_stderr()
    app()


def _fail(message: str, code: ExitCode) -> NoReturn:
    if _debug:
        traceback.print_exc()
    echo(f"avser: {escape(message)}")
    sys.exit(code)
