"""Drawing the pictures that networks read, one and a folder at a time."""

from __future__ import annotations

import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from operator import itemgetter
from pathlib import Path
from threading import Event
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from avser_cli.audio.audio_info import AudioInfo, audio_info, source_checksum
from avser_cli.audio.decoding import Waveform, check_not_silent, read_waveform
from avser_cli.audio.input import display_name
from avser_cli.audio.selection import EVERYTHING, SoundSelection
from avser_cli.checksums import file_sha256
from avser_cli.cluster import spread
from avser_cli.errors import InputError, OutputError, UsageError
from avser_cli.features.clicks import without_clicks
from avser_cli.features.spectrogram import (
    SpectrogramConfig,
    SpectrogramImage,
    draw_audible,
    draw_spectrogram,
    trim_silence,
)
from avser_cli.features.spectrogram_png import SpectrogramMetadata, png_bytes, read_metadata
from avser_cli.files import write_whole
from avser_cli.threads import in_order

PROCESSES_FROM, CHUNK_SIZE = 200, 8
"""From so many sounds on, processes draw so many at a time: fewer and their start costs more."""

MIN_SECONDS = 0.2
"""A sound with less than this left after the silence at its ends is cut is not judged."""


@dataclass(frozen=True)
class RenderResult:
    """What became of one sound file.

    Attributes
    ----------
    source, target : pathlib.Path
        The sound and its picture.
    status : {"drawn", "up to date", "failed"}
    reason : str
        Why it failed: one line that names the file; empty otherwise.
    info : AudioInfo or None
        Of the sound, where it could be read.
    """

    source: Path
    target: Path
    status: Literal["drawn", "up to date", "failed"]
    reason: str = ""
    info: AudioInfo | None = None


class Renderer(Protocol):
    """A way to draw sounds. Instances travel to other processes."""

    def render(self, path: Path) -> tuple[bytes, AudioInfo]:
        """A sound's picture file, and what is known of the sound.

        Raises
        ------
        InputError
            The sound cannot be drawn.
        """
        ...

    def current(self, spectrogram: Path, source_sha256: str) -> AudioInfo | None:
        """The facts of the sound, if its picture is there and as `render` would make it."""
        ...


@dataclass(frozen=True)
class SpectrogramRenderer:
    """Draws what networks read: gray pixels without axes.

    Attributes
    ----------
    config : SpectrogramConfig
    selection : SoundSelection
        Which channel of which audio track is drawn.
    """

    config: SpectrogramConfig
    selection: SoundSelection = EVERYTHING

    def render(self, path: Path) -> tuple[bytes, AudioInfo]:
        """See `Renderer`."""
        spectrogram, metadata = render_spectrogram(path, self.config, self.selection)
        return png_bytes(spectrogram, metadata), metadata.info

    def current(self, spectrogram: Path, source_sha256: str) -> AudioInfo | None:
        """See `Renderer`."""
        try:
            metadata = read_metadata(spectrogram)
        except InputError:
            return None
        wanted = SpectrogramMetadata(self.config, metadata.info, self.selection)
        same = metadata == wanted and metadata.info.source_sha256 == source_sha256
        return metadata.info if same else None


def render_spectrogram(
    path: Path, config: SpectrogramConfig, selection: SoundSelection = EVERYTHING
) -> tuple[SpectrogramImage, SpectrogramMetadata]:
    """Decode a sound file and draw its picture.

    Raises
    ------
    InputError
        The file cannot be decoded, is silent, or is too short to be judged.
    """
    waveform = read_waveform(path, selection)
    spectrogram = clip_spectrogram(path, waveform, config)
    info = audio_info(source_checksum(path), waveform)
    return spectrogram, SpectrogramMetadata(config, info, selection)


def clip_spectrogram(
    name: Path | str, waveform: Waveform, config: SpectrogramConfig
) -> SpectrogramImage:
    """Draw a decoded clip, or raise `InputError` where it is silent or too short."""
    samples, rate = waveform.samples, waveform.rate
    mended = without_clicks(samples, rate)
    kept = audible_part(name, waveform, config.trim, mended)
    try:
        if mended is samples and config.trim is not None:
            return draw_audible(kept, rate, config)
        return draw_spectrogram(samples, rate, config)
    except UsageError as error:
        raise InputError(f"{display_name(name)}: {error}") from None


def audible_part(
    name: Path | str,
    waveform: Waveform,
    trim: float | None,
    mended: npt.NDArray[np.float32] | None = None,
) -> npt.NDArray[np.float32]:
    """A clip's samples without the silence at its ends; see `trim_silence`.

    Raises
    ------
    InputError
        The clip is silent, or too short without it.
    """
    check_not_silent(name, waveform.samples)
    kept = trim_silence(waveform.samples, waveform.rate, trim or np.inf, mended)
    seconds = len(kept) / waveform.rate
    if seconds < MIN_SECONDS:
        raise InputError(
            f"{display_name(name)}: {seconds:.2f} s of sound is too short; at least "
            f"{MIN_SECONDS} s are needed"
        )
    return kept


def render_all(
    pairs: Sequence[tuple[Path, Path]],
    renderer: Renderer,
    *,
    jobs: int = -1,
    processes: bool = False,
    scheduler: str | None = None,
    force: bool = False,
) -> Iterator[RenderResult]:
    """Draw sounds; a picture that is as it would be drawn is left as it is.

    Parameters
    ----------
    pairs : sequence of (pathlib.Path, pathlib.Path)
        Each sound and its picture; see `avser_cli.audio.folder.mirrored`.
    renderer : Renderer
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
    RenderResult
        As pictures are done, in any order; the work is done while it is read.

    Raises
    ------
    OutputError
        A picture cannot be written.
    ClusterError
        See `avser_cli.cluster.spread`.
    """
    if scheduler is not None:
        yield from _over_cluster(pairs, renderer, scheduler, force)
        return
    # Threads start at once, processes do not wait for each other's interpreter lock.
    if len(pairs) >= PROCESSES_FROM:
        yield from _in_processes(pairs, renderer, jobs, CHUNK_SIZE, force)
    elif processes and len(pairs) > 1:
        yield from _in_processes(pairs, renderer, jobs, 1, force)
    else:
        for found in in_order(lambda pair: render_chunk([pair], renderer, force), pairs, jobs):
            yield from found


def _in_processes(
    pairs: Sequence[tuple[Path, Path]], renderer: Renderer, jobs: int, size: int, force: bool
) -> Iterator[RenderResult]:
    from joblib import Parallel, delayed

    # An interrupted run leaves results unread; joblib's advice about that is not for users.
    warnings.filterwarnings("ignore", module="joblib", message=".*input task iterator.*")
    stopping = Event()
    firsts = takewhile(lambda _: not stopping.is_set(), range(0, len(pairs), size))
    work = (delayed(_chunk_or_error)(pairs[x : x + size], renderer, force) for x in firsts)
    results = Parallel(n_jobs=jobs, return_as="generator_unordered")(work)
    try:
        for done in results:
            if isinstance(done, OutputError):
                raise done
            yield from done
    finally:
        # What is being written is written: a process that ends with the program leaves a half.
        stopping.set()
        deque(results, maxlen=0)


def _chunk_or_error(
    pairs: Sequence[tuple[Path, Path]], renderer: Renderer, force: bool
) -> list[RenderResult] | OutputError:
    """An error that is raised would make joblib stop the others where they are."""
    try:
        return render_chunk(pairs, renderer, force)
    except OutputError as error:
        return error


def _over_cluster(
    pairs: Sequence[tuple[Path, Path]], renderer: Renderer, scheduler: str, force: bool
) -> Iterator[RenderResult]:
    render = partial(_render_elsewhere, renderer=renderer, force=force)
    # Workers have working folders of their own.
    work = ((number, x.absolute(), y.absolute()) for number, (x, y) in enumerate(pairs))
    for number, found in spread(scheduler, render, work, in_order=False, name_of=itemgetter(1)):
        sound, spectrogram = pairs[number]
        reason = found.reason.replace(str(found.source), str(sound), 1)
        yield replace(found, source=sound, target=spectrogram, reason=reason)


def _render_elsewhere(
    numbered: tuple[int, Path, Path], renderer: Renderer, force: bool
) -> tuple[int, RenderResult]:
    number, sound, spectrogram = numbered
    return number, render_file(sound, spectrogram, renderer, force)


def render_chunk(
    pairs: Sequence[tuple[Path, Path]], renderer: Renderer, force: bool
) -> list[RenderResult]:
    """Draw some sounds, one after the other."""
    return [render_file(sound, spectrogram, renderer, force) for sound, spectrogram in pairs]


def render_file(
    sound: Path, spectrogram: Path, renderer: Renderer, force: bool = False
) -> RenderResult:
    """Draw one sound, unless its picture is up to date."""
    try:
        if not force and spectrogram.exists():
            info = renderer.current(spectrogram, file_sha256(sound))
            if info is not None:
                return RenderResult(sound, spectrogram, "up to date", info=info)
        drawn, info = renderer.render(sound)
    except InputError as error:
        return RenderResult(sound, spectrogram, "failed", str(error))
    write_whole(spectrogram, drawn)
    return RenderResult(sound, spectrogram, "drawn", info=info)
