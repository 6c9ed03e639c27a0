"""What `classify` says, in the paper's words (section 3.5, step 7)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from avser_cli.data.emotions import Category
from avser_cli.inference.predictions import Prediction, Segment
from avser_cli.report.tables import TextTable

PAPER_DOTS = {"sad": "...", "neutral": ".... "}
"""The paper's own spacing between the two halves of the first line, where it is not the rule."""

EN_DASH = "\u2013"

BAR = 30
"""Characters of a bar of probability 1."""


def paper_lines(emotion: str, categories: Mapping[str, Category | None]) -> list[str]:
    """The four lines that the paper's algorithm prints, letter for letter.

    Parameters
    ----------
    emotion : str
    categories : Mapping
        The model's emotions and their categories, if they have any; for the paper's four the last
        three lines are the paper's.
    """
    dots = PAPER_DOTS.get(emotion, "... ")
    members = {
        category: ", ".join(sorted(x for x, found in categories.items() if found == category))
        for category in ("positive", "negative")
    }
    comes = categories[emotion]
    first = (
        f"Your emotion comes under {comes} category" if comes else "Your emotion has no category"
    )
    return [
        f"{first}{dots}your emotion is {emotion}",
        "Emotion categories : Positive & Negative",
        f"Positive emotions : {members['positive']}",
        f"Negative emotions : {members['negative']}",
    ]


def probability_bars(prediction: Prediction) -> list[str]:
    """One line an emotion: name, bar, probability; last, whether the answer is uncertain."""
    width = max(map(len, prediction.probabilities))
    bars = [
        f"{label:<{width}}  {'█' * round(p * BAR):<{BAR}}  {p:.2f}"
        for label, p in prediction.probabilities.items()
    ]
    return [*bars, "uncertain"] if prediction.uncertain else bars


def uncertain_line(prediction: Prediction, threshold: float) -> str:
    """That an answer is uncertain, and by what: its confidence and the model's threshold."""
    return f"uncertain: {prediction.confidence:.2f}, under the model's threshold of {threshold:.2f}"


def segment_line(segment: Segment, verbose: bool = False) -> str:
    """Times, emotion and confidence, and ``uncertain`` where the bundle calls it so."""
    prediction = segment.prediction
    parts = [f"{clock(segment.start)}{EN_DASH}{clock(segment.end)}"]
    if segment.speaker:
        parts.append(segment.speaker)
    parts.append(prediction.emotion)
    parts.append(f"{prediction.confidence:.2f}")
    if verbose:
        parts += [f"{label} {p:.2f}" for label, p in prediction.probabilities.items()]
    return "  ".join([*parts, "uncertain"] if prediction.uncertain else parts)


def time_summary(segments: Sequence[Segment], seconds: float) -> list[str]:
    """How much of a recording is voice, and each emotion's share of that time."""
    times: dict[str, float] = {}
    for segment in segments:
        emotion = segment.prediction.emotion
        times[emotion] = times.get(emotion, 0.0) + segment.end - segment.start
    voice = sum(times.values())
    if not voice:
        return [f"no voice in {clock(seconds)}"]
    shares = sorted(times.items(), key=lambda item: -item[1])
    return [
        f"voice {clock(voice)} of {clock(seconds)}: "
        + ", ".join(f"{emotion} {time / voice:.0%}" for emotion, time in shares)
    ]


def speaker_summary(segments: Sequence[Segment], seconds: float) -> list[str]:
    """A line as that of `time_summary` for each speaker, in the order in which they speak."""
    names = list(dict.fromkeys(segment.speaker for segment in segments))
    return [
        f"{name}: {line}" if name else line
        for name in names
        for line in time_summary([one for one in segments if one.speaker == name], seconds)
    ]


def answer_table(answers: Sequence[tuple[str, Prediction | Segment]]) -> TextTable:
    """A table for people: sounds, or the segments of recordings."""
    windows = any(isinstance(answer, Segment) for _, answer in answers)
    speakers = any(isinstance(answer, Segment) and answer.speaker for _, answer in answers)
    times = ("from", "to") if windows else ()
    head = ("file", *times, *(["speaker"] if speakers else []))
    head = (*head, "emotion", "category", "confidence", "")
    right = {*range(1, 1 + len(times)), head.index("confidence")}
    return TextTable(
        head,
        tuple(_answer_row(file, answer, speakers) for file, answer in answers),
        left=frozenset(range(len(head))) - right,
        wrap=frozenset({0}),
    )


def _answer_row(file: str, answer: Prediction | Segment, speakers: bool) -> tuple[str, ...]:
    before: tuple[str, ...] = ()
    prediction = answer if isinstance(answer, Prediction) else answer.prediction
    if isinstance(answer, Segment):
        before = clock(answer.start), clock(answer.end), *([answer.speaker] if speakers else [])
    uncertain = "uncertain" if prediction.uncertain else ""
    confidence = f"{prediction.confidence:.2f}"
    category = prediction.category or ""
    return (file, *before, prediction.emotion, category, confidence, uncertain)


def clock(seconds: float, digits: int = 1) -> str:
    """Time as ``00:12.3``, over an hour as ``1:00:12.3``."""
    unit = 10**digits
    minutes, rest = divmod(round(seconds * unit), 60 * unit)
    hours, minutes = divmod(minutes, 60)
    ending = f"{rest // unit:02}" + (f".{rest % unit:0{digits}}" if digits else "")
    return f"{hours}:{minutes:02}:{ending}" if hours else f"{minutes:02}:{ending}"
