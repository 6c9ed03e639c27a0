"""Sounds without a voice, made in code: tones, hum, noise, clicks, music, calls, engines."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

Sound = npt.NDArray[np.float64]
Draw = np.random.Generator

RATE = 16000
SECONDS = 4.0


def _times(seconds: float = SECONDS) -> Sound:
    return np.arange(round(seconds * RATE)) / RATE


def _sine(frequency: float | Sound, times: Sound, phase: float = 0.0) -> Sound:
    return np.asarray(np.sin(2 * np.pi * frequency * times + phase))


def _faded(sound: Sound, seconds: float) -> Sound:
    count = min(len(sound) // 2, round(seconds * RATE))
    ramp = np.linspace(0, 1, count)
    return np.concatenate([sound[:count] * ramp, sound[count:-count], sound[-count:] * ramp[::-1]])


def colored_noise(count: int, draw: Draw, exponent: float) -> Sound:
    """Noise whose power falls with frequency to that exponent: 0 white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(draw.standard_normal(count))
    frequencies = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20)
    sound = np.fft.irfft(spectrum / frequencies ** (exponent / 2), count)
    return np.asarray(sound / np.abs(sound).max())


def tones(draw: Draw) -> Sound:
    """One or two steady sines."""
    frequencies = draw.uniform(80, 4000, draw.integers(1, 3))
    return np.asarray(sum(_sine(f, _times(), draw.uniform(0, 6)) for f in frequencies))


def telephone_tones(draw: Draw) -> Sound:
    """Dial, ring and busy tones, and a fax's call."""
    pairs = [(350, 440), (440, 480), (480, 620), (425,), (1400,)]
    on, times = draw.uniform(0.2, 2), _times()
    off = draw.choice([0, on, 2 * on])
    sound = sum(_sine(f, times) for f in pairs[draw.integers(len(pairs))])
    return np.asarray(sound * (times % (on + off) < on))


def dialling(draw: Draw) -> Sound:
    """The tones of pressed keys."""
    parts = []
    for _ in range(12):
        times = _times(draw.uniform(0.08, 0.25))
        low, high = draw.choice([697, 770, 852, 941]), draw.choice([1209, 1336, 1477])
        parts.append(_faded(_sine(low, times) + _sine(high, times), 0.004))
        parts.append(np.zeros(round(draw.uniform(0.05, 0.2) * RATE)))
    return np.concatenate(parts)


def mains_hum(draw: Draw) -> Sound:
    """A low tone with harmonics and some hiss."""
    times, base = _times(), draw.choice([50, 60, 100, 120, 400])
    partials = [
        _sine(base * k, times, draw.uniform(0, 6)) * draw.uniform(0, 1) / k
        for k in range(1, draw.integers(3, 20))
    ]
    return np.asarray(sum(partials) + 0.02 * draw.standard_normal(len(times)))


def noise(draw: Draw) -> Sound:
    """White, pink or brown, some of it in gusts or in a band."""
    times = _times()
    sound = colored_noise(len(times), draw, draw.choice([0, 1, 2]))
    if draw.random() < 0.5:
        sound = sound * (1 + 0.9 * _sine(draw.uniform(0.2, 6), times))
    if draw.random() < 0.3:
        spectrum = np.fft.rfft(sound)
        frequencies = np.fft.rfftfreq(len(sound), 1 / RATE)
        low = draw.uniform(100, 2000)
        spectrum[(frequencies < low) | (frequencies > low * draw.uniform(1.5, 4))] = 0
        sound = np.fft.irfft(spectrum, len(sound))
    return sound


def clicks(draw: Draw) -> Sound:
    """Ticks at a beat, or at random, of noise or of a short tone."""
    sound = np.zeros(len(_times()))
    steady = draw.random() < 0.5
    places = np.arange(0.2, 3.9, draw.uniform(0.1, 0.8)) if steady else draw.uniform(0.1, 3.9, 15)
    for place in places:
        count = round(draw.uniform(0.002, 0.03) * RATE)
        start, steps = round(place * RATE), np.arange(count)
        burst = (
            draw.standard_normal(count)
            if draw.random() < 0.5
            else _sine(draw.uniform(300, 5000), steps / RATE)
        )
        sound[start : start + count] += burst * np.exp(-4 * steps / count)
    return sound


def _plucked(frequency: float, times: Sound, draw: Draw) -> Sound:
    """A string, after Karplus and Strong."""
    period = max(2, round(RATE / frequency))
    loop, parts = draw.uniform(-1, 1, period), []
    for _ in range(-(-len(times) // period)):
        parts.append(loop)
        loop = 0.498 * (loop + np.roll(loop, 1))
    return np.concatenate(parts)[: len(times)]


def _partials(times: Sound, frequency: float, strengths: dict[float, float]) -> Sound:
    return np.asarray(sum(a * _sine(frequency * k, times) for k, a in strengths.items()))


def _organ(frequency: float, times: Sound, draw: Draw) -> Sound:
    return _faded(_partials(times, frequency, {k: 1 / k for k in (1, 2, 3, 4, 6, 8)}), 0.02)


def _flute(frequency: float, times: Sound, draw: Draw) -> Sound:
    vibrato = 0.3 * _sine(5.0, times)
    sound = np.sin(2 * np.pi * frequency * times + vibrato) + 0.2 * _sine(2 * frequency, times)
    return _faded(sound, 0.05) + 0.01 * draw.standard_normal(len(times))


def _bowed(frequency: float, times: Sound, draw: Draw) -> Sound:
    phase = 2 * np.pi * frequency * times + 0.4 * _sine(5.5, times)
    return _faded(np.asarray(sum(np.sin(k * phase) / k for k in range(1, 15))), 0.08)


def _brass(frequency: float, times: Sound, draw: Draw) -> Sound:
    dark = 1 - 0.5 * np.minimum(times * 8, 1)
    partials = [_sine(frequency * k, times) * np.exp(-k / 6 * dark) for k in range(1, 12)]
    return _faded(np.asarray(sum(partials)), 0.05)


def _piano(frequency: float, times: Sound, draw: Draw) -> Sound:
    partials = [
        _sine(frequency * k * np.sqrt(1 + 4e-4 * k * k), times) * np.exp(-times * (2 + k)) / k
        for k in range(1, 10)
    ]
    return np.asarray(sum(partials))


def _bell(frequency: float, times: Sound, draw: Draw) -> Sound:
    ratios = (1, 2.0, 2.4, 3, 4.5, 5.33)
    return np.asarray(sum(_sine(frequency * r, times) * np.exp(-times * (1 + r)) for r in ratios))


INSTRUMENTS: tuple[Callable[[float, Sound, Draw], Sound], ...] = (
    _plucked,
    _organ,
    _flute,
    _bowed,
    _brass,
    _piano,
    _bell,
)


def music(draw: Draw) -> Sound:
    """An instrument's notes or chords, some with drums."""
    instrument = INSTRUMENTS[draw.integers(len(INSTRUMENTS))]
    tempo, root = draw.uniform(0.15, 0.8), draw.choice([110, 131, 165, 196, 220, 262, 330])
    chords, parts = draw.random() < 0.5, []
    for _ in range(-(-round(SECONDS * RATE) // round(tempo * RATE))):
        step = draw.choice([0, 2, 4, 5, 7, 9, 11, 12])
        notes = [root * 2 ** ((step + third) / 12) for third in ((0, 4, 7) if chords else (0,))]
        parts.append(np.asarray(sum(instrument(note, _times(tempo), draw) for note in notes)))
    sound = np.concatenate(parts)
    if draw.random() < 0.4:
        steps = np.arange(RATE // 8)
        beat = 2 * _sine(60, steps / RATE) * np.exp(-steps / 1000)
        for start in range(0, len(sound) - len(steps), round(tempo * RATE)):
            hit = 0.5 * draw.standard_normal(len(steps)) * np.exp(-steps / 300)
            sound[start : start + len(steps)] += beat + hit
    return sound


def silence(draw: Draw) -> Sound:
    """Digital silence, or the hiss of an empty room."""
    count = len(_times())
    if draw.random() < 0.3:
        return np.zeros(count)
    level = 10 ** (-draw.uniform(45, 70) / 20)
    return colored_noise(count, draw, draw.choice([0, 1])) * level


def animal_calls(draw: Draw) -> Sound:
    """Chirps, whistles, barks and crickets."""
    kind, parts = draw.integers(4), [np.zeros(RATE // 5)]
    for _ in range(draw.integers(3, 12)):
        times = _times(draw.uniform(0.05, 0.35))
        first, last = [
            tuple(draw.uniform(2000, 7000, 2)),
            tuple(draw.uniform(500, 3000, 2)),
            (draw.uniform(300, 1000), draw.uniform(100, 400)),
            (4000.0, 4200.0),
        ][kind]
        trill = 1 + draw.uniform(0, 0.05) * _sine(draw.uniform(10, 40), times)
        phase = 2 * np.pi * np.cumsum(np.linspace(first, last, len(times)) * trill) / RATE
        call = np.sin(phase)
        if kind == 2:
            call = call + 0.5 * np.sin(2 * phase) + 0.6 * draw.standard_normal(len(times))
        if kind == 3:
            call = call * (_sine(60, times) > 0)
        parts += [call * np.hanning(len(times)), np.zeros(round(draw.uniform(0.05, 0.4) * RATE))]
    return np.concatenate(parts)


def sweeps(draw: Draw) -> Sound:
    """Sirens and chirps."""
    times, low, high = _times(), draw.uniform(50, 500), draw.uniform(1000, 7500)
    place = times * draw.integers(1, 8) / SECONDS % 1
    geometric = draw.random() < 0.5
    pitch = low * (high / low) ** place if geometric else low + (high - low) * place
    return np.asarray(np.sin(2 * np.pi * np.cumsum(pitch) / RATE))


def engines(draw: Draw) -> Sound:
    """Pulses of noise at a speed that wavers."""
    times = _times()
    speed = draw.uniform(20, 90) * (1 + 0.1 * _sine(draw.uniform(0.1, 1), times))
    pulse = np.exp(-40 * (np.cumsum(speed) / RATE % 1))
    rumble = 0.2 * colored_noise(len(times), draw, 1)
    return np.asarray(pulse * (1 + draw.standard_normal(len(times))) + rumble)


NON_VOICES: dict[str, tuple[Callable[[Draw], Sound], int]] = {
    "tones": (tones, 16),
    "telephone tones": (telephone_tones, 16),
    "dialling": (dialling, 12),
    "mains hum": (mains_hum, 20),
    "noise": (noise, 30),
    "clicks": (clicks, 20),
    "music": (music, 40),
    "silence": (silence, 8),
    "animal calls": (animal_calls, 20),
    "sweeps": (sweeps, 10),
    "engines": (engines, 8),
}
"""Each kind and how many of it: 200 in all."""


def non_voices(seed: int) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    """The kind and the samples of each, at `RATE` and -3 to -25 dBFS; silence as it is."""
    for number, (kind, (make, count)) in enumerate(NON_VOICES.items()):
        for one in range(count):
            draw = np.random.default_rng([seed, number, one])
            sound = make(draw)
            peak, level = np.abs(sound).max(), 10 ** (-draw.uniform(3, 25) / 20)
            scaled = sound if kind == "silence" else sound / peak * level
            yield kind, scaled.astype(np.float32)
