"""From a file of a corpus to what a network takes: a picture, or acoustic features."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from avser_cli.audio.decoding import Waveform, read_waveform
from avser_cli.audio.parts import Part, read_parts
from avser_cli.checksums import sha256
from avser_cli.data.clips import Index
from avser_cli.data.source_content import PICTURE_SUFFIXES
from avser_cli.errors import CorpusError, InputError
from avser_cli.features.acoustic import feature_vector
from avser_cli.features.fingerprint import Fingerprint, fingerprint_of
from avser_cli.features.render import audible_part, clip_spectrogram
from avser_cli.features.spectrogram import SpectrogramConfig, draw_spectrogram
from avser_cli.features.spectrogram_png import read_spectrogram

Inputs = npt.NDArray[Any]
"""uint8 pictures or float32 features."""
WHOLE: Part = (None, None)


@dataclass(frozen=True)
class Read:
    """What a file of a corpus gives.

    Attributes
    ----------
    inputs : numpy.ndarray
        What the network takes.
    samples_sha256 : str
    fingerprint : numpy.ndarray or None
        What re-encoded copies are found by, from the network's picture, if it takes one.
    usual_fingerprint : numpy.ndarray or None
        The same from the recipe ``default``'s picture, where the network takes another one.
    """

    inputs: Inputs
    samples_sha256: str
    fingerprint: Fingerprint | None = None
    usual_fingerprint: Fingerprint | None = None


Result = Read | InputError


@dataclass(frozen=True)
class Reader:
    """From a file to what is needed of it; `InputError` where it is no use.

    Attributes
    ----------
    of_sound : callable
        From the name and the waveform of a sound.
    of_picture : callable or None
        From the path of a picture.
    """

    of_sound: Callable[[Path, Waveform], Read]
    of_picture: Callable[[Path], Read] | None = None

    def __call__(self, path: Path) -> Read:
        """What a whole file gives."""
        if path.suffix.lower() not in PICTURE_SUFFIXES:
            return self.of_sound(path, read_waveform(path))
        if self.of_picture is None:
            raise InputError(f"{path}: a picture, where sound is needed")
        return self.of_picture(path)

    def parts(self, path: Path, parts: Sequence[Part]) -> list[Result]:
        """What parts of a file give, or why they are no use."""
        if list(parts) == [WHOLE] or path.suffix.lower() in PICTURE_SUFFIXES:
            return [_attempt(self, path)] * len(parts)
        try:
            # One after the other, so that a part's samples go before the next one's come.
            found = {x: _attempt_part(self, path, sound) for x, sound in read_parts(path, parts)}
        except InputError as error:
            return [error] * len(parts)
        return [found[part] for part in parts]


def _attempt(read: Reader, path: Path) -> Result:
    try:
        return read(path)
    except InputError as error:
        return error


def _attempt_part(read: Reader, path: Path, waveform: Waveform | InputError) -> Result:
    if isinstance(waveform, InputError):
        return waveform
    try:
        return read.of_sound(path, waveform)
    except InputError as error:
        return error


def reader_of(index: Index, settings: SpectrogramConfig | None) -> Reader:
    """What reads or draws a network's input from a file of an index.

    Parameters
    ----------
    index : Index
    settings : SpectrogramConfig or None
        The spectrogram that the network takes; ``None`` for networks that take acoustic features.

    Raises
    ------
    CorpusError
        The network takes acoustic features, and the folder holds pictures.
    """
    if settings is None:
        if index.kind == "pictures":
            raise CorpusError(
                f"{index.sources}: holds pictures, and cnn1d and mlp read sound; give the folder "
                "of sound that was drawn"
            )
        return read_features
    reader = read_sound_as(settings)
    # Beside pictures, sounds are compared as these can be.
    if index.kind == "pictures" or settings == SpectrogramConfig():
        return reader
    return _compared_as_usual(reader)


def read_sound_as(settings: SpectrogramConfig) -> Reader:
    """What draws the pictures of sounds, and reads those that are drawn with the same settings."""

    def of_sound(path: Path, waveform: Waveform) -> Read:
        spectrogram = clip_spectrogram(path, waveform, settings)
        fingerprint = fingerprint_of(spectrogram, settings, waveform.rate, waveform.duration)
        return Read(spectrogram, sha256(waveform.samples), fingerprint)

    def of_picture(path: Path) -> Read:
        spectrogram, metadata = read_spectrogram(path)
        _check_same_config(path, metadata.config, settings)
        info = metadata.info
        fingerprint = fingerprint_of(spectrogram, metadata.config, info.rate, info.duration)
        return Read(spectrogram, info.samples_sha256, fingerprint)

    return Reader(of_sound, of_picture)


def _compared_as_usual(reader: Reader) -> Reader:
    """The same reader, for whose sounds copies are found whatever the recipe."""

    def of_sound(path: Path, waveform: Waveform) -> Read:
        found = reader.of_sound(path, waveform)
        return replace(found, usual_fingerprint=_usual_fingerprint(waveform))

    return Reader(of_sound, reader.of_picture)


def _features(path: Path, waveform: Waveform) -> Read:
    audible_part(path, waveform, SpectrogramConfig().trim)
    return _of_sound(feature_vector(waveform.samples, waveform.rate), waveform)


def _nothing(path: Path, waveform: Waveform) -> Read:
    audible_part(path, waveform, SpectrogramConfig().trim)
    return _of_sound(np.empty(0, np.float32), waveform)


read_features = Reader(_features)
"""The features of a sound that the paper's CNN-1D and MLP read."""
read_nothing = Reader(_nothing)
"""No input: the sound is read to see whether it can be judged, and what it is a copy of."""


def _of_sound(inputs: Inputs, waveform: Waveform) -> Read:
    return Read(inputs, sha256(waveform.samples), _usual_fingerprint(waveform))


def _usual_fingerprint(waveform: Waveform) -> Fingerprint:
    settings = SpectrogramConfig()
    spectrogram = draw_spectrogram(waveform.samples, waveform.rate, settings)
    return fingerprint_of(spectrogram, settings, waveform.rate, waveform.duration)


def _check_same_config(path: Path, found: SpectrogramConfig, wanted: SpectrogramConfig) -> None:
    if found == wanted:
        return
    old, new = found.as_dict(), wanted.as_dict()
    differing = ", ".join(f"{k} {old[k]} (needed: {new[k]})" for k in new if old[k] != new[k])
    raise CorpusError(
        f"{path}: drawn with other picture settings than the model's: {differing}; "
        "use the recipe that they were drawn with, or draw them again with `avser spectrogram`"
    )
