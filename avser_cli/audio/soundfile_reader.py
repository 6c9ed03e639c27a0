"""WAV, FLAC, Ogg, MP3, AIFF and others, through libsndfile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import soundfile

from avser_cli.audio.input import Source
from avser_cli.audio.lengths import joined_wavs, mp3_states_its_length, ogg_pages
from avser_cli.audio.part_of_file import PartOfFile
from avser_cli.audio.streams import BLOCK_SAMPLES, Samples, Stream
from avser_cli.errors import InputError

NOT_KNOWN = (1, 3)
"""libsndfile's codes for a format and an encoding that it does not know."""
SYSTEM_ERROR = 2
"""That of a file that cannot be read, whatever is in it."""


class NotKnownError(Exception):
    """libsndfile does not know the format, or not all that is in a file; another decoder may.

    Attributes
    ----------
    damaged : bool
        Some of it is damaged.
    """

    def __init__(self, reason: str, damaged: bool = False) -> None:
        super().__init__(reason)
        self.damaged = damaged


class BrokenOffError(Exception):
    """libsndfile gives no more samples, though there should be some.

    Attributes
    ----------
    message : str
        For the user, where nobody else can go on.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class SndfileSound:
    """A sound that libsndfile decodes; see `avser_cli.audio.streams.Decoder`.

    Raises
    ------
    NotKnownError
        The format is not one of libsndfile's.
    InputError
        It is, and damaged, or the file is gone.
    """

    def __init__(self, source: Source) -> None:
        self.name = source.name
        self.damage, self.tracks = "", 1
        try:
            file: Any = self._first_link(source)
            # As bytes, where names are bytes: they need not be text.
            if isinstance(file, Path) and os.name != "nt":
                file = os.fsencode(file)
            self._file = soundfile.SoundFile(file)
        except soundfile.LibsndfileError as error:
            if error.code == SYSTEM_ERROR:
                raise InputError(
                    f"{self.name}: cannot be read; it was moved, deleted or closed meanwhile"
                ) from None
            if error.code not in NOT_KNOWN and _is_chunked(source):
                raise InputError(self._undecodable(error)) from None
            raise NotKnownError(_reason(error)) from None
        except (RuntimeError, TypeError) as error:
            # soundfile's own word for a headerless ".raw".
            raise NotKnownError(_reason(error)) from None
        if self._cannot_know_its_length(source):
            self.close()
            raise NotKnownError("its length is not stated")
        self.stream = Stream(
            self._file.format,
            self._file.subtype,
            self._file.samplerate,
            self._file.channels,
            self._file.frames,
        )
        if self.stream.frames == 0:
            self.close()
            raise InputError(f"{self.name}: holds no samples; copy or record it again")

    def frames(self) -> Iterator[Samples]:
        """Blocks of frames.

        Raises
        ------
        BrokenOffError
            The rest is damaged or missing.
        """
        yield from self._frames_of_link()
        for start, end in self._links[1:]:
            self._file.close()
            try:
                self._file = soundfile.SoundFile(PartOfFile(self._chain, start, end))
            except (soundfile.LibsndfileError, RuntimeError) as error:
                raise BrokenOffError(self._undecodable(error)) from None
            if self._file.samplerate != self.stream.rate:
                raise InputError(
                    f"{self.name}: recordings of different rates behind one another; convert it "
                    "to WAV or FLAC"
                )
            yield from self._frames_of_link()

    def close(self) -> None:
        """Let the file go."""
        self._file.close()
        if self._opened is not None:
            self._opened.close()

    def _first_link(self, source: Source) -> Any:
        """What libsndfile opens: the whole, or the first of several files in one."""
        self._opened: BinaryIO | None = None
        self._links: list[tuple[int, int]] = []
        file = source.file
        handle = file.open("rb") if isinstance(file, Path) else file
        pages = ogg_pages(handle)
        if pages.damaged or pages.lost or pages.gap or pages.streams > 1:
            if isinstance(file, Path):
                handle.close()
            raise NotKnownError("its pages are damaged, or not of one stream", pages.damaged)
        links = pages.links or joined_wavs(handle)
        if len(links) > 1:
            self._links, self._chain = links, handle
            self._opened = handle if isinstance(file, Path) else None
            return PartOfFile(handle, *links[0])
        if isinstance(file, Path):
            handle.close()
        else:
            handle.seek(0)
        return file

    def _cannot_know_its_length(self, source: Source) -> bool:
        """Whether what libsndfile says of the length is a guess."""
        if self._file.format == "FLAC":
            return not 0 < self._file.frames < 2**36
        if self._file.format not in ("MP3", "MPEG"):
            return False
        if isinstance(source.file, Path):
            with source.file.open("rb") as handle:
                return not mp3_states_its_length(handle)
        # libsndfile is reading it.
        place = source.file.tell()
        stated = mp3_states_its_length(source.file)
        source.file.seek(place)
        return not stated

    def _frames_of_link(self) -> Iterator[Samples]:
        length = max(1, BLOCK_SAMPLES // self._file.channels)
        read = 0
        while read < self._file.frames:
            try:
                frames = self._file.read(length, dtype="float32", always_2d=True)
            except (soundfile.LibsndfileError, RuntimeError) as error:
                raise BrokenOffError(self._undecodable(error)) from None
            if len(frames) == 0:
                raise BrokenOffError(
                    f"{self.name}: truncated: the header promises {self._file.frames} samples, "
                    f"{read} are there; copy or record it again"
                )
            read += len(frames)
            yield frames

    def _undecodable(self, error: Exception) -> str:
        return (
            f"{self.name}: not a sound file that can be decoded ({_reason(error)}); "
            "convert it to WAV or FLAC, or leave it out"
        )


def _is_chunked(source: Source) -> bool:
    """Whether it is a WAV or AIFF: of what libsndfile does not believe there, others make noise."""
    if isinstance(source.file, Path):
        with source.file.open("rb") as handle:
            head = handle.read(4)
    else:
        source.file.seek(0)
        head = source.file.read(4)
    return head in (b"RIFF", b"RF64", b"FORM")


def _reason(error: Exception) -> str:
    return str(getattr(error, "error_string", error)).rstrip(".")
