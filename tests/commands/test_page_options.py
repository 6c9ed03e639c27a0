import json
import re
from pathlib import Path

import pytest

from avser_cli.commands.page_options import (
    AnswersPage,
    collect_media,
    fits_into_a_page,
    too_large,
)
from avser_cli.inference.predictions import RecordingPrediction
from avser_cli.report.answers_page import recordings_from_rows
from avser_cli.report.page_media import SoundPart
from avser_cli.report.result_writer import ResultWriter, Row, RowLayout
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


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_page_holds_what_an_earlier_run_answered(avser, calls, tmp_path, format):
    (calls / "broken.wav").unlink()
    options = ("--windows", "--format", format, "--out", "rows.txt")
    first = avser("classify", "calls/0.wav", *options)
    assert first.returncode == 0, first.stderr
    second = avser("classify", "calls", *options, "--report", "page.html", "--embed")
    assert second.returncode == 0, second.stderr
    assert "1 kept" in second.stderr
    rows = rows_of(tmp_path / "page.html")
    assert sorted(rows) == ["calls/0.wav", "calls/1.wav"]
    for row in rows.values():
        assert row["segments"]
        assert row["sound"].startswith("data:audio/ogg;base64,")


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_rows_of_files_with_odd_names_are_read_again(tmp_path, format):
    layout = RowLayout(("calm", "wistful"))
    answer = RecordingPrediction("wistful", None, 0.75, {"calm": 0.25, "wistful": 0.75}, True)
    names = ["a\u2028b.wav", "c\nd.wav", "e\rf.wav", 'g",h.wav']
    writer = ResultWriter(tmp_path / "rows.txt", format, layout, "m@1")
    writer.write([Row.of(name, answer, "m@1") for name in names])
    page = AnswersPage(tmp_path / "page.html", embed=False)
    page.add_kept(tmp_path / "rows.txt", format)
    assert [row.file for row in page.rows] == names
    (shown, *_) = recordings_from_rows(page.rows, layout.labels, {})
    assert (shown.emotion, shown.category, shown.probabilities) == ("wistful", None, (0.25, 0.75))


def test_options_that_contradict_each_other(avser, calls):
    assert avser("classify", "calls", "--embed").returncode == 2
    assert avser("classify", "-", "--report", "page.html", stdin="").returncode == 2


def test_sounds_that_are_too_long_for_a_page_are_linked(capsys):
    assert fits_into_a_page(3600)
    assert "embedding sounds: about 14.4 MB" in capsys.readouterr().err
    assert not fits_into_a_page(100 * 3600)
    assert "1440 MB of sound are too much" in str(too_large(Path("p.html"), 100 * 3600))


def test_one_page_draws_each_part_once_and_names_what_cannot_be_read(calls, capsys):
    first, part = SoundPart(calls / "0.wav"), SoundPart(calls / "0.wav", 0.0, 0.5)
    broken = SoundPart(calls / "broken.wav")
    found = collect_media([first, part, first, broken], embed=False, jobs=1)
    assert set(found) == {first, part}
    assert found[part].seconds == pytest.approx(0.5)
    assert "no picture: " in capsys.readouterr().err
