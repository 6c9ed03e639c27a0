import os
import tempfile

import pytest

from avser_cli import caches
from avser_cli.caches import cache_folder
from tests.platforms import needs_posix


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    caches._private_temporary_folder.cache_clear()
    yield tmp_path
    caches._private_temporary_folder.cache_clear()


@needs_posix("a home that $HOME names, modes of folders")
@pytest.mark.parametrize("home", ["/nonexistent/home", os.devnull])
def test_without_a_home_caches_are_private_temporary_folders(temporary, monkeypatch, home):
    monkeypatch.setattr(os, "access", lambda place, mode: "nonexistent" not in home)
    monkeypatch.setenv("HOME", home)
    for variable in ("XDG_CACHE_HOME", "NUMBA_CACHE_DIR", "MPLCONFIGDIR"):
        monkeypatch.delenv(variable, raising=False)
    place = cache_folder()
    assert place.parent == temporary
    assert not place.stat().st_mode & 0o077
    caches.provide_library_caches()
    assert os.environ["NUMBA_CACHE_DIR"] == str(place)


@needs_posix("a home that $HOME names, modes of folders")
def test_a_temporary_folder_that_others_can_write_to_is_not_taken(temporary, monkeypatch):
    monkeypatch.setenv("HOME", os.devnull)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    place = cache_folder()
    place.chmod(0o777)
    caches._private_temporary_folder.cache_clear()
    assert cache_folder() != place
