import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

from avser_cli.data.corpora import find_corpus, known_corpora
from avser_cli.files import locked
from avser_cli.model.bundle import read_config
from tests.conftest import REPOSITORY
from tests.platforms import needs_posix
from tests.synthetic import make_corpus, ravdess_name, voice, write_wav


@pytest.fixture
def home(trained, tmp_path):
    """A folder with pictures and no models."""
    shutil.copytree(trained / "png", tmp_path / "png")
    return tmp_path


def test_a_bundle_is_scored_by_evaluate_on_what_it_held_out(trained, avser):
    done = avser("evaluate", cwd=trained)
    assert done.returncode == 0, done.stderr
    assert "model: models/tiny" in done.stderr
    assert "held out, random (stratified, 25% held out, seed 0)" in done.stdout
    assert "Weighted avg" in done.stdout
    assert (trained / "tiny-confusion.png").exists()
    found = json.loads(avser("evaluate", "--format", "json", cwd=trained).stdout)
    assert set(found) >= {
        "accuracy",
        "uar",
        "labels",
        "confusion",
        "per_emotion",
        "split",
        "clips",
    }
    assert sum(map(sum, found["confusion"])) == len(found["clips"]) == 16
    stored = json.loads((trained / "models/tiny/metrics.json").read_text())["held_out"]
    assert found["confusion"] == stored["confusion"]


def test_training_clips_are_scored_only_when_asked_and_labelled_so(trained, avser):
    done = avser("evaluate", "--part", "train", cwd=trained)
    assert done.returncode == 0
    assert "TRAINING CLIPS, not a measure of accuracy" in done.stdout
    as_json = avser("evaluate", "--part", "train", "--format", "json", cwd=trained)
    assert json.loads(as_json.stdout)["scored_training_clips"] is True


def test_lines_an_epoch_and_nothing_of_tensorflow(home, avser):
    done = avser(
        "train", "--epochs", "2", "--ensemble", "1", "--optimizer", "rmsprop", "--lr", "0.001"
    )
    assert done.returncode == 0, done.stderr
    told = done.stderr.splitlines()
    assert sum(line.startswith("epoch ") and line.endswith(" left") for line in told) == 2
    assert any(line.startswith("leak check: no recording") for line in told)
    known = ("reading", "corpus:", "split:", "leak check:", "training:", "epoch", "bundle:")
    assert all(line.startswith(known) for line in told)
    assert done.stdout.splitlines()[0].split() == ["Precision", "Recall", "F1-score", "Support"]
    printed = [line.split() for line in done.stdout.splitlines()]
    assert ["by", "group", "clips", "UAR", "accuracy"] in printed
    assert ["speaker", "clips", "emotions", "accuracy", "UAR"] in printed
    bundle = home / "models" / "cnn2d-default-rmsprop-0.001-random-seed0-x1"
    assert json.loads((bundle / "config.json").read_text())["recipe"]["optimizer"] == "rmsprop"
    again = avser(
        "train", "--epochs", "2", "--ensemble", "1", "--optimizer", "rmsprop", "--lr", "0.001"
    )
    assert again.returncode == 6
    assert "--force replaces it" in again.stderr


def test_a_balanced_training_says_so_and_keeps_it(home, avser):
    options = ("--sampling", "emotion=0,speaker=0.5", "--draws", "20", "--epochs", "1")
    done = avser("train", *options, "--ensemble", "1", "--out", "m")
    assert done.returncode == 0, done.stderr
    assert ", 20 clips an epoch by emotion^0, speaker^0.5, seed 0" in done.stderr
    stored = json.loads((home / "m" / "config.json").read_text())["recipe"]["sampling"]
    assert stored == {"corpus": 1.0, "emotion": 0.0, "speaker": 0.5, "draws": 20}


@pytest.mark.parametrize("network", ["mlp", "cnn1d"])
def test_networks_that_read_sound(corpus, avser, tmp_path, network):
    done = avser("train", corpus, "--network", network, "--epochs", "20", "--out", "m")
    assert done.returncode == 0, done.stderr
    clip = next(corpus.rglob("*.wav"))
    heard = avser("classify", clip, "--any-sound", "--model", "m")
    assert heard.returncode == 0, heard.stderr
    scored = avser("evaluate", corpus, "--model", "m", "--format", "json")
    stored = json.loads((tmp_path / "m" / "metrics.json").read_text())["held_out"]
    assert json.loads(scored.stdout)["accuracy"] == pytest.approx(stored["accuracy"], abs=0.07)


@needs_posix("interrupts of one process")
def test_interrupt_keeps_epochs_and_resume_goes_on(home, avser):
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    command = [
        sys.executable,
        "-m",
        "avser_cli",
        "train",
        "--epochs",
        "12",
        "--ensemble",
        "1",
        "--out",
        "m/x",
    ]
    running = subprocess.Popen(
        command, cwd=home, env=environment, stderr=subprocess.PIPE, text=True
    )
    state = home / "m" / ".x.run" / "member-1" / "state.json"
    deadline = time.monotonic() + 120
    while not state.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130, told
    assert "--resume goes on" in told
    assert "Traceback" not in told
    assert not (home / "m" / "x").exists()
    refused = avser("train", "--epochs", "12", "--ensemble", "1", "--out", "m/x")
    assert refused.returncode == 6
    assert "an interrupted run is there" in refused.stderr
    other = avser("train", "--epochs", "20", "--ensemble", "1", "--out", "m/x", "--resume")
    assert other.returncode == 2
    resumed = avser("train", "--epochs", "12", "--ensemble", "1", "--out", "m/x", "--resume")
    assert resumed.returncode == 0, resumed.stderr
    epochs = [line for line in resumed.stderr.splitlines() if line.startswith("epoch ")]
    assert 1 <= len(epochs) < 12
    assert len((home / "m" / "x" / "history.csv").read_text().splitlines()) == 13
    assert not (home / "m" / ".x.run").exists()
    finished = avser("train", "--epochs", "12", "--ensemble", "1", "--out", "m/x", "--resume")
    assert (finished.returncode, "already finished" in finished.stderr) == (0, True)


ROUND = ("train", "png", "--epochs", "2", "--ensemble", "1", "--out", "models/tiny")


@pytest.fixture
def interrupted(trained, tmp_path):
    """A folder with a bundle, and a checkpoint of one epoch that came after it."""
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    state = tmp_path / "models" / ".tiny.run" / "member-1" / "state.json"
    state.parent.mkdir(parents=True)
    state.write_text("{}")
    return state


def test_a_run_that_is_to_replace_a_bundle_can_be_resumed(interrupted, avser):
    for arguments in ((), ("--resume",)):
        refused = avser(*ROUND, *arguments)
        assert (refused.returncode, "--force --resume goes on" in refused.stderr) == (6, True)
    # The checkpoint is read, not thrown away: this one is damaged.
    resumed = avser(*ROUND, "--force", "--resume")
    assert (resumed.returncode, ".tiny.run" in resumed.stderr) == (2, True)
    assert interrupted.exists()


def test_a_checkpoint_older_than_its_bundle_is_a_leftover(interrupted, avser):
    os.utime(interrupted, (0, 0))
    done = avser(*ROUND, "--force", "--resume")
    assert (done.returncode, "already finished" in done.stderr) == (0, True)
    assert not interrupted.exists()


def test_a_bundle_comes_back_whose_replacement_was_killed(trained, avser, tmp_path):
    shutil.copytree(trained / "models" / "tiny", tmp_path / "models" / ".tiny.9-ffffff.old")
    done = avser(*ROUND)
    assert (done.returncode, "already there" in done.stderr) == (6, True)
    assert (tmp_path / "models" / "tiny" / "config.json").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["nowhere"], 3, "no such folder"),
        (["png", "--lr", "0"], 2, "learning rate"),
        (["png", "--epochs", "0"], 2, "at least 1"),
        (["png", "--sampling", "actor=1"], 2, "--sampling 'actor=1': corpus, emotion, speaker"),
        (["png", "--sampling", "corpus=1,corpus=0"], 2, "--sampling 'corpus=1,corpus=0'"),
        (["png", "--sampling", "corpus=2"], 2, "corpus=2; a power from 0 to 1"),
        (["png", "--draws", "0"], 2, "0 draws an epoch"),
        (["png", "--emotions", "happy"], 2, "at least two emotions"),
        (["png", "--map", "fun"], 2, "--map 'fun' must read WORD=LABEL"),
        (["png", "--data", "png"], 2, "--data 'png' must read NAME=PATH"),
        (["png", "png"], 2, "png: named twice"),
        (["png", "--emotions", "happy,bored"], 7, "no clip of bored; labels there: "),
        (["png", "--emotions", "happy,calm"], 7, "no clip of calm; labels there: "),
        (
            ["png", "--split", "speaker", "--fold", "9"],
            2,
            "fold 9: split speaker has folds 1 to 4",
        ),
        (["png", "--split", "random", "--fold", "2"], 2, "fold 2: split random has no folds"),
        (["png", "--split", "corpus"], 7, "only one corpus, ravdess"),
        (["png", "--split", "table"], 7, "64 clips have no split, e.g. 03-01-"),
        (["png", "--test-size", "0.01"], 7, "clips held out in split random"),
        (["png", "--test-size", "0.3", "--split", "speaker"], 2, "only --split random holds out"),
        (["png", "--network", "mlp", "--scheduler", "tcp://HOST:8786"], 2, "not with mlp"),
        (["png", "--from", "default", "--scheduler", "tcp://HOST:8786"], 2, "not with --from"),
        (["png", "--positive", "bored"], 2, "--positive bored: not among happy, sad"),
        (["png", "--positive", "sad", "--negative", "sad"], 2, "sad: both --positive and"),
        (["png", "--recipe", "paper"], 7, "other picture settings"),
        (["png", "--network", "mlp"], 7, "mlp read sound"),
        (["png", "--network", "cnn1d", "--recipe", "default"], 2, "known: paper"),
        (["png", "--out", "png/file/x"], 6, "cannot be written"),
    ],
)
def test_bad_options_are_one_line(home, avser, arguments, code, expected):
    (home / "png" / "file").touch()
    done = (
        avser("train", *arguments, "--epochs", "1")
        if "--epochs" not in arguments
        else avser("train", *arguments)
    )
    assert done.returncode == code, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("avser: ")]
    assert len(lines) == 1
    assert expected in lines[0]
    assert "Traceback" not in done.stderr
    assert not (home / "models").exists() or not any((home / "models").iterdir())


def test_copies_across_actors_leak_and_are_kept_together(avser, tmp_path):
    """The first clip of actor 1 lies there as actor 2's too: as it is, then as an MP3."""
    folder = make_corpus(tmp_path / "wav", actors=(1, 2, 3, 11))
    name, other = ravdess_name("sad", 1), ravdess_name("sad", 2, channel=2)
    clip = folder / "Actor_01" / f"{name}.wav"
    tiny = ("--recipe", "paper", "--epochs", "1", "--out", "m")
    for suffix, kind in ((".wav", "samples"), (".mp3", "sound (re-encoded)")):
        copy = folder / f"{other}{suffix}"
        if suffix == ".wav":
            shutil.copy(clip, copy)
        else:
            soundfile.write(copy, soundfile.read(clip)[0], 16000)
        refused = avser("train", "wav", "--split", "speaker", "--fold", "1", *tiny)
        assert refused.returncode == 7
        lines = refused.stderr.splitlines()
        assert lines[-1] == (
            f"avser: the split leaks in 1 places; the first: same {kind}: {other} (trained on) and "
            f"{name} (held out); leave one of them out, or add --drop-copies"
        )
        assert not (tmp_path / "m").exists()
        if suffix == ".wav":
            copy.unlink()
    dropped = avser("train", "wav", "--split", "speaker", "--drop-copies", *tiny[:-1], "d")
    assert dropped.returncode == 0, dropped.stderr
    assert "on neither side: 1 clips" in dropped.stderr
    kept = avser("train", "wav", *tiny)
    assert kept.returncode == 0, kept.stderr
    assert "0 exact and 1 re-encoded copies, kept on one side" in kept.stderr
    assert {name, other} <= set(read_config(tmp_path / "m").split.train)


def test_force_never_replaces_what_is_no_bundle(home, avser):
    (home / "letters").mkdir()
    (home / "letters" / "dear.txt").write_text("keep me")
    done = avser("train", "--epochs", "1", "--out", "letters", "--force")
    assert (done.returncode, "not a model bundle" in done.stderr) == (6, True)
    assert (home / "letters" / "dear.txt").read_text() == "keep me"


def test_evaluate_without_models_or_data(avser, tmp_path, trained):
    for arguments in ((), ("--model", trained / "models" / "tiny")):
        done = avser("evaluate", *arguments)
        assert (done.returncode, "name the folder" in done.stderr) == (2, True)
    (tmp_path / "png").mkdir()
    done = avser("evaluate")
    assert (done.returncode, "no model bundle" in done.stderr) == (5, True)


def test_pictures_that_do_not_match_the_bundle(avser, corpus, trained, tmp_path):
    avser("spectrogram", corpus, "png", "--recipe", "paper")
    done = avser("evaluate", "png", "--model", trained / "models" / "tiny")
    assert done.returncode == 7
    assert "drawn with other picture settings" in done.stderr
    assert ravdess_name("happy", 1).split("-")[0] in done.stderr


def test_a_bundle_of_other_settings_is_not_taken_for_a_finished_one(trained, avser):
    arguments = ("train", "png", "--epochs", "2", "--ensemble", "1", "--out", "models/tiny")
    done = avser(*arguments, "--resume", cwd=trained)
    assert done.returncode == 0 and "nothing to resume" in done.stderr
    for other in (["--seed", "5"], ["--epochs", "3"], ["--split", "speaker"]):
        done = avser(*arguments, "--resume", *other, cwd=trained)
        assert done.returncode == 2
        assert "already finished with another" in done.stderr


def test_a_bundle_has_one_writer_and_errors_leave_no_folder(avser, tmp_path):
    (tmp_path / "empty").mkdir()
    assert avser("train", "empty", "--out", "models/m").returncode == 7
    assert not (tmp_path / "models").exists()
    with locked(tmp_path / "m"):
        done = avser("train", "empty", "--out", "m")
    assert done.returncode == 6
    assert "another run of avser is writing it" in done.stderr


TINY = ("--recipe", "paper", "--epochs", "1")


def config_of(folder):
    return json.loads((folder / "config.json").read_text())


@pytest.fixture
def mine(tmp_path, corpus):
    """A folder an emotion: the made clips under names that say nothing."""
    ravdess = find_corpus("ravdess")
    for number, path in enumerate(sorted(corpus.rglob("*.wav"))):
        labels = ravdess.labels(path.stem)
        folder = tmp_path / "mine" / labels["emotion"]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / f"rec{number}.wav")
    return tmp_path / "mine"


def test_a_folder_an_emotion_and_its_pictures_and_a_table_are_trained_on(mine, avser, tmp_path):
    done = avser("train", "mine", *TINY, "--out", "a")
    assert done.returncode == 0, done.stderr
    split = read_config(tmp_path / "a").split
    assert len(split.train) == 48 and len(split.test) == 16
    assert all(re.fullmatch(r"mine:(happy|sad|angry|neutral)/rec\d+", x) for x in split.test)
    assert avser("spectrogram", "mine", "png", "--recipe", "paper").returncode == 0
    done = avser("evaluate", "png", "--model", "a", "--format", "json")
    assert done.returncode == 0, done.stderr
    scored = {clip["file"] for clip in json.loads(done.stdout)["clips"]}
    assert scored == {f"png/{key.removeprefix('mine:')}.png" for key in split.test}
    rows = [f"mine/{x.parent.name}/{x.name},{x.parent.name}" for x in sorted(mine.rglob("*.wav"))]
    (tmp_path / "labels.csv").write_text("\n".join(["file,emotion", *rows, "mine/gone.wav,sad"]))
    done = avser("train", "labels.csv", *TINY, "--out", "c", "--map", "sad=blue,neutral=blue",
                 "--emotions", "happy,blue", "--negative", "blue")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "left out: mine/gone.wav: line 66: no such file" in done.stderr
    assert "not asked for: 16 clips of other emotions" in done.stderr
    assert config_of(tmp_path / "c")["labels"] == ["happy", "blue"]
    said = avser("classify", next((mine / "sad").iterdir()), "--model", "c", "--format", "jsonl")
    row = json.loads(said.stdout)
    assert row["category"] == {"happy": "positive", "blue": "negative"}[row["emotion"]]


def test_parts_of_one_file_are_clips(mine, avser, tmp_path):
    rows = ["file,emotion,speaker,start,end"]
    for emotion in ("happy", "sad"):
        sounds = [soundfile.read(x) for x in sorted((mine / emotion).glob("*.wav"))]
        joined = np.concatenate([samples for samples, _ in sounds])
        soundfile.write(tmp_path / f"{emotion}.wav", joined, 16000)
        ends = np.cumsum([len(samples) for samples, _ in sounds]) / 16000
        starts = [0.0, *ends[:-1]]
        rows += [
            f"{emotion}.wav,{emotion},s{n % 3},{start},{end}"
            for n, (start, end) in enumerate(zip(starts, ends, strict=True))
        ]
    rows.append("sad.wav,sad,s1,1000,1001")
    (tmp_path / "labels.csv").write_text("\n".join(rows))
    done = avser("train", "labels.csv", *TINY, "--emotions", "happy,sad", "--out", "m")
    assert done.returncode == 4, done.stderr
    assert "left out: sad.wav: start 1000 is not before its end" in done.stderr
    assert "corpus: 32 clips by 3 speakers: happy 16, sad 16" in done.stderr
    whole = avser("train", "mine", *TINY, "--emotions", "happy,sad", "--out", "w")
    assert whole.returncode == 0, whole.stderr
    parts, files = config_of(tmp_path / "m"), config_of(tmp_path / "w")
    assert parts["corpus"]["fingerprint"] == files["corpus"]["fingerprint"]


def test_one_sound_with_two_labels_is_not_used(mine, avser, tmp_path):
    shutil.copy(next((mine / "happy").iterdir()), mine / "sad" / "copy.wav")
    done = avser("train", "mine", *TINY, "--out", "m")
    assert done.returncode == 0, done.stderr
    assert "left out: mine/sad/copy.wav: labelled sad, but happy as mine/happy/rec" in done.stderr
    assert done.stderr.count("neither is used") == 2
    assert "corpus: 63 clips" in done.stderr


def test_several_sources_are_trained_on_together(mine, corpus, avser, tmp_path):
    shutil.copytree(mine, tmp_path / "other")
    for path in (tmp_path / "other").rglob("*.wav"):
        write_wav(path, voice(path.parent.name, seed=1000 + int(path.stem[3:])))
    command = ("train", "mine", "--data", "yours=other", *TINY)
    done = avser(*command, "--out", "m")
    assert done.returncode == 0, done.stderr
    assert "corpus: 128 clips (mine 64, yours 64)" in done.stderr
    assert config_of(tmp_path / "m")["corpus"]["corpora"] == "mine, yours"
    done = avser(*command, "--split", "corpus", "--fold", "yours", "--out", "n")
    assert done.returncode == 0, done.stderr
    assert "split: corpus (yours held out): 64 to train, 64 held out" in done.stderr
    assert all(key.startswith("yours:") for key in read_config(tmp_path / "n").split.test)


def test_the_table_of_corpora(avser):
    done = avser("train", "--list-corpora")
    assert (done.returncode, done.stderr) == (0, "")
    for corpus in known_corpora().values():
        row = next(x for x in done.stdout.splitlines() if f" {corpus.name} " in x)
        assert corpus.url in row and f"{corpus.clips:,}" in row


def test_a_bundle_between_two_names_is_found(trained, tmp_path, avser):
    """A kill between the two renames of a replaced bundle leaves the old one under another name."""
    shutil.copytree(trained / "models" / "tiny", tmp_path / "models" / ".tiny.99999-abcdef.old")
    clip = REPOSITORY / "examples" / "voice.wav"
    done = avser("classify", clip, "--model", "models/tiny", "--format", "jsonl")
    assert done.returncode == 0, done.stderr
    whole = avser("classify", clip, "--model", trained / "models" / "tiny", "--format", "jsonl")
    assert done.stdout == whole.stdout
    shutil.copytree(trained / "png", tmp_path / "png")
    scored = avser("evaluate", "--no-figure")
    assert scored.returncode == 0, scored.stderr
    assert not list(tmp_path.glob("*.png"))
    assert avser("evaluate", "--no-figure", "--figure", "x.png").returncode == 2
    assert not (tmp_path / "models" / "tiny").exists()


def test_mlp_has_no_dropout(home, avser):
    done = avser("train", "--network", "mlp", "--dropout", "0.5")
    assert done.returncode == 2
    assert "mlp has no dropout" in done.stderr
    assert not (home / "models").exists()
