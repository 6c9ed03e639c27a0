"""What the wheel and the source archive hold: all that is needed, and nothing else."""

import subprocess
import sys
import tarfile
import zipfile

import pytest

from avser_cli import __version__
from avser_cli.model.bundle import read_config
from tests.conftest import REPOSITORY

BUNDLE = {"MODEL_CARD.md", "clips.csv", "config.json", "history.csv", "history.png",
          "metrics.json", "hashes.npz", "model.tflite", "weights.npz"}  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    place = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "--directory", str(place)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return place


def test_the_wheel_holds_the_package_and_the_bundled_model_without_its_weights_for_training(built):
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    modules = {
        path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "avser_cli").rglob("*.py")
    }
    others = {"avser_cli/py.typed"}
    others |= {
        path.relative_to(REPOSITORY).as_posix()
        for kind in ("j2", "js", "css")
        for path in (REPOSITORY / "avser_cli" / "report").glob(f"*.{kind}")
    }
    others |= {f"avser_cli/audio/silero_vad.{part}" for part in ("tflite", "LICENSE")}
    others |= {
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / "avser_cli" / "data" / "corpora").glob("*.toml")
    }
    parts = set(read_config(REPOSITORY / "models" / "default").files) - {"model.keras"}
    assert parts <= BUNDLE
    assert names == modules | others | {f"avser_cli/models/default/{part}" for part in BUNDLE}


def test_the_source_archive_holds_no_recording_but_the_made_one(built):
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    assert {"README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff", "SECURITY.md"} <= names
    assert {f"models/default/{part}" for part in BUNDLE | {"model.keras"}} <= names
    sounds = {name for name in names if name.endswith((".wav", ".flac", ".mp3", ".ogg"))}
    assert sounds == {"examples/voice.wav"}
    top = {name.split("/")[0] for name in names}
    assert top == {"avser_cli", "benchmarks", "docs", "examples", "models", "tests", "README.md",
                   "LICENSE", "CHANGELOG.md", "CITATION.cff", "SECURITY.md", "CONTRIBUTING.md",
                   "mkdocs.yml", "pyproject.toml", "PKG-INFO", ".gitignore"}  # fmt: skip


def test_a_citation_names_the_version():
    text = (REPOSITORY / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {__version__}\n" in text
