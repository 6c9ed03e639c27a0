"""Which code trains: a checksum that changes when answers might."""

from __future__ import annotations

import ast
import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
ROOMS = ("sound", "corpus", "learn")
LIBRARIES = ("tensorflow", "keras", "numpy", "librosa", "scikit-learn")
BYSTANDERS = frozenset(
    {"calibration", "comparison", "metrics", "protocol", "published", "significance", "store"}
    | {"summary", "workers"}
)
"""Modules of those rooms that no training depends on."""


@cache
def engine_version() -> str:
    """Checksum of the code that reads, splits, draws and trains, and of the libraries it uses.

    Comments, docstrings and layout do not count.
    """
    digest = hashlib.sha256()
    for room in ROOMS:
        for path in sorted((PACKAGE / room).glob("*.py")):
            if path.stem not in BYSTANDERS:
                digest.update(f"{room}/{path.stem}\n{_bare(path.read_text())}\n".encode())
    for library in LIBRARIES:
        digest.update(f"{library} {version(library)}\n".encode())
    return digest.hexdigest()


def _bare(source: str) -> str:
    """Source as a syntax tree without strings that stand alone."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [x for x in body if not _is_text(x)]  # type: ignore[attr-defined]
    return ast.dump(tree)


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
