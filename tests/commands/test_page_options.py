import json
import re

import pytest

from tests.synthetic import speech, write_wav


def rows_of(page):
    found = re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found
    return {row["file"]: row for row in json.loads(found[1])["recordings"]}


@pytest.fixture
def calls(tmp_path):
    folder = tmp_path / "calls"
    folder.mkdir()
    for number in range(2):
        write_wav(folder / f"{number}.wav", speech(seed=number))
    (folder / "broken.wav").write_bytes(b"no sound")
    return folder


def test_page_holds_answers_and_failures(avser, calls, tmp_path):
    done = avser("classify", "calls", "--report", "page.html", "--format", "jsonl")
    assert done.returncode == 4, done.stderr
    assert "page: page.html" in done.stderr
    rows = rows_of(tmp_path / "page.html")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert {x["file"]: x["emotion"] for x in answers} == {
        name: row["emotion"] for name, row in rows.items() if row["state"] == "answered"
    }
    assert rows["calls/broken.wav"]["state"] == "failed"
    assert "not a sound" in rows["calls/broken.wav"]["reason"]
    assert rows["calls/0.wav"]["sound"] == "calls/0.wav"
    assert rows["calls/0.wav"]["picture"]


@pytest.mark.parametrize("out", ["rows.csv", "rows.jsonl"])
def test_page_holds_what_an_earlier_run_answered(avser, calls, tmp_path, out):
    (calls / "broken.wav").unlink()
    first = avser("classify", "calls/0.wav", "--windows", "--out", out)
    assert first.returncode == 0, first.stderr
    second = avser(
        "classify", "calls", "--windows", "--out", out, "--report", "page.html", "--embed"
    )
    assert second.returncode == 0, second.stderr
    assert "1 kept" in second.stderr
    rows = rows_of(tmp_path / "page.html")
    assert sorted(rows) == ["calls/0.wav", "calls/1.wav"]
    for row in rows.values():
        assert row["segments"]
        assert row["sound"].startswith("data:audio/ogg;base64,")


def test_options_that_contradict_each_other(avser, calls):
    assert avser("classify", "calls", "--embed").returncode == 2
    assert avser("classify", "-", "--report", "page.html", stdin="").returncode == 2
