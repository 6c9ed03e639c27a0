"""avser: speech emotion recognition with spectrograms and a 2-D CNN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from avser_cli.errors import (
    AvserError,
    ClusterError,
    CorpusError,
    InputError,
    MissingExtraError,
    ModelError,
    NoVoiceError,
    OutputError,
    PartialError,
    UsageError,
)

if TYPE_CHECKING:
    from avser_cli.audio.selection import SoundSelection
    from avser_cli.inference.classifier import Classifier
    from avser_cli.inference.predictions import Prediction, RecordingPrediction, Segment
    from avser_cli.inference.speaker_reference import normalize_speaker

__version__ = "0.2.0"
__all__ = [
    "AvserError",
    "Classifier",
    "ClusterError",
    "CorpusError",
    "InputError",
    "MissingExtraError",
    "ModelError",
    "NoVoiceError",
    "OutputError",
    "PartialError",
    "Prediction",
    "RecordingPrediction",
    "Segment",
    "SoundSelection",
    "UsageError",
    "normalize_speaker",
]


def __getattr__(name: str) -> Any:
    # Imported when asked for: the command line's help needs no arrays.
    if name in __all__:
        from avser_cli.inference import classifier, speaker_reference

        return getattr(speaker_reference if name == "normalize_speaker" else classifier, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
