import csv
import io
import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile
from PIL import Image

from avser_cli.files import locked
from avser_cli.inference.loading import bundled_model
from avser_cli.model.bundle import read_config
from tests.cluster_processes import scheduler_and_workers
from tests.conftest import REPOSITORY
from tests.platforms import needs_posix
from tests.report.test_text_output import PAPER
from tests.synthetic import speech, tone, write_wav

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
    assert all(line.startswith("uncertain: ") for line in done.stderr.splitlines())


def test_several_clips_and_folders(avser, tmp_path):
    write_wav(tmp_path / "in" / "a b.wav", speech())
    write_wav(tmp_path / "in" / "ü.wav", speech("sad"))
    done = avser("classify", "in", VOICE)
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert [lines[0], lines[5], lines[10]] == ["in/a b.wav:", "in/ü.wav:", f"{VOICE}:"]
    assert len(lines) == 15


def test_jsonl(avser, trained):
    done = avser("classify", VOICE, "--format", "jsonl", "--model", trained / "models" / "tiny")
    found = json.loads(done.stdout)
    expected = ["file", "emotion", "category", "confidence", "probabilities", "uncertain"]
    assert list(found) == [*expected, "seconds", "speech", "windows", "model"]
    assert found["windows"] == 1
    assert 0 < found["speech"] < found["seconds"] == 1.937
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
    from avser_cli.inference.classifier import Classifier

    six = np.stack([speech(rate=rate)] * 6, axis=1)
    path = write_wav(tmp_path / "six.wav", six, rate, subtype)
    assert Classifier.load().predict(path).emotion


def test_each_bad_input_is_one_line(avser, tmp_path):
    whole = write_wav(tmp_path / "whole.wav", speech()).read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[:5000])
    (tmp_path / "text.wav").write_text("no sound")
    (tmp_path / "empty.wav").touch()
    (tmp_path / "folder").mkdir()
    nan = speech()
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


@needs_posix("a shell")
def test_a_closed_pipe_is_no_error(tmp_path):
    for number in range(30):
        write_wav(tmp_path / f"{number}.wav", speech(seconds=0.5))
    command = (
        f"{sys.executable} -m avser_cli classify {tmp_path} --format jsonl | head -1 > /dev/null"
    )
    status = os.system(f"bash -c 'set -o pipefail; cd {REPOSITORY}; {command}' 2> {tmp_path}/err")
    assert status == 0
    assert "Traceback" not in (tmp_path / "err").read_text()


def joined(*parts, rate=16000):
    """Voices with a second of silence after each."""
    pause = np.zeros(rate, np.float32)
    return np.concatenate([sample for part in parts for sample in (part, pause)])


def test_csv_and_table_for_several(avser, tmp_path):
    write_wav(tmp_path / "in" / "a,b.wav", speech())
    write_wav(tmp_path / "in" / "c.wav", speech("sad"))
    done = avser("classify", "in", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [row["file"] for row in rows] == ["in/a,b.wav", "in/c.wav"]
    assert rows[0]["uncertain"] in ("true", "false")
    assert float(rows[0][f"p_{rows[0]['emotion']}"]) == float(rows[0]["confidence"])
    table = avser("classify", "in", "--format", "table").stdout
    assert "in/a,b.wav" in table
    assert rows[1]["emotion"] in table


def test_out_is_gone_on_with(avser, tmp_path):
    for name in "abc":
        write_wav(tmp_path / "in" / f"{name}.wav", speech(seed=ord(name)))
    first = avser("classify", "in", "--out", "rows.csv")
    assert first.returncode == 0
    assert first.stdout == ""
    assert first.stderr.splitlines()[-1] == "rows.csv: 3 classified, 0 kept, 0 failed"
    whole = (tmp_path / "rows.csv").read_bytes()
    (tmp_path / "rows.csv").write_bytes(whole[:-10])
    (tmp_path / "in" / "d.wav").write_text("no sound")
    second = avser("classify", "in", "--out", "rows.csv")
    assert second.returncode == 4
    # The sound before the cut is heard again, too: rows of it may be missing.
    assert second.stderr.splitlines()[-2] == "rows.csv: 2 classified, 1 kept, 1 failed"
    assert (tmp_path / "rows.csv").read_bytes() == whole
    (tmp_path / "in" / "d.wav").unlink()
    assert "0 classified, 3 kept" in avser("classify", "in", "--out", "rows.csv").stderr


def test_out_of_another_model_is_refused(avser, trained, tmp_path):
    write_wav(tmp_path / "a.wav", speech())
    avser("classify", "a.wav", "--out", "rows.jsonl")
    before = (tmp_path / "rows.jsonl").read_bytes()
    done = avser("classify", VOICE, "--out", "rows.jsonl", "--model", trained / "models" / "tiny")
    assert done.returncode == 6
    assert "answers of another model" in done.stderr
    assert (tmp_path / "rows.jsonl").read_bytes() == before
    (tmp_path / "notes.csv").write_text("my notes\n")
    assert avser("classify", "a.wav", "--out", "notes.csv").returncode == 6
    assert (tmp_path / "notes.csv").read_text() == "my notes\n"


@needs_posix("interrupts of one process")
def test_interrupted_rows_stay(tmp_path):
    for number in range(300):
        write_wav(tmp_path / "in" / f"{number:03}.wav", speech(seconds=2.0, seed=number))
    command = [sys.executable, "-m", "avser_cli", "classify", "in", "--out", "rows.csv"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    running = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    )
    while not (tmp_path / "rows.csv").exists() or (tmp_path / "rows.csv").stat().st_size < 2000:
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in errors
    finished = (tmp_path / "rows.csv").read_bytes()
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    whole = (tmp_path / "rows.csv").read_bytes()
    assert whole.startswith(finished)
    assert len(whole.splitlines()) == 301


def test_windows(avser, tmp_path):
    write_wav(tmp_path / "long.wav", joined(speech(seconds=4.0), speech("sad", seconds=2.0)))
    done = avser("classify", "--windows", "long.wav", "--plot", "line.png")
    assert done.returncode == 0
    *lines, summary = done.stdout.splitlines()
    pattern = (
        r"\d\d:\d\d\.\d\u2013\d\d:\d\d\.\d  (happy|sad|angry|neutral)  [01]\.\d\d(  uncertain)?"
    )
    assert all(re.fullmatch(pattern, line) for line in lines)
    assert re.match(r"voice 00:0[56]\.\d of 00:08\.0: ", summary)
    with Image.open(tmp_path / "line.png") as spectrogram:
        assert spectrogram.size[0] > 1000
    assert avser("classify", "--windows", "long.wav", "--plot", "x.png", "y.wav").returncode == 2


def test_tracks_of_windows(avser, tmp_path):
    write_wav(tmp_path / "long.wav", joined(speech(seconds=2.0), speech("sad", seconds=2.0)))
    labels = avser("classify", "--windows", "long.wav", "--format", "audacity").stdout
    assert all(len(line.split("\t")) == 3 for line in labels.splitlines())
    write_wav(tmp_path / "other.wav", speech(seconds=2.0))
    sounds = ("long.wav", "other.wav", "long.wav")
    done = avser("classify", "--windows", *sounds, "--format", "srt", "--out", "all")
    assert done.returncode == 0
    assert (tmp_path / "all" / "long.wav.srt").read_text().startswith("1\n00:00:0")
    assert len(list((tmp_path / "all").iterdir())) == 2
    avser("classify", "--windows", "long.wav", "--out", "long.TextGrid")
    assert (tmp_path / "long.TextGrid").read_text().startswith('File type = "ooTextFile"')
    assert avser("classify", "long.wav", "--format", "srt").returncode == 2


def test_a_track_writes_over_no_recording_and_not_over_what_was_given(avser, tmp_path):
    sound = write_wav(tmp_path / "call.wav", speech(seconds=2.0))
    given = tmp_path / "call.srt"
    given.write_text("1\n00:00:00,000 --> 00:00:01,500\nAnna: hello there\n")
    before = sound.read_bytes(), given.read_bytes()
    command = ("classify", "call.wav", "--segments", "call.srt", "--format", "srt", "--out")
    done = avser(*command, "call.srt")
    assert (done.returncode, "holds the segments that were given" in done.stderr) == (2, True)
    done = avser(*command, "call.wav")
    assert (done.returncode, "the name must end in .srt" in done.stderr) == (2, True)
    assert (sound.read_bytes(), given.read_bytes()) == before
    for _ in range(2):
        assert avser(*command, "answers.srt").returncode == 0
    assert "Anna: " in (tmp_path / "answers.srt").read_text()


def test_a_sound_that_is_given_twice_is_one(avser, tmp_path):
    write_wav(tmp_path / "in" / "a.wav", speech(seconds=2.0))
    write_wav(tmp_path / "in" / "b.wav", speech("sad", seconds=2.0))
    done = avser("classify", "in", "in/a.wav", "--format", "jsonl")
    files = [json.loads(line)["file"] for line in done.stdout.splitlines()]
    assert files == ["in/a.wav", "in/b.wav"]


def test_what_does_not_stand_out_is_heard_in_windows_too(avser, tmp_path):
    hiss = 0.05 * np.random.default_rng(0).standard_normal(9 * 16000).astype(np.float32)
    write_wav(tmp_path / "a.wav", np.tanh(20 * (speech(seconds=9.0) + hiss)) / 4)
    done = avser("classify", "a.wav", "--windows", "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert (rows[0]["start"], rows[-1]["end"]) == (0.0, 9.0)
    write_wav(tmp_path / "noise.wav", 10 * hiss)
    assert avser("classify", "noise.wav", "--windows").returncode == 3
    assert avser("classify", "noise.wav", "--windows", "--any-sound").returncode == 0


def test_given_segments_have_rows_where_nobody_speaks_in_any(avser, tmp_path):
    write_wav(tmp_path / "dial.wav", dial_tone())
    (tmp_path / "parts.csv").write_text("start,end\n0,1\n1,2\n")
    command = ("classify", "dial.wav", "--segments", "parts.csv", "--out", "out.csv")
    assert avser(*command).returncode == 3
    rows = (tmp_path / "out.csv").read_text().splitlines()
    assert [row.split(",")[:5] for row in rows[1:]] == [
        ["dial.wav", "0.0", "1.0", "", ""],
        ["dial.wav", "1.0", "2.0", "", ""],
    ]
    assert "0 classified, 1 kept" in avser(*command).stderr


def test_sound_from_stdin(tmp_path):
    path = write_wav(tmp_path / "a.wav", joined(speech(seconds=2.0)))
    for extra, head in (([], "Your emotion comes under"), (["--windows"], "00:00.")):
        with path.open("rb") as sound:
            done = subprocess.run(
                [sys.executable, "-m", "avser_cli", "classify", "-", *extra],
                stdin=sound,
                capture_output=True,
                text=True,
                cwd=REPOSITORY,
                check=True,
            )
        assert done.stdout.startswith(head)


def test_explanation(avser, tmp_path):
    done = avser("classify", VOICE, "--explain", "why.png", "--verbose")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) in (8, 9)
    with Image.open(tmp_path / "why.png") as spectrogram:
        assert spectrogram.size[0] > 1000


@needs_posix("names with line breaks")
def test_odd_names(avser, tmp_path):
    names = ["a b.wav", "ü.wav", "-x.wav", "line\nbreak.wav"]
    for name in names:
        write_wav(tmp_path / "in" / name, speech())
    found = [
        json.loads(line)
        for line in avser("classify", "in", "--format", "jsonl").stdout.splitlines()
    ]
    assert sorted(row["file"] for row in found) == sorted(f"in/{name}" for name in names)
    (tmp_path / "in" / "-x.wav").rename(tmp_path / "-x.wav")
    assert avser("classify", "--", "-x.wav").returncode == 0
    assert "line\nbreak" not in avser("classify", "in").stdout


@pytest.fixture
def anna(tmp_path):
    """A folder of one made voice in every mood."""
    for emotion in ("happy", "sad", "angry", "neutral"):
        for take in (0, 1):
            write_wav(
                tmp_path / "anna" / f"{emotion}-{take}.wav", speech(emotion, seconds=1 + take / 4)
            )
    return tmp_path / "anna"


def test_a_reference_of_the_speaker(avser, anna):
    plain = avser("classify", "anna", "--format", "jsonl")
    known = avser("classify", "anna", "--format", "jsonl", "--speaker-reference", "anna")
    assert known.returncode == 0
    assert "speaker reference: 8 recordings" in known.stderr
    before = [json.loads(line) for line in plain.stdout.splitlines()]
    after = [json.loads(line) for line in known.stdout.splitlines()]
    assert [row["file"] for row in after] == [row["file"] for row in before]
    assert [row["probabilities"] for row in after] != [row["probabilities"] for row in before]
    assert {row["model"][: len(before[0]["model"]) + 1] for row in after} == {
        before[0]["model"] + "+"
    }
    one = avser("classify", "anna/sad-0.wav", "--speaker-reference", "anna")
    assert one.stdout.splitlines()[0] in PAPER.values()
    long = avser("classify", "--windows", "anna", "--speaker-reference", "anna")
    assert long.returncode == 0
    assert "speaker reference: 8 windows" in long.stderr


def test_rows_of_another_reference_are_not_gone_on_with(avser, anna):
    for name in ("rows.csv", "rows.jsonl"):
        arguments = ("classify", "anna", "--out", name)
        assert avser(*arguments).returncode == 0
        before = (anna.parent / name).read_text()
        mixed = avser(*arguments, "--speaker-reference", "anna")
        assert mixed.returncode == 6
        assert "answers of another model" in mixed.stderr
        assert (anna.parent / name).read_text() == before


def test_bad_references(avser, anna):
    (anna / "bad.wav").write_text("no sound")
    partial = avser("classify", VOICE, "--speaker-reference", "anna")
    assert partial.returncode == 4
    assert partial.stdout.splitlines()[0] in PAPER.values()
    assert "speaker reference, left out: anna/bad.wav: not a sound file" in partial.stderr
    assert partial.stderr.splitlines()[-1].startswith("avser: 1 recording of the speaker")
    for place, code, words in (
        ("nowhere", 3, "nowhere: no such folder or file"),
        ("anna/sad-0.wav", 3, "at least 4 recordings, in various emotions; 1 can be used"),
        ("-", 2, "--speaker-reference takes a folder or a file"),
    ):
        done = avser("classify", VOICE, "--speaker-reference", place)
        assert done.returncode == code, place
        assert words in done.stderr
        assert done.stdout == ""


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_any_encoding_of_stdout_gets_an_answer(avser, tmp_path, encoding):
    name = "日本.wav"
    write_wav(tmp_path / name, speech())
    for arguments in (["--windows"], ["--verbose"], ["--format", "table"]):
        done = avser("classify", name, VOICE, *arguments, PYTHONIOENCODING=encoding)
        assert done.returncode == 0, done.stderr


def test_dollars_are_no_formulas(avser, tmp_path):
    write_wav(tmp_path / "in" / "a$$b_$1_vs_$2.wav", speech())
    done = avser("spectrogram", "in", "png", "--style", "spek")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "png" / "a$$b_$1_vs_$2.png").exists()
    name = "in/a$$b_$1_vs_$2.wav"
    for arguments in (["--windows", "--plot", "p.png"], ["--explain", "e.png"]):
        done = avser("classify", name, *arguments)
        assert done.returncode == 0, done.stderr


def test_tracks_of_one_name_do_not_overwrite_each_other(avser, tmp_path):
    for name in ("anna/rec.wav", "ben/rec.wav"):
        write_wav(tmp_path / "in" / name, speech())
    arguments = ("--windows", "--format", "srt", "--out")
    assert avser("classify", "in", *arguments, "tracks").returncode == 0
    assert avser("classify", "in/anna/rec.wav", "in/ben/rec.wav", *arguments, "two").returncode == 0
    for out in ("tracks", "two"):
        found = {x.relative_to(tmp_path / out).as_posix() for x in (tmp_path / out).rglob("*.srt")}
        assert found == {"anna/rec.wav.srt", "ben/rec.wav.srt"}


@needs_posix("links without privileges")
def test_rows_to_stdout_devices_and_pipes(avser, tmp_path):
    write_wav(tmp_path / "a.wav", speech())
    done = avser("classify", "a.wav", "--out", "-", "--format", "csv")
    assert done.returncode == 0 and done.stdout.count("\n") == 2
    assert not (tmp_path / "-").exists()
    link = tmp_path / "null.csv"
    link.symlink_to(os.devnull)
    assert avser("classify", "a.wav", "--out", "null.csv").returncode == 0
    assert link.is_symlink()


def test_an_output_that_another_run_writes_is_refused(avser, tmp_path):
    write_wav(tmp_path / "a.wav", speech())
    with locked(tmp_path / "rows.csv"):
        done = avser("classify", "a.wav", "--out", "rows.csv")
    assert done.returncode == 6
    assert "another run of avser is writing it" in done.stderr
    assert not (tmp_path / "rows.csv").exists()
    assert avser("classify", "a.wav", "--out", "rows.csv").returncode == 0


def test_files_with_other_endings_are_counted(avser, tmp_path):
    write_wav(tmp_path / "in" / "a.wav", speech())
    (tmp_path / "in" / "notes.docx").touch()
    done = avser("classify", "in")
    assert "in: 1 file with other endings passed over" in done.stderr


def test_one_channel_of_a_call(avser, tmp_path):
    write_wav(tmp_path / "left.wav", speech("sad"), subtype="FLOAT")
    two = np.stack([speech("sad"), speech("angry")], axis=1)
    write_wav(tmp_path / "call.wav", two, subtype="FLOAT")

    def answer(*arguments):
        found = json.loads(avser("classify", "--format", "jsonl", *arguments).stdout)
        return found["probabilities"], found["model"]

    alone, model = answer("left.wav")
    assert answer("call.wav", "--channel", "left") == (alone, f"{model}:left")
    assert answer("call.wav", "--channel", "1") == (alone, f"{model}:left")
    assert answer("call.wav", "--channel", "right")[0] != alone
    windows = ["classify", "call.wav", "--windows", "--format", "csv", "--channel", "left"]
    expected = avser(*["left.wav" if x == "call.wav" else x for x in windows[:-2]]).stdout
    assert avser(*windows).stdout == expected.replace("left.wav", "call.wav").replace(
        model, f"{model}:left"
    )


def test_rows_of_another_channel_are_not_gone_on_with(avser, tmp_path):
    write_wav(tmp_path / "a.wav", np.stack([speech("sad"), speech("angry")], axis=1))
    assert avser("classify", "a.wav", "--channel", "left", "--out", "r.csv").returncode == 0
    rows = (tmp_path / "r.csv").read_bytes()
    done = avser("classify", "a.wav", "--channel", "right", "--out", "r.csv")
    assert done.returncode == 6
    assert "another model, channel or speaker reference" in done.stderr
    assert (tmp_path / "r.csv").read_bytes() == rows


@pytest.mark.parametrize("options", [[], ["--windows"]])
def test_channels_that_cancel_each_other_are_named(avser, tmp_path, options):
    write_wav(tmp_path / "a.wav", np.stack([speech(), -speech()], axis=1))
    done = avser("classify", "a.wav", *options)
    assert done.returncode == 3
    assert "cancel each other" in done.stderr
    assert avser("classify", "a.wav", "--channel", "right", *options).returncode == 0


def dial_tone(seconds=4.0):
    return (tone(350.0, seconds) + tone(440.0, seconds)) / 2


def test_where_nobody_speaks_no_emotion_is_told(avser, tmp_path):
    write_wav(tmp_path / "in" / "dial.wav", dial_tone())
    told = "in/dial.wav: no voice found; --any-sound classifies it nevertheless"
    for extra in ([], ["--windows"], ["--windows", "--out", "t.srt"], ["--explain", "why.png"]):
        done = avser("classify", "in/dial.wav", *extra)
        assert (done.returncode, done.stdout) == (3, ""), extra
        assert done.stderr.splitlines() == [f"avser: {told}"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]
    write_wav(tmp_path / "in" / "voice.wav", speech())
    done = avser("classify", "in", "--out", "rows.csv")
    assert done.returncode == 4
    assert f"failed: {told}" in done.stderr.splitlines()
    rows = list(csv.DictReader((tmp_path / "rows.csv").open()))
    assert [row["file"] for row in rows] == ["in/dial.wav", "in/voice.wav"]
    assert (rows[0]["emotion"], rows[0]["p_sad"], rows[0]["speech"]) == ("", "", "0.0")
    assert (rows[0]["seconds"], rows[0]["windows"], rows[1]["windows"]) == ("4.0", "0", "1")
    again = avser("classify", "in", "--out", "rows.csv")
    assert again.stderr.splitlines()[-1] == "rows.csv: 0 classified, 2 kept, 0 failed"


def test_any_sound_is_classified_where_asked_for(avser, tmp_path):
    write_wav(tmp_path / "dial.wav", dial_tone())
    done = avser("classify", "dial.wav", "--any-sound")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] in PAPER.values()
    row = json.loads(avser("classify", "dial.wav", "--any-sound", "--format", "jsonl").stdout)
    assert row["speech"] > 0
    assert row["model"].endswith("+any-sound")


def test_an_uncertain_answer_says_so_beside_the_four_lines(avser, tmp_path):
    draw = np.random.default_rng(0)
    hiss = 0.15 * draw.standard_normal(48_000)
    write_wav(tmp_path / "hiss.wav", (speech(seconds=3.0) / 2 + hiss).astype(np.float32))
    row = json.loads(avser("classify", "hiss.wav", "--format", "jsonl").stdout)
    assert row["uncertain"]
    done = avser("classify", "hiss.wav")
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 4)
    calibration = read_config(bundled_model()).calibration
    assert calibration is not None
    threshold = f"under the model's threshold of {calibration.threshold:.2f}"
    line = f"uncertain: {row['confidence']:.2f}, {threshold}"
    assert done.stderr.splitlines() == [line]
    two = avser("classify", "hiss.wav", VOICE)
    assert two.stderr.splitlines()[0] == f"hiss.wav: {line}"


def test_a_long_recording_is_judged_by_all_of_its_speech(avser, tmp_path):
    parts = [speech("sad", 2.0, seed=n) for n in range(8)]
    parts[4:4] = [speech("happy", 2.0)]
    write_wav(tmp_path / "call.wav", joined(*parts))
    row = json.loads(avser("classify", "call.wav", "--format", "jsonl").stdout)
    assert row["windows"] >= 9
    assert row["seconds"] == 27.0
    assert row["speech"] == pytest.approx(18.0, abs=2.0)
    assert len(avser("classify", "call.wav").stdout.splitlines()) == 4


@pytest.fixture
def call(tmp_path):
    """Two speakers, one a channel, who take turns; RTTM of both and of a pause."""
    rest = np.zeros(3 * 16000, np.float32)
    left = np.concatenate([speech("happy", 2.0), rest, speech("sad", 2.0), rest])
    right = np.concatenate([rest, speech("angry", 1.5, seed=3), rest, speech(seconds=2.5, seed=5)])
    write_wav(tmp_path / "call.wav", np.stack([left, right], axis=1))
    turns = [
        ("A", 0.0, 2.0),
        ("B", 3.0, 4.5),
        ("pause", 2.1, 2.9),
        ("A", 5.0, 7.0),
        ("B", 7.5, 9.9),
    ]
    lines = [f"SPEAKER call 1 {a} {b - a:.2f} <NA> <NA> {who} <NA> <NA>" for who, a, b in turns]
    (tmp_path / "call.rttm").write_text("\n".join(lines) + "\n")
    return tmp_path / "call.wav"


def test_each_channel_by_itself(avser, call, tmp_path):
    done = avser("classify", "call.wav", "--channel", "each")
    lines = done.stdout.splitlines()
    assert (done.returncode, len(lines)) == (0, 10)
    assert (lines[0], lines[5]) == ("call.wav (left):", "call.wav (right):")
    found = avser("classify", "call.wav", "--channel", "each", "--format", "jsonl").stdout
    rows = [json.loads(line) for line in found.splitlines()]
    assert [row["channel"] for row in rows] == ["left", "right"]
    alone = json.loads(
        avser("classify", "call.wav", "--channel", "left", "--format", "jsonl").stdout
    )
    assert rows[0]["probabilities"] == alone["probabilities"] != rows[1]["probabilities"]
    arguments = ("classify", "call.wav", "--channel", "each", "--windows")
    spans = avser(*arguments).stdout
    assert spans.startswith("call.wav (left):\n00:00.0")
    assert "\ncall.wav (right):\n00:0" in spans
    assert avser(*arguments, "--format", "srt", "--out", "tracks").returncode == 0
    tracks = sorted(path.name for path in (tmp_path / "tracks").iterdir())
    assert tracks == ["call.wav.left.srt", "call.wav.right.srt"]
    assert avser(*arguments, "--plot", "x.png").returncode == 2
    out = avser(*arguments, "--out", "rows.csv")
    assert out.stderr.splitlines()[-1] == "rows.csv: 1 classified, 0 kept, 0 failed"
    again = avser(*arguments, "--out", "rows.csv")
    assert again.stderr.splitlines()[-1] == "rows.csv: 0 classified, 1 kept, 0 failed"


def test_a_channel_without_a_voice_does_not_cost_the_other_one(avser, tmp_path):
    both = np.stack([speech(seconds=2.0), dial_tone(2.0)], axis=1)
    write_wav(tmp_path / "call.wav", both)
    done = avser("classify", "call.wav", "--channel", "each", "--format", "jsonl")
    assert done.returncode == 4
    assert "failed: right channel: call.wav: no voice found" in done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["speech"] > 0 for row in rows] == [True, False]


def test_given_segments_are_summed_up_by_speaker(avser, call):
    done = avser("classify", "call.wav", "--segments", "call.rttm")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split("  ")[:2] for line in lines[:4]] == [
        ["00:00.0\u201300:02.0", "A"],
        ["00:03.0\u201300:04.5", "B"],
        ["00:05.0\u201300:07.0", "A"],
        ["00:07.5\u201300:09.9", "B"],
    ]
    assert lines[4].startswith("A: voice 00:04.0 of 00:10.0: ")
    assert lines[5].startswith("B: voice 00:03.9 of 00:10.0: ")
    told = "call.wav: 1 of 5 segments hold no voice, or too little to be judged"
    assert done.stderr.splitlines() == [told]
    found = avser("classify", "call.wav", "--segments", "call.rttm", "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(found)))
    assert [(row["start"], row["end"], row["speaker"]) for row in rows] == [
        ("0.0", "2.0", "A"),
        ("2.1", "2.9", "pause"),
        ("3.0", "4.5", "B"),
        ("5.0", "7.0", "A"),
        ("7.5", "9.9", "B"),
    ]
    assert [bool(row["emotion"]) for row in rows] == [True, False, True, True, True]
    grid = avser("classify", "call.wav", "--segments", "call.rttm", "--format", "textgrid").stdout
    assert 'name = "A"' in grid and 'name = "B"' in grid
    table = avser("classify", "call.wav", "--segments", "call.rttm", "--format", "table").stdout
    assert "speaker" in table


def test_segments_that_do_not_fit(avser, call, tmp_path):
    (tmp_path / "late.csv").write_text("start,end\n0,1\n50,51\n")
    (tmp_path / "bad.srt").write_text("1\nsoon --> later\n")
    for name, code, words in (
        ("late.csv", 3, "call.wav: 1 of 2 segments start after its end (10.0 s)"),
        ("bad.srt", 3, "bad.srt: line 2: no times as"),
        ("missing.rttm", 3, "missing.rttm: cannot be read"),
        ("call.wav", 2, "segments are read from files that end in .rttm"),
    ):
        done = avser("classify", "call.wav", "--segments", name)
        assert (done.returncode, done.stdout) == (code, ""), name
        assert words in done.stderr
        assert len(done.stderr.splitlines()) == 1
    assert avser("classify", "call.wav", "--segments", "call.rttm", "--windows").returncode == 2
    write_wav(tmp_path / "other.wav", speech())
    two = avser("classify", "call.wav", "other.wav", "--segments", "call.rttm")
    assert two.returncode == 4
    assert "failed: other.wav: no segment is of this recording; they name call" in two.stderr


def test_each_speakers_segments_are_their_reference(avser, tmp_path):
    emotions = ("happy", "sad", "angry", "neutral")
    parts = [
        x for n, e in enumerate(emotions) for x in (speech(e, 2.0), speech(e, 1.5, seed=n + 4))
    ]
    write_wav(tmp_path / "talk.wav", np.concatenate([*parts, speech(seconds=2.0)]))
    ends = np.cumsum([0, *map(len, parts), 32000]) / 16000
    names = ["A", "B"] * 4 + ["C"]
    rows = [f"{a},{b},{who}\n" for who, a, b in zip(names, ends, ends[1:], strict=False)]
    (tmp_path / "talk.csv").write_text("start,end,speaker\n" + "".join(rows))
    arguments = ("classify", "talk.wav", "--segments", "talk.csv", "--format", "jsonl")
    plain = [json.loads(line) for line in avser(*arguments).stdout.splitlines()]
    done = avser(*arguments, "--speaker-reference", "talk.csv")
    known = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 4
    assert "left out: talk.wav: C: 1 segments; at least 4 are needed" in done.stderr
    for before, after in zip(plain, known, strict=True):
        same = before["probabilities"] == after["probabilities"]
        assert same == (before["speaker"] == "C")
    assert plain[0]["model"] != known[0]["model"]
    nameless = [row.rpartition(",")[0] + ",\n" for row in rows]
    (tmp_path / "talk.csv").write_text("start,end,speaker\n" + "".join(nameless))
    done = avser(*arguments, "--speaker-reference", "talk.csv")
    assert done.returncode == 4
    assert "left out: talk.wav: 9 segments without a speaker's name" in done.stderr
    for before, line in zip(plain, done.stdout.splitlines(), strict=True):
        assert json.loads(line)["probabilities"] == before["probabilities"]


def test_each_speakers_own_sounds_are_their_reference(avser, tmp_path):
    for who, first in (("anna", 0), ("ben", 20)):
        for number, emotion in enumerate(("happy", "sad", "angry", "neutral")):
            sound = speech(emotion, 1.5, seed=first + number)
            write_wav(tmp_path / "team" / who / f"{emotion}.wav", sound)
    arguments = ("classify", "team", "--format", "jsonl")
    done = avser(*arguments, "--speakers", "folder")
    assert done.returncode == 0, done.stderr
    assert "speaker references: 2 of 2 speakers" in done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["speaker"] for row in rows] == ["anna"] * 4 + ["ben"] * 4
    # As if each had been asked about alone, with the folder as the reference.
    anna = avser("classify", "team/anna", "--format", "jsonl", "--speaker-reference", "team/anna")
    alone = [json.loads(line)["probabilities"] for line in anna.stdout.splitlines()]
    assert [row["probabilities"] for row in rows[:4]] == alone
    lines = [f"team/{row['file'][5:]},{row['speaker']}\n" for row in rows]
    (tmp_path / "who.csv").write_text("file,speaker\n" + "".join(lines))
    by_table = avser(*arguments, "--speakers", "who.csv")
    assert by_table.stdout == done.stdout
    write_wav(tmp_path / "team" / "carl" / "one.wav", speech())
    few = avser(*arguments, "--speakers", "folder")
    assert few.returncode == 4
    assert "left out: carl: speaker reference: at least 4 recordings" in few.stderr
    assert len(few.stdout.splitlines()) == 9
    # Of two teams, people of one name are two.
    shutil.copytree(tmp_path / "team" / "ben", tmp_path / "others" / "anna")
    both = avser("classify", "others", *arguments[1:], "--speakers", "folder")
    rows = [json.loads(line) for line in both.stdout.splitlines()]
    assert {row["speaker"] for row in rows} == {"others/anna", "team/anna", "ben", "carl"}
    assert [row["probabilities"] for row in rows if row["speaker"] == "team/anna"] == alone
    missing = avser(*arguments, "--speakers", "who.csv")
    assert missing.returncode == 3
    assert "who.csv: names no speaker of team/carl/one.wav (1 of 9 sounds)" in missing.stderr
    assert avser("classify", "team/anna", "--speakers", "folder").returncode == 2
    assert avser(*arguments, "--speakers", "nobody").returncode == 2


@pytest.mark.parametrize("options", ["", "--windows", "--segments parts.csv"])
def test_damage_is_named_and_ends_with_exit_4(avser, tmp_path, options):
    """What is before and behind damage is judged, and a line says where it is."""
    path = tmp_path / "a.flac"
    soundfile.write(path, joined(*[speech(seconds=3.0)] * 4), 16000)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)
    path.write_bytes(content)
    (tmp_path / "parts.csv").write_text("start,end\n0,4\n11,15\n")
    done = avser("classify", "a.flac", *options.split(), "--format", "jsonl")
    assert done.returncode == 4, done.stderr
    assert "a.flac: damaged at " in done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows and all(row["emotion"] for row in rows)
    if options == "--windows":
        assert rows[0]["start"] < 4 < 12 < rows[-1]["end"] == pytest.approx(15.0, abs=0.6)


@needs_posix("a shell")
def test_a_closed_stdout_is_no_traceback(tmp_path):
    path = write_wav(tmp_path / "a.wav", speech())
    for options in ("", "--windows", "--format jsonl"):
        command = f"{sys.executable} -m avser_cli classify {path} {options} >&-"
        done = subprocess.run(
            ["bash", "-c", command], cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr


@needs_posix("select of pipes")
def test_rows_come_while_the_pipe_is_open(tmp_path):
    path = write_wav(tmp_path / "a.wav", joined(*[speech(seconds=3.0)] * 8))
    command = [sys.executable, "-m", "avser_cli", "classify", "-", "--windows", "--format", "jsonl"]
    running = subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    )
    assert running.stdin and running.stdout
    running.stdin.write(path.read_bytes()[:-1000])
    ready, _, _ = select.select([running.stdout], [], [], 60)
    assert ready, "no row while the pipe was open"
    assert json.loads(running.stdout.readline())["start"] < 4
    running.stdin.close()
    running.stdout.read()
    assert running.wait(timeout=60) in (0, 4)


def test_workers_of_a_cluster_answer_as_this_machine_does(avser, tmp_path, workers):
    for speaker in ("anna", "ben"):
        for number, emotion in enumerate(("happy", "sad", "angry", "neutral")):
            place = tmp_path / "in" / speaker / f"{number}.wav"
            write_wav(place, speech(emotion, seconds=0.5 + number / 4, seed=len(speaker)))
    two = np.stack([speech(), tone(seconds=len(speech()) / 16000)], axis=1)
    write_wav(tmp_path / "in" / "anna" / "two.wav", two)
    (tmp_path / "in" / "ben" / "text.wav").write_text("no sound")
    command = ("classify", "in", "in/nowhere.wav", "--channel", "each", "--format", "jsonl")
    here = avser(*command)
    there = avser(*command, "--scheduler", workers.scheduler_address)
    assert here.returncode == there.returncode == 4
    assert len(there.stdout.splitlines()) == 10
    assert there.stdout == here.stdout
    assert failures(there) == failures(here)
    assert "failed: in/nowhere.wav: no such file" in there.stderr
    by_speaker = (*command[:2], "--speakers", "folder", "--out")
    assert avser(*by_speaker, "here.csv").returncode == 4
    assert avser(*by_speaker, "there.csv", "--scheduler", workers.scheduler_address).returncode == 4
    assert (tmp_path / "here.csv").read_bytes() == (tmp_path / "there.csv").read_bytes()


def failures(done):
    return [line for line in done.stderr.splitlines() if not line.startswith("classifying: ")]


@needs_posix("groups of processes")
def test_a_cluster_that_dies_loses_nothing_and_does_nothing_twice(avser, tmp_path):
    sound = write_wav(tmp_path / "in" / "000.wav", speech())
    for number in range(1, 400):
        (tmp_path / "in" / f"{number:03}.wav").hardlink_to(sound)
    out = tmp_path / "rows.jsonl"
    # A scheduler that is gone is waited for, here three seconds. Small batches, few ahead: else all
    # may be done before the scheduler is killed.
    settings = "cluster.CONNECT_SECONDS, cluster.BATCH_SECONDS, cluster.WAITING = 3, 0.05, 1"
    code = f"from avser_cli import cli, cluster; {settings}; cli.main()"
    with scheduler_and_workers() as processes:
        command = ["classify", "in", "--out", str(out), "--scheduler", processes.address]
        running = subprocess.Popen(
            [sys.executable, "-c", code, *command],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_for_size(out, 1, running)
        processes.kill_a_worker()
        wait_for_size(out, 20_000, running)
        processes.kill_scheduler()
        _, told = running.communicate(timeout=300)
    assert running.returncode == 9, told
    (line,) = [line for line in told.splitlines() if not line.startswith("classifying: ")]
    assert line.startswith(f"avser: {processes.address}: the Dask scheduler is gone; start it")
    written = out.read_bytes()
    again = avser(*command[:-2])
    kept = len(written.splitlines())
    assert again.stderr.splitlines()[-1] == f"{out}: {400 - kept} classified, {kept} kept, 0 failed"
    assert out.read_bytes().startswith(written)
    files = [json.loads(line)["file"] for line in out.read_text().splitlines()]
    assert files == [f"in/{number:03}.wav" for number in range(400)]


def wait_for_size(path, size, running, seconds=300):
    deadline = time.monotonic() + seconds
    while not path.exists() or path.stat().st_size < size:
        assert running.poll() is None, running.stderr.read()
        assert time.monotonic() < deadline, f"{path}: too few rows"
        time.sleep(0.005)


def test_what_does_not_go_to_workers_is_refused(avser, tmp_path):
    address = ("--scheduler", "tcp://127.0.0.1:9")
    for arguments, reason in ((("-",), "stdin"), ((VOICE, "--windows"), "whole recordings")):
        done = avser("classify", *arguments, *address)
        assert done.returncode == 2
        assert reason in done.stderr
