"""Which sound of each file: options that `spectrogram` and `classify` share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from avser_cli.audio.selection import SoundSelection, parse_channel
from avser_cli.errors import UsageError


@dataclass(frozen=True)
class SoundOptions:
    """Which channel, of which audio track."""

    channel: Annotated[
        str,
        typer.Option(
            help="left, right, another one's number, mix (the mean of all), or each by itself.",
            rich_help_panel="Sound",
        ),
    ] = "mix"
    track: Annotated[
        int, typer.Option(help="Audio track of a video, from 1 on.", rich_help_panel="Sound")
    ] = 1

    @property
    def each(self) -> bool:
        """Whether each channel is taken by itself."""
        return parse_channel(self.channel) == "each"

    def selection(self) -> SoundSelection:
        """The one that is asked for.

        Raises
        ------
        UsageError
            It is none, or there are several.
        """
        channel = parse_channel(self.channel)
        if channel == "each":
            raise UsageError("--channel each: here one channel is taken; give its name or number")
        return SoundSelection(channel, self.track)
