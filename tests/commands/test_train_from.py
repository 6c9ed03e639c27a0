import json
import re
import shutil

import pytest

from avser_cli.checksums import file_sha256
from avser_cli.commands.train_from import as_trained_on, note_of_many
from avser_cli.model.bundle import read_config
from avser_cli.model.known_recipes import find_recipe
from tests.synthetic import voice, write_wav

SHORT = ("--epochs", "1")


def config_of(folder):
    return json.loads((folder / "config.json").read_text())


def checksums(folder):
    return {path.name: file_sha256(path) for path in folder.iterdir()}


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """Four clips of each of four emotions by each of three speakers."""
    folder = tmp_path_factory.mktemp("own") / "mine"
    seed = 900
    for speaker in ("anna", "ben", "cleo"):
        for emotion in ("happy", "sad", "angry", "neutral"):
            for number in range(4):
                seed += 1
                write_wav(folder / emotion / speaker / f"{number}.wav", voice(emotion, seed=seed))
    return folder


@pytest.fixture
def tiny(trained, tmp_path):
    return shutil.copytree(trained / "models" / "tiny", tmp_path / "models" / "tiny")


def test_with_many_clips_it_says_what_to_compare_with():
    assert note_of_many(199) is None
    assert "with 200 clips a training from scratch" in str(note_of_many(200))


def test_all_networks_are_trained_on_alike():
    recipe = as_trained_on(find_recipe("cnn2d", "multi-corpus"), 4)
    assert [recipe.epochs_of(member) for member in (1, 2, 3)] == [4, 4, 4]
    assert as_trained_on(recipe, 0).epochs == 1


def test_a_bundle_is_trained_on(mine, tiny, avser, tmp_path, trained):
    before = checksums(tiny)
    command = ("train", mine, "--from", tiny, "--split", "speaker", *SHORT)
    done = avser(*command)
    assert done.returncode == 0, done.stderr
    assert "chosen on 2 folds of speakers: " in done.stderr
    assert "16 clips; 95 %" in done.stdout
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["held", "out", "before", "after"] in lines
    assert sum(line.count("→") for line in lines) == 16
    target = tmp_path / "models" / "tiny-adapted-speaker-seed0"
    config = config_of(target)
    split = read_config(target).split
    assert config["origin"]["checksum"] == before["config.json"]
    assert len(split.train) == 48 + 32 and len(split.test) == 16
    assert config["calibration"]["clips"] == 32
    assert checksums(tiny) == before
    card = (target / "MODEL_CARD.md").read_text()
    assert "| from | the bundle `tiny`" in card and "32 trained on, 16 held out |" in card
    metrics = json.loads((target / "metrics.json").read_text())
    assert metrics["held_out"]["clips"] == metrics["held_out_before"]["clips"] == 16
    (by_speaker,) = (group for group in metrics["groups"] if group["by"] == "speaker")
    assert by_speaker["uar"] == pytest.approx(metrics["held_out"]["uar"])
    again = avser(*command, "--resume")
    assert (again.returncode, "already finished" in again.stderr) == (0, True)
    other = avser(*command, "--resume", "--from", "default", "--out", target)
    assert other.returncode == 2
    assert "already finished with another recipe and origin" in other.stderr
    # What the first bundle was trained on stays known.
    scored = avser("evaluate", trained / "png", "--model", target, "--no-figure")
    assert scored.returncode == 0, scored.stderr
    left_out = re.search(r"not scored: (\d+) clips that the model was trained on", scored.stderr)
    assert left_out is not None and int(left_out[1]) >= 48


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (["--from", "nowhere"], 5, "nowhere: no such model bundle"),
        (["--from", "models/tiny", "--recipe", "paper"], 2, "--recipe: not with --from"),
        (["--from", "models/tiny", "--epochs", "0"], 2, "epochs: at least 1"),
        (["--from", "models/tiny", "--out", "models/tiny"], 2, "is the bundle to go on from"),
        (["--from", "models/tiny", "--emotions", "happy,bored"], 7, "no clip of bored"),
        (["--from", "models/tiny", "--calibrate-only", "--lr", "1"], 2, "leave out --epochs, --lr"),
        (["--allow-known"], 2, "--allow-known needs --from"),
        (["--calibrate-only"], 2, "--calibrate-only needs --from"),
    ],
)
def test_what_cannot_be_gone_on_from_is_one_line(
    mine, tiny, avser, tmp_path, arguments, code, expected
):
    done = avser("train", mine, *arguments)
    assert done.returncode == code, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("avser: ")]
    assert len(lines) == 1 and expected in lines[0]
    assert "Traceback" not in done.stderr
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["tiny"]


def test_what_it_knew_is_rehearsed_and_scored_where_nothing_is_held_out(
    mine, tiny, avser, tmp_path, trained
):
    options = ("--split", "none", "--rehearse", trained / "png", "--out", "m")
    command = ("train", mine, "--from", tiny, *SHORT, *options)
    done = avser(*command)
    assert done.returncode == 0, done.stderr
    assert "rehearsal: 48 clips that tiny knows; 16 others show what is forgotten" in done.stderr
    assert "what it knew" in done.stdout and "16 clips; 95 %" in done.stdout
    origin = config_of(tmp_path / "m")["origin"]
    assert origin["settings"]["rehearsal"] == 0.5
    split = read_config(tmp_path / "m").split
    assert len(split.train) >= 48 and len(split.test) == 0
    again = avser(*command[:-4], "--out", "m", "--resume")
    assert (again.returncode, "already finished with another origin" in again.stderr) == (2, True)


def test_a_bundle_is_calibrated_and_answers_so(mine, tiny, avser, tmp_path):
    command = ("train", mine, "--from", tiny, "--calibrate-only", "--out", "m")
    done = avser(*command)
    assert done.returncode == 0, done.stderr
    assert "epoch" not in done.stderr
    assert re.search(r"bundle: m \(temperature \d.+, bias happy [+-].+, sad ", done.stderr)
    before, after = config_of(tiny), config_of(tmp_path / "m")
    assert (tmp_path / "m" / "weights.npz").read_bytes() == (tiny / "weights.npz").read_bytes()
    assert len(after["calibration"]["bias"]) == 4 and after["calibration"]["clips"] == 36
    assert after["origin"]["settings"] == {}
    assert len(read_config(tmp_path / "m").split.train) == 36 + 48
    assert before["files"]["model.tflite"] == after["files"]["model.tflite"]
    # What was printed is what the bundle answers.
    scored = avser("evaluate", mine, "--model", "m", "--format", "json", "--no-figure")
    held_out = json.loads((tmp_path / "m" / "metrics.json").read_text())["held_out"]
    assert json.loads(scored.stdout)["confusion"] == held_out["confusion"]
    groups = json.loads((tmp_path / "m" / "metrics.json").read_text())["groups"]
    assert json.loads(scored.stdout)["groups"] == groups
    again = avser(*command, "--resume")
    assert (again.returncode, "already finished" in again.stderr) == (0, True)
    trained = avser(*command[:4], "--out", "m", "--resume")
    assert (trained.returncode, "already finished with another origin" in trained.stderr) == (
        2,
        True,
    )


def test_clips_that_it_was_trained_on_and_other_pictures_are_refused(trained, tiny, mine, avser):
    known = avser("train", trained / "png", "--from", tiny, "--out", "m")
    assert known.returncode == 7
    assert "tiny was trained on 48 of these 64 clips" in known.stderr
    assert avser("spectrogram", mine, "png", "--recipe", "paper").returncode == 0
    drawn = avser("train", "png", "--from", tiny, "--out", "m")
    assert drawn.returncode == 7
    assert "drawn with other picture settings than the model's" in drawn.stderr


def test_clips_that_it_was_trained_on_judge_nothing(trained, tiny, avser, tmp_path):
    options = ("--calibrate-only", "--allow-known", "--seed", "1", "--out", "m")
    done = avser("train", trained / "png", "--from", tiny, *options)
    assert done.returncode == 0, done.stderr
    told = re.search(r"not judged: (\d+) of 16 held-out clips, which tiny was", done.stderr)
    assert told is not None
    judged = 16 - int(told[1])
    assert 0 < judged < 16
    assert f"{judged} clips; 95 %" in done.stdout
    split = read_config(tmp_path / "m").split
    assert len(split.train.keys() | split.test.keys()) == 64 and len(split.test) == judged
    assert sum(x["clips"] for x in config_of(tmp_path / "m")["corpora"]) == len(split.train)
    scored = avser("evaluate", trained / "png", "--model", "m", "--no-figure")
    assert f"not scored: {64 - judged} clips that the model was trained on" in scored.stderr


def test_a_bundle_of_an_older_format_says_so(tiny, mine, avser):
    config = config_of(tiny)
    del config["files"]["weights.npz"]
    (tiny / "config.json").write_text(json.dumps({**config, "format": 4}))
    done = avser("train", mine, "--from", tiny)
    assert done.returncode == 2
    assert "made by an older avser, without weights.npz; train it anew" in done.stderr
