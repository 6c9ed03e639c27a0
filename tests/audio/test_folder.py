"""Folders are walked as a user expects."""

import os
from pathlib import Path

from avser_cli.audio.folder import list_files
from tests.platforms import needs_names_of_bytes, needs_posix

WAV = frozenset({".wav"})


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@needs_posix("links without privileges")
def test_links_are_followed_once_and_without_loops(tmp_path):
    folder, beside = tmp_path / "in", tmp_path / "beside"
    touch(folder / "b" / "real.wav", beside / "linked.wav")
    (folder / "a").symlink_to(folder / "b")
    (folder / "b" / "up").symlink_to(folder)
    (folder / "c").symlink_to(beside)
    (folder / "file.wav").symlink_to(beside / "linked.wav")
    (folder / "dangling.wav").symlink_to(folder / "nowhere.wav")
    found = [path.relative_to(folder).as_posix() for path in list_files(folder, WAV).files]
    # A link that points nowhere is a sound that fails, not one that is passed over in silence.
    assert found == ["b/real.wav", "c/linked.wav", "dangling.wav", "file.wav"]


def test_files_come_in_the_order_of_their_paths(tmp_path):
    names = ["a.wav", "a/z.wav", "a/b/c.wav", "a b/c.wav", "a-b.wav", "B.wav", "z/y/x.wav"]
    touch(*(tmp_path / name for name in names))
    found = list_files(tmp_path, WAV).files
    assert list(found) == sorted(tmp_path / name for name in names)
    assert found[0] == found[:2][0] == tmp_path / found.names[0]


def test_paths_are_as_short_as_the_folder_that_is_given(tmp_path, monkeypatch):
    touch(tmp_path / "in" / "a.wav")
    monkeypatch.chdir(tmp_path)
    assert list_files(Path(), WAV).files.names == [str(Path("in", "a.wav"))]


@needs_posix("named pipes")
def test_other_endings_are_counted_and_pipes_are_no_sounds(tmp_path):
    touch(tmp_path / "a.WAV", tmp_path / "b.txt", tmp_path / "deep" / "c", tmp_path / ".hidden")
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "link.wav").symlink_to(tmp_path / "pipe.wav")
    found = list_files(tmp_path, WAV)
    assert [path.name for path in found.files] == ["a.WAV"]
    assert found.passed_over == 2


def test_an_unreadable_subfolder_is_named_and_the_rest_is_found(tmp_path, monkeypatch):
    touch(tmp_path / "a.wav", tmp_path / "lost+found" / "b.wav")
    scandir = os.scandir

    def guarded(place):
        if place == tmp_path / "lost+found":
            raise PermissionError(13, "Permission denied")
        return scandir(place)

    monkeypatch.setattr(os, "scandir", guarded)
    found = list_files(tmp_path, WAV)
    assert [path.name for path in found.files] == ["a.wav"]
    assert found.unreadable == [f"{tmp_path / 'lost+found'}: Permission denied"]


@needs_names_of_bytes
def test_names_of_any_bytes(tmp_path):
    for name in (b"\xff.wav", "日本 $%'\n.wav".encode(), b"x" * 251 + b".wav"):
        touch(tmp_path / os.fsdecode(name))
    assert len(list_files(tmp_path, WAV).files) == 3
