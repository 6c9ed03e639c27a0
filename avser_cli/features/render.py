"""Drawing the pictures that networks read, one and a folder at a time."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from avser_cli.audio.audio_info import Facts, checksum, facts_of
from avser_cli.audio.decoding import STDIN, Clip, read_clip, refuse_silence
from avser_cli.audio.input import named
from avser_cli.cluster import TRIES, dask_client, worker_losses
from avser_cli.errors import InputError, UsageError, os_reason
from avser_cli.features.spectrogram import Picture, PictureSettings, draw_picture, trim_silence
from avser_cli.features.spectrogram_png import Origin, png_bytes, read_origin
from avser_cli.files import write_whole

MANY, CHUNK = 200, 8
"""From so many sounds on, processes draw so many at a time: fewer and their start costs more."""

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
    facts : Facts or None
        Of the sound, where it could be read.
    """

    source: Path
    target: Path
    status: Literal["drawn", "up to date", "failed"]
    reason: str = ""
    facts: Facts | None = None


class Artist(Protocol):
    """A way to draw sounds. Instances travel to other processes."""

    def draw(self, path: Path) -> tuple[bytes, Facts]:
        """A sound's picture file, and what is known of the sound.

        Raises
        ------
        InputError
            The sound cannot be drawn.
        """
        ...

    def current(self, picture: Path, source_sha256: str) -> Facts | None:
        """The facts of the sound, if its picture is there and as `draw` would make it."""
        ...


@dataclass(frozen=True)
class NetworkArtist:
    """Draws what networks read: gray pixels without axes.

    Attributes
    ----------
    settings : PictureSettings
    """

    settings: PictureSettings

    def draw(self, path: Path) -> tuple[bytes, Facts]:
        """See `Artist`."""
        picture, origin = picture_of(path, self.settings)
        return png_bytes(picture, origin), origin.facts

    def current(self, picture: Path, source_sha256: str) -> Facts | None:
        """See `Artist`."""
        try:
            origin = read_origin(picture)
        except InputError:
            return None
        same = origin.settings == self.settings and origin.facts.source_sha256 == source_sha256
        return origin.facts if same else None


def picture_of(path: Path, settings: PictureSettings) -> tuple[Picture, Origin]:
    """Decode a sound file and draw its picture.

    Raises
    ------
    InputError
        The file cannot be decoded, is silent, or is too short to be judged.
    """
    clip = read_clip(path)
    picture = draw_clip(path, clip, settings)
    return picture, Origin(settings, facts_of(file_content(path, clip), clip))


def file_content(path: Path, clip: Clip) -> bytes:
    """The bytes of a sound file; of standard input, which is read once, those of its samples."""
    if path == STDIN:
        return clip.samples.tobytes()
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {os_reason(error)}") from None


def draw_clip(name: Path | str, clip: Clip, settings: PictureSettings) -> Picture:
    """Draw a decoded clip, or raise `InputError` where there is too little to hear."""
    refuse_too_little(name, clip, settings.trim)
    try:
        return draw_picture(clip.samples, clip.rate, settings)
    except UsageError as error:
        raise InputError(f"{named(name)}: {error}") from None


def refuse_too_little(name: Path | str, clip: Clip, trim: float | None) -> None:
    """Raise `InputError` where a clip is silent, or too short without the silence at its ends."""
    refuse_silence(name, clip.samples)
    heard = len(trim_silence(clip.samples, clip.rate, trim or np.inf)) / clip.rate
    if heard < SHORTEST_SECONDS:
        raise InputError(
            f"{name}: {heard:.2f} s of sound is too short; at least {SHORTEST_SECONDS} s are needed"
        )


def draw_all(
    pairs: Sequence[tuple[Path, Path]],
    artist: Artist,
    *,
    jobs: int = -1,
    processes: bool = False,
    scheduler: str | None = None,
    force: bool = False,
) -> Iterator[Outcome]:
    """Draw sounds; a picture that is as it would be drawn is left as it is.

    Parameters
    ----------
    pairs : sequence of (pathlib.Path, pathlib.Path)
        Each sound and its picture; see `avser_cli.audio.folder.mirrored`.
    artist : Artist
    jobs : int
        How many are drawn at once here; -1 for one a core.
    processes : bool
        In processes, for artists that threads would disturb.
    scheduler : str or None
        A Dask scheduler whose workers draw instead; they must see the same folders.
    force : bool
        Draw again what is up to date.

    Yields
    ------
    Outcome
        In the order of completion; the work is done while it is read.

    Raises
    ------
    OutputError
        A picture cannot be written.
    UsageError
        The scheduler does not answer, or its workers died too often.
    """
    if scheduler is not None:
        yield from _over_cluster(pairs, artist, scheduler, force)
        return
    from joblib import Parallel, delayed

    # An interrupted run leaves results unread; joblib's advice about that is not for users.
    warnings.filterwarnings("ignore", module="joblib", message=".*input task iterator.*")
    # Threads start at once, processes do not wait for each other's interpreter lock.
    many = len(pairs) >= MANY
    prefer = "processes" if many or (processes and len(pairs) > 1) else "threads"
    size = CHUNK if many else 1
    chunks = [pairs[first : first + size] for first in range(0, len(pairs), size)]
    work = (delayed(draw_some)(chunk, artist, force) for chunk in chunks)
    for done in Parallel(n_jobs=jobs, prefer=prefer, return_as="generator_unordered")(work):
        yield from done


def _over_cluster(
    pairs: Sequence[tuple[Path, Path]], artist: Artist, scheduler: str, force: bool
) -> Iterator[Outcome]:
    from joblib import Parallel, delayed, parallel_config

    left = {sound.absolute(): (sound, picture) for sound, picture in pairs}
    for attempt in range(1, TRIES + 1):
        try:
            with (
                dask_client(scheduler) as client,
                parallel_config(backend="dask", client=client),
            ):
                spread = Parallel(return_as="generator_unordered", batch_size="auto")
                # Workers have working folders of their own.
                work = (
                    delayed(draw_one)(sound, picture.absolute(), artist, force)
                    for sound, (_, picture) in list(left.items())
                )
                for found in spread(work):
                    sound, picture = left.pop(found.source)
                    yield Outcome(sound, picture, found.status, found.reason, found.facts)
            return
        except worker_losses() as error:
            if attempt == TRIES:
                raise UsageError(
                    f"{scheduler}: workers died {TRIES} times ({type(error).__name__}); finished "
                    "pictures are kept, so see to the workers and start again"
                ) from None


def draw_some(pairs: Sequence[tuple[Path, Path]], artist: Artist, force: bool) -> list[Outcome]:
    """Draw some sounds, one after the other."""
    return [draw_one(sound, picture, artist, force) for sound, picture in pairs]


def draw_one(sound: Path, picture: Path, artist: Artist, force: bool = False) -> Outcome:
    """Draw one sound, unless its picture is up to date."""
    try:
        if not force and picture.exists():
            try:
                content = sound.read_bytes()
            except OSError as error:
                raise InputError(f"{sound}: cannot be read: {os_reason(error)}") from None
            facts = artist.current(picture, checksum(content))
            if facts is not None:
                return Outcome(sound, picture, "up to date", facts=facts)
        drawn, facts = artist.draw(sound)
    except InputError as error:
        return Outcome(sound, picture, "failed", str(error))
    write_whole(picture, drawn)
    return Outcome(sound, picture, "drawn", facts=facts)
