"""Sounds and corpora that the tests make themselves."""

from pathlib import Path

import numpy as np
import soundfile

from avser_cli.corpus.ravdess import EMOTIONS

NUMBERS = {name: number for number, name in EMOTIONS.items()}
PITCH = {"happy": 320.0, "sad": 130.0, "angry": 240.0, "neutral": 180.0}


def tone(frequency=440.0, seconds=1.0, rate=16000, amplitude=0.5):
    times = np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * frequency * times)).astype(np.float32)


def voice(emotion="happy", seconds=1.2, rate=16000, seed=0):
    """A buzz with harmonics, syllables and a little noise; the emotion sets pitch and pace."""
    draw = np.random.default_rng(seed)
    times = np.arange(round(seconds * rate)) / rate
    pitch = PITCH.get(emotion, 200.0) * draw.uniform(0.95, 1.05)
    buzz = sum(np.sin(2 * np.pi * pitch * k * times) / k for k in range(1, 12))
    syllables = np.square(np.sin(np.pi * times * (pitch / 50)))
    sound = 0.2 * buzz * syllables + 0.002 * draw.standard_normal(len(times))
    return sound.astype(np.float32)


def ravdess_name(emotion="happy", actor=1, statement=1, repetition=1, channel=1, intensity=1):
    return (
        f"03-{channel:02d}-{NUMBERS[emotion]:02d}-{intensity:02d}-{statement:02d}-"
        f"{repetition:02d}-{actor:02d}"
    )


def write_wav(path: Path, samples, rate=16000, subtype="PCM_16"):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


def make_corpus(folder: Path, actors=(1, 2, 3, 4), emotions=tuple(PITCH)):
    """Four clips an actor and emotion, named as RAVDESS's."""
    seed = 0
    for actor in actors:
        for emotion in emotions:
            for statement in (1, 2):
                for repetition in (1, 2):
                    seed += 1
                    name = ravdess_name(emotion, actor, statement, repetition)
                    path = folder / f"Actor_{actor:02d}" / f"{name}.wav"
                    write_wav(path, voice(emotion, seed=seed))
    return folder
