import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avser_cli.errors import NoVoiceError, OutputError
from avser_cli.inference.predictions import Prediction, RecordingPrediction, Segment
from avser_cli.report.result_writer import ResultWriter, Row, RowLayout

LABELS = ("happy", "sad")
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"))
SAD = Prediction("sad", "negative", 0.75, {"happy": 0.25, "sad": 0.75}, uncertain=True)
WHOLE = RecordingPrediction(**vars(SAD), seconds=4.25, speech=3.5, windows=2)
LAYOUT = RowLayout(LABELS)


def writer(out, format, layout=LAYOUT, model="m@1"):
    return ResultWriter(out, format, layout, model)


def row(name):
    return Row.of(name, WHOLE, "m@1")


def test_a_row_of_each_kind():
    assert json.loads(LAYOUT.text(row("a\nb.wav"), "jsonl")) == {
        "file": "a\nb.wav",
        "emotion": "sad",
        "category": "negative",
        "confidence": 0.75,
        "probabilities": {"happy": 0.25, "sad": 0.75},
        "uncertain": True,
        "seconds": 4.25,
        "speech": 3.5,
        "windows": 2,
        "model": "m@1",
    }
    text = LAYOUT.text(row("a.wav"), "csv")
    assert text == "a.wav,sad,negative,0.750000,0.250000,0.750000,true,4.25,3.5,2,m@1\n"
    segments = RowLayout(LABELS, segments=True)
    text = segments.text(Row.of("a.wav", Segment(0.5, 2.0, SAD), "m@1"), "csv")
    assert text == "a.wav,0.5,2.0,sad,negative,0.750000,0.250000,0.750000,true,m@1\n"
    named = RowLayout(LABELS, segments=True, speaker=True, channel=True)
    assert named.columns()[:5] == ["file", "channel", "start", "end", "speaker"]


def test_a_row_without_a_voice_has_no_emotion():
    silent = Row.of("a.wav", NoVoiceError("a.wav", 4.0), "m@1")
    assert LAYOUT.text(silent, "csv") == "a.wav,,,,,,,4.0,0.0,0,m@1\n"
    found = json.loads(LAYOUT.text(silent, "jsonl"))
    assert found["emotion"] is found["probabilities"] is None
    assert (found["seconds"], found["speech"], found["windows"]) == (4.0, 0.0, 0)
    assert list(found) == list(json.loads(LAYOUT.text(row("a.wav"), "jsonl")))


@settings(max_examples=60)
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
        first.write([row(name)])
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
            second.write([row(name)])
    assert out.read_bytes() == whole
    if format == "csv":
        found = list(csv.DictReader(io.StringIO(whole.decode(), newline="")))
        assert [row["file"] for row in found] == names


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_a_cut_row_is_cut_off_where_it_is(tmp_path, format):
    out = tmp_path / "rows"
    first = writer(out, format)
    first.write([row("a.wav")])
    kept = out.read_bytes()
    # The sound before the cut goes, too: rows of it may be missing.
    first.write([row("b.wav")])
    first.write([row("c.wav")])
    out.write_bytes(out.read_bytes()[:-10])
    file = out.stat().st_ino
    assert writer(out, format).done == {"a.wav"}
    assert out.read_bytes() == kept
    assert out.stat().st_ino == file


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_what_else_is_there_is_left_alone(tmp_path, format):
    out = tmp_path / "rows"
    writer(out, format).write([row("a.wav")])
    before = out.read_bytes()
    with pytest.raises(OutputError, match="another model"):
        writer(out, format, model="m@2")
    with pytest.raises(OutputError):
        writer(out, format, RowLayout(LABELS, segments=True))
    assert out.read_bytes() == before
    out.write_text("my notes\n")
    with pytest.raises(OutputError):
        writer(out, format)
    assert out.read_text() == "my notes\n"


@pytest.mark.parametrize("format", ["csv", "jsonl"])
def test_names_with_odd_ends_of_lines_are_gone_on_with(tmp_path, format):
    names = ["a\x85b.wav", "c\u2028d.wav", "e\x0bf.wav"]
    out = tmp_path / "rows"
    writer(out, format).write([row(name) for name in names])
    before = out.read_bytes()
    assert writer(out, format).done == set(names)
    assert out.read_bytes() == before


PIECES = (
    *(b'{"file": ', b'"a"', b", ", b'"model": ', b'"m@1"', b"}", b"\n", b"[", b"1e999", b'"'),
    *(b"file,emotion", b"\0", b"\xff", b'{"file": [], "model": "m@1"}\n'),
    *(b'{"file": "a", "model": "m@1"}\n', b"[" * 5000, b"x" * 140_000),
)
CONTENTS = st.binary(max_size=200) | st.lists(st.sampled_from(PIECES)).map(b"".join)


@settings(max_examples=150)
@given(CONTENTS, st.sampled_from(["csv", "jsonl"]), st.booleans())
def test_whatever_lies_there_is_gone_on_with_or_refused(tmp_path_factory, content, format, head):
    out = tmp_path_factory.mktemp("rows") / "rows"
    if head and format == "csv":
        content = ",".join(LAYOUT.columns()).encode() + b"\n" + content
    out.write_bytes(content)
    try:
        done = writer(out, format).done
    except OutputError:
        assert out.read_bytes() == content
        return
    assert all(isinstance(name, str) for name in done)
