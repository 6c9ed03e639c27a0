"""Whatever lies in a folder, no command breaks: see `tests.malformed_input` for the table."""

import pytest

from tests.malformed_input import MODEL, commands_on, outcome, outcomes, sounds, spectrograms
from tests.synthetic import ravdess_name, voice, write_wav

READABLE = {
    "data-0.wav",
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


@pytest.mark.parametrize(
    ("command", "readable"),
    [
        (["classify", ".", "--any-sound"], READABLE | {"eleven-minutes.wav"}),
        (["spectrogram", ".", "../drawn"], READABLE),
    ],
    ids=["classify", "spectrogram"],
)
def test_a_folder_of_hostile_sounds(folder, command, readable):
    code, _, memory, told = outcome(command, folder)
    assert code == 4, told
    assert memory < 1000
    assert "Traceback" not in told
    assert "RuntimeWarning" not in told
    failed = {line.split(": ")[1].removeprefix("./") for line in told.splitlines()
              if line.startswith("failed: ")}  # fmt: skip
    assert set(sounds()) - failed == readable


def test_hostile_pictures_through_every_command(tmp_path):
    commands = [x for item in spectrograms().items() for x in commands_on(tmp_path, *item)]
    found, memory = outcomes(commands, tmp_path)
    for (code, told), (command, *_) in zip(found, commands, strict=True):
        assert code == (3 if command in ("spectrogram", "classify") else 7), told
        assert told.splitlines()[-1].startswith("avser: ")
        assert "Traceback" not in told
    assert memory < 1000
    # As pictures for training, with a network that reads them.
    for name, content in spectrograms().items():
        for emotion in ("happy", "sad", "angry", "neutral"):
            picture = tmp_path / "labelled" / name / f"{ravdess_name(emotion)}.png"
            picture.parent.mkdir(parents=True, exist_ok=True)
            picture.write_bytes(content)
    train = [["train", f"labelled/{name}", "--ensemble", "1"] for name in spectrograms()]
    for code, told in outcomes(train, tmp_path)[0]:
        assert code == 7
        assert "draw it" in told


def test_evaluate_leaves_hostile_sounds_out(tmp_path):
    for number, (name, content) in enumerate(sounds().items()):
        # Clips that the bundle never met: it knows actors 1 to 4.
        labels = ("sad", 5 + number // 8, 1 + number % 2, 1 + number // 2 % 2, 1 + number // 4 % 2)
        place = tmp_path / "wav" / name
        place.mkdir(parents=True)
        (place / f"{ravdess_name(*labels)}.wav").write_bytes(content)
    [(code, told)], memory = outcomes(
        [["evaluate", "wav", "--model", MODEL, "--part", "new"]], tmp_path
    )
    assert code == 4, told
    assert memory < 1000
    lines = told.splitlines()
    skipped = {line.split("/")[1] for line in lines if line.startswith("left out: wav/")}
    assert not skipped & READABLE
    more = sum(int(line.split()[2]) for line in lines if " more files: " in line)
    assert len(skipped) + more == len(set(sounds()) - READABLE)


def test_libraries_keep_their_complaints_to_themselves(tmp_path):
    (tmp_path / "clip.mp3").write_bytes(sounds()["mp3-damaged.wav"])
    code, _, _, told = outcome(["classify", "clip.mp3"], tmp_path)
    assert code == 3
    assert len(told.splitlines()) == 1, told
    assert told.startswith("avser: clip.mp3: ")


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
    assert code == 4, told
    assert "Traceback" not in told
    assert "left out: " in told
