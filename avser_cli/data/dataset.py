"""From indexed clips to arrays: inputs, labels and what each clip is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from avser_cli.audio.decoding import Waveform, read_waveform
from avser_cli.audio.parts import Part, read_parts
from avser_cli.checksums import sha256
from avser_cli.cluster import spread
from avser_cli.data.clip import Clip, SkippedFile
from avser_cli.data.clips import Index
from avser_cli.data.near_duplicates import duplicate_groups
from avser_cli.data.sources import PICTURE_SUFFIXES
from avser_cli.errors import CorpusError, InputError, of_path
from avser_cli.features.acoustic import feature_vector
from avser_cli.features.fingerprint import Fingerprint, fingerprint_of
from avser_cli.features.render import audible_part, clip_spectrogram
from avser_cli.features.spectrogram import SpectrogramConfig, draw_spectrogram
from avser_cli.features.spectrogram_png import read_spectrogram

Inputs = npt.NDArray[Any]
"""uint8 pictures or float32 features."""
WHOLE: Part = (None, None)
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
            found = read_parts(path, parts)
        except InputError as error:
            return [error] * len(parts)
        return [_attempt_part(self, path, found[part]) for part in parts]


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
    fingerprints : numpy.ndarray or None
        float16, shape ``(n, BANDS, FRAMES)``: see `avser_cli.features.fingerprint`; `None` where
        some clip has none.
    """

    emotions: tuple[str, ...]
    inputs: Inputs
    labels: npt.NDArray[np.int64]
    clips: tuple[Clip, ...]
    skipped: tuple[SkippedFile, ...]
    fingerprints: npt.NDArray[np.float16] | None = None

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
    scheduler: str | None = None,
) -> Dataset:
    """Read what a network takes from every clip of an index.

    A clip that cannot be used is left out and named; of two labels for the same samples, neither is
    taken.

    Parameters
    ----------
    index : Index
    emotions : tuple of str
    read : Reader
    progress : callable, optional
    side_by_side : {"threads", "processes"}
    scheduler : str, optional
        A Dask scheduler whose workers, which see the same files, read instead.

    Raises
    ------
    CorpusError
        Pictures were drawn with other settings than the recipe's, or nothing is left.
    """
    clips, skipped = index.clips, list(index.skipped)
    inputs, fingerprints = _Rows(len(clips)), _Rows(len(clips))
    checksums = [""] * len(clips)
    usable: list[int] = []
    results = _read_all(index, read, side_by_side, scheduler)
    for done, (number, result) in enumerate(results, start=1):
        if isinstance(result, InputError):
            path = clips[number].path
            skipped.append(SkippedFile(path, str(result).removeprefix(f"{path}: ")))
        else:
            usable.append(number)
            checksums[number] = result.samples_sha256
            inputs.put(number, result.inputs)
            if result.fingerprint is not None:
                fingerprints.put(number, result.fingerprint.astype(np.float16))
        if progress:
            progress(done, len(clips))
    usable.sort()
    contradicting = _contradicting([(clips[n], checksums[n]) for n in usable])
    skipped += [SkippedFile(clips[n].path, contradicting[clips[n].key])
                for n in usable if clips[n].key in contradicting]  # fmt: skip
    kept = [number for number in usable if clips[number].key not in contradicting]
    if not kept:
        first = f"; the first: {skipped[len(index.skipped)]}" if clips else ""
        raise CorpusError(f"{index.sources}: none of {len(clips)} clips can be used{first}")
    order = {emotion: number for number, emotion in enumerate(emotions)}
    stack, sketches = inputs.take(kept), fingerprints.take(kept)
    assert stack is not None
    groups = duplicate_groups([checksums[number] for number in kept], sketches)
    return Dataset(
        emotions=emotions,
        inputs=stack,
        labels=np.array([order[clips[number].emotion] for number in kept]),
        clips=tuple(
            replace(clips[number], samples_sha256=checksums[number], duplicate_group=group)
            for number, group in zip(kept, groups, strict=True)
        ),
        skipped=tuple(skipped),
        fingerprints=sketches,
    )


class _Rows:
    """An array that is filled row by row, so that nothing of what files give is held twice."""

    def __init__(self, count: int) -> None:
        self._filled = np.zeros(count, np.bool_)
        self._array: Inputs | None = None

    def put(self, number: int, row: Inputs) -> None:
        """Fill a row; the first one says of which shape and type all are."""
        if self._array is None:
            self._array = np.empty((len(self._filled), *row.shape), row.dtype)
        self._array[number] = row
        self._filled[number] = True

    def take(self, numbers: Sequence[int]) -> Inputs | None:
        """These rows, in rising order, moved to the front; `None` where one is not filled."""
        if self._array is None or not self._filled[numbers].all():
            return None
        for place, number in enumerate(numbers):
            if place != number:
                self._array[place] = self._array[number]
        return self._array[: len(numbers)]


def _contradicting(clips: Sequence[tuple[Clip, str]]) -> dict[str, str]:
    """Clips whose samples have another emotion elsewhere, and why they are not used, by key."""
    by_samples: dict[str, list[Clip]] = {}
    for clip, samples in clips:
        by_samples.setdefault(samples, []).append(clip)
    found = {}
    for same in by_samples.values():
        for clip in same if len({clip.emotion for clip in same}) > 1 else ():
            other = next(one for one in same if one.emotion != clip.emotion)
            found[clip.key] = (
                f"labelled {clip.emotion}, but {other.emotion} as {other.path}: the same samples; "
                "neither is used"
            )
    return found


def _read_all(
    index: Index, read: Reader, side_by_side: str, scheduler: str | None
) -> Iterator[tuple[int, Result]]:
    """Number of each clip in the index, and what it gives; parts of one file together."""
    of_file: dict[Path, list[int]] = {}
    for number, clip in enumerate(index.clips):
        of_file.setdefault(clip.path, []).append(number)
    work = (
        (path, [(index.clips[n].start, index.clips[n].end) for n in numbers])
        for path, numbers in of_file.items()
    )
    if scheduler is not None:
        results = _read_on_cluster(scheduler, read, work, list(of_file))
    else:
        from joblib import Parallel, delayed

        parallel = Parallel(n_jobs=-1, prefer=side_by_side, return_as="generator")
        results = parallel(delayed(read.parts)(path, parts) for path, parts in work)
    for numbers, found in zip(of_file.values(), results, strict=True):
        yield from zip(numbers, found, strict=True)


def _read_on_cluster(
    scheduler: str,
    read: Reader,
    work: Iterable[tuple[Path, list[Part]]],
    paths: Sequence[Path],
) -> Iterator[list[Result]]:
    """What each file gives, read by workers, which have working folders of their own."""

    def read_one(asked: tuple[Path, list[Part]]) -> list[Result]:
        return read.parts(*asked)

    absolute = ((path.absolute(), parts) for path, parts in work)
    answers = spread(scheduler, read_one, absolute, name_of=itemgetter(0))
    for path, found in zip(paths, answers, strict=True):
        for error in {id(one): one for one in found if isinstance(one, InputError)}.values():
            of_path(error, path)
        yield found


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
    return read_sound_as(settings)


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
    settings = SpectrogramConfig()
    spectrogram = draw_spectrogram(waveform.samples, waveform.rate, settings)
    fingerprint = fingerprint_of(spectrogram, settings, waveform.rate, waveform.duration)
    return Read(inputs, sha256(waveform.samples), fingerprint)


def _check_same_config(path: Path, found: SpectrogramConfig, wanted: SpectrogramConfig) -> None:
    if found == wanted:
        return
    old, new = found.as_dict(), wanted.as_dict()
    differing = ", ".join(f"{k} {old[k]} (needed: {new[k]})" for k in new if old[k] != new[k])
    raise CorpusError(
        f"{path}: drawn with other picture settings than the model's: {differing}; "
        "use the recipe that they were drawn with, or draw them again with `avser spectrogram`"
    )
