from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from avser_cli.commands.option_groups import with_groups


@dataclass(frozen=True)
class Picture:
    width: Annotated[int, typer.Option(help="Pixels.")] = 150
    scale: Annotated[str | None, typer.Option(help="Axis.")] = None


seen: list[object] = []


def draw(
    source: Annotated[str, typer.Argument()], *, picture: Picture, force: bool = False
) -> None:
    """Draw it."""
    seen.append((source, picture, force))


def run(command, *args):
    app = typer.Typer()
    app.command()(with_groups(command))
    seen.clear()
    return CliRunner().invoke(app, list(args))


def test_fields_are_options_of_their_own():
    assert run(draw, "a.wav", "--width", "99", "--force").exit_code == 0
    assert seen == [("a.wav", Picture(99), True)]


def test_defaults_are_the_dataclass_s():
    assert run(draw, "a.wav").exit_code == 0
    assert seen == [("a.wav", Picture(), False)]


def test_help_names_fields_and_the_command_s_words():
    text = run(draw, "--help").output
    assert "Draw it." in text
    assert "--width" in text
    assert "--scale" in text
    assert "--picture" not in text


def test_two_options_of_one_name_are_refused():
    def both(*, picture: Picture, width: int = 1) -> None:
        """Twice."""

    with pytest.raises(AssertionError, match="two options are named width"):
        with_groups(both)
