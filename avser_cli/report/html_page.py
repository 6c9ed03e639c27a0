"""HTML pages that need no network: templates, with one style and one script for their tables."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avser_cli.files import write_whole

if TYPE_CHECKING:
    from jinja2 import Environment


def write_html(target: Path, template: str, **values: Any) -> None:
    """Fill in a template of this package and write it.

    Parameters
    ----------
    target : pathlib.Path
    template : str
        Its name; all that it shows is escaped.
    **values
        What it shows.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    text = _environment().get_template(template).render(values)
    # Names of files need not be text; a browser shows what is none as a sign for that.
    write_whole(target, text.encode("utf-8", "replace"))


def made_now() -> str:
    """Date and time, here."""
    return f"{datetime.now().astimezone():%Y-%m-%d %H:%M}"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("avser_cli.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["own_file"] = _own_file
    return environment


def _own_file(name: str) -> Any:
    """A style or script of this package, put in as it is."""
    from markupsafe import Markup

    return Markup(files("avser_cli.report").joinpath(name).read_text("utf-8"))
