"""Spectrograms as PNG files that hold the settings they were made with.

One text chunk, ``avser``, holds JSON: the picture settings, the checksums of the source file and
of its samples, and the stream's facts. `train` and `evaluate` read it, so that pictures of
different settings are never mixed and copies of one recording are found.
"""

from __future__ import annotations

import io
import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from avser_cli.audio.audio_info import AudioInfo
from avser_cli.audio.selection import EVERYTHING, SoundSelection
from avser_cli.errors import InputError, UsageError, os_reason
from avser_cli.features.spectrogram import SpectrogramConfig, SpectrogramImage
from avser_cli.files import write_whole
from avser_cli.untrusted_input import decode, parse_json

TEXT_KEY = "avser"
FORMAT_VERSION = 3
"""2 added ``peak``, ``rms`` and ``clipped``, 3 renamed ``white``; 2 is read, 1 is drawn again."""
READABLE_VERSIONS = (2, 3)
COMPRESSION = zlib.Z_RLE
"""Runs only: files as small as with a search for repeats, in two thirds of the time."""
MAX_SIDE = 8192
"""Largest width or height that is decoded, in pixels."""


@dataclass(frozen=True)
class SpectrogramMetadata:
    """Where a picture comes from.

    Attributes
    ----------
    config : SpectrogramConfig
        How it was drawn.
    info : AudioInfo
        Of the sound.
    selection : SoundSelection
        What was read of the sound.
    """

    config: SpectrogramConfig
    info: AudioInfo
    selection: SoundSelection = EVERYTHING


def write_spectrogram(
    path: Path, spectrogram: SpectrogramImage, metadata: SpectrogramMetadata
) -> None:
    """Write a picture, shape ``(height, width)``, and its origin to a PNG file.

    Raises
    ------
    OutputError
        The file cannot be written; nothing half-written is left.
    """
    write_whole(path, png_bytes(spectrogram, metadata))


def png_bytes(spectrogram: SpectrogramImage, metadata: SpectrogramMetadata) -> bytes:
    """A picture, shape ``(height, width)``, and its origin as a PNG."""
    text = PngInfo()
    values = {"settings": metadata.config.as_dict(), **vars(metadata.info)}
    if selection := metadata.selection.as_dict():
        values["selection"] = selection
    text.add_text(TEXT_KEY, json.dumps({"format": FORMAT_VERSION, **values}))
    buffer = io.BytesIO()
    Image.fromarray(spectrogram, mode=None).save(
        buffer, "PNG", pnginfo=text, compress_type=COMPRESSION
    )
    return buffer.getvalue()


def read_metadata(path: Path) -> SpectrogramMetadata:
    """The origin of a picture, without decoding its pixels.

    Raises
    ------
    InputError
        The file is missing, not a PNG, or not drawn by `avser spectrogram`.
    """
    with _open(path) as image:
        return _metadata(path, image)


def read_spectrogram(path: Path) -> tuple[SpectrogramImage, SpectrogramMetadata]:
    """A picture, uint8 of shape ``(height, width)``, and its origin.

    Raises
    ------
    InputError
        The file is missing, damaged, not 8-bit grayscale, of another size than its settings say,
        or not drawn by `avser spectrogram`.
    """
    with _open(path) as image:
        metadata = _metadata(path, image)
        if image.mode != "L":
            raise InputError(f"{path}: not an 8-bit grayscale PNG; draw it again")
        config = metadata.config
        if image.size != (config.width, config.height):
            raise InputError(f"{path}: its size is not what its settings say; draw it again")
        try:
            spectrogram = np.asarray(image, dtype=np.uint8)
            # Decoding passes over the pixels' checksums.
            with _open(path) as again:
                again.verify()
        except (OSError, SyntaxError, ValueError) as error:
            raise InputError(f"{path}: damaged PNG ({error}); draw it again") from None
        return spectrogram, metadata


def _open(path: Path) -> Image.Image:
    try:
        image = Image.open(path, formats=["PNG"])
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the name") from None
    except UnidentifiedImageError:
        raise InputError(f"{path}: not a PNG picture; draw it with `avser spectrogram`") from None
    except (Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise InputError(f"{path}: damaged PNG ({error}); draw it again") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {os_reason(error)}") from None
    if max(image.size) > MAX_SIDE:
        image.close()
        raise InputError(f"{path}: larger than {MAX_SIDE} pixels a side; draw it again")
    return image


def _metadata(path: Path, image: Image.Image) -> SpectrogramMetadata:
    text = image.info.get(TEXT_KEY)
    if not isinstance(text, str):
        # Of a figure that another program saved, a network may learn the name in its title.
        raise InputError(
            f"{path}: not a picture of avser's: the title of a figure can give its label away; "
            "draw its sound with `avser spectrogram`"
        )
    try:
        values: dict[str, Any] = parse_json(text)
        version = values.pop("format")
        if version not in READABLE_VERSIONS:
            raise InputError(f"{path}: picture format {version!r} is unknown here; draw it again")
        config = SpectrogramConfig.from_dict(values.pop("settings"))
        selection = decode(SoundSelection, values.pop("selection", {}))
        return SpectrogramMetadata(config, decode(AudioInfo, values), selection)
    except (KeyError, TypeError, AttributeError, ValueError, UsageError):
        raise InputError(
            f"{path}: its note of how it was drawn is damaged; draw it again"
        ) from None
