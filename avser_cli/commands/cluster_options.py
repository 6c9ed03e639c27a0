"""`--scheduler`: the option of all commands that work on a cluster."""

from __future__ import annotations

from typing import Annotated

import typer

Scheduler = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Work on a Dask cluster, tcp://HOST:8786, whose workers see the files under the same "
        "paths.",
    ),
]
