"""Files of equal content, found without reading most of them."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from pathlib import Path

from avser_cli.checksums import file_sha256
from avser_cli.errors import InputError

SAMPLE = 4096
"""Bytes in the middle of files of one size that are compared before whole files are."""


def equal_files(paths: Iterable[Path], others: Iterable[Path]) -> dict[Path, Path]:
    """Those of some files that equal one of others, with that one.

    Empty and unreadable files equal none.
    """
    here, there = set(paths), set(others)
    by_feature: dict[Hashable, Path] = {}
    features: dict[Path, Hashable] = {}
    for feature in (_size, _middle, file_sha256):
        features = {path: _of(feature, path) for path in here | there}
        by_feature = {features[path]: path for path in sorted(there)}
        common = {features[path] for path in here} & set(by_feature) - {None}
        here = {path for path in here if features[path] in common}
        there = {path for path in there if features[path] in common}
    return {path: by_feature[features[path]] for path in here}


def _of(feature: Callable[[Path], Hashable], path: Path) -> Hashable:
    try:
        return feature(path)
    except (OSError, InputError):
        return None


def _size(path: Path) -> int | None:
    return path.stat().st_size or None


def _middle(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - SAMPLE) // 2)
        return file.read(SAMPLE)
