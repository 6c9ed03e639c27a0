"""Options that belong together: a command takes them as one dataclass, the user sees them singly.

Typer reads a command's options from its signature. `with_groups` hands it a signature in which each
parameter that is a dataclass stands as the dataclass's fields.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, get_type_hints


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose dataclass parameters are given field by field.

    Parameters
    ----------
    command : callable
        Its parameters are annotated with types that Typer knows, or with dataclasses whose fields
        are. No two may share a name.
    """
    hints = get_type_hints(command, include_extras=True)
    flat: dict[str, inspect.Parameter] = {}
    groups: dict[str, type[Any]] = {}
    for parameter in inspect.signature(command).parameters.values():
        hint = hints[parameter.name]
        if is_dataclass(hint):
            assert isinstance(hint, type)
            groups[parameter.name] = hint
            hints_of_fields = get_type_hints(hint, include_extras=True)
            found = [_parameter(x.name, _default(x), hints_of_fields[x.name]) for x in fields(hint)]
        else:
            found = [_parameter(parameter.name, parameter.default, hint)]
        for option in found:
            assert option.name not in flat, f"two options are named {option.name}"
            flat[option.name] = option

    def flattened(**values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{x.name: values.pop(x.name) for x in fields(group)})
        command(**values)

    flattened.__name__, flattened.__doc__ = command.__name__, command.__doc__
    flattened.__annotations__ = {name: option.annotation for name, option in flat.items()}
    flattened.__signature__ = inspect.Signature(list(flat.values()))  # type: ignore[attr-defined]
    return flattened


def _parameter(name: str, default: Any, annotation: Any) -> inspect.Parameter:
    # Keyword-only, so that one with a default may precede one without.
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _default(field: Field[Any]) -> Any:
    return inspect.Parameter.empty if field.default is MISSING else field.default
