"""What is said of a folder that was searched for sounds."""

from __future__ import annotations

from pathlib import Path

from avser_cli.audio.folder import Found
from avser_cli.report.console import echo, escape


def report_listing(folder: Path, found: Found) -> None:
    """Name the subfolders that cannot be read, and say how many files are no sounds by ending."""
    for line in found.unreadable:
        echo(f"cannot be read: {escape(line)}")
    if found.passed_over:
        files = "1 file" if found.passed_over == 1 else f"{found.passed_over} files"
        echo(f"{escape(folder)}: {files} with other endings passed over")
