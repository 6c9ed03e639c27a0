from pathlib import Path

import pytest

from avser_cli.errors import OutputError
from avser_cli.inference.resume import csv_record, resume_state

HEADER = ["file", "emotion", "model"]
OUT = Path("rows.csv")


def state(content, format="csv", model="m@1", header=HEADER):
    return resume_state(OUT, content, format, header, model)


def test_an_empty_file_starts_with_the_header():
    assert state("").text == "file,emotion,model\n"
    assert state("", "jsonl").text == ""
    assert state("").done == frozenset()


def test_whole_rows_are_kept_and_the_file_left_as_it_is():
    found = state('file,emotion,model\n"a,b.wav",sad,m@1\nc.wav,happy,m@1\n')
    assert found.done == {"a,b.wav", "c.wav"}
    assert found.text is None


def test_of_a_cut_file_the_last_sound_goes_with_all_its_rows():
    rows = ["a.wav,sad,m@1\n", "b.wav,sad,m@1\n", "b.wav,happy,m@1\n", "b.wav,ha"]
    found = state("file,emotion,model\n" + "".join(rows))
    assert found.done == {"a.wav"}
    assert found.text == "file,emotion,model\na.wav,sad,m@1\n"


@pytest.mark.parametrize(
    ("content", "format", "reason"),
    [
        ("file,model\na.wav,m@1\n", "csv", "other columns"),
        ("file,emotion,model\na.wav,sad,other@1\n", "csv", "answers of another model"),
        ('{"file": "a.wav", "model": "other@1"}\n', "jsonl", "answers of another model"),
        ('{"file": "a.wav", "start": 0.0, "model": "m@1"}\n', "jsonl", "other columns"),
        ("notes\n", "jsonl", "no answers"),
    ],
)
def test_what_else_is_there_is_refused(content, format, reason):
    with pytest.raises(OutputError, match=f"rows.csv: .*{reason}"):
        state(content, format)


def test_a_record_keeps_line_breaks_and_commas():
    assert csv_record(["a\nb", "c,d", None]) == '"a\nb","c,d",\n'
