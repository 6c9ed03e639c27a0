"""One HTML page of answers: an overview, a table, and for each recording its sound and spectrogram.

The page needs no network. Sounds are linked, relative to the page, or embedded as Opus.
"""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from PIL import Image

from avser_cli.audio.decoding import open_sound
from avser_cli.audio.streams import Samples
from avser_cli.checksums import sha256
from avser_cli.data.emotions import CATEGORIES
from avser_cli.files import write_whole
from avser_cli.report.figures import EMOTION_COLORS
from avser_cli.report.result_writer import Row
from avser_cli.report.timeline import COLUMN, Overview

PICTURE_WIDTH, PICTURE_HEIGHT = 600, 64
"""Largest picture of a recording, in pixels."""
PICTURE_QUALITY = 55
FINEST_COLUMN = 0.02
"""Seconds that a column of it spans at least."""
DARKEST, BRIGHTEST = 60, 230
"""Gray levels of the overview that are shown as black and white."""
OPUS_RATE, OPUS_BITS = 24_000, 24_000
"""Sampling rate in Hz and bits a second of embedded sounds."""
MAX_EMBEDDED_BYTES = 200 * 2**20
"""Most that embedded sounds may take; browsers open larger pages slowly or not at all."""

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


@dataclass(frozen=True)
class Media:
    """What a browser shows and plays of a recording.

    Attributes
    ----------
    seconds : float
        Its length; 0 where it cannot be read.
    picture : bytes
        Its spectrogram, WebP; empty where it cannot be drawn.
    opus : bytes
        Its sound, Ogg Opus; empty where it is linked.
    """

    seconds: float = 0.0
    picture: bytes = b""
    opus: bytes = b""


def read_media(path: Path, embed: bool) -> Media:
    """Read a recording once more, for its picture and, if wanted, a small copy of its sound.

    Raises
    ------
    InputError
        It cannot be read any more.
    """
    opus = _OpusWriter() if embed else None
    with open_sound(path) as sound:
        column = min(max(sound.stream.duration / PICTURE_WIDTH, FINEST_COLUMN), COLUMN)
        overview = Overview(column)
        for block in sound.blocks():
            overview.feed(block, sound.stream.rate)
            if opus:
                opus.write(block, sound.stream.rate)
    picture = _webp(overview) if overview.seconds else b""
    return Media(overview.seconds, picture, opus.finish() if opus else b"")


def recordings_from_rows(
    rows: Iterable[Row], emotions: Sequence[str], failures: Mapping[str, str]
) -> list[PageRecording]:
    """What the page shows, from the rows of `classify`.

    Parameters
    ----------
    rows : iterable of dict
        See `avser_cli.report.result_writer.RowLayout`; those of one recording one after the other.
    emotions : sequence of str
        The model's, in label order.
    failures : mapping
        Recordings without rows, and why.
    """
    found = [
        _recording(file, channel, list(members), emotions)
        for (file, channel), members in groupby(rows, lambda x: (x["file"], x.get("channel", "")))
    ]
    failed = [PageRecording(Path(x), x, "failed", reason) for x, reason in failures.items()]
    return [*found, *failed]


def _recording(file: str, channel: str, rows: list[Row], emotions: Sequence[str]) -> PageRecording:
    path, name = Path(file), f"{file} ({channel})" if channel else file
    first = rows[0]
    if "start" in first:
        # Given segments may hold no voice.
        segments = tuple(_segment(row, emotions) for row in rows if row["emotion"] is not None)
        if not segments:
            return PageRecording(path, name, "no voice", "no voice found")
        return _summed_up(path, name, first.get("speaker") or None, segments, emotions)
    lengths: dict[str, Any] = {"seconds": first["seconds"] or 0.0, "speech": first["speech"] or 0.0}
    speaker = first.get("speaker") or None
    if first["emotion"] is None:
        return PageRecording(path, name, "no voice", "no voice found", speaker=speaker, **lengths)
    return PageRecording(
        path,
        name,
        "answered",
        emotion=first["emotion"],
        category=first["category"],
        confidence=first["confidence"],
        probabilities=tuple(first["probabilities"][x] for x in emotions),
        uncertain=first["uncertain"],
        speaker=speaker,
        **lengths,
    )


def _segment(row: Row, emotions: Sequence[str]) -> PageSegment:
    return PageSegment(
        row["start"],
        row["end"],
        row["emotion"],
        row["confidence"],
        tuple(row["probabilities"][x] for x in emotions),
        row["uncertain"],
        row.get("speaker") or None,
    )


def _summed_up(
    path: Path,
    name: str,
    speaker: str | None,
    segments: tuple[PageSegment, ...],
    emotions: Sequence[str],
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
        category=CATEGORIES.get(emotion),
        confidence=probabilities[emotions.index(emotion)],
        probabilities=tuple(probabilities),
        uncertain=all(segment.uncertain for segment in segments if segment.emotion == emotion),
        seconds=max(segment.end for segment in segments),
        speech=speech,
        speaker=speaker if len(speakers) == 1 else None,
        segments=segments,
    )


def embedded_bytes(seconds: float) -> int:
    """About what sounds of this length together take in a page that embeds them."""
    return round(seconds * OPUS_BITS / 8 * 4 / 3)


def write_page(
    target: Path,
    recordings: Sequence[PageRecording],
    media: Mapping[Path, Media],
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
        By path; recordings without are shown without picture.
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
    from jinja2 import Environment

    rows = [_row(recording, media.get(recording.path, Media()), target) for recording in recordings]
    names = json.dumps([row["place"] for row in rows])
    data = {
        "id": sha256(names.encode("utf-8", "surrogateescape"))[:16],
        "emotions": list(emotions),
        "categories": {name: list(members) for name, members in categories.items()},
        "colors": {emotion: EMOTION_COLORS.get(emotion, "#BBBBBB") for emotion in emotions},
        "recordings": rows,
    }
    page = Environment(autoescape=True).from_string(_part("answers.html.j2"))
    text = page.render(
        title="Emotions in recordings",
        made=f"{len(rows)} recordings, {datetime.now().astimezone():%Y-%m-%d %H:%M}",
        about=about,
        emotions=emotions,
        data=data,
        script=_part("answers.js"),
    )
    # Names of files need not be text; a browser shows what is none as a sign for that.
    write_whole(target, text.encode("utf-8", "replace"))


def _row(recording: PageRecording, media: Media, target: Path) -> dict[str, Any]:
    """A recording as the page's script reads it."""
    row = asdict(recording)
    row.pop("path")
    row["confidence"] = round(recording.confidence, 4)
    row["probabilities"] = [round(x, 3) for x in recording.probabilities]
    for segment in row["segments"]:
        segment["probabilities"] = [round(x, 3) for x in segment["probabilities"]]
        segment["confidence"] = round(segment["confidence"], 4)
    row["seconds"] = round(media.seconds or recording.seconds, 2)
    row["place"] = str(recording.path.absolute())
    if media.picture:
        row["picture"] = base64.b64encode(media.picture).decode()
    if media.opus:
        row["sound"] = f"data:audio/ogg;base64,{base64.b64encode(media.opus).decode()}"
    elif recording.path.is_file():
        row["sound"] = _link(recording.path, target)
    return row


def _link(path: Path, target: Path) -> str:
    """A link from the page to a file, relative where both are on one drive."""
    try:
        relative = os.path.relpath(path.absolute(), target.absolute().parent)
    except ValueError:
        return path.absolute().as_uri()
    return quote(os.fsencode(Path(relative).as_posix()))


def _webp(overview: Overview) -> bytes:
    spectrogram = overview.spectrogram().astype(float)
    scaled = (spectrogram - DARKEST) * 255 / (BRIGHTEST - DARKEST)
    image = Image.fromarray(scaled.clip(0, 255).astype("uint8"))
    width = min(PICTURE_WIDTH, image.width)
    shown = image.resize((width, PICTURE_HEIGHT), Image.Resampling.BILINEAR)
    content = io.BytesIO()
    shown.save(content, "WEBP", quality=PICTURE_QUALITY)
    return content.getvalue()


class _OpusWriter:
    """Mono samples to Ogg Opus, block by block."""

    def __init__(self) -> None:
        import av

        self._file = io.BytesIO()
        self._container = av.open(self._file, "w", format="ogg")
        stream = self._container.add_stream("libopus", rate=OPUS_RATE, layout="mono")
        stream.bit_rate = OPUS_BITS
        self._stream: Any = stream

    def write(self, block: Samples, rate: int) -> None:
        """Take in samples, shape ``(n,)``."""
        import av

        frame = av.AudioFrame.from_ndarray(block[None, :], format="flt", layout="mono")
        frame.sample_rate = rate
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> bytes:
        """The whole file."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._file.getvalue()


@cache
def _part(name: str) -> str:
    return files("avser_cli.report").joinpath(name).read_text("utf-8")
