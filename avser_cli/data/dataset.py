"""From an indexed folder to arrays: inputs, labels and what each clip is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from avser_cli.audio.audio_info import checksum
from avser_cli.audio.decoding import Waveform, read_waveform
from avser_cli.data.clip import Clip, SkippedFile
from avser_cli.data.clips import Index
from avser_cli.data.near_duplicates import duplicate_groups
from avser_cli.errors import CorpusError, InputError
from avser_cli.features.acoustic import feature_vector
from avser_cli.features.fingerprint import Fingerprint, fingerprint_of
from avser_cli.features.render import check_long_enough, render_spectrogram
from avser_cli.features.spectrogram import SpectrogramConfig, SpectrogramImage, draw_spectrogram
from avser_cli.features.spectrogram_png import SpectrogramMetadata, read_spectrogram

Inputs = npt.NDArray[Any]
"""uint8 pictures or float32 features."""
Progress = Callable[[int, int], None]
"""Called with the number of files done and the number of all."""


@dataclass(frozen=True)
class Read:
    """What a file of a corpus gives.

    Attributes
    ----------
    inputs : numpy.ndarray
        What the network takes.
    samples_sha256 : str
    fingerprint : numpy.ndarray or None
        What re-encoded copies are found by.
    """

    inputs: Inputs
    samples_sha256: str
    fingerprint: Fingerprint | None = None


Reader = Callable[[Path], Read]
"""From a file to what is needed of it; `InputError` where it is no use."""


@dataclass(frozen=True)
class Dataset:
    """Clips ready for a network.

    Attributes
    ----------
    emotions : tuple of str
        In label order.
    inputs : numpy.ndarray
        uint8 pictures, shape ``(n, height, width)``, or float32 features, shape ``(n, 181)``.
    labels : numpy.ndarray
        Index into `emotions`, shape ``(n,)``.
    clips : tuple of Clip
        With their checksums.
    skipped : tuple of SkippedFile
        Files of the folder that are not in it, and why.
    """

    emotions: tuple[str, ...]
    inputs: Inputs
    labels: npt.NDArray[np.int64]
    clips: tuple[Clip, ...]
    skipped: tuple[SkippedFile, ...]

    def __len__(self) -> int:
        return len(self.clips)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The clips' files."""
        return tuple(clip.path for clip in self.clips)

    def rows(self, keys: Collection[str]) -> npt.NDArray[np.intp]:
        """Positions of the clips with these keys."""
        wanted = set(keys)
        return np.flatnonzero([clip.key in wanted for clip in self.clips])


def load_dataset(
    index: Index,
    emotions: tuple[str, ...],
    read: Reader,
    progress: Progress | None = None,
    side_by_side: Literal["threads", "processes"] = "threads",
) -> Dataset:
    """Read what a network takes from every file of an index.

    A file that cannot be used is left out and named.

    Raises
    ------
    CorpusError
        Pictures were drawn with other settings than the recipe's, or nothing is left.
    """
    skipped = list(index.skipped)
    kept: list[tuple[Clip, Read]] = []
    for done, (clip, result) in enumerate(_read_all(index, read, side_by_side), start=1):
        if isinstance(result, InputError):
            skipped.append(SkippedFile(clip.path, str(result).removeprefix(f"{clip.path}: ")))
        else:
            kept.append((clip, result))
        if progress:
            progress(done, len(index.clips))
    if not kept:
        first = f"; the first: {skipped[0].reason}" if skipped else ""
        raise CorpusError(
            f"{index.folder}: none of its {len(index.clips)} clips can be used{first}"
        )
    order = {emotion: number for number, emotion in enumerate(emotions)}
    reads = [read for _, read in kept]
    groups = duplicate_groups(
        [read.samples_sha256 for read in reads], [read.fingerprint for read in reads]
    )
    return Dataset(
        emotions=emotions,
        inputs=np.stack([read.inputs for read in reads]),
        labels=np.array([order[clip.emotion] for clip, _ in kept]),
        clips=tuple(
            replace(clip, samples_sha256=read.samples_sha256, duplicate_group=group)
            for (clip, read), group in zip(kept, groups, strict=True)
        ),
        skipped=tuple(skipped),
    )


Result = Read | InputError


def _read_all(index: Index, read: Reader, side_by_side: str) -> Iterator[tuple[Clip, Result]]:
    """What each clip gives, in the order of the index."""
    from joblib import Parallel, delayed

    work = (delayed(_attempt)(read, clip.path) for clip in index.clips)
    results = Parallel(n_jobs=-1, prefer=side_by_side, return_as="generator")(work)
    return zip(index.clips, results, strict=True)


def _attempt(read: Reader, path: Path) -> Result:
    try:
        return read(path)
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
                f"{index.folder}: holds pictures, and cnn1d and mlp read sound; give the folder "
                "of sound that was drawn"
            )
        return read_features
    return read_sound_as(settings) if index.kind == "sounds" else _read_png(settings)


def read_sound_as(settings: SpectrogramConfig) -> Reader:
    """What draws the picture of a sound file."""

    def read(path: Path) -> Read:
        return _of_picture(*render_spectrogram(path, settings))

    return read


def _read_png(settings: SpectrogramConfig) -> Reader:
    def read(path: Path) -> Read:
        spectrogram, metadata = read_spectrogram(path)
        _check_same_config(path, metadata.config, settings)
        return _of_picture(spectrogram, metadata)

    return read


def _of_picture(spectrogram: SpectrogramImage, metadata: SpectrogramMetadata) -> Read:
    info = metadata.info
    fingerprint = fingerprint_of(spectrogram, metadata.config, info.rate, info.duration)
    return Read(spectrogram, info.samples_sha256, fingerprint)


def read_features(path: Path) -> Read:
    """The features of a sound file that the paper's CNN-1D and MLP read."""
    waveform = read_waveform(path)
    check_long_enough(path, waveform, SpectrogramConfig().trim)
    return _of_sound(feature_vector(waveform.samples, waveform.rate), waveform)


def read_nothing(path: Path) -> Read:
    """No input: the sound is read to see whether it can be judged, and what it is a copy of."""
    waveform = read_waveform(path)
    check_long_enough(path, waveform, SpectrogramConfig().trim)
    return _of_sound(np.empty(0, np.float32), waveform)


def _of_sound(inputs: Inputs, waveform: Waveform) -> Read:
    settings = SpectrogramConfig()
    spectrogram = draw_spectrogram(waveform.samples, waveform.rate, settings)
    fingerprint = fingerprint_of(spectrogram, settings, waveform.rate, waveform.duration)
    return Read(inputs, checksum(waveform.samples), fingerprint)


def _check_same_config(path: Path, found: SpectrogramConfig, wanted: SpectrogramConfig) -> None:
    if found == wanted:
        return
    old, new = found.as_dict(), wanted.as_dict()
    differing = ", ".join(f"{k} {old[k]} (needed: {new[k]})" for k in new if old[k] != new[k])
    raise CorpusError(
        f"{path}: drawn with other picture settings than the model's: {differing}; "
        "use the recipe that they were drawn with, or draw them again with `avser spectrogram`"
    )
