import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from tests.commands.test_page_options import rows_of
from tests.conftest import REPOSITORY
from tests.platforms import needs_posix
from tests.synthetic import make_corpus, ravdess_name, voice, write_wav

TINY = ("--recipe", "paper", "--lr", "0.001", "--epochs", "1")


def test_a_protocol_is_run_kept_and_reported(corpus, avser, tmp_path):
    command = ("evaluate", corpus, "--protocol", "text", *TINY, "--out", "report")
    done = avser(*command)
    assert done.returncode == 0, done.stderr
    assert "run 2 of 2: cnn2d-paper, text2-seed0  epoch 1/1" in done.stderr
    assert "mean" in done.stdout
    assert "± sd" in done.stdout
    assert "recall: happy" in done.stdout
    summary = json.loads((tmp_path / "report" / "report.json").read_text())
    assert summary["command"].startswith("avser evaluate ")
    text = (tmp_path / "report" / "report.md").read_text()
    assert summary["command"] in text
    assert "| mean ± sd |" in text
    low, high = summary["intervals"]["uar"]
    assert low <= summary["mean"]["uar"]["mean"] <= high
    assert f"{low:.3f} … {high:.3f}" in text
    for place in (text, done.stdout):
        assert "95 %: bootstrap over folds and clips" in place
    for name in ("confusion", "learning-curves", "calibration", "coverage"):
        assert f"({name}.png)" in text
        with Image.open(tmp_path / "report" / f"{name}.png") as spectrogram:
            assert min(spectrogram.size) > 300
    # Without the cache, too: the report folder holds all runs.
    shutil.rmtree(tmp_path / "cache")
    again = avser(*command, "--format", "json")
    assert "runs: 2; 2 kept from before, 0 to train" in again.stderr
    assert json.loads(again.stdout)["runs"] == summary["runs"]
    other = avser("evaluate", corpus, *command[2:4], "--network", "mlp", "--out", "report")
    assert other.returncode == 2
    assert "text1-seed0: was made with other settings" in other.stderr

    bundle = tmp_path / "report" / "runs" / "text1-seed0"
    scored = avser("evaluate", corpus, "--model", bundle, "--format", "json")
    values = json.loads(scored.stdout)
    assert values["uar"] == pytest.approx(summary["runs"][0]["uar"])
    assert values["uar_interval"][0] <= values["uar"] <= values["uar_interval"][1]
    assert values["resampled"] == "clips only, of one training"
    shown = avser("evaluate", corpus, "--model", bundle).stdout
    low, high = values["accuracy_interval"]
    assert f"95 %: accuracy {low:.3f} … {high:.3f}, UAR " in shown

    trained = avser("train", corpus, *TINY, "--split", "none", "--report", "report", "--out", "m")
    assert trained.returncode == 0, trained.stderr
    config = json.loads((tmp_path / "m" / "config.json").read_text())
    assert config["calibration"] == summary["calibration"]
    assert summary["command"] in (tmp_path / "m" / "MODEL_CARD.md").read_text()
    other = avser("train", corpus, "--recipe", "paper", "--report", "report", "--out", "n")
    assert other.returncode == 2
    assert "reports on another recipe" in other.stderr
    for change, expected in (
        ({"protocol": "random"}, "random splits"),
        ({"corpus": {**summary["corpus"], "fingerprint": "0" * 64}}, "another corpus"),
    ):
        wrong = {**json.loads((tmp_path / "report" / "report.json").read_text()), **change}
        (tmp_path / "wrong").mkdir(exist_ok=True)
        (tmp_path / "wrong" / "report.json").write_text(json.dumps(wrong))
        options = ["--split", "none", "--report", "wrong", "--out", "w"]
        refused = avser("train", corpus, *TINY, *options)
        assert (refused.returncode, expected in refused.stderr) == (2, True), refused.stderr
        assert not (tmp_path / "w").exists()


@needs_posix("interrupts of one process")
def test_interrupt_keeps_what_is_finished(corpus, tmp_path, avser):
    # The second training must not end before the interrupt reaches it.
    command = ["evaluate", str(corpus), "--protocol", "text", *TINY, "--epochs", "8",
               "--out", "report"]  # fmt: skip
    running = subprocess.Popen(
        [sys.executable, "-m", "avser_cli", *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "AVSER_CACHE": "cache"},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while (
        not list(tmp_path.glob("cache/cnn2d-*/run.json"))
        and running.poll() is None
        and time.monotonic() < deadline
    ):
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=60)
    assert running.returncode == 130, told
    assert "Traceback" not in told
    again = avser(*command)
    assert again.returncode == 0, again.stderr
    assert "1 kept from before, 1 to train" in again.stderr
    assert again.stderr.count("done 1 of 1") == 1


MLP = ("--epochs", "3")


def test_what_evaluate_trained_serves_compare_and_the_reverse(corpus, tmp_path, avser):
    def evaluate(seed):
        return avser("evaluate", corpus, "--protocol", "text", "--network", "mlp", *MLP,
                     "--seeds", seed, "--out", f"report{seed}")  # fmt: skip

    assert "2 to train" in evaluate("0").stderr
    compared = avser("compare", corpus, "--models", "mlp", *MLP, "--split", "text",
                     "--seeds", "0,1", "--out", "table")  # fmt: skip
    assert "runs: 4; 2 kept from before, 2 to train" in compared.stderr
    assert "runs: 2; 2 kept from before, 0 to train" in evaluate("1").stderr
    report = json.loads((tmp_path / "report1" / "report.json").read_text())
    table = json.loads((tmp_path / "table" / "compare.json").read_text())
    runs = {run["name"]: run for run in table["models"][0]["runs"]}
    for run in report["runs"]:
        assert run["uar"] == runs[run["name"]]["uar"]
    bundle = tmp_path / "report1" / "runs" / "text2-seed1"
    scored = avser("evaluate", corpus, "--model", bundle, "--format", "json")
    assert json.loads(scored.stdout)["uar"] == pytest.approx(report["runs"][1]["uar"])
    assert table["models"][0]["clip_ms"] > 0


def test_runs_are_trained_side_by_side(corpus, avser):
    done = avser("evaluate", corpus, "--protocol", "text", "--network", "mlp", *MLP,
                 "--jobs", "2", "--cache", "runs", "--out", "report")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "done 2 of 2" in done.stderr
    none = avser("evaluate", corpus, "--protocol", "text", "--jobs", "0")
    assert (none.returncode, "--jobs 0: at least 1" in none.stderr) == (2, True)


def test_the_bundled_model_is_scored_on_recordings_of_ones_own(avser, tmp_path):
    for number, emotion in enumerate(("happy", "Traurig", "angry", "bored")):
        for person, pitch in (("anna", 1), ("ben", 2)):
            for take in range(4):
                seed = 100 * pitch + 10 * number + take
                folder = tmp_path / "mine" / person / emotion
                write_wav(folder / f"{take}.wav", voice("sad", seed=seed))
    done = avser("evaluate", "mine", "--model", "default")
    assert done.returncode == 0, done.stderr
    assert "not scored: 8 clips of labels that the model does not know: bored 8" in done.stderr
    assert "note: no clip of neutral; UAR is over the others" in done.stderr
    assert "default: clips that it never met" in done.stdout
    for expected in ("95 %: accuracy", "expected calibration error", "mine:anna", "lowest UAR"):
        assert expected in done.stdout
    assert "with each speaker's other clips as --speaker-reference: UAR" in done.stdout
    mapped = avser("evaluate", "mine", "--model", "default", "--map", "bored=neutral",
                   "--format", "json", "--report", "page.html", "--embed")  # fmt: skip
    assert mapped.returncode == 0, mapped.stderr
    assert "page: page.html" in mapped.stderr
    found = json.loads(mapped.stdout)
    assert (found["part"], len(found["clips"]), found["unknown_labels"]) == ("unseen", 32, {})
    assert {x["name"] for x in found["groups"] if x["by"] == "speaker"} == {"mine:anna", "mine:ben"}
    assert set(found["with_speaker_reference"]) >= {"uar", "uar_interval", "calibration_error"}
    rows = rows_of(tmp_path / "page.html")
    assert set(rows) == {Path(x["file"]).relative_to("mine").as_posix() for x in found["clips"]}
    for row in rows.values():
        assert row["picture"]
        assert row["sound"].startswith("data:audio/ogg;base64,")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--folds", "1"], "--folds needs --protocol"),
        (["--lr", "0.1"], "--lr needs --protocol"),
        (["--embed"], "--embed goes with --report"),
        (["--report", "labels.csv"], "labels.csv: the name must end in .html or .htm"),
        (["--figure", "labels.csv"], "labels.csv: the name must end in .png"),
        (["--cache", "x"], "--cache needs --protocol"),
        (["--protocol", "paper", "--model", "x"], "--model is for one bundle"),
        (["--protocol", "speaker", "--folds", "7"], "speaker has folds 1 to 4"),
        (["--protocol", "speaker", "--folds", "x"], "has folds 1 to 4 here"),
        (["--protocol", "speaker", "--folds", "3-1"], "numbers and ranges"),
        (["--protocol", "speaker", "--ensemble", "6"], "1 to 5 networks"),
        (["--protocol", "speaker", "--network", "mlp", "--ensemble", "2"], "one network only"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_options_that_do_not_fit(corpus, avser, arguments, expected):
    done = avser("evaluate", corpus, *arguments)
    assert done.returncode == 2
    assert expected in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_clips_that_cannot_be_read_cost_a_line_and_exit_4(avser, tmp_path):
    own_corpora(tmp_path)
    (tmp_path / "one" / "sad" / "a" / "2.wav").write_text("no sound")
    done = avser("evaluate", "one", "--model", "default", "--format", "json", "--no-figure")
    assert done.returncode == 4
    assert done.stderr.splitlines()[-1].endswith("1 clips or folders could not be read; see above")
    found = json.loads(done.stdout)
    assert len(found["clips"]) == 8
    assert [item["file"] for item in found["left_out"]] == ["one/sad/a/2.wav"]
    run = avser("evaluate", "one", "--emotions", "happy,sad", "--protocol", "speaker",
                "--network", "mlp", *MLP, "--out", "report")  # fmt: skip
    assert run.returncode == 4
    assert (tmp_path / "report" / "report.json").is_file()


def own_corpora(folder):
    """Two folders an emotion, each with two speakers."""
    for number, (name, person) in enumerate((n, p) for n in ("one", "two") for p in ("a", "b")):
        for emotion in ("happy", "sad"):
            for take in range(2):
                path = folder / name / emotion / person / f"{take}.wav"
                write_wav(path, voice(emotion, seed=1000 + 10 * number + take))


def test_one_corpus_after_the_other_is_left_out(avser, tmp_path):
    own_corpora(tmp_path)
    source = ("one", "--data", "zwei=two", "--emotions", "happy,sad")
    done = avser("evaluate", *source, "--protocol", "corpus", "--network", "mlp", *MLP,
                 "--out", "report", "--format", "json", "--report", "page.html")  # fmt: skip
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    shown = rows_of(tmp_path / "page.html")
    assert len(shown) == 16
    assert {(name[:3], row["run"]) for name, row in shown.items()} == {
        ("one", "corpus-one-seed0"), ("two", "corpus-zwei-seed0"),
    }  # fmt: skip
    assert shown["one/happy/a/0.wav"]["sound"] == "one/happy/a/0.wav"
    assert [(run["name"], run["held_out"], run["clips"]) for run in report["runs"]] == [
        ("corpus-one-seed0", "corpus (one held out)", 8),
        ("corpus-zwei-seed0", "corpus (zwei held out)", 8),
    ]
    compared = avser("compare", *source, "--models", "mlp", *MLP, "--split", "corpus", "--folds",
                     "zwei", "--with", "prior", "--out", "table")  # fmt: skip
    assert compared.returncode == 0, compared.stderr
    assert "runs: 2; 1 kept from before, 1 to train" in compared.stderr
    table = json.loads((tmp_path / "table" / "compare.json").read_text())
    assert table["models"][0]["runs"][0]["uar"] == report["runs"][1]["uar"]
    both = avser("compare", "models", "one", "two", "--emotions", "happy,sad", "--models", "",
                 "--with", "prior", "--split", "speaker", "--folds", "2",
                 "--out", "speakers")  # fmt: skip
    assert both.returncode == 0, both.stderr
    assert "corpus: 16 clips (one 8, two 8) by 4 speakers" in both.stderr


def test_workers_of_a_cluster_hear_the_clips(avser, trained, tmp_path, workers):
    sound = make_corpus(tmp_path / "wav", actors=(1, 2))
    (sound / "Actor_01" / f"{ravdess_name('sad', 1)}.wav").write_text("no sound")
    command = ("evaluate", "wav", "--model", trained / "models" / "tiny", "--part", "train",
               "--no-figure")  # fmt: skip
    here = avser(*command)
    there = avser(*command, "--scheduler", workers.scheduler_address)
    assert here.returncode == there.returncode == 4
    assert there.stdout == here.stdout
    named = [line for line in here.stderr.splitlines() if "left out: wav/" in line]
    assert len(named) == 1
    assert named[0] in there.stderr.splitlines()
