"""One call of `classify`: what is asked for, where answers go, and how it went."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from avser_cli.audio.decoding import STDIN
from avser_cli.audio.folder import PathList, check_folders_exist, list_sounds
from avser_cli.audio.input import display_name
from avser_cli.checksums import sha256
from avser_cli.commands.listing import report_listing
from avser_cli.commands.page_options import AnswersPage
from avser_cli.commands.speakers import SpeakerClassifiers, normalize_speakers, speakers_of
from avser_cli.errors import InputError, NoVoiceError, PartialError
from avser_cli.inference.classifier import Classifier
from avser_cli.inference.predictions import Segment
from avser_cli.inference.recordings import classifiers_of
from avser_cli.inference.segment_files import RecordingSegments, read_segments
from avser_cli.inference.speaker_normalization import MIN_RECORDINGS
from avser_cli.inference.speaker_reference import normalize_speaker
from avser_cli.report.console import echo, escape, progress
from avser_cli.report.result_writer import ResultWriter, Row, RowLayout

Format = Literal["text", "table", "csv", "jsonl", "audacity", "textgrid", "srt"]
"""What stdout or ``--out`` gets."""


def expanded(given: Path, unreadable: list[str]) -> PathList:
    """A sound, or those of a folder; what of it cannot be read is reported."""
    if not given.is_dir():
        return PathList([str(given)])
    found = list_sounds(given)
    report_listing(given, found)
    unreadable += found.unreadable
    return found.files


@dataclass(frozen=True)
class Given:
    """A sound or a folder, as it was given, and the sounds that are meant."""

    place: Path
    is_folder: bool
    sounds: PathList


@dataclass
class Run:
    """One call of the command: what is asked for, and how it went.

    Of sounds that are done nothing is held, so that memory does not grow with their number: an
    error would hold the sound that was decoded, through its traceback.
    """

    classifier: Classifier
    given: list[Given]
    format: Format
    out: Path | None
    jobs: int
    verbose: bool
    unreadable: list[str]
    each_channel: bool = False
    scheduler: str | None = None
    kept: int = 0
    answered: int = 0
    failures: int = 0
    part_failures: int = 0
    reference_failures: int = 0
    unknown_speakers: int = 0
    damaged: int = 0
    segments: RecordingSegments | None = None
    marked_by: Path | None = None
    own_reference: bool = False
    speakers: SpeakerClassifiers | None = None
    marks: str = ""
    page: AnswersPage | None = None

    def __post_init__(self) -> None:
        names = [name for one in self.given for name in one.sounds.names]
        # A sound that is given twice, as with its folder, is one.
        self.paths = PathList(dict.fromkeys(names) if len(self.given) > 1 else names)
        self.only = len(self.paths) == 1
        if self.each_channel:
            self.marks += "+each-channel"

    @cached_property
    def places(self) -> dict[Path, Path]:
        """Each sound, and where it lies below the folder that was given."""
        return {
            path: path.relative_to(one.place) if one.is_folder else Path(path.name)
            for one in self.given
            for path in one.sounds
        }

    @property
    def several(self) -> bool:
        """Whether answers need names."""
        return len(self.paths) > 1

    @property
    def labels(self) -> tuple[str, ...]:
        """The model's emotions."""
        return self.classifier.config.labels

    def normalize_speaker(self, place: Path, windows: bool) -> None:
        """Subtract the model's bias for the speaker, as the reference shows it."""

        def failed(error: InputError) -> None:
            self.reference_failures += 1
            echo(f"speaker reference, left out: {escape(error)}")

        if not place.exists():
            raise InputError(f"{place}: no such folder or file; check the name")
        recordings = expanded(place, self.unreadable)
        with progress("reading the reference", True) as on_progress:
            self.classifier = normalize_speaker(
                self.classifier, recordings, windows, self.jobs, failed, on_progress
            )
        assert self.classifier.normalization is not None
        kind = "windows" if windows else "recordings"
        echo(f"speaker reference: {self.classifier.normalization.count} {kind}")

    def normalize_speakers(self, by: str, windows: bool) -> None:
        """Take each speaker's own sounds as the reference of that speaker."""

        def failed(error: InputError) -> None:
            echo(f"speaker reference, left out: {escape(error)}")

        of_sound = speakers_of(by, self.places)
        with progress("reading the references", True) as on_progress:
            self.speakers = normalize_speakers(
                self.classifier, of_sound, windows, self.jobs, failed, on_progress
            )
        self.marks += self.speakers.mark
        known, count = len(self.speakers.of_speaker), len(set(of_sound.values()))
        self.unknown_speakers += count - known
        echo(f"speaker references: {known} of {count} speakers")

    def read_segments(self, path: Path, own_reference: bool) -> None:
        """Classify the parts that a file marks."""
        self.segments = RecordingSegments(read_segments(path), self.paths.names)
        self.own_reference, self.marked_by = own_reference, path
        content = path.read_bytes() + (b"own reference" if own_reference else b"")
        self.marks += f"+{sha256(content)[:8]}"

    def tell_unknown_speakers(self, task: Task, judged: Sequence[Segment]) -> None:
        """Name those who have too few segments to be their own reference, or no name."""
        for speaker, count in Counter(segment.speaker for segment in judged).items():
            if not speaker:
                self.unknown_speakers += 1
                echo(
                    f"speaker reference, left out: {task.name}: {count} segments without a "
                    "speaker's name"
                )
            elif count < MIN_RECORDINGS:
                self.unknown_speakers += 1
                echo(
                    f"speaker reference, left out: {task.name}: {escape(speaker)}: {count} "
                    f"segments; at least {MIN_RECORDINGS} are needed"
                )

    def classifier_of(self, path: Path) -> Classifier:
        """Who answers for a sound."""
        return self.speakers.classifier(path) if self.speakers else self.classifier

    def tasks(self, path: Path) -> list[Task]:
        """What of a sound is judged by itself: all of it, or each channel."""
        judges = classifiers_of(self.classifier_of(path), path, self.each_channel)
        return [Task(path, judge, channel) for channel, judge in judges]

    def rows(self, parts: bool) -> ResultWriter | None:
        """Where rows go; None for formats without rows. What is done already is left out."""
        speaker = self.segments is not None or self.speakers is not None
        if self.format != "csv" and self.format != "jsonl":
            return None
        layout = RowLayout(self.labels, parts, speaker, self.each_channel)
        writer = ResultWriter(self.out, self.format, layout, self.row_model)
        remaining = PathList(name for name in self.paths.names if name not in writer.done)
        self.kept = len(self.paths) - len(remaining)
        self.paths = remaining
        return writer

    @property
    def row_model(self) -> str:
        """Who answered, as rows name it."""
        return self.classifier.name + self.marks

    def live(self, path: Path) -> bool:
        """Whether rows of a recording are to be told while it still comes in."""
        return path == STDIN and self.out is None

    def speaker(self, path: Path) -> str:
        """Who speaks in a sound, where that is known."""
        return self.speakers.speaker(path) if self.speakers else ""

    def part_failed(self, task: Task, error: InputError) -> None:
        """Note a channel that could not be classified, where another one could."""
        self.part_failures += 1
        echo(f"failed: {task.channel} channel: {escape(error)}")

    def failed(self, path: Path, error: InputError) -> None:
        """Note a sound that could not be classified; the only one ends the command."""
        if not self.several and not self.kept:
            raise error
        folders = [one.place for one in self.given if one.is_folder]
        check_folders_exist(folders, self.kept + self.answered > 0)
        self.failures += 1
        if self.page and not isinstance(error, NoVoiceError):
            self.page.failed(path, error)
        echo(f"failed: {escape(error)}")

    def note(self, rows: list[Row]) -> None:
        """Take a sound's rows into the page of answers, if there is one."""
        if self.page:
            self.page.add(rows)

    def write_page(self) -> None:
        """Write the page of answers, where one is asked for."""
        if self.page is None:
            return
        if self.kept and self.out and (self.format == "csv" or self.format == "jsonl"):
            self.page.add_kept(self.out, self.format)
        self.page.write(self.classifier, self.jobs)

    def finish(self) -> None:
        """Say how it went, by exit code, too."""
        count, failed = len(self.paths), self.failures
        if self.out:
            echo(
                f"{escape(self.out)}: {self.answered} classified, {self.kept} kept, {failed} failed"
            )
        if failed and failed == count + self.kept:
            raise InputError(f"none of {count} sounds could be classified")
        if failed:
            raise PartialError(f"{failed} of {count + self.kept} sounds could not be classified")
        if self.part_failures:
            raise PartialError(f"{self.part_failures} channels could not be classified; see above")
        if self.damaged:
            raise PartialError(f"{self.damaged} of {count + self.kept} sounds damaged; see above")
        if self.unreadable:
            raise PartialError(f"{len(set(self.unreadable))} folders could not be read")
        if self.reference_failures:
            skipped = self.reference_failures
            what = "recording" if skipped == 1 else "recordings"
            raise PartialError(f"{skipped} {what} of the speaker reference could not be used")
        if self.unknown_speakers:
            raise PartialError(
                f"{self.unknown_speakers} speakers have no name, or too few recordings for a "
                "reference; their answers are not corrected"
            )

    def track_place(self, path: Path) -> Path:
        """Where a sound's track goes below ``--out``: the tree is mirrored, none is shared."""
        if self._top is None:
            return self.places[path]
        return path.absolute().relative_to(self._top)

    @cached_property
    def _top(self) -> Path | None:
        """Where sounds of several folders have one name: the folder that all lie in."""
        if len(set(self.places.values())) == len(self.places):
            return None
        return Path(os.path.commonpath([x.absolute().parent for x in self.places]))

    @contextmanager
    def progress(self, what: str, wanted: bool) -> Iterator[Callable[[int, int], None]]:
        """A progress bar, where it does not stand between the answers."""
        # On a terminal the answers themselves show how far it is.
        with progress(what, wanted and (bool(self.out) or not sys.stdout.isatty())) as on_progress:
            yield on_progress


@dataclass(frozen=True)
class Task:
    """A sound, or a channel of it, and who answers."""

    path: Path
    classifier: Classifier
    channel: str = ""

    @property
    def name(self) -> str:
        """For people, with terminal escapes made visible."""
        name = escape(display_name(self.path))
        return f"{name} ({self.channel})" if self.channel else name


def first_error(errors: list[tuple[Task, InputError]]) -> tuple[Path, InputError]:
    """The first thing that went wrong with a sound."""
    task, error = errors[0]
    return task.path, error
