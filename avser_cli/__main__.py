"""Where the `avser` command and ``python -m avser_cli`` start."""

from __future__ import annotations

import sys

from avser_cli.errors import ExitCode


def main() -> None:
    """Run the command line; exits with one of `ExitCode`, also while it is still being imported."""
    try:
        from avser_cli import cli

        cli.main()
    except KeyboardInterrupt:
        print("avser: interrupted", file=sys.stderr)
        sys.exit(ExitCode.INTERRUPTED)


if __name__ == "__main__":
    main()
