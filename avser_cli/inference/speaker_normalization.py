"""Speaker normalisation: a model's bias for a speaker, estimated and subtracted.

A model is biased towards some emotions for some voices, rooms and microphones. Recordings
of one speaker in various emotions, without labels, show that bias: the mean of their logits. It is
subtracted, as cepstral mean normalisation does in speech recognition, here from answers
instead of features, so that it needs no other model.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from avser_cli.checksums import sha256
from avser_cli.model.calibration import Probabilities, softmax

MIN_RECORDINGS = 4
"""Recordings (or windows) that a reference needs at least."""
SHRINKAGE = 4.0
"""Number of recordings at which half of the bias is subtracted; more with more."""
TINY = 1e-6
"""Least probability: one answer of a network that is too sure must not outweigh all others."""


@dataclass(frozen=True)
class SpeakerNormalization:
    """A model's bias for one speaker.

    Attributes
    ----------
    bias : numpy.ndarray
        Taken off the log-probabilities, float32, shape ``(emotions,)``; its mean is 0.
    count : int
        Number of recordings or windows behind it.
    """

    bias: npt.NDArray[np.float32]
    count: int

    @classmethod
    def of(cls, probabilities: Probabilities) -> Self:
        """The bias in answers for a speaker's recordings.

        Parameters
        ----------
        probabilities : numpy.ndarray
            Shape ``(n, emotions)``, for recordings in various emotions, without labels.
        """
        count = len(probabilities)
        logits = np.log(np.maximum(probabilities, TINY)).mean(axis=0)
        bias = (logits - logits.mean()) * count / (count + SHRINKAGE)
        # Rounded, so that `key` does not depend on the last bit of a processor's rounding.
        return cls(np.round(bias, 3).astype(np.float32), count)

    def apply(self, probabilities: Probabilities) -> Probabilities:
        """Answers without the bias, shape ``(n, emotions)``; rows add up to 1."""
        return softmax(np.log(np.maximum(probabilities, TINY)) - self.bias)

    @property
    def key(self) -> str:
        """Eight characters that tell references apart."""
        return sha256(self.bias.astype("<f4"))[:8]


def normalize_each(
    probabilities: Probabilities, speakers: Sequence[Hashable | None]
) -> tuple[Probabilities, npt.NDArray[np.bool_]]:
    """Each clip's answer without the bias that the speaker's other clips show.

    Parameters
    ----------
    probabilities : numpy.ndarray
        Shape ``(n, emotions)``.
    speakers : sequence
        The speaker of each clip; `None` where it is not known.

    Returns
    -------
    probabilities : numpy.ndarray
        Unchanged where a speaker is not known or has fewer than `MIN_RECORDINGS` other clips.
    normalized : numpy.ndarray
        Where they are not, shape ``(n,)``.
    """
    found = probabilities.copy()
    normalized = np.zeros(len(speakers), bool)
    rows_of: dict[Hashable, list[int]] = {}
    for row, speaker in enumerate(speakers):
        if speaker is not None:
            rows_of.setdefault(speaker, []).append(row)
    for rows in rows_of.values():
        if len(rows) <= MIN_RECORDINGS:
            continue
        normalized[rows] = True
        own = probabilities[rows]
        for number, row in enumerate(rows):
            others = SpeakerNormalization.of(np.delete(own, number, axis=0))
            found[row] = others.apply(own[number : number + 1])[0]
    return found, normalized


def normalize_by_speaker(
    speakers: Sequence[str], rows: Sequence[Probabilities | None]
) -> list[Probabilities | None]:
    """Answers without each speaker's bias, as all answers for that speaker show it.

    Parameters
    ----------
    speakers : sequence of str
        One for each answer; empty where the speaker is not known.
    rows : sequence of numpy.ndarray or None
        Probabilities, shape ``(emotions,)``; None where there is no answer.

    Returns
    -------
    list of numpy.ndarray or None
        Those of speakers with fewer than `MIN_RECORDINGS` answers, or without a name, as they are.
    """
    of_speaker: dict[str, list[Probabilities]] = {}
    for speaker, row in zip(speakers, rows, strict=True):
        if speaker and row is not None:
            of_speaker.setdefault(speaker, []).append(row)
    known = {
        speaker: SpeakerNormalization.of(np.stack(theirs))
        for speaker, theirs in of_speaker.items()
        if len(theirs) >= MIN_RECORDINGS
    }
    return [
        row if row is None or speaker not in known else known[speaker].apply(row[None])[0]
        for speaker, row in zip(speakers, rows, strict=True)
    ]
