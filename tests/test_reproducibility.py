"""Reproducibility: two runs with one seed give the same, as the README says."""

import csv
import json

from avser_cli.model.bundle import read_config

CHANGING = {"created", "seconds", "name"}
"""What a bundle's config says of the run itself."""


def config_of(bundle):
    values = json.loads((bundle / "config.json").read_text())
    return {key: value for key, value in values.items() if key not in CHANGING}


def history_of(bundle):
    with (bundle / "history.csv").open(newline="") as file:
        return [{**row, "seconds": None} for row in csv.DictReader(file)]


def test_the_same_pictures(trained, corpus, avser, tmp_path):
    done = avser("spectrogram", corpus, "png", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    first, second = trained / "png", tmp_path / "png"
    names = sorted(path.relative_to(first) for path in first.rglob("*.png"))
    assert len(names) == 64
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)


def test_the_same_split_weights_and_metrics(trained, avser, tmp_path):
    """Byte for byte on one machine, with any number of threads; the splits on every machine."""
    again = tmp_path / "again"
    options = ["--epochs", "2", "--ensemble", "1", "--out", again]
    threads = {"TF_NUM_INTRAOP_THREADS": "3", "OMP_NUM_THREADS": "3"}
    done = avser("train", "png", *options, cwd=trained, **threads)
    assert done.returncode == 0, done.stderr
    first = trained / "models" / "tiny"
    assert config_of(first)["files"]["model.tflite"] == config_of(again)["files"]["model.tflite"]
    for key in ("split", "labels", "recipe", "seed", "corpus", "parameters", "calibration"):
        assert config_of(first)[key] == config_of(again)[key]
    assert history_of(first) == history_of(again)
    assert (first / "metrics.json").read_bytes() == (again / "metrics.json").read_bytes()


def test_another_seed_gives_another_split(trained, avser, tmp_path):
    other = tmp_path / "other"
    options = ["--network", "cnn2d", "--epochs", "1", "--ensemble", "1", "--seed", "1"]
    done = avser("train", "png", *options, "--out", other, cwd=trained)
    assert done.returncode == 0, done.stderr
    first, second = (read_config(x).split for x in (trained / "models" / "tiny", other))
    assert first.test.keys() != second.test.keys()
