import pytest

from avser_cli.checksums import file_sha256
from avser_cli.data.equal_files import SAMPLE, equal_files


def test_equal_files_are_found_and_few_are_read_whole(tmp_path, monkeypatch):
    contents = {
        "a": b"a" * 3 * SAMPLE,
        "equal": b"a" * 3 * SAMPLE,
        "as long": b"b" * 3 * SAMPLE,
        "other end": b"a" * (3 * SAMPLE - 1) + b"b",
        "longer": b"a" * 4 * SAMPLE,
        "empty": b"",
        "empty, too": b"",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    read = []

    def told(path):
        read.append(path.name)
        return file_sha256(path)

    monkeypatch.setattr("avser_cli.data.equal_files.file_sha256", told)
    others = [tmp_path / name for name in ("equal", "as long", "other end", "empty, too", "gone")]
    ours = [tmp_path / name for name in ("a", "longer", "empty", "gone as well")]
    assert equal_files(ours, others) == {tmp_path / "a": tmp_path / "equal"}
    assert sorted(read) == ["a", "equal", "other end"]


@pytest.mark.parametrize("others", [[], ["a"]])
def test_a_file_equals_itself_under_another_label_and_nothing_where_there_are_no_others(
    tmp_path, others
):
    (tmp_path / "a").write_bytes(b"a")
    found = equal_files([tmp_path / "a"], [tmp_path / name for name in others])
    assert found == {tmp_path / name: tmp_path / name for name in others}
