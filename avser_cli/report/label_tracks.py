"""Segments as label tracks of other programs: Audacity, Praat and ELAN (TextGrid), SubRip."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from avser_cli.inference.predictions import Segment

LabelFormat = Literal["audacity", "textgrid", "srt"]
LABEL_SUFFIXES: dict[LabelFormat, str] = {
    "audacity": ".txt",
    "textgrid": ".TextGrid",
    "srt": ".srt",
}


def label_track(format: LabelFormat, segments: Sequence[Segment], duration: float) -> str:
    """The text of a label file.

    Parameters
    ----------
    format : {"audacity", "textgrid", "srt"}
    segments : sequence of Segment
        In order of time, without overlap.
    duration : float
        Length of the recording in seconds.
    """
    if format == "audacity":
        return audacity_labels(segments)
    if format == "srt":
        return subrip(segments)
    return text_grid(segments, duration)


def audacity_labels(segments: Sequence[Segment]) -> str:
    """Audacity's label track: start, end and label with tabs between."""
    return "".join(f"{s.start:.6f}\t{s.end:.6f}\t{_text(s)}\n" for s in segments)


def text_grid(segments: Sequence[Segment], duration: float) -> str:
    """Praat's TextGrid in its long form, which ELAN imports, too: one interval tier ``emotion``.

    Intervals cover the whole time; those without voice are empty.
    """
    intervals: list[tuple[float, float, str]] = []
    time = 0.0
    for segment in segments:
        if segment.start > time:
            intervals.append((time, segment.start, ""))
        intervals.append((segment.start, segment.end, segment.prediction.emotion))
        time = segment.end
    duration = max(duration, time)
    if duration > time or not intervals:
        intervals.append((time, duration, ""))
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {duration:.3f}",
        "tiers? <exists>",
        "size = 1",
        "item []:",
        "    item [1]:",
        '        class = "IntervalTier"',
        '        name = "emotion"',
        "        xmin = 0",
        f"        xmax = {duration:.3f}",
        f"        intervals: size = {len(intervals)}",
    ]
    for number, (start, end, text) in enumerate(intervals, start=1):
        lines += [
            f"        intervals [{number}]:",
            f"            xmin = {start:.3f}",
            f"            xmax = {end:.3f}",
            f'            text = "{text}"',
        ]
    return "\n".join(lines) + "\n"


def subrip(segments: Sequence[Segment]) -> str:
    """SubRip subtitles."""
    return "\n".join(
        f"{number}\n{_clock(s.start)} --> {_clock(s.end)}\n{_text(s)}\n"
        for number, s in enumerate(segments, start=1)
    )


def _text(segment: Segment) -> str:
    prediction = segment.prediction
    uncertain = " uncertain" if prediction.uncertain else ""
    return f"{prediction.emotion} {prediction.confidence:.2f}{uncertain}"


def _clock(seconds: float) -> str:
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02},{rest % 1000:03}"
