"""Labelled clips without sounds, for tests of splits."""

from pathlib import Path

from avser_cli.data.clip import Clip
from tests.synthetic import PITCH, ravdess_clip, ravdess_name


def ravdess_clips(actors=range(1, 25), duplicate_group=()):
    names = [
        ravdess_name(emotion, actor, statement, repetition)
        for actor in actors
        for emotion in PITCH
        for statement in (1, 2)
        for repetition in (1, 2)
    ]
    same = dict.fromkeys(duplicate_group, "copied")
    return [ravdess_clip(name, f"sha-{same.get(name, name)}") for name in names]


def own_clips(count, speakers=3, texts=0, name="mine", split=None, emotions=tuple(PITCH)):
    """Clips of no known corpus, the emotions of each speaker in turn."""
    return [
        Clip(
            key=f"{name}:{n}",
            path=Path(f"{n}.wav"),
            corpus=name,
            emotion=emotions[n // max(speakers, 1) % len(emotions)],
            speaker=f"{name}:{n % speakers:02d}" if speakers else None,
            text=str(n % texts) if texts else None,
            split=split(n) if split else None,
            samples_sha256=f"{name}-sha-{n}",
        )
        for n in range(count)
    ]
