import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avser_cli.errors import OutputError
from avser_cli.inference.predictions import Prediction, Segment
from avser_cli.report.result_writer import ResultWriter, clip_row, columns, row_text, segment_row

LABELS = ("happy", "sad")
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"))
SAD = Prediction("sad", "negative", 0.75, {"happy": 0.25, "sad": 0.75}, uncertain=True)


def writer(out, format, windows=False, model="m@1"):
    return ResultWriter(out, format, LABELS, model, windows)


def test_a_row_of_each_kind():
    row = clip_row("a\nb.wav", SAD, "m@1")
    assert json.loads(row_text(row, "jsonl")) == {
        "file": "a\nb.wav",
        "emotion": "sad",
        "category": "negative",
        "confidence": 0.75,
        "probabilities": {"happy": 0.25, "sad": 0.75},
        "uncertain": True,
        "model": "m@1",
    }
    text = row_text(segment_row("a.wav", Segment(0.5, 2.0, SAD), "m@1"), "csv")
    assert text == "a.wav,0.5,2.0,sad,negative,0.750000,0.250000,0.750000,true,m@1\n"
    assert len(columns(LABELS, windows=True)) == 10


@settings(max_examples=60, deadline=None)
@given(
    st.lists(NAMES, max_size=6),
    st.sampled_from(["csv", "jsonl"]),
    st.data(),
)
def test_a_cut_file_is_gone_on_with(tmp_path_factory, names, format, data):
    names = list(dict.fromkeys(names))
    out = tmp_path_factory.mktemp("rows") / f"rows.{format}"
    first = writer(out, format)
    for name in names:
        first.write([clip_row(name, SAD, "m@1")])
    whole = out.read_bytes()
    head = len(whole.split(b"\n")[0]) + 1 if format == "csv" else 0
    cut = data.draw(st.integers(head, len(whole)))
    if format == "jsonl" and 0 < cut <= len(whole.split(b"\n")[0]):
        return  # Not one whole row: whose file it is cannot be told, see below.
    out.write_bytes(whole[:cut])
    second = writer(out, format)
    assert second.done <= set(names)
    for name in names:
        if name not in second.done:
            second.write([clip_row(name, SAD, "m@1")])
    assert out.read_bytes() == whole
    if format == "csv":
        found = list(csv.DictReader(io.StringIO(whole.decode(), newline="")))
        assert [row["file"] for row in found] == names


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_what_else_is_there_is_left_alone(tmp_path, format):
    out = tmp_path / "rows"
    writer(out, format).write([clip_row("a.wav", SAD, "m@1")])
    before = out.read_bytes()
    with pytest.raises(OutputError, match="another model"):
        writer(out, format, model="m@2")
    with pytest.raises(OutputError):
        writer(out, format, windows=True)
    assert out.read_bytes() == before
    out.write_text("my notes\n")
    with pytest.raises(OutputError):
        writer(out, format)
    assert out.read_text() == "my notes\n"


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_names_with_odd_ends_of_lines_are_gone_on_with(tmp_path, format):
    names = ["a\x85b.wav", "c\u2028d.wav", "e\x0bf.wav"]
    out = tmp_path / "rows"
    writer(out, format).write([clip_row(name, SAD, "m@1") for name in names])
    before = out.read_bytes()
    assert writer(out, format).done == set(names)
    assert out.read_bytes() == before


PIECES = (
    *(b'{"file": ', b'"a"', b", ", b'"model": ', b'"m@1"', b"}", b"\n", b"[", b"1e999", b'"'),
    *(b"file,emotion", b"\0", b"\xff", b'{"file": [], "model": "m@1"}\n'),
    *(b'{"file": "a", "model": "m@1"}\n', b"[" * 5000, b"x" * 140_000),
)
CONTENTS = st.binary(max_size=200) | st.lists(st.sampled_from(PIECES)).map(b"".join)


@settings(max_examples=150, deadline=None)
@given(CONTENTS, st.sampled_from(["csv", "jsonl"]), st.booleans())
def test_whatever_lies_there_is_gone_on_with_or_refused(tmp_path_factory, content, format, head):
    out = tmp_path_factory.mktemp("rows") / "rows"
    if head and format == "csv":
        content = ",".join(columns(LABELS, False)).encode() + b"\n" + content
    out.write_bytes(content)
    try:
        done = writer(out, format).done
    except OutputError:
        assert out.read_bytes() == content
        return
    assert all(isinstance(name, str) for name in done)
