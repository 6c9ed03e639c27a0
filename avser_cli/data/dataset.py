"""From indexed clips to arrays: inputs, labels and what each clip is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from avser_cli.audio.parts import Part
from avser_cli.cluster import spread
from avser_cli.data.clip import Clip, SkippedFile
from avser_cli.data.clips import Index
from avser_cli.data.equal_files import equal_files
from avser_cli.data.near_duplicates import duplicate_groups
from avser_cli.data.network_inputs import Inputs, Reader, Result
from avser_cli.errors import CorpusError, InputError, UsageError, of_path
from avser_cli.processes import end_idle_processes
from avser_cli.threads import in_order

Progress = Callable[[int, int], None]
"""Called with the number of files done and the number of all."""


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
        float16, shape ``(n, BANDS, FRAMES)``: see `avser_cli.features.fingerprint`, from the
        pictures that the network takes, as bundles know their clips; `None` where some clip has
        none.
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
    taken. Clips of emotions that were not asked for contradict it only where their files are equal:
    they are not decoded.

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
    inputs, fingerprints, usual = (_Rows(len(clips)) for _ in range(3))
    checksums = [""] * len(clips)
    usable: list[int] = []
    results = _read_all(index, read, side_by_side, scheduler)
    for done, (number, result) in enumerate(results, start=1):
        if isinstance(result, InputError):
            path = clips[number].path
            reason = str(result).removeprefix(f"{path}: ")
            skipped.append(SkippedFile(path, reason, unreadable=True))
        else:
            usable.append(number)
            checksums[number] = result.samples_sha256
            inputs.put(number, result.inputs)
            if result.fingerprint is not None:
                fingerprints.put(number, result.fingerprint.astype(np.float16))
            if result.usual_fingerprint is not None:
                usual.put(number, result.usual_fingerprint.astype(np.float16))
        if progress:
            progress(done, len(clips))
    usable.sort()
    contradicting = _contradicting([(clips[n], checksums[n]) for n in usable])
    contradicting |= _contradicted_by([clips[n] for n in usable], index.others)
    skipped += [SkippedFile(clips[n].path, contradicting[clips[n].key])
                for n in usable if clips[n].key in contradicting]  # fmt: skip
    kept = [number for number in usable if clips[number].key not in contradicting]
    if not kept:
        first = f"; the first: {skipped[len(index.skipped)]}" if clips else ""
        raise CorpusError(f"{index.sources}: none of {len(clips)} clips can be used{first}")
    order = {emotion: number for number, emotion in enumerate(emotions)}
    stack, kept_fingerprints, compared = (rows.take(kept) for rows in (inputs, fingerprints, usual))
    assert stack is not None
    groups = duplicate_groups(
        [checksums[number] for number in kept], kept_fingerprints if compared is None else compared
    )
    return Dataset(
        emotions=emotions,
        inputs=stack,
        labels=np.array([order[clips[number].emotion] for number in kept]),
        clips=tuple(
            replace(clips[number], samples_sha256=checksums[number], duplicate_group=group)
            for number, group in zip(kept, groups, strict=True)
        ),
        skipped=tuple(skipped),
        fingerprints=kept_fingerprints,
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
            found[clip.key] = _contradiction(clip, other)
    return found


def _contradicted_by(clips: Sequence[Clip], others: Sequence[Clip]) -> dict[str, str]:
    """The same of clips whose whole file equals that of one of others, of other emotions."""
    whole = [clip for clip in clips if clip.start is clip.end is None]
    by_path = {clip.path: clip for clip in others if clip.start is clip.end is None}
    equal = equal_files((clip.path for clip in whole), by_path)
    return {
        clip.key: _contradiction(clip, by_path[equal[clip.path]])
        for clip in whole
        if clip.path in equal
    }


def _contradiction(clip: Clip, other: Clip) -> str:
    return (
        f"labelled {clip.emotion}, but {other.emotion} as {other.path}: the same samples; "
        "neither is used"
    )


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
    elif side_by_side == "threads":
        results = in_order(lambda asked: read.parts(*asked), work, jobs=-1)
    else:
        from joblib import Parallel, delayed

        end_idle_processes()
        parallel = Parallel(n_jobs=-1, return_as="generator")
        results = parallel(delayed(read.parts)(path, parts) for path, parts in work)
    try:
        for numbers, found in zip(of_file.values(), results, strict=True):
            yield from zip(numbers, found, strict=True)
    except BrokenProcessPool:
        raise UsageError(
            "a process that read sounds died, perhaps for want of memory; start again, with less "
            "else running"
        ) from None


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
