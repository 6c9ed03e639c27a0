"""The command line of benchmarks that read a cross-validation's runs."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from avser_cli.audio.folder import find_sounds
from avser_cli.checksums import sha256


@dataclass(frozen=True)
class KeptRuns:
    """What such a benchmark is given.

    Attributes
    ----------
    sounds : dict
        Sound files by name without ending.
    report : pathlib.Path
        Folder of `avser evaluate --protocol`.
    runs : list of pathlib.Path
        Bundles of its runs, sorted.
    """

    sounds: dict[str, Path]
    report: Path
    runs: list[Path]


def parse_arguments(description: str) -> KeptRuns:
    """Read ``SOUNDS REPORT`` from the command line; the first line of `description` is shown."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("sounds", type=Path)
    parser.add_argument("report", type=Path, help="folder of `avser evaluate --protocol`")
    given = parser.parse_args()
    sounds = {path.stem: path for path in find_sounds(given.sounds)}
    return KeptRuns(sounds, given.report, kept_runs(given.report))


def kept_runs(report: Path) -> list[Path]:
    """The bundles of a report's runs, sorted."""
    return sorted(path for path in (report / "runs").iterdir() if path.name[0] != ".")


def in_any_order(name: str) -> str:
    """Sorts clips so that neighbours have nothing in common; the same everywhere."""
    return sha256(name.encode())
