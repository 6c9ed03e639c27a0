"""MFCC, mel, contrast and tonnetz vectors: what the paper's CNN-1D and MLP read.

The paper names the four features (section 1) but no sizes; 40 MFCC, 128 mel bands, 7 contrast
bands and 6 tonnetz dimensions are librosa's defaults (40 MFCC: the field's habit). Each is
averaged over time, which makes 181 numbers a clip.
"""

from __future__ import annotations

import warnings

import numpy as np
import numpy.typing as npt

from avser_cli.caches import provide_library_caches
from avser_cli.errors import MissingExtraError
from avser_cli.features.clicks import without_clicks

FEATURE_RATE = 22050
"""Rate in Hz that clips are resampled to first: librosa's default."""

MFCC_COUNT, MEL_BANDS, CONTRAST_BANDS, TONNETZ_DIMENSIONS = 40, 128, 7, 6
FEATURE_COUNT = MFCC_COUNT + MEL_BANDS + CONTRAST_BANDS + TONNETZ_DIMENSIONS


def feature_vector(samples: npt.NDArray[np.float32], rate: int) -> npt.NDArray[np.float32]:
    """MFCC, log-mel, spectral contrast and tonnetz of a clip, averaged over time.

    Parameters
    ----------
    samples : numpy.ndarray
        Mono samples, shape ``(n,)``, full scale = 1.
    rate : int
        Sampling rate in Hz.

    Returns
    -------
    numpy.ndarray
        float32, shape ``(181,)``: 40 MFCC, 128 mel bands in dB, 7 contrasts in dB, 6 tonnetz.

    Raises
    ------
    MissingExtraError
        librosa is not installed.
    """
    provide_library_caches()
    try:
        import librosa
    except ImportError:
        raise MissingExtraError(
            "cnn1d and mlp need librosa; install it with: pip install 'avser[train]'"
        ) from None
    with warnings.catch_warnings():
        # Clips shorter than one FFT are padded by librosa, which says so each time.
        warnings.simplefilter("ignore", UserWarning)
        sound = librosa.resample(
            without_clicks(samples, rate), orig_sr=rate, target_sr=FEATURE_RATE
        )
        mel = librosa.feature.melspectrogram(y=sound, sr=FEATURE_RATE, n_mels=MEL_BANDS)
        log_mel = librosa.power_to_db(mel)
        spectrum = np.abs(librosa.stft(sound))
        chroma = librosa.feature.chroma_stft(S=np.square(spectrum), sr=FEATURE_RATE, tuning=0.0)
        parts = (
            librosa.feature.mfcc(S=log_mel, sr=FEATURE_RATE, n_mfcc=MFCC_COUNT),
            log_mel,
            librosa.feature.spectral_contrast(S=spectrum, sr=FEATURE_RATE),
            librosa.feature.tonnetz(chroma=chroma, sr=FEATURE_RATE),
        )
    return np.concatenate([part.mean(axis=1) for part in parts]).astype(np.float32)
