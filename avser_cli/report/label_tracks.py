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
        In order of time.
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
    """Praat's TextGrid in its long form, which ELAN imports, too.

    One interval tier a speaker, or ``emotion`` where nobody has said who speaks. Intervals cover
    the whole time; those without voice are empty.
    """
    tiers: dict[str, list[Segment]] = {}
    for segment in segments:
        tiers.setdefault(segment.speaker or "emotion", []).append(segment)
    duration = max([duration, *(segment.end for segment in segments)])
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {duration:.3f}",
        "tiers? <exists>",
        f"size = {max(1, len(tiers))}",
        "item []:",
    ]
    for number, (name, of_tier) in enumerate((tiers or {"emotion": []}).items(), start=1):
        intervals = _intervals(of_tier, duration)
        quoted = name.replace('"', '""')
        lines += [
            f"    item [{number}]:",
            '        class = "IntervalTier"',
            f'        name = "{quoted}"',
            "        xmin = 0",
            f"        xmax = {duration:.3f}",
            f"        intervals: size = {len(intervals)}",
        ]
        for place, (start, end, text) in enumerate(intervals, start=1):
            lines += [
                f"        intervals [{place}]:",
                f"            xmin = {start:.3f}",
                f"            xmax = {end:.3f}",
                f'            text = "{text}"',
            ]
    return "\n".join(lines) + "\n"


def _intervals(segments: Sequence[Segment], duration: float) -> list[tuple[float, float, str]]:
    """Without gaps, and without overlap: a segment that starts in another follows it."""
    intervals: list[tuple[float, float, str]] = []
    time = 0.0
    for segment in sorted(segments, key=lambda segment: segment.start):
        if segment.start > time:
            intervals.append((time, segment.start, ""))
            time = segment.start
        if segment.end > time:
            intervals.append((time, segment.end, segment.prediction.emotion))
            time = segment.end
    if duration > time or not intervals:
        intervals.append((time, duration, ""))
    return intervals


def subrip(segments: Sequence[Segment]) -> str:
    """SubRip subtitles."""
    return "\n".join(
        f"{number}\n{_clock(s.start)} --> {_clock(s.end)}\n{_text(s)}\n"
        for number, s in enumerate(segments, start=1)
    )


def _text(segment: Segment) -> str:
    prediction = segment.prediction
    uncertain = " uncertain" if prediction.uncertain else ""
    speaker = f"{segment.speaker}: " if segment.speaker else ""
    return f"{speaker}{prediction.emotion} {prediction.confidence:.2f}{uncertain}"


def _clock(seconds: float) -> str:
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02},{rest % 1000:03}"
