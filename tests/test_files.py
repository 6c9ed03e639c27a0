import os

import pytest

from avser_cli.errors import OutputError
from avser_cli.files import (
    check_writable,
    remove_folder,
    remove_leftovers,
    remove_leftovers_of,
    whole_folder,
    write_whole,
)


def test_write_whole_leaves_the_old_file_or_the_new_one(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_a_failing_block_leaves_the_old_folder(tmp_path):
    place = tmp_path / "bundle"
    with whole_folder(place) as part:
        (part / "a").write_text("old")
    with pytest.raises(ZeroDivisionError), whole_folder(place) as part:
        (part / "a").write_text("half")
        raise ZeroDivisionError
    assert (place / "a").read_text() == "old"
    with whole_folder(place) as part:
        (part / "b").write_text("new")
    assert [p.name for p in place.iterdir()] == ["b"]
    assert [p.name for p in tmp_path.iterdir()] == ["bundle"]


def killed_between_its_renames(place):
    """What is left of a folder that was to be replaced."""
    with whole_folder(place) as part:
        (part / "a").write_text("old")
    place.rename(place.with_name(f".{place.name}.9-ffffff.old"))


def test_a_folder_whose_replacement_was_killed_comes_back(tmp_path):
    killed_between_its_renames(tmp_path / "bundle")
    remove_leftovers_of(tmp_path / "bundle")
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]
    assert (tmp_path / "bundle" / "a").read_text() == "old"


def test_a_replaced_folder_does_not_come_back(tmp_path):
    killed_between_its_renames(tmp_path / "deep" / "bundle")
    with whole_folder(tmp_path / "deep" / "bundle") as part:
        (part / "a").write_text("new")
    remove_leftovers(tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["deep", "bundle", "a"]
    assert (tmp_path / "deep" / "bundle" / "a").read_text() == "new"


def test_leftovers_of_one_name(tmp_path):
    ours = [".x.csv.1-0123ab.part", ".x.csv.run.1-0123ab.part"]
    others = [".y.csv.1-0123ab.part", "x.csv", ".x.csv.run"]
    for name in (*ours, *others):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    remove_leftovers_of(tmp_path / "x.csv")
    assert {path.name for path in tmp_path.iterdir()} == set(others)


def test_a_hidden_folder_that_is_half_removed_is_a_leftover_of_its_name(tmp_path, monkeypatch):
    (tmp_path / ".x.run").mkdir()
    monkeypatch.setattr("shutil.rmtree", lambda folder: os.utime(folder, (0, 0)))
    remove_folder(tmp_path / ".x.run")
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] != [".x.run"]
    remove_leftovers_of(tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    for act in (
        lambda: write_whole(tmp_path / "file" / "x", b""),
        lambda: check_writable(tmp_path / "file" / "x"),
        lambda: whole_folder(tmp_path / "file" / "x").__enter__(),
    ):
        with pytest.raises(OutputError, match="cannot be written"):
            act()


def test_errors_name_the_folder_that_was_asked_for(tmp_path):
    with (
        pytest.raises(OutputError, match=f"{tmp_path}/bundle/a/b: cannot"),
        whole_folder(tmp_path / "bundle") as part,
    ):
        (part / "a").touch()
        write_whole(part / "a" / "b", b"")


def test_leftovers_of_killed_runs_go_when_they_are_old(tmp_path):
    old, new = tmp_path / "deep" / ".a.png.123-0123ab.part", tmp_path / ".b.png.123-0123ab.part"
    folder, others = tmp_path / ".m.9-ffffff.part", tmp_path / ".notes.part"
    old.parent.mkdir()
    folder.mkdir()
    for path in (old, new, others, folder / "config.json"):
        path.touch()
    for path in (old, others, folder):
        os.utime(path, (0, 0))
    remove_leftovers(tmp_path)
    assert not old.exists()
    assert not folder.exists()
    assert new.exists()
    assert others.exists()
