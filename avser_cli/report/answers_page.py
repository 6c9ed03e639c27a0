"""One HTML page of answers: an overview, a table, and for each recording its sound and spectrogram.

The page needs no network. Sounds are linked, relative to the page, or embedded as Opus.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any, Literal

from avser_cli.audio.selection import EVERYTHING, SoundSelection, parse_channel
from avser_cli.checksums import sha256
from avser_cli.inference.predictions import Prediction
from avser_cli.report.figures import emotion_color
from avser_cli.report.html_page import made_now, write_html
from avser_cli.report.page_media import Media, SoundPart, media_fields
from avser_cli.report.result_writer import Row

State = Literal["answered", "no voice", "failed"]


@dataclass(frozen=True)
class PageSegment:
    """The answer for a part of a recording, in seconds from its start."""

    start: float
    end: float
    emotion: str
    confidence: float
    probabilities: tuple[float, ...]
    uncertain: bool
    speaker: str | None = None


@dataclass(frozen=True)
class PageRecording:
    """A row of the page.

    Attributes
    ----------
    path : pathlib.Path
    file : str
        Its name in the table.
    state : {"answered", "no voice", "failed"}
    reason : str
        Why it has no answer.
    emotion, category : str or None
    confidence : float
    probabilities : tuple of float
        In the order of the model's emotions.
    uncertain : bool
    seconds, speech : float
        Length of the recording, and how much of it was judged.
    speaker : str or None
    segments : tuple of PageSegment
    selection : SoundSelection
        What was judged of the file.
    """

    path: Path
    file: str
    state: State
    reason: str = ""
    emotion: str | None = None
    category: str | None = None
    confidence: float = 0.0
    probabilities: tuple[float, ...] = ()
    uncertain: bool = False
    seconds: float = 0.0
    speech: float = 0.0
    speaker: str | None = None
    segments: tuple[PageSegment, ...] = ()
    selection: SoundSelection = EVERYTHING

    @property
    def part(self) -> SoundPart:
        """What is shown and played."""
        return SoundPart(self.path, selection=self.selection)


def recordings_from_rows(
    rows: Iterable[Row],
    emotions: Sequence[str],
    failures: Mapping[str, str],
    selection: SoundSelection = EVERYTHING,
) -> list[PageRecording]:
    """What the page shows, from the rows of `classify`.

    Parameters
    ----------
    rows : iterable of Row
        Those of one recording one after the other.
    emotions : sequence of str
        The model's, in label order.
    failures : mapping
        Recordings without rows, and why.
    selection : SoundSelection
        What was judged of all files; rows of channels name theirs.
    """
    found = [
        replace(
            _recording(file, channel, list(members), emotions),
            selection=_of_channel(selection, channel),
        )
        for (file, channel), members in groupby(rows, attrgetter("file", "channel"))
    ]
    failed = [PageRecording(Path(x), x, "failed", reason) for x, reason in failures.items()]
    return [*found, *failed]


def _of_channel(selection: SoundSelection, name: str) -> SoundSelection:
    channel = parse_channel(name) if name else selection.channel
    return selection if channel == "each" else replace(selection, channel=channel)


def _recording(file: str, channel: str, rows: list[Row], emotions: Sequence[str]) -> PageRecording:
    path, name = Path(file), f"{file} ({channel})" if channel else file
    first = rows[0]
    speaker = first.speaker or None
    if first.span is not None:
        # Given segments may hold no voice.
        segments = tuple(
            _segment(row.span, row.answer, row.speaker, emotions)
            for row in rows
            if row.span and row.answer
        )
        if not segments:
            return PageRecording(path, name, "no voice", "no voice found")
        categories = {row.answer.emotion: row.answer.category for row in rows if row.answer}
        return _summed_up(path, name, speaker, segments, emotions, categories)
    seconds, speech, answer = first.seconds, first.speech, first.answer
    if answer is None:
        return PageRecording(
            path,
            name,
            "no voice",
            "no voice found",
            seconds=seconds,
            speech=speech,
            speaker=speaker,
        )
    return PageRecording(
        path,
        name,
        "answered",
        emotion=answer.emotion,
        category=answer.category,
        confidence=answer.confidence,
        probabilities=tuple(answer.probabilities[x] for x in emotions),
        uncertain=answer.uncertain,
        seconds=seconds,
        speech=speech,
        speaker=speaker,
    )


def _segment(
    span: tuple[float, float], answer: Prediction, speaker: str, emotions: Sequence[str]
) -> PageSegment:
    return PageSegment(
        *span,
        answer.emotion,
        answer.confidence,
        tuple(answer.probabilities[x] for x in emotions),
        answer.uncertain,
        speaker or None,
    )


def _summed_up(
    path: Path,
    name: str,
    speaker: str | None,
    segments: tuple[PageSegment, ...],
    emotions: Sequence[str],
    categories: Mapping[str, str | None],
) -> PageRecording:
    """A recording by its segments: the emotion of most of the time, probabilities by time."""
    lengths = [segment.end - segment.start for segment in segments]
    speech = sum(lengths)
    time = dict.fromkeys(emotions, 0.0)
    for segment, length in zip(segments, lengths, strict=True):
        time[segment.emotion] += length
    emotion = max(emotions, key=time.__getitem__)
    probabilities = [
        sum(x.probabilities[at] * length for x, length in zip(segments, lengths, strict=True))
        / speech
        for at in range(len(emotions))
    ]
    speakers = {segment.speaker for segment in segments}
    return PageRecording(
        path,
        name,
        "answered",
        emotion=emotion,
        category=categories[emotion],
        confidence=probabilities[emotions.index(emotion)],
        probabilities=tuple(probabilities),
        uncertain=all(segment.uncertain for segment in segments if segment.emotion == emotion),
        seconds=max(segment.end for segment in segments),
        speech=speech,
        speaker=speaker if len(speakers) == 1 else None,
        segments=segments,
    )


def write_page(
    target: Path,
    recordings: Sequence[PageRecording],
    media: Mapping[SoundPart, Media],
    categories: Mapping[str, Sequence[str]],
    emotions: Sequence[str],
    about: Sequence[str],
) -> None:
    """Write the page.

    Parameters
    ----------
    target : pathlib.Path
    recordings : sequence of PageRecording
    media : mapping
        By file; recordings without are shown without picture.
    categories : mapping
        Emotions of each category.
    emotions : sequence of str
        The model's, in label order.
    about : sequence of str
        Lines on the model and what it is good for; the last one is set off as a warning.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    rows = [_row(recording, media.get(recording.part, Media()), target) for recording in recordings]
    # Labels given on a page are of its rows and segments, by their numbers.
    names = json.dumps(
        [
            [row["place"], x.selection.mark, [(part.start, part.end) for part in x.segments]]
            for row, x in zip(rows, recordings, strict=True)
        ]
    )
    data = {
        "id": sha256(names.encode("utf-8", "surrogateescape"))[:16],
        "emotions": list(emotions),
        "categories": {name: list(members) for name, members in categories.items()},
        "colors": {emotion: emotion_color(emotion) for emotion in emotions},
        "recordings": rows,
    }
    write_html(
        target,
        "answers.html.j2",
        title="Emotions in recordings",
        made=f"{len(rows)} recordings, {made_now()}",
        about=about[:-1],
        warning=about[-1],
        data=data,
    )


def _row(recording: PageRecording, media: Media, target: Path) -> dict[str, Any]:
    """A recording as the page's script reads it."""
    row = asdict(recording)
    row.pop("path")
    row["confidence"] = round(recording.confidence, 4)
    row["probabilities"] = [round(x, 3) for x in recording.probabilities]
    for segment in row["segments"]:
        segment["probabilities"] = [round(x, 3) for x in segment["probabilities"]]
        segment["confidence"] = round(segment["confidence"], 4)
    row["place"] = str(recording.path.absolute())
    row |= media_fields(recording.part, media, target)
    row["seconds"] = row["seconds"] or round(recording.seconds, 2)
    return row
