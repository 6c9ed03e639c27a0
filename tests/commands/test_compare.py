import csv
import json
import os
import shutil
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import REPOSITORY
from tests.platforms import kill


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("compare")


def run_in(home, *arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "avser_cli", "compare", *map(str, arguments)],
        cwd=home,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "AVSER_CACHE": "runs", **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def quick(home, corpus):
    """A quick run of the usual models with two rivals."""
    done = run_in(home, corpus, "--quick", "--with", "svm,prior")
    assert done.returncode == 0, done.stderr
    return done


def test_models_beside_the_published(quick, home):
    by_name: dict[str, list[str]] = {}
    for line in quick.stdout.splitlines():
        if line.split():
            by_name.setdefault(line.split()[0], line.split()[1:])
    printed = [by_name[name][0] for name in ("mlp", "cnn1d", "cnn2d-paper")]
    assert printed == ["0.79", "0.83", "0.89"]
    assert by_name["cnn2d-default"][0] == by_name["svm"][0] == "-"
    assert by_name["prior"][1] == "0.250"
    assert "QUICK RUN" in quick.stdout
    assert "McNemar" in quick.stdout
    epochs = [line for line in quick.stderr.splitlines() if "cnn1d" in line and " epoch " in line]
    assert [line.split("epoch ")[1].split()[0] for line in epochs] == ["1/2", "2/2"]
    assert not epochs[0].endswith("0:00:00 left")


def test_files(quick, home):
    folder = home / "compare-models"
    values = json.loads((folder / "compare.json").read_text())
    assert values["quick"]
    assert values["command"].startswith("avser compare")
    models = {model["name"]: model for model in values["models"]}
    assert models["cnn2d-default"]["parameters"] > 100_000
    assert models["prior"]["uar"]["mean"] == 0.25
    sexes = [group for group in models["prior"]["groups"] if group["by"] == "sex"]
    assert [(group["name"], group["uar"]) for group in sexes] == [("female", 0.25), ("male", 0.25)]
    # Of eight clips or fewer, none is called the lowest.
    assert models["prior"]["worst_groups"] == []
    with (folder / "compare.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert [row["model"] for row in rows] == list(models)
    for row in rows:
        assert float(row["accuracy"]) == models[row["model"]]["accuracy"]["mean"]
        assert int(row["happy_support"]) == 4
    assert "QUICK RUN" in (folder / "compare.md").read_text()
    for name in ("figure-9.png", "figure-8-mlp.png", "learning-curves.png"):
        with Image.open(folder / name) as image:
            assert min(image.size) > 200
            # Nothing is cut: the picture's rim is blank.
            gray = image.convert("L")
            rims = ((0, 0, gray.width, 1), (0, 0, 1, gray.height),
                    (gray.width - 1, 0, gray.width, gray.height))  # fmt: skip
            assert {gray.crop(rim).getextrema() for rim in rims} == {(255, 255)}


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.addresses, self.headings = [], [], []

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "img", "link", "br", "input"):
            self.open.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.headings.append(data)


def test_page_needs_no_network(quick, home):
    page = Page()
    page.feed((home / "compare-models" / "report.html").read_text())
    assert page.open == []
    assert len(page.addresses) >= 8
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert "Clips that models got wrong" in page.headings


def test_page_in_a_browser(quick, home, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no chromium here")
    shot = tmp_path / "shot.png"
    page = home / "compare-models" / "report.html"
    subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
         "--disable-background-networking", "--window-size=1300,2600",
         f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={shot}", page.as_uri()],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    with Image.open(shot) as image:
        # The bars of figure 9 and the blue of the confusion matrices are seen on the page.
        colors = {color for _, color in image.convert("RGB").getcolors(2**24) or []}
    assert (0x08, 0x30, 0x6B) in colors
    assert (0xBF, 0xBF, 0xBF) in colors


def test_nothing_is_trained_twice_and_damage_is_found(quick, home, corpus):
    runs = sorted((home / "runs").glob("*/run.json"))
    assert len(runs) == 6
    stamps = [path.stat().st_mtime_ns for path in runs]
    again = run_in(home, corpus, "--quick", "--with", "svm,prior", "--out", "again")
    assert "6 kept from before, 0 to train" in again.stderr
    assert [path.stat().st_mtime_ns for path in runs] == stamps
    assert again.stdout == quick.stdout
    damaged = next(path for path in runs if path.parent.name.startswith("mlp"))
    damaged.write_bytes(damaged.read_bytes()[:1000])
    mended = run_in(home, corpus, "--quick", "--with", "svm,prior", "--out", "again")
    assert "damaged; mlp, random-seed0 is trained again" in mended.stderr
    assert "5 kept from before, 1 to train" in mended.stderr
    assert [line.split()[:3] for line in mended.stdout.splitlines()] == [
        line.split()[:3] for line in quick.stdout.splitlines()
    ]
    other = run_in(home, corpus, "--quick", "--models", "mlp", "--seeds", "1", "--out", "again")
    assert "0 kept from before, 1 to train" in other.stderr


def test_optimizers_emotion_by_emotion(home, corpus):
    arguments = ("optimizers", corpus, "--quick", "--optimizers", "adagrad,adam", "--rates")
    done = run_in(home, *arguments, "0.001,0.005", "--jobs", "2")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert next(row for row in rows if row[:2] == ["adam-0.005", "0.89"])
    happy = next(row for row in rows if row[:3] == ["f", "adam-0.005", "happy"])
    assert happy[3:6] == [".89", ".83", ".86"]
    assert "epoch 2/2" in done.stderr
    values = json.loads((home / "compare-optimizers" / "compare.json").read_text())
    assert [model["published_table_2"]["run"] for model in values["models"]] == list("acdf")
    with Image.open(home / "compare-optimizers" / "heat-map.png") as image:
        assert min(image.size) > 200
    alone = run_in(
        home, *arguments[:-2], "adam", "--rates", "0.001", "--cache", "other", "--out", "alone"
    )
    assert alone.returncode == 0, alone.stderr
    ours = json.loads((home / "alone" / "compare.json").read_text())["models"]
    theirs = {model["name"]: model for model in values["models"]}
    for model in ours:
        assert model["confusion"] == theirs[model["name"]]["confusion"]


def test_kill_loses_the_run_in_progress_at_most(home, corpus):
    command = [sys.executable, "-m", "avser_cli", "compare", str(corpus), "--models",
               "mlp,cnn1d", "--epochs", "40", "--seeds", "0"]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "AVSER_CACHE": "killed"}
    running = subprocess.Popen(
        command, cwd=home, env=environment, stderr=subprocess.PIPE, text=True
    )
    assert running.stderr is not None
    for line in running.stderr:
        if "cnn1d, random-seed0  epoch" in line:
            running.kill()
            break
    running.wait(timeout=60)
    kept = [path.parent.name for path in (home / "killed").glob("*/run.json")]
    assert [name.split("-")[0] for name in kept] == ["mlp"]
    again = run_in(home, *command[4:], AVSER_CACHE="killed")
    assert again.returncode == 0, again.stderr
    assert "1 kept from before, 1 to train" in again.stderr
    assert not list((home / "killed").glob("*.run"))


def test_dask_cluster_that_loses_a_worker(home, corpus, workers):
    command = [sys.executable, "-m", "avser_cli", "compare", str(corpus), "--models",
               "cnn1d,cnn2d-paper", "--epochs", "3", "--seeds", "0-1", "--scheduler",
               workers.scheduler_address, "--out", "dask"]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "AVSER_CACHE": "dask-runs"}
    running = subprocess.Popen(
        command, cwd=home, env=environment, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    at_work = workers.scheduler.workers.values()
    while not any(worker.processing for worker in at_work) and time.monotonic() < deadline:
        time.sleep(0.05)
    kill(workers.workers[0].pid)
    _, told = running.communicate(timeout=240)
    assert running.returncode == 0, told
    assert "done 4 of 4" in told
    assert len(list((home / "dask-runs").glob("*/run.json"))) == 4


def test_two_at_once_wait_for_each_other_and_train_nothing_twice(home, corpus):
    command = [sys.executable, "-m", "avser_cli", "compare", str(corpus), "--models", "mlp",
               "--seeds", "0-2"]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "AVSER_CACHE": "shared"}
    both = [
        subprocess.Popen(
            [*command, *more], cwd=home, env=environment, stderr=subprocess.PIPE, text=True
        )
        for more in (["--out", "one"], ["--out", "two", "--jobs", "2"])
    ]
    told = [running.communicate(timeout=240)[1] for running in both]
    assert [running.returncode for running in both] == [0, 0], told
    values = [json.loads((home / x / "compare.json").read_text()) for x in ("one", "two")]
    # Times are part of a run: only one of the two has measured each.
    assert values[0]["models"] == values[1]["models"]
    assert len(list((home / "shared").iterdir())) == 3


def test_opensmile_reads_the_same_clips(home, corpus):
    pytest.importorskip("opensmile")
    done = run_in(home, corpus, "--models", "mlp", "--quick", "--with", "opensmile", "--out", "os")
    assert done.returncode == 0, done.stderr
    models = json.loads((home / "os" / "compare.json").read_text())["models"]
    assert [model["name"] for model in models][1:] == [
        "opensmile-egemaps-svm",
        "opensmile-compare-svm",
        "opensmile-egemaps-boosting",
        "opensmile-compare-boosting",
    ]
    # The made voices are easy to tell apart.
    assert models[1]["uar"]["mean"] > 0.8


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        ((), 2, "wav: no such folder"),
        (("modles",), 2, "unknown table 'modles'; known: models, optimizers"),
        (("{corpus}", "--models", "lstm"), 2, "unknown model 'lstm'; known: mlp, cnn1d"),
        (("{corpus}", "--with", "praat"), 2, "unknown baseline 'praat'; known: svm"),
        (("optimizers", "{corpus}", "--optimizers", "sgd"), 2, "known: adam, adagrad, rmsprop"),
        (("optimizers", "{corpus}", "--rates", "low"), 2, "--rates 'low'"),
        (("optimizers", "{corpus}", "--with", "svm"), 2, "--with is for `compare models`"),
        (("{corpus}", "--dropout", "0.8"), 2, "--dropout is for `compare optimizers`"),
        (("{corpus}", "--emotions", "happy,calm"), 7, "no clip of calm"),
        (("{corpus}", "--test-size", "0.01"), 7, "clips held out in split random"),
        (("{corpus}", "--test-size", "0.3", "--split", "text"), 2, "only --split random holds out"),
        (("{corpus}", "--folds", "1"), 2, "--folds: split random has none"),
        (("{corpus}", "--jobs", "0"), 2, "--jobs 0"),
        (
            ("{corpus}", "--models", "mlp", "--scheduler", "tcp://127.0.0.1:9"),
            9,
            "no Dask scheduler answers there",
        ),
    ],
)
def test_bad_input_is_one_line(home, corpus, arguments, code, expected):
    done = run_in(home, *(argument.format(corpus=corpus) for argument in arguments))
    assert done.returncode == code, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("avser: ")]
    assert len(lines) == 1
    assert expected in lines[0]
    assert "Traceback" not in done.stderr


def test_pictures_are_not_sound(home, trained):
    done = run_in(home, Path(trained) / "png")
    assert (done.returncode, "give the folder of sound" in done.stderr) == (7, True)
