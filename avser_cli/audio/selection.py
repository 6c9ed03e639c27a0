"""Which sound of a file is read: one of its channels or their mean, and of which audio track."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from avser_cli.audio.streams import SILENCE_PEAK, Decoder, Samples, Stream, to_mono
from avser_cli.errors import InputError, UsageError

_LOGGER = logging.getLogger(__name__)

Channel = int | Literal["mix"]

CHANNEL_NAMES = {1: "left", 2: "right"}

MOST_CHANNELS = 1024
"""As many as libsndfile reads."""

CANCELLED_DB = 20.0
"""Channels whose mean is this much weaker than they are cancel each other. Unlike ones lose 3 dB
for each doubling of their number."""


@dataclass(frozen=True)
class SoundSelection:
    """Which sound of a file is read.

    Attributes
    ----------
    channel : int or "mix"
        Number of a channel, from 1 (left) on, or the mean of all.
    track : int
        Number of an audio track, from 1 on, where a container holds several.
    """

    channel: Channel = "mix"
    track: int = 1

    def __post_init__(self) -> None:
        if self.channel != "mix" and not (
            isinstance(self.channel, int) and 1 <= self.channel <= MOST_CHANNELS
        ):
            raise UsageError(
                f"channel {self.channel!r}: mix, or a number from 1 (left) to {MOST_CHANNELS}"
            )
        if not isinstance(self.track, int) or self.track < 1:
            raise UsageError(f"track {self.track!r}: a number from 1 on")

    @property
    def channel_name(self) -> str:
        """``left``, ``right``, another one's number, or ``mix``."""
        return "mix" if self.channel == "mix" else channel_name(self.channel)

    def as_dict(self) -> dict[str, int]:
        """What differs from `EVERYTHING`: older files have no word of it."""
        channel = {} if self.channel == "mix" else {"channel": self.channel}
        return channel if self.track == 1 else {**channel, "track": self.track}

    @property
    def mark(self) -> str:
        """Behind a name, e.g. ``:left`` or ``:mix:track2``; nothing where it is `EVERYTHING`."""
        track = f":track{self.track}" if self.track > 1 else ""
        return f":{self.channel_name}{track}" if self != EVERYTHING else ""

    def describe(self) -> str:
        """In words, e.g. ``left channel, track 2``; nothing where it is `EVERYTHING`."""
        words = []
        if self.channel != "mix":
            name = CHANNEL_NAMES.get(self.channel)
            words.append(f"{name} channel" if name else f"channel {self.channel}")
        if self.track > 1:
            words.append(f"track {self.track}")
        return ", ".join(words)


EVERYTHING = SoundSelection()
"""The mean of all channels of the first audio track."""


def channel_name(number: int) -> str:
    """What `parse_channel` takes for a channel, the first being number 1."""
    return CHANNEL_NAMES.get(number, str(number))


def parse_channel(text: str) -> Channel | Literal["each"]:
    """A channel from ``left``, ``right``, ``mix``, ``each`` or a number from 1 on.

    Raises
    ------
    UsageError
        It is none of these.
    """
    word = text.strip().lower()
    if word == "mix" or word == "each":
        return word  # type: ignore[return-value]
    numbers = {name: number for number, name in CHANNEL_NAMES.items()}
    if word in numbers:
        return numbers[word]
    if not re.fullmatch(r"\d{1,4}", word, re.ASCII):
        raise UsageError(f"channel {text!r}: left, right, mix, each, or a number from 1 on")
    return SoundSelection(int(word)).channel


class OpenSound:
    """A sound that is being read: what is selected of it, as mono blocks.

    Parameters
    ----------
    decoder : Decoder
    selection : SoundSelection
    other_tracks : callable
        Gives the numbers of the other audio tracks that are not silent. It is called where the
        selected one is.
    reopen : callable
        Gives another decoder of the same sound, at its start.

    Raises
    ------
    InputError
        There is no such channel.
    """

    def __init__(
        self,
        decoder: Decoder,
        selection: SoundSelection = EVERYTHING,
        other_tracks: Callable[[], list[int]] = list,
        reopen: Callable[[], Decoder] | None = None,
    ) -> None:
        self._decoder, self._selection = decoder, selection
        self._other_tracks, self._reopen = other_tracks, reopen
        self._check_channel(self.stream.channels)

    @property
    def name(self) -> str:
        """For messages."""
        return self._decoder.name

    @property
    def stream(self) -> Stream:
        """What the file's header says."""
        return self._decoder.stream

    @property
    def damaged(self) -> bool:
        """Some of what has been read could not be decoded; a warning of the logger said where."""
        return bool(self._decoder.damage)

    def blocks(self) -> Iterator[Samples]:
        """Mono float32 blocks, shape ``(n,)``, one after the other; to be read once.

        Raises
        ------
        InputError
            The rest is damaged or missing. At the end: all that was selected is silent, or channels
            cancel each other, where another channel or track is not silent.
        """
        levels = _Levels()
        several = self.stream.channels > 1 or self._decoder.tracks > 1
        for frames in self._decoder.frames():
            if several:
                self._check_channel(frames.shape[1])
            mono = self._mono(frames)
            if several:
                levels.add(frames, mono)
            yield mono
        if several:
            self._check_levels(levels)
        if self._decoder.damage:
            _LOGGER.warning("%s", self._decoder.damage)

    def blocks_again(self) -> Iterator[Samples]:
        """The blocks once more, after `blocks` gave them all; not those of a live pipe."""
        assert self._reopen is not None
        decoder = self._reopen()
        try:
            for frames in decoder.frames():
                yield self._mono(frames)
        finally:
            decoder.close()

    def close(self) -> None:
        """Let the file go."""
        self._decoder.close()

    def _mono(self, frames: Samples) -> Samples:
        channel = self._selection.channel
        selected = frames if channel == "mix" else frames[:, channel - 1 : channel]
        return to_mono(self.name, selected, self.stream.encoding)

    def _check_channel(self, channels: int) -> None:
        channel = self._selection.channel
        if channel != "mix" and channel > channels:
            held = "1 channel" if channels == 1 else f"{channels} channels"
            raise InputError(
                f"{self.name}: holds {held}, and no channel {_described(channel)}; choose another"
            )

    def _check_levels(self, levels: _Levels) -> None:
        channel, track = self._selection.channel, self._selection.track
        loud = levels.loud_channels()
        if channel == "mix" and levels.cancelled():
            raise InputError(
                f"{self.name}: its channels cancel each other where they are mixed; choose one, "
                f"e.g. --channel {channel_name(loud[0])}"
            )
        if channel != "mix" and loud and channel not in loud:
            raise InputError(
                f"{self.name}: channel {_described(channel)} is silent, channel "
                f"{_described(loud[0])} is not; choose it with --channel {channel_name(loud[0])}"
            )
        if loud or self._decoder.tracks == 1:
            return
        if others := self._other_tracks():
            raise InputError(
                f"{self.name}: track {track} of {self._decoder.tracks} audio tracks is silent, "
                f"track {others[0]} is not; choose it with --track {others[0]}"
            )


def _described(channel: int) -> str:
    name = CHANNEL_NAMES.get(channel)
    return f"{channel} ({name})" if name else str(channel)


class _Levels:
    """How loud each channel was, and what is selected of them."""

    def __init__(self) -> None:
        self._highest: npt.NDArray[np.float32] = np.zeros(1, np.float32)
        self._lowest = self._highest
        self._power, self._mono_power = 0.0, 0.0

    def add(self, frames: Samples, mono: Samples) -> None:
        """Count a block of frames, shape ``(n, channels)``, and what was selected of it."""
        highest, lowest = frames.max(axis=0, initial=0.0), frames.min(axis=0, initial=0.0)
        if len(highest) == len(self._highest):
            highest, lowest = np.maximum(highest, self._highest), np.minimum(lowest, self._lowest)
        self._highest, self._lowest = highest, lowest
        self._power += float(np.square(frames).sum(dtype=np.float64)) / frames.shape[1]
        self._mono_power += float(np.square(mono).sum(dtype=np.float64))

    def loud_channels(self) -> list[int]:
        """The numbers of the channels that are not silent."""
        swing = (self._highest - self._lowest) / 2
        return [int(place) + 1 for place in np.flatnonzero(swing >= SILENCE_PEAK)]

    def cancelled(self) -> bool:
        """Whether several channels sound, and hardly anything of them is left in their mean."""
        return len(self.loud_channels()) > 1 and (
            self._mono_power < self._power * 10 ** (-CANCELLED_DB / 10)
        )
