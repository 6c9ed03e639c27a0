import json
import os
import sys

import numpy as np
import pytest

from tests.conftest import REPOSITORY
from tests.report.test_verdict import PAPER
from tests.sounds import tone, voice, write_wav

VOICE = REPOSITORY / "examples" / "voice.wav"


def test_exactly_the_papers_four_lines(avser):
    done = avser("classify", VOICE)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] in PAPER.values()
    assert lines[1:] == [
        "Emotion categories : Positive & Negative",
        "Positive emotions : happy, neutral",
        "Negative emotions : angry, sad",
    ]
    assert done.stderr == ""


def test_several_clips_and_folders(avser, tmp_path):
    write_wav(tmp_path / "in" / "a b.wav", voice())
    write_wav(tmp_path / "in" / "ü.wav", voice("sad"))
    done = avser("classify", "in", VOICE)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert [lines[0], lines[5], lines[10]] == ["in/a b.wav:", "in/ü.wav:", f"{VOICE}:"]
    assert len(lines) == 15


def test_jsonl(avser, trained):
    done = avser("classify", VOICE, "--format", "jsonl", "--model", trained / "models" / "tiny")
    found = json.loads(done.stdout)
    expected = ["file", "emotion", "category", "confidence", "probabilities", "uncertain"]
    assert list(found) == expected
    assert found["file"] == str(VOICE)
    assert max(found["probabilities"].values()) == found["confidence"]
    assert done.stderr == ""


def test_the_model_is_given_or_in_the_environment(avser, trained):
    tiny = trained / "models" / "tiny"
    arguments = ("classify", VOICE, "--format", "jsonl")
    given = avser(*arguments, "--model", tiny).stdout
    assert avser(*arguments, AVSER_MODEL=str(tiny)).stdout == given
    assert avser(*arguments).stdout != given
    missing = avser("classify", VOICE, AVSER_MODEL="nowhere")
    assert missing.returncode == 5
    assert "nowhere: no such model bundle" in missing.stderr


@pytest.mark.parametrize("rate", [8000, 22050, 96000])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_any_rate_and_depth(tmp_path, rate, subtype):
    from avser_cli.infer.classifier import Classifier

    six = np.stack([voice(rate=rate)] * 6, axis=1)
    path = write_wav(tmp_path / "six.wav", six, rate, subtype)
    assert Classifier.load().predict(path).emotion


def test_each_bad_input_is_one_line(avser, tmp_path):
    whole = write_wav(tmp_path / "whole.wav", voice()).read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[:5000])
    (tmp_path / "text.wav").write_text("no sound")
    (tmp_path / "empty.wav").touch()
    (tmp_path / "folder").mkdir()
    nan = voice()
    nan[5] = np.nan
    write_wav(tmp_path / "nan.wav", nan, subtype="FLOAT")
    write_wav(tmp_path / "silent.wav", np.zeros(16000, np.float32))
    write_wav(tmp_path / "short.wav", tone(seconds=0.05))
    for name, expected in (
        ("missing.wav", "no such file"),
        ("cut.wav", "truncated"),
        ("text.wav", "not a sound file"),
        ("empty.wav", "empty"),
        ("nan.wav", "NaN"),
        ("silent.wav", "silent"),
        ("short.wav", "too short"),
        ("folder", "no sound files"),
    ):
        done = avser("classify", name)
        assert done.returncode == 3, name
        assert done.stdout == ""
        assert done.stderr.startswith(f"avser: {name}: ")
        assert expected in done.stderr
        assert len(done.stderr.splitlines()) == 1
    mixed = avser("classify", "whole.wav", "text.wav", "--format", "jsonl")
    assert mixed.returncode == 4
    assert len(mixed.stdout.splitlines()) == 1
    none = avser("classify", "silent.wav", "text.wav")
    assert none.returncode == 3
    debug = avser("--debug", "classify", "text.wav")
    assert debug.returncode == 3
    assert "Traceback" in debug.stderr


def test_a_closed_pipe_is_no_error(tmp_path):
    for number in range(30):
        write_wav(tmp_path / f"{number}.wav", voice(seconds=0.5))
    command = (
        f"{sys.executable} -m avser_cli classify {tmp_path} --format jsonl | head -1 > /dev/null"
    )
    status = os.system(f"bash -c 'set -o pipefail; cd {REPOSITORY}; {command}' 2> {tmp_path}/err")
    assert status == 0
    assert "Traceback" not in (tmp_path / "err").read_text()
