"""Who speaks in each sound, and each speaker's own recordings as their reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from avser_cli.checksums import sha256
from avser_cli.data.label_table import read_rows
from avser_cli.errors import CorpusError, InputError, UsageError
from avser_cli.inference.classifier import Classifier
from avser_cli.inference.speaker_reference import normalize_speaker

BY_FOLDER = "folder"


def speakers_of(by: str, places: Mapping[Path, Path]) -> dict[Path, str]:
    """The speaker of each sound.

    Parameters
    ----------
    by : str
        ``folder``: the first sub-folder of the folder that was given; else a table with columns
        ``file`` and ``speaker``.
    places : Mapping of path to path
        Each sound and its place below the folder that was given.

    Raises
    ------
    UsageError
        A sound lies in no sub-folder.
    InputError
        The table cannot be read, or lacks a sound.
    """
    if by == BY_FOLDER:
        for sound, place in places.items():
            if len(place.parts) < 2:
                raise UsageError(
                    f"{sound}: lies in no speaker's folder; --speakers folder takes the "
                    "sub-folders of the folder that is given"
                )
        folders = {sound: sound.parents[len(x.parts) - 2] for sound, x in places.items()}
        of_name: dict[str, set[Path]] = {}
        for folder in folders.values():
            of_name.setdefault(folder.name, set()).add(folder)
        # People of one name in several of the folders that were given are not one.
        alone = {name for name, same in of_name.items() if len(same) == 1}
        return {x: y.name if y.name in alone else str(y) for x, y in folders.items()}
    table = Path(by)
    if not table.is_file():
        raise UsageError(
            f"--speakers {by}: {BY_FOLDER}, or a CSV file with columns file and speaker"
        )
    try:
        rows = [row for _, row in read_rows(table, ("file", "speaker"))]
    except CorpusError as error:
        raise InputError(str(error)) from None
    named = {(table.parent / row["file"]).absolute(): row["speaker"] for row in rows}
    missing = [sound for sound in places if not named.get(sound.absolute())]
    if missing:
        raise InputError(
            f"{table}: names no speaker of {missing[0]} ({len(missing)} of {len(places)} sounds); "
            "files are looked for from the table's folder"
        )
    return {sound: named[sound.absolute()] for sound in places}


@dataclass(frozen=True)
class SpeakerClassifiers:
    """A classifier for each speaker; those who have too few recordings have the plain one.

    Attributes
    ----------
    plain : Classifier
    of_sound : dict of path to str
    of_speaker : dict of str to Classifier
    """

    plain: Classifier
    of_sound: dict[Path, str]
    of_speaker: dict[str, Classifier]

    def speaker(self, sound: Path) -> str:
        """Who speaks in a sound."""
        return self.of_sound.get(sound, "")

    def classifier(self, sound: Path) -> Classifier:
        """The one that knows who speaks in a sound."""
        return self.of_speaker.get(self.speaker(sound), self.plain)

    @property
    def mark(self) -> str:
        """Tells answers with these references from others: a plus and eight digits."""
        keys = [f"{name}={one.name}" for name, one in sorted(self.of_speaker.items())]
        return f"+{sha256(','.join(keys).encode())[:8]}"


def normalize_speakers(
    classifier: Classifier,
    of_sound: dict[Path, str],
    windows: bool,
    jobs: int,
    failed: Callable[[InputError], None],
    on_progress: Callable[[int, int], None],
) -> SpeakerClassifiers:
    """Take each speaker's own recordings as the reference of that speaker.

    Parameters are those of `normalize_speaker`; `failed` is also called for each speaker who has
    too few recordings and so keeps the plain classifier.
    """
    known = {}
    done = 0
    of_speaker: dict[str, list[Path]] = {}
    for sound, speaker in of_sound.items():
        of_speaker.setdefault(speaker, []).append(sound)
    for speaker, recordings in sorted(of_speaker.items()):

        def report(error: InputError, speaker: str = speaker) -> None:
            failed(InputError(f"{speaker}: {error}"))

        def count(more: int, _: int, before: int = done) -> None:
            on_progress(before + more, len(of_sound))

        try:
            known[speaker] = normalize_speaker(classifier, recordings, windows, jobs, report, count)
        except InputError as error:
            report(error)
        done += len(recordings)
    return SpeakerClassifiers(classifier, of_sound, known)
