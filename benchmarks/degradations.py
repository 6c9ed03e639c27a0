"""What happens to recordings on their way to a listener: levels, lines, codecs, noise, rooms."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial

import numpy as np
import soundfile
from scipy.signal import butter, fftconvolve, resample_poly, sosfiltfilt

from avser_cli.audio.streams import Samples
from avser_cli.features.spectrogram import trim_silence

Degradation = Callable[[Samples, int, np.random.Generator, Samples], tuple[Samples, int]]
"""From samples, rate in Hz, random numbers and a babble of voices to new samples and rate."""

VOICE_TRIM = 35.0
"""What lies this far under a clip's loudest 20 ms, at its ends, is no part of its level, in dB."""
TELEPHONE_BAND = (300.0, 3400.0)
REVERBERATION_TIME = 0.3
REVERBERATION_DB = -6.0
"""Energy of the reverberant tail relative to the direct sound, in dB."""
MP3_RATES = (32.0, 320.0)
"""Lowest and highest bit rate of MPEG-1 layer III, in kbit/s."""


def gain(samples: Samples, rate: int, *_: object, decibels: float) -> tuple[Samples, int]:
    """Another level; what goes over full scale is clipped, as a recorder does."""
    louder = samples * np.float32(10 ** (decibels / 20))
    return np.clip(louder, -1.0, 1.0), rate


def resampled(samples: Samples, rate: int, *_: object, to: int) -> tuple[Samples, int]:
    """Another sampling rate, and what that leaves of the band."""
    common = np.gcd(rate, to)
    return resample_poly(samples, to // common, rate // common).astype(np.float32), to


def telephone(samples: Samples, rate: int, *_: object) -> tuple[Samples, int]:
    """A telephone line: 300 to 3400 Hz at 8 kHz."""
    narrow, low_rate = resampled(samples, rate, to=8000)
    band = butter(4, TELEPHONE_BAND, "bandpass", fs=low_rate, output="sos")
    return sosfiltfilt(band, narrow).astype(np.float32), low_rate


def mp3(samples: Samples, rate: int, *_: object, kilobits: float) -> tuple[Samples, int]:
    """MP3 and back, at a constant bit rate in kbit/s."""
    low, high = MP3_RATES
    packed = io.BytesIO()
    soundfile.write(packed, samples, rate, format="MP3", subtype="MPEG_LAYER_III",
                    compression_level=(high - kilobits) / (high - low),
                    bitrate_mode="CONSTANT")  # fmt: skip
    packed.seek(0)
    unpacked, found_rate = soundfile.read(packed, dtype="float32")
    return np.asarray(unpacked), int(found_rate)


def noise(
    samples: Samples, rate: int, draw: np.random.Generator, _: Samples, *, snr: float
) -> tuple[Samples, int]:
    """White noise, `snr` dB under the voice."""
    hiss = draw.standard_normal(len(samples)).astype(np.float32)
    return _added(samples, hiss, rate, snr), rate


def babble(
    samples: Samples, rate: int, draw: np.random.Generator, voices: Samples, *, snr: float
) -> tuple[Samples, int]:
    """Other people's voices, `snr` dB under the voice."""
    start = int(draw.integers(len(voices)))
    return _added(samples, np.resize(np.roll(voices, -start), len(samples)), rate, snr), rate


def silence(samples: Samples, rate: int, *_: object, seconds: float) -> tuple[Samples, int]:
    """Digital silence before and after."""
    return np.pad(samples, round(seconds * rate)), rate


def reverberation(
    samples: Samples, rate: int, draw: np.random.Generator, _: Samples
) -> tuple[Samples, int]:
    """A small room: the direct sound and an exponentially decaying tail of noise."""
    times = np.arange(round(REVERBERATION_TIME * rate)) / rate
    tail = draw.standard_normal(len(times)) * 10 ** (-3.0 * times / REVERBERATION_TIME)
    tail *= np.sqrt(10 ** (REVERBERATION_DB / 10) / np.sum(tail**2))
    tail[0] += 1.0
    return fftconvolve(samples, tail).astype(np.float32), rate


def _added(samples: Samples, sound: Samples, rate: int, snr: float) -> Samples:
    """Add a sound at a level relative to the voice's mean power."""
    voice = np.mean(trim_silence(samples, rate, VOICE_TRIM) ** 2)
    amount = np.sqrt(voice / np.mean(sound**2) / 10 ** (snr / 10))
    return np.asarray(samples + amount * sound, np.float32)


DEGRADATIONS: dict[str, Degradation] = {
    "gain +12 dB": partial(gain, decibels=12.0),
    "gain -12 dB": partial(gain, decibels=-12.0),
    "44.1 kHz": partial(resampled, to=44100),
    "16 kHz": partial(resampled, to=16000),
    "8 kHz": partial(resampled, to=8000),
    "telephone band": telephone,
    "MP3 64 kbit/s": partial(mp3, kilobits=64.0),
    "white noise, 20 dB": partial(noise, snr=20.0),
    "white noise, 10 dB": partial(noise, snr=10.0),
    "babble, 20 dB": partial(babble, snr=20.0),
    "babble, 10 dB": partial(babble, snr=10.0),
    "1 s of silence at both ends": partial(silence, seconds=1.0),
    "reverberation, 0.3 s": reverberation,
}
