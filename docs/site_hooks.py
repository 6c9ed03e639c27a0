"""What the documentation takes from elsewhere: the commands' help, and pages beside README."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from mkdocs.structure.files import File, Files
from typer.models import ArgumentInfo, OptionInfo

from avser_cli.cli import COMMANDS
from avser_cli.commands.option_groups import with_groups

ROOT = Path(__file__).resolve().parents[1]
BESIDE_README = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that lie beside README, and the reference of the commands."""
    for name in BESIDE_README:
        text = (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
        files.append(File.generated(config, name.lower(), content=text))
    content = command_reference()
    files.append(File.generated(config, "reference/commands.md", content=content))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Links to pages beside README, which are `CHANGELOG.md` in the repository, lead to theirs."""
    names = "|".join(re.escape(name) for name in BESIDE_README)
    to_root = "../" * page.file.src_uri.count("/")
    return re.sub(
        rf"\]\((?:\.\./)*({names})", lambda found: f"]({to_root}{found[1].lower()}", markdown
    )


def command_reference() -> str:
    """A section for each command, from the signature and docstring that Typer reads."""
    parts = ["# Commands\n"]
    for name in COMMANDS:
        command = getattr(import_module(f"avser_cli.commands.{name}"), name)
        parameters = inspect.signature(with_groups(command)).parameters.values()
        arguments = [x for x in parameters if isinstance(_info(x), ArgumentInfo)]
        usage = " ".join(x.name.upper() for x in arguments)
        parts.append(
            f"\n## avser {name}\n\n{_prose(command.__doc__)}\n\n"
            f"```\navser {name} [OPTIONS] {usage}\n```\n"
        )
        panels: dict[str, list[str]] = {}
        for parameter in parameters:
            info = _info(parameter)
            if info is None or getattr(info, "hidden", False):
                continue
            named = "Arguments" if isinstance(info, ArgumentInfo) else "Options"
            panels.setdefault(info.rich_help_panel or named, []).append(_row(parameter, info))
        for panel, rows in panels.items():
            head = f"\n**{panel}**\n\n| | | default |\n| --- | --- | --- |\n"
            parts.append(head + "\n".join(rows) + "\n")
    return "".join(parts)


def _info(parameter: inspect.Parameter) -> ArgumentInfo | OptionInfo | None:
    found = getattr(parameter.annotation, "__metadata__", ())
    return next((x for x in found if isinstance(x, ArgumentInfo | OptionInfo)), None)


def _prose(text: str) -> str:
    """A docstring, with its examples as code."""
    return re.sub(r"(?m)^Example: (.*)$", r"Example: `\1`", inspect.cleandoc(text))


def _row(parameter: inspect.Parameter, info: ArgumentInfo | OptionInfo) -> str:
    if isinstance(info, ArgumentInfo):
        names = [parameter.name.upper()]
    else:
        given = [info.default, *(info.param_decls or ())]
        names = [x for x in given if isinstance(x, str) and x.startswith("-")]
        names = names or [f"--{parameter.name.strip('_').replace('_', '-')}"]
    values = _values(parameter.annotation) or (info.metavar or "").strip("[]").split("|")
    listed = " | ".join(f"`{x}`" for x in values if x)
    about = " ".join(x for x in (info.help or "", listed and f"({listed})") if x)
    default = parameter.default
    shown = default if default not in (None, "", False, inspect.Parameter.empty) else ""
    return f"| {', '.join(f'`{x}`' for x in names)} | {_cell(about)} | {_cell(str(shown))} |"


def _values(annotation: Any) -> list[str]:
    """The words of a `Literal`, wherever it stands in an annotation."""
    if get_origin(annotation) is Literal:
        return [str(x) for x in get_args(annotation)]
    return [word for part in get_args(annotation) for word in _values(part)]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
