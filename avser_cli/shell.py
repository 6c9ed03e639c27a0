"""Words of a command line, as messages show them to be typed."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[\w./:=,@%+~-]+")
_NEVER = frozenset('"$`!\\')
"""What double quotes, which every system's shell knows, do not keep."""


def quoted(text: str) -> str:
    """As shells take it for one word."""
    if _PLAIN.fullmatch(text):
        return text
    if not _NEVER & set(text):
        return f'"{text}"'
    return "'" + text.replace("'", "'\\''") + "'"
