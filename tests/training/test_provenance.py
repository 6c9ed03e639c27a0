from dataclasses import replace
from importlib.metadata import version

import pytest

from avser_cli.data.splits import Split, SplitSettings
from avser_cli.errors import UsageError
from avser_cli.model.known_recipes import find_recipe
from avser_cli.training import provenance
from avser_cli.training.provenance import (
    check_environment,
    environment,
    libraries_of,
    run_key,
)

SPLIT = Split(SplitSettings(), {"a": "1" * 64, "b": "2" * 64}, {"c": "3" * 64})
LABELS = {"a": ["happy"], "b": ["sad"], "c": ["sad"]}


def key(model=None, seed=0, split=SPLIT, labels=LABELS, emotions=("happy", "sad"), libraries=()):
    return run_key(model or {"recipe": 1}, seed, split, labels, emotions, libraries)


def test_all_that_determines_a_run_changes_its_key():
    others = [
        key(model={"recipe": 2}),
        key(seed=1),
        key(split=replace(SPLIT, train={**SPLIT.train, "a": "4" * 64})),
        key(split=replace(SPLIT, test={"c": "4" * 64})),
        key(split=Split(SPLIT.settings, {"a": "1" * 64}, {"b": "2" * 64, "c": "3" * 64})),
        key(labels={**LABELS, "a": ["sad"]}),
        key(labels={**LABELS, "c": ["happy"]}),
        key(emotions=("happy", "sad", "calm")),
        key(libraries=["numpy"]),
    ]
    assert len({key(), *others}) == 1 + len(others)


def test_the_settings_that_drew_a_split_do_not():
    settings = SplitSettings("speaker", test_size=0.4, fold=2, seed=3)
    assert key(split=replace(SPLIT, settings=settings)) == key()


def test_the_run_format_does(monkeypatch):
    known = key()
    monkeypatch.setattr(provenance, "RUN_FORMAT", provenance.RUN_FORMAT + 1)
    assert key() != known


@pytest.fixture
def other_version(monkeypatch):
    """A library at another version."""

    def change(library):
        real = provenance._version
        monkeypatch.setattr(provenance, "_version", lambda x: "0" if x == library else real(x))

    return change


@pytest.mark.parametrize(
    ("network", "library", "counts"),
    [
        ("cnn2d", "tensorflow", True),
        ("cnn2d", "keras", True),
        ("cnn2d", "numpy", True),
        ("cnn2d", "scikit-learn", False),
        ("cnn2d", "librosa", False),
        ("cnn2d", "soundfile", False),
        ("cnn1d", "keras", True),
        ("cnn1d", "librosa", True),
        ("mlp", "scikit-learn", True),
        ("mlp", "librosa", True),
        ("mlp", "tensorflow", False),
    ],
)
def test_the_versions_of_the_libraries_that_it_uses_do(other_version, network, library, counts):
    libraries = libraries_of(find_recipe(network))
    known = key(libraries=libraries)
    other_version(library)
    assert (key(libraries=libraries) != known) is counts


def test_an_environment_says_what_it_is_made_of():
    assert environment(["numpy"]) == {
        "run format": str(provenance.RUN_FORMAT),
        "numpy": version("numpy"),
    }


def test_a_worker_of_other_versions_says_which():
    planned = environment(libraries_of(find_recipe("mlp")))
    check_environment(planned)
    with pytest.raises(UsageError, match=r"librosa \S+ instead of 0\.1\)"):
        check_environment({**planned, "librosa": "0.1"})
