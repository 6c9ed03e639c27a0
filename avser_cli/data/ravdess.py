"""RAVDESS file names: seven two-digit fields that give every label.

``MM-VC-EE-II-SS-RR-AA``: modality, vocal channel, emotion, intensity, statement, repetition,
actor (Livingstone and Russo 2018, PLOS ONE 13(5) e0196391).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MODALITIES = {1: "audio-video", 2: "video-only", 3: "audio-only"}
CHANNELS = {1: "speech", 2: "song"}
EMOTIONS = {
    1: "neutral",
    2: "calm",
    3: "happy",
    4: "sad",
    5: "angry",
    6: "fearful",
    7: "disgust",
    8: "surprised",
}
INTENSITIES = {1: "normal", 2: "strong"}
STATEMENTS = {1: "Kids are talking by the door", 2: "Dogs are sitting by the door"}
REPETITIONS = (1, 2)
ACTORS = range(1, 25)

ACTOR_FOLDS = (
    (1, 11, 20, 21),
    (4, 10, 12, 14),
    (8, 9, 19, 23),
    (3, 5, 7, 24),
    (2, 15, 16, 18),
    (6, 13, 17, 22),
)
"""EmoBox's six test folds for RAVDESS (Ma et al. 2024): every actor is in one of them."""

_NAME = re.compile(r"(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)-(\d\d)", re.ASCII)


@dataclass(frozen=True, order=True)
class Labels:
    """What a RAVDESS file name says.

    Attributes
    ----------
    modality : {"audio-video", "video-only", "audio-only"}
    channel : {"speech", "song"}
    emotion : str
        One of RAVDESS's eight.
    intensity : {"normal", "strong"}
    statement, repetition : int
        1 or 2.
    actor : int
        1 to 24.
    """

    modality: str
    channel: str
    emotion: str
    intensity: str
    statement: int
    repetition: int
    actor: int

    @property
    def sex(self) -> str:
        """``"male"`` or ``"female"``: odd actors are men."""
        return "male" if self.actor % 2 else "female"

    @property
    def take(self) -> tuple[str, str, str, int, int, int]:
        """What was recorded, whatever the modality: equal for copies of one recording."""
        return (
            self.channel,
            self.emotion,
            self.intensity,
            self.statement,
            self.repetition,
            self.actor,
        )


def parse_name(stem: str) -> Labels:
    """Labels from a file name without its ending.

    Raises
    ------
    ValueError
        The name is not of RAVDESS's form; the message says which field is wrong, without the
        name itself.
    """
    match = _NAME.fullmatch(stem)
    if match is None:
        raise ValueError("name is not seven two-digit fields, MM-VC-EE-II-SS-RR-AA")
    modality, channel, emotion, intensity, statement, repetition, actor = map(int, match.groups())
    for value, known, field in (
        (modality, MODALITIES, "modality"),
        (channel, CHANNELS, "vocal channel"),
        (emotion, EMOTIONS, "emotion"),
        (intensity, INTENSITIES, "intensity"),
        (statement, STATEMENTS, "statement"),
        (repetition, REPETITIONS, "repetition"),
        (actor, ACTORS, "actor"),
    ):
        if value not in known:
            raise ValueError(f"name has an unknown {field}, {value:02d}")
    if EMOTIONS[emotion] == "neutral" and INTENSITIES[intensity] == "strong":
        raise ValueError("name says strong neutral, which RAVDESS does not have")
    return Labels(
        MODALITIES[modality],
        CHANNELS[channel],
        EMOTIONS[emotion],
        INTENSITIES[intensity],
        statement,
        repetition,
        actor,
    )
