"""A labelled clip of any corpus, and a file that cannot be used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Clip:
    """A recording and its labels, whatever corpus it is from.

    Attributes
    ----------
    key : str
        Corpus and path below its folder, e.g. ``"crema-d:AudioWAV/1001_DFA_ANG_XX.wav"``.
    path : pathlib.Path
    corpus : str
    emotion : str
    speaker : str or None
        With the corpus, e.g. ``"crema-d:1001"``.
    sex : {"female", "male"} or None
    text, take, channel, intensity, split : str or None
        What was said, which repetition, e.g. ``"song"``, how strong, and a published split.
    start, end : float or None
        Part of the file, in seconds; `None` where it is whole.
    """

    key: str
    path: Path
    corpus: str
    emotion: str
    speaker: str | None = None
    sex: str | None = None
    text: str | None = None
    take: str | None = None
    channel: str | None = None
    intensity: str | None = None
    split: str | None = None
    start: float | None = None
    end: float | None = None
