"""``python -m avser_cli``."""

from avser_cli.cli import main

if __name__ == "__main__":
    main()
