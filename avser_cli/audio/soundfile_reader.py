"""WAV, FLAC, Ogg, MP3, AIFF and others, through libsndfile."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import soundfile

from avser_cli.audio.input import Source
from avser_cli.audio.streams import BLOCK_SAMPLES, Samples, Stream, to_mono
from avser_cli.errors import InputError

NOT_KNOWN = (1, 3)
"""libsndfile's codes for a format and an encoding that it does not know."""
SYSTEM_ERROR = 2


class NotKnownError(Exception):
    """libsndfile does not know the format; another decoder may."""


class SndfileSound:
    """A sound that libsndfile decodes; see `avser_cli.audio.streams.OpenSound`.

    Raises
    ------
    NotKnownError
        The format is not one of libsndfile's.
    InputError
        It is, and damaged, or the file is gone.
    """

    def __init__(self, source: Source) -> None:
        self.name = source.name
        try:
            file: Any = source.file
            # As bytes, where names are bytes: they need not be text.
            if isinstance(file, Path) and os.name != "nt":
                file = os.fsencode(file)
            self._file = soundfile.SoundFile(file)
        except soundfile.LibsndfileError as error:
            if error.code == SYSTEM_ERROR:
                raise InputError(
                    f"{self.name}: cannot be read; it was moved, deleted or closed meanwhile"
                ) from None
            if error.code in NOT_KNOWN:
                raise NotKnownError(_reason(error)) from None
            raise self._undecodable(error) from None
        except (RuntimeError, TypeError) as error:
            # soundfile's own word for a headerless ".raw".
            raise NotKnownError(_reason(error)) from None
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

    def blocks(self) -> Iterator[Samples]:
        """Mono blocks; `InputError` where the rest is damaged or missing."""
        length = max(1, BLOCK_SAMPLES // self.stream.channels)
        read = 0
        while read < self.stream.frames:
            try:
                frames = self._file.read(length, dtype="float32", always_2d=True)
            except (soundfile.LibsndfileError, RuntimeError) as error:
                raise self._undecodable(error) from None
            if len(frames) == 0:
                raise InputError(
                    f"{self.name}: truncated: the header promises {self.stream.frames} samples, "
                    f"{read} are there; copy or record it again"
                )
            read += len(frames)
            yield to_mono(self.name, frames)

    def close(self) -> None:
        """Let the file go."""
        self._file.close()

    def _undecodable(self, error: Exception) -> InputError:
        return InputError(
            f"{self.name}: not a sound file that can be decoded ({_reason(error)}); "
            "convert it to WAV or FLAC, or leave it out"
        )


def _reason(error: Exception) -> str:
    return str(getattr(error, "error_string", error)).rstrip(".")
