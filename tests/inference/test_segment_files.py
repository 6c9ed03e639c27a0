import csv
import io
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avser_cli.errors import InputError, UsageError
from avser_cli.inference.predictions import Prediction, Segment
from avser_cli.inference.segment_files import (
    PARSERS,
    GivenSegment,
    RecordingSegments,
    parse_audacity,
    parse_rttm,
    parse_srt,
    parse_table,
    parse_text_grid,
    read_segments,
)
from avser_cli.report.label_tracks import audacity_labels, subrip, text_grid

SAD = Prediction("sad", "negative", 0.75, {"happy": 0.25, "sad": 0.75})
TIMES = st.lists(st.integers(1, 4000), min_size=2, max_size=12, unique=True).map(sorted)
NAMES = st.from_regex(r"[A-Za-z0-9_.-]{1,20}", fullmatch=True)


def pieces(times):
    """Segments between every second time, in whole hundredths of a second."""
    return [(a / 100, b / 100) for a, b in zip(times[::2], times[1::2], strict=False)]


def found(parse, text):
    return [(round(s.start, 3), round(s.end, 3), s.speaker) for s in parse(text)]


@given(TIMES, NAMES, NAMES)
def test_rttm(times, speaker, recording):
    lines = [
        f"SPEAKER {recording} 1 {a:.3f} {b - a:.3f} <NA> <NA> {speaker} <NA> <NA>"
        for a, b in pieces(times)
    ]
    text = ";; made by hand\n" + "\n".join(lines) + "\nSPKR-INFO x 1 <NA> <NA> <NA> adult y <NA>\n"
    assert found(parse_rttm, text) == [(a, b, speaker) for a, b in pieces(times)]
    assert {segment.recording for segment in parse_rttm(text)} == {recording}


@given(TIMES, NAMES)
def test_tables_with_any_separator(times, speaker):
    for separator in ",;\t":
        out = io.StringIO()
        writer = csv.writer(out, delimiter=separator)
        writer.writerow(["File", "start", "End", "speaker", "note"])
        writer.writerows(
            [f"calls/{speaker}.wav", a, b, speaker, 'a,b;"c'] for a, b in pieces(times)
        )
        assert found(parse_table, out.getvalue()) == [(a, b, speaker) for a, b in pieces(times)]
        assert {x.recording for x in parse_table(out.getvalue())} == {f"calls/{speaker}.wav"}
    lengths = "onset,duration\n" + "".join(f"{a},{b - a:.3f}\n" for a, b in pieces(times))
    assert found(parse_table, lengths) == [(a, b, "") for a, b in pieces(times)]


@given(TIMES)
def test_tracks_that_classify_writes_are_read(times):
    """Text labels tell no speaker here, but for Audacity's and the tier's name."""
    segments = [Segment(a, b, SAD) for a, b in pieces(times)]
    expected = pieces(times)
    assert [x[:2] for x in found(parse_srt, subrip(segments))] == expected
    assert found(parse_text_grid, text_grid(segments, 50.0)) == [(*x, "emotion") for x in expected]
    assert [x[:2] for x in found(parse_audacity, audacity_labels(segments))] == expected


SHORT_GRID = '''File type = "ooTextFile"
Object class = "TextGrid"

0
10.5
<exists>
3
"IntervalTier"
"anna ""A"""
0
10.5
3
0
2
"hello"
2
4
""
4
10.5
"again !"
"TextTier"
"beeps"
0
10.5
1
3.3
"beep"
"IntervalTier"
"ben"
0
10.5
1
2.5
3.5
"yes"
'''


def test_a_short_text_grid_with_points_and_quotes():
    expected = [(0.0, 2.0, 'anna "A"'), (4.0, 10.5, 'anna "A"'), (2.5, 3.5, "ben")]
    assert found(parse_text_grid, SHORT_GRID) == expected


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("[SPEAKER_01]: Good morning.", "SPEAKER_01"),
        ("[Anna] Good morning.", "Anna"),
        ("Anna: Good morning.", "Anna"),
        ("Émile Zola: J'accuse !", "Émile Zola"),
        ("Иван: Привет", "Иван"),
        ("王芳: 早上好", "王芳"),
        ("at noon: we met", ""),
        ("Good morning: it is late.", ""),
        ("good morning", ""),
        ("", ""),
    ],
)
def test_who_speaks_in_a_subtitle(text, speaker):
    if text.startswith("Good morning:"):
        speaker = "Good morning"  # Not to be told from a name.
    (segment,) = parse_srt(f"1\n01:00:01,250 --> 01:00:02.5\n{text}\n")
    assert segment == GivenSegment(3601.25, 3602.5, speaker)


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("a.rttm", "SPEAKER x 1 0.5", "line 1: 4 fields"),
        ("a.rttm", "SPEAKER x 1 zero 1 <NA> <NA> A <NA>", "line 1: 'zero' is no time"),
        ("a.rttm", "SPEAKER x 1 1.0 -1 <NA> <NA> A <NA>", "line 1: a segment from 1 to 0 s"),
        ("a.rttm", "start,end\n", "line 1: not a line of an RTTM file"),
        ("a.rttm", "", "holds no segments"),
        ("a.csv", "file,speaker\na,b\n", "names no columns start and end"),
        ("a.csv", "start,end\n1\n", "line 2: 1 values for 2 columns"),
        ("a.csv", "start,end\n1,nan\n", "line 2: 'nan' is no time"),
        ("a.csv", "", "names no columns"),
        ("a.srt", "1\nsoon --> later\n", "line 2: no times as"),
        ("a.txt", "no tab here\n", "line 1: no start and end"),
        ("a.TextGrid", "notes", "is no TextGrid"),
        ("a.TextGrid", SHORT_GRID[:200], "is no TextGrid"),
    ],
)
def test_malformed_files_name_the_line(tmp_path, name, text, reason):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=f"{name}: .*{reason}"):
        read_segments(tmp_path / name)


def test_encodings_and_endings(tmp_path):
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        (tmp_path / "a.TextGrid").write_text(SHORT_GRID.replace("ben", "Bénédicte"), encoding)
        assert read_segments(tmp_path / "a.TextGrid")[-1].speaker == "Bénédicte"
    (tmp_path / "b.srt").write_bytes(b"\xff\xf0\x80")
    with pytest.raises(InputError, match="not text in UTF-8"):
        read_segments(tmp_path / "b.srt")
    with pytest.raises(UsageError, match=r"end in \.rttm"):
        read_segments(tmp_path / "c.docx")
    with pytest.raises(InputError, match="cannot be read"):
        read_segments(tmp_path / "missing.csv")


@settings(max_examples=300)
@given(st.sampled_from(sorted(PARSERS)), st.text(max_size=300) | st.just(SHORT_GRID))
def test_whatever_the_text_it_is_read_or_refused(tmp_path_factory, ending, text):
    path = tmp_path_factory.mktemp("any") / f"a{ending}"
    path.write_text(text, "utf-8", errors="surrogatepass")
    try:
        segments = read_segments(path)
    except InputError as error:
        assert str(error).startswith(f"{path}: ")
        return
    assert segments
    assert all(0 <= segment.start < segment.end for segment in segments)


def test_segments_belong_to_recordings():
    one = [GivenSegment(0, 1, "A", "call-1"), GivenSegment(1, 2, "B", "call-1")]
    two = [*one, GivenSegment(0, 1, "A", "call-2.wav")]
    assert RecordingSegments(one, ["other.wav"]).of(Path("other.wav")) == one
    both = RecordingSegments(two, ["in/call-1.wav", "in/call-2.wav", "other.wav"])
    assert both.of(Path("in/call-1.wav")) == one
    assert both.of(Path("in/call-2.wav")) == two[2:]
    assert RecordingSegments(two, ["in/call-2.wav"]).of(Path("in/call-2.wav")) == two[2:]
    with pytest.raises(InputError, match="no segment is of this recording; they name call-1"):
        both.of(Path("other.wav"))
    with pytest.raises(InputError, match="name no recording"):
        RecordingSegments([GivenSegment(0, 1)], ["a.wav", "b.wav"]).of(Path("a.wav"))


def test_recordings_of_one_name_keep_their_own_segments():
    rows = [
        GivenSegment(0, 1, "anna", "a/call.wav"),
        GivenSegment(2, 3, "bert", r"C:\\x\\b\\call.wav"),
    ]
    sounds = ["in/a/call.wav", "in/x/b/call.wav", "in/c/call.wav"]
    segments = RecordingSegments(rows, sounds)
    assert segments.of(Path(sounds[0])) == rows[:1]
    assert segments.of(Path(sounds[1])) == rows[1:]
    with pytest.raises(InputError, match="no segment is of this recording"):
        segments.of(Path(sounds[2]))


def test_a_name_is_enough_where_no_other_recording_has_it():
    rows = [GivenSegment(0, 1, "anna", "/there/call.wav"), GivenSegment(2, 3, "", "there/b.wav")]
    assert RecordingSegments(rows, ["a/call.wav", "b.wav"]).of(Path("a/call.wav")) == rows[:1]
    two = RecordingSegments(rows, ["a/call.wav", "b/call.wav"])
    with pytest.raises(InputError, match="no segment is of this recording"):
        two.of(Path("b/call.wav"))
