"""Whatever lies in a folder, no command breaks: see `tests.hostile` for the table."""

import pytest

from tests.hostile import outcome, pictures, sounds
from tests.sounds import ravdess_name, voice, write_wav

READABLE = {
    "lies-bits-7.wav",
    "data-odd.wav",
    "data-4-GiB.wav",
    "data-4-GiB-riff-too.wav",
    "riff-0.wav",
    "riff-2-GiB.wav",
    "riff-too-short.wav",
    "rf64.wav",
    "extensible.wav",
    "a-law.wav",
    "mu-law.wav",
    "ima-adpcm.wav",
    "ms-adpcm.wav",
    "double.wav",
    "dc-offset.wav",
    "square.wav",
    "one-channel-silent.wav",
    "64-channels.wav",
    "384-kHz.wav",
    "mp3.wav",
    "ogg-cut.wav",
    "ogg-damaged.wav",
    "aiff.wav",
}
"""Hostile sounds with a voice in them all the same. Where an Ogg stream breaks off its header does
not say."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("hostile")
    for name, content in sounds().items():
        (place / name).write_bytes(content)
    return place


@pytest.mark.parametrize("command", [["classify", "."], ["spectrogram", ".", "../drawn"]])
def test_a_folder_of_hostile_sounds(folder, command):
    code, _, memory, told = outcome(command, folder)
    assert code == 4, told
    assert memory < 1000
    assert "Traceback" not in told
    assert "RuntimeWarning" not in told
    failed = {line.split(": ")[1].removeprefix("./") for line in told.splitlines()
              if line.startswith("failed: ")}  # fmt: skip
    assert set(sounds()) - failed == READABLE


def test_hostile_pictures_are_not_trained_on(tmp_path):
    for number, (name, content) in enumerate(pictures().items(), start=1):
        place = tmp_path / name.removesuffix(".png")
        place.mkdir()
        (place / f"{ravdess_name(actor=number)}.png").write_bytes(content)
        code, _, memory, told = outcome(["train", name.removesuffix(".png")], tmp_path)
        assert code in (3, 7), (name, told)
        assert memory < 1000
        assert "Traceback" not in told
        assert "draw it" in told or "no usable" in told, (name, told)


def test_hostile_sounds_are_left_out_of_training(tmp_path):
    emotions = ("happy", "sad", "angry", "neutral")
    for actor in range(1, 13):
        for emotion in emotions:
            name = f"{ravdess_name(emotion, actor=actor)}.wav"
            write_wav(tmp_path / "wav" / name, voice(emotion, seed=actor))
    for number, content in enumerate(sounds().values()):
        name = ravdess_name(emotions[number % 3], 13 + number // 12, 1 + number % 2,
                            1 + number // 2 % 2, 1, 1 + number // 4 % 2)  # fmt: skip
        (tmp_path / "wav" / f"{name}.wav").write_bytes(content)
    code, _, _, told = outcome(
        ["train", "wav", "--network", "mlp", "--epochs", "2", "--out", "m"], tmp_path
    )
    assert code == 0, told
    assert "Traceback" not in told
    assert "left out: " in told
