"""Sounds and corpora that the tests make themselves."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
import soxr

from avser_cli.data.clip import Clip
from avser_cli.data.corpora import find_corpus

NUMBERS = {name: int(code) for code, name in find_corpus("ravdess").emotions.items()}
PITCH = {"happy": 320.0, "sad": 130.0, "angry": 240.0, "neutral": 180.0}


def tone(frequency=440.0, seconds=1.0, rate=16000, amplitude=0.5):
    times = np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * frequency * times)).astype(np.float32)


def voice(emotion="happy", seconds=1.2, rate=16000, seed=0):
    """A buzz with harmonics, syllables and a little noise; the emotion sets pitch and pace.

    Each seed but 0 (the stored pictures') says something else: the leak check takes equal words in
    equal voices for copies.
    """
    rng = np.random.default_rng(seed)
    times = np.arange(round(seconds * rate)) / rate
    pitch = PITCH.get(emotion, 200.0) * rng.uniform(0.95, 1.05)
    buzz = sum(np.sin(2 * np.pi * pitch * k * times) / k for k in range(1, 12))
    syllables = np.square(np.sin(np.pi * times * (pitch / 50)))
    if seed:
        # Of its own generator: pitch and noise stay what they were.
        words = 10 ** np.random.default_rng([seed, 1]).uniform(-1.5, 0, 4 + round(6 * seconds))
        syllables *= np.interp(times, np.linspace(0, seconds, len(words)), words)
    sound = 0.2 * buzz * syllables + 0.002 * rng.standard_normal(len(times))
    return sound.astype(np.float32)


EXAMPLE = Path(__file__).parents[1] / "examples" / "voice.wav"
SPEEDS = {"happy": 1.15, "sad": 0.85, "angry": 1.05, "neutral": 0.95}


def speech(emotion="happy", seconds=1.2, rate=16000, seed=0):
    """What the speech detector takes for a voice, as it does not take `voice`: the example.

    The emotion sets its speed, the seed where in it the words start; it is repeated as needed.
    """
    samples, example_rate = soundfile.read(EXAMPLE, dtype="float32")
    words = np.roll(samples, -int(seed * 0.11 * example_rate))
    speed = SPEEDS.get(emotion, 1.0)
    resampled = soxr.resample(np.tile(words, 2), example_rate * speed, rate)
    return np.resize(resampled[: len(resampled) // 2], round(seconds * rate)).astype(np.float32)


def ravdess_name(emotion="happy", actor=1, statement=1, repetition=1, channel=1, intensity=1):
    return (
        f"03-{channel:02d}-{NUMBERS[emotion]:02d}-{intensity:02d}-{statement:02d}-"
        f"{repetition:02d}-{actor:02d}"
    )


def ravdess_clip(name, samples_sha256=None):
    """A clip as it is after its file was read."""
    labels: dict[str, Any] = dict(find_corpus("ravdess").labels(name))
    return Clip(
        key=name,
        path=Path(f"{name}.wav"),
        corpus="ravdess",
        samples_sha256=samples_sha256 or sha256(name.encode()).hexdigest(),
        **labels,
    )


def write_wav(path: Path, samples, rate=16000, subtype="PCM_16"):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


CODECS = {
    ".m4a": "aac",
    ".aac": "aac",
    ".mp4": "aac",
    ".mov": "aac",
    ".mkv": "flac",
    ".webm": "libopus",
    ".opus": "libopus",
}
"""What each container that libsndfile cannot write is made with."""


def write_container(path: Path, samples, rate: int = 48000, video=False):
    """A file of FFmpeg's, of samples of shape ``(n,)`` or ``(n, 2)``."""
    planes = np.ascontiguousarray(samples.reshape(len(samples), -1).T)
    layout = "stereo" if len(planes) == 2 else "mono"
    with av.open(str(path), "w") as container:
        if video:
            spectrograms: Any = container.add_stream("mpeg4", rate=25, width=64, height=64)
            spectrograms.pix_fmt = "yuv420p"
        sound: Any = container.add_stream(CODECS[path.suffix], rate=rate, layout=layout)
        if video:
            for _ in range(10):
                spectrogram = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")
                container.mux(spectrograms.encode(spectrogram))
            container.mux(spectrograms.encode(None))
        frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
        frame.sample_rate, frame.pts = rate, 0
        context = sound.codec_context
        convert = av.AudioResampler(
            format=context.format, layout=layout, rate=rate, frame_size=context.frame_size or None
        )
        for part in [*convert.resample(frame), *convert.resample(None)]:
            container.mux(sound.encode(part))
        container.mux(sound.encode(None))
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


STORED_PICTURES = Path(__file__).parent / "stored" / "spectrograms.npz"


def made_sounds():
    """Twelve sounds, each with its rate, whose pictures are stored."""
    rng = np.random.default_rng(0)
    times = np.arange(32000) / 16000
    sounds = {f"voice-{emotion}": (voice(emotion), 16000) for emotion in PITCH}
    sounds |= {f"voice-{rate}": (voice("angry", rate=rate), rate) for rate in (8000, 44100, 48000)}
    sounds["long"] = (voice("sad", seconds=5.0), 16000)
    sounds["quiet"] = (0.001 * voice("happy"), 16000)
    sounds["tone"] = (tone(440.0, rate=22050), 22050)
    sounds["sweep"] = (0.5 * np.sin(2 * np.pi * (100 * times + 900 * times**2)), 16000)
    sounds["noise"] = (0.1 * rng.standard_normal(24000), 16000)
    return {name: (samples.astype(np.float32), rate) for name, (samples, rate) in sounds.items()}
