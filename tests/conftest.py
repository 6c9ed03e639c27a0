import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings

from tests.synthetic import make_corpus

# In the background of a shell, interrupts are ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

if "PYTEST_XDIST_WORKER" in os.environ:
    # Tests run side by side already: more threads of TensorFlow's would wait for one another.
    for name in ("TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, "1")

# What a machine is busy with says nothing of the code. Other settings, e.g. of mutation runs, stay.
settings.register_profile("patient", parent=settings(), deadline=None)
settings.load_profile("patient")

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def ravdess():
    """The real corpus, where it is at hand."""
    given = os.environ.get("AVSER_RAVDESS")
    place = Path(given) if given else REPOSITORY.parent / "shared" / "ravdess"
    if not any(place.glob("Actor_*")):
        pytest.skip("RAVDESS is not here; point AVSER_RAVDESS at it")
    return place


@pytest.fixture(scope="session")
def corpora():
    """The folder of other published corpora, where it is at hand."""
    given = os.environ.get("AVSER_CORPORA")
    place = Path(given) if given else REPOSITORY.parent / "shared" / "corpora"
    if not place.is_dir():
        pytest.skip("no other corpora are here; point AVSER_CORPORA at their folder")
    return place


@pytest.fixture(scope="session")
def corpus(tmp_path_factory):
    """64 made clips with RAVDESS names."""
    return make_corpus(tmp_path_factory.mktemp("corpus") / "wav")


@pytest.fixture(scope="session")
def workers():
    """A Dask cluster of two workers, which a test may kill: they are started again."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        yield cluster


@pytest.fixture
def avser(tmp_path):
    """Run the command in a process of its own, from an empty folder."""

    def run(*arguments, cwd=None, stdin=None, **environment):
        return subprocess.run(
            [sys.executable, "-m", "avser_cli", *map(str, arguments)],
            cwd=cwd or tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(REPOSITORY),
                "AVSER_CACHE": str(tmp_path / "cache"),
                **environment,
            },
            input=stdin,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory, corpus):
    """A folder with `png` and `models/tiny`, trained for two epochs on the made corpus."""
    home = tmp_path_factory.mktemp("home")
    for arguments in (
        ["spectrogram", corpus, "png"],
        ["train", "png", "--epochs", "2", "--ensemble", "1", "--out", "models/tiny"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "avser_cli", *map(str, arguments)],
            cwd=home,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    return home
