"""avser: hears emotion in recorded speech through spectrogram pictures and a 2-D CNN."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avser_cli.inference.classifier import Classifier
    from avser_cli.inference.predictions import Prediction, Segment
    from avser_cli.inference.speaker_reference import normalize_speaker

__version__ = "0.1.0"
__all__ = ["Classifier", "Prediction", "Segment", "normalize_speaker"]


def __getattr__(name: str) -> Any:
    # Imported when asked for: the command line's help needs no arrays.
    if name in __all__:
        from avser_cli.inference import classifier, speaker_reference

        return getattr(speaker_reference if name == "normalize_speaker" else classifier, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
