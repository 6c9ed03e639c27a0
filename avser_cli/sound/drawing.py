"""From a folder of sound to a folder of pictures: what `avser spectrogram` does."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from avser_cli.errors import InputError, os_reason
from avser_cli.sound.decode import SOUND_SUFFIXES, Clip, read_clip, refuse_silence
from avser_cli.sound.picture import Picture, PictureSettings, draw_picture, trim_silence
from avser_cli.sound.png import Origin, checksum, read_origin, write_picture

SHORTEST_SECONDS = 0.2
"""A sound with less than this left after the silence at its ends is cut is not judged."""


@dataclass(frozen=True)
class Outcome:
    """What became of one sound file.

    Attributes
    ----------
    source, target : pathlib.Path
        The sound and its picture.
    status : {"drawn", "up to date", "failed"}
    reason : str
        Why it failed: one line that names the file; empty otherwise.
    """

    source: Path
    target: Path
    status: Literal["drawn", "up to date", "failed"]
    reason: str = ""


def find_sounds(folder: Path) -> list[Path]:
    """The sound files in a folder and its subfolders, sorted; hidden ones are left out.

    Raises
    ------
    InputError
        The folder is missing or unreadable, or has no sound in it.
    """
    sounds = find_files(folder, SOUND_SUFFIXES)
    if not sounds:
        known = " ".join(sorted(SOUND_SUFFIXES))
        raise InputError(f"{folder}: no sound files in it ({known}); check the folder")
    return sounds


def find_files(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    """Files below a folder with one of the endings (lower case), sorted, hidden ones left out.

    Raises
    ------
    InputError
        The folder is missing, not a folder, or unreadable.
    """
    if not folder.exists():
        raise InputError(f"{folder}: no such folder; check the name")
    if not folder.is_dir():
        raise InputError(f"{folder}: not a folder")
    found = []
    try:
        for parent, names, files in os.walk(folder, onerror=_raise):
            names[:] = [name for name in names if not name.startswith(".")]
            found += [
                Path(parent, name)
                for name in files
                if Path(name).suffix.lower() in suffixes and not name.startswith(".")
            ]
    except OSError as error:
        raise InputError(f"{folder}: cannot be read: {os_reason(error)}") from None
    return sorted(found)


def _raise(error: OSError) -> None:
    raise error


def picture_of(path: Path, settings: PictureSettings) -> tuple[Picture, Origin]:
    """Decode a sound file and draw its picture.

    Raises
    ------
    InputError
        The file cannot be decoded, is silent, or is too short to be judged.
    """
    clip = read_clip(path)
    picture = draw_clip(path, clip, settings)
    origin = Origin(
        settings=settings,
        source_sha256=checksum(path.read_bytes()),
        samples_sha256=checksum(clip.samples),
        duration=round(clip.duration, 4),
        rate=clip.stream.rate,
        channels=clip.stream.channels,
    )
    return picture, origin


def draw_clip(name: Path | str, clip: Clip, settings: PictureSettings) -> Picture:
    """Draw a decoded clip, or raise `InputError` where there is too little to hear."""
    refuse_too_little(name, clip, settings.trim)
    return draw_picture(clip.samples, clip.rate, settings)


def refuse_too_little(name: Path | str, clip: Clip, trim: float | None) -> None:
    """Raise `InputError` where a clip is silent, or too short without the silence at its ends."""
    refuse_silence(name, clip.samples)
    heard = len(trim_silence(clip.samples, clip.rate, trim or np.inf)) / clip.rate
    if heard < SHORTEST_SECONDS:
        raise InputError(
            f"{name}: {heard:.2f} s of sound is too short; at least {SHORTEST_SECONDS} s are needed"
        )


def draw_folder(
    source: Path,
    target: Path,
    settings: PictureSettings,
    *,
    jobs: int = -1,
    force: bool = False,
) -> tuple[int, Iterator[Outcome]]:
    """Draw every sound below `source` into a tree of the same shape below `target`.

    Names are kept, with ``.png`` for the ending; where two sounds differ in the ending only, the
    second keeps it too (``a.flac.png``). A picture whose source file and settings are what they
    were is left as it is.

    Parameters
    ----------
    source, target : pathlib.Path
        Folders of sounds and of pictures.
    settings : PictureSettings
    jobs : int
        Threads; -1 for one a core.
    force : bool
        Draw again what is up to date.

    Returns
    -------
    count : int
        Number of sounds.
    outcomes : iterator of Outcome
        In the order of completion; the work is done while it is read.

    Raises
    ------
    InputError
        No sound below `source`.
    OutputError
        `target` cannot be written to (also while the iterator is read).
    """
    pairs = mirrored(find_sounds(source), source, target)
    return len(pairs), _drawn(pairs, settings, jobs, force)


def _drawn(
    pairs: list[tuple[Path, Path]], settings: PictureSettings, jobs: int, force: bool
) -> Iterator[Outcome]:
    from joblib import Parallel, delayed

    # An interrupted run leaves results unread; joblib's advice about that is not for users.
    warnings.filterwarnings("ignore", module="joblib", message=".*input task iterator.*")
    work = (delayed(_draw_one)(sound, png, settings, force) for sound, png in pairs)
    # Threads: decoding, FFT and PNG packing all release the interpreter lock.
    yield from Parallel(n_jobs=jobs, prefer="threads", return_as="generator_unordered")(work)


def mirrored(sounds: list[Path], source: Path, target: Path) -> list[tuple[Path, Path]]:
    """Each sound with the path of its picture; no two share one."""
    taken: set[Path] = set()
    pairs = []
    for sound in sounds:
        place = target / sound.relative_to(source)
        png = place.with_suffix(".png")
        if png in taken:
            png = place.with_name(f"{place.name}.png")
        taken.add(png)
        pairs.append((sound, png))
    return pairs


def _draw_one(sound: Path, png: Path, settings: PictureSettings, force: bool) -> Outcome:
    try:
        if not force and _is_current(sound, png, settings):
            return Outcome(sound, png, "up to date")
        picture, origin = picture_of(sound, settings)
    except InputError as error:
        return Outcome(sound, png, "failed", str(error))
    write_picture(png, picture, origin)
    return Outcome(sound, png, "drawn")


def _is_current(sound: Path, png: Path, settings: PictureSettings) -> bool:
    try:
        origin = read_origin(png)
    except InputError:
        return False
    try:
        content = sound.read_bytes()
    except OSError as error:
        raise InputError(f"{sound}: cannot be read: {os_reason(error)}") from None
    return origin.settings == settings and origin.source_sha256 == checksum(content)
