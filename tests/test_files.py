import os
import threading
from pathlib import Path

import pytest

from avser_cli import files
from avser_cli.errors import OutputError, UsageError
from avser_cli.files import (
    check_output_file,
    check_writable,
    fitting_name,
    locked,
    remove_folder,
    remove_leftovers,
    remove_leftovers_of,
    whole_folder,
    write_whole,
)
from tests.platforms import needs_posix


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


def test_a_folder_that_another_run_replaces_is_left_to_it(tmp_path, monkeypatch):
    """Another run starts on the same cache between the two renames."""
    place, rename = tmp_path / "run", files._rename
    with whole_folder(place) as part:
        (part / "a").write_text("old")
    os.utime(place, (0, 0))

    def rename_while_another_starts(path, target):
        rename(path, target)
        remove_leftovers(tmp_path, shared=True)

    monkeypatch.setattr(files, "_rename", rename_while_another_starts)
    with whole_folder(place) as part:
        (part / "a").write_text("new")
    assert (place / "a").read_text() == "new"
    assert list(tmp_path.iterdir()) == [place]


def test_what_a_kill_left_in_a_shared_folder_comes_back_when_it_is_old(tmp_path):
    killed_between_its_renames(tmp_path / "run")
    (left,) = tmp_path.iterdir()
    remove_leftovers(tmp_path, shared=True)
    assert list(tmp_path.iterdir()) == [left]
    os.utime(left, (0, 0))
    remove_leftovers(tmp_path, shared=True)
    assert list(tmp_path.iterdir()) == [tmp_path / "run"]


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


@needs_posix("named pipes")
def test_a_device_and_a_pipe_are_written_to(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    write_whole(pipe, b"new")
    reader.join(10)
    assert read == [b"new"]
    assert pipe.is_fifo()
    device = tmp_path / "null"
    device.symlink_to(os.devnull)
    write_whole(device, b"new")
    assert device.is_symlink() and not device.is_file()


@needs_posix("links without privileges")
def test_a_link_stays_and_what_it_points_to_is_replaced(tmp_path):
    (tmp_path / "there").mkdir()
    for name in ("old", "not-yet"):
        link = tmp_path / name
        link.symlink_to(tmp_path / "there" / name)
        write_whole(link, b"new")
        assert link.is_symlink()
        assert (tmp_path / "there" / name).read_bytes() == b"new"
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    with pytest.raises(OutputError, match="loop: cannot be written"):
        write_whole(loop, b"new")


@pytest.mark.parametrize("name", ["x" * 255, "日" * 85, "$" * 255])
def test_the_longest_names_that_a_file_system_takes(tmp_path, name):
    write_whole(tmp_path / name, b"new")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    with locked(tmp_path / name):
        pass
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("stem", ["x" * 300, "日" * 90, "\udcff" * 260])
def test_a_name_that_is_too_long_is_cut(tmp_path, stem):
    name = fitting_name(stem, ".srt")
    assert len(os.fsencode(name)) <= 255 and name.endswith(".srt")
    assert fitting_name(stem + "y", ".srt") != name
    assert fitting_name("short", ".srt") == "short.srt"


def test_one_output_has_one_writer(tmp_path):
    place = tmp_path / "made" / "out"
    with (
        locked(place),
        pytest.raises(OutputError, match="another run of avser is writing it"),
        locked(place),
    ):
        pass
    assert not list(tmp_path.iterdir())  # Nothing was written, so nothing is left.
    with locked(place):
        write_whole(place, b"new")
    assert list(place.parent.iterdir()) == [place]
    with locked(Path(os.devnull)), locked(Path(os.devnull)):
        pass


def test_a_slip_of_the_pen_writes_over_nothing(tmp_path):
    (tmp_path / "a.wav").touch()
    with pytest.raises(UsageError, match=r"a\.wav: the name must end in \.html or \.htm$"):
        check_output_file(tmp_path / "a.wav", (".html", ".htm"))
    with pytest.raises(OutputError, match="is a folder; name a file in it"):
        check_output_file(tmp_path, (".png",))
    with pytest.raises(OutputError, match="cannot be written to"):
        check_output_file(tmp_path / "a.wav" / "b.png", (".png",))
    check_output_file(tmp_path / "new" / "B.PNG", (".png",))
    check_output_file(Path("/dev/null"), (".png",))


def test_a_check_leaves_no_folder(tmp_path):
    check_writable(tmp_path / "a" / "b")
    assert not list(tmp_path.iterdir())


def test_a_rename_waits_for_whoever_has_the_file_open(tmp_path, monkeypatch):
    """As on Windows, where a virus scanner looks at a new file just then."""
    monkeypatch.setattr(files, "_RENAME_PAUSES", (0.0, 0.0))
    replace, refused = Path.replace, [PermissionError(13, "Permission denied")] * 2

    def guarded(path, target):
        if refused:
            raise refused.pop()
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", guarded)
    write_whole(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    refused += [PermissionError(13, "Permission denied")] * 3
    with pytest.raises(OutputError, match="a: cannot be written: Permission denied"):
        write_whole(tmp_path / "a", b"newer")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
