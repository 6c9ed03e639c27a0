import csv
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avser_cli.data.emotion_words import read_emotion
from avser_cli.data.label_table import has_columns, read_rows, read_table
from avser_cli.errors import CorpusError


@pytest.fixture
def table(tmp_path):
    (tmp_path / "sub").mkdir()
    for name in ("a.wav", "b, c.wav", "sub/d.wav"):
        (tmp_path / name).touch()

    def write(text, encoding="utf-8"):
        (tmp_path / "mine.csv").write_bytes(text.encode(encoding))
        return read_table(tmp_path / "mine.csv")

    return write


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_tables_are_read(table, encoding, delimiter):
    rows = [["File", "Emotion", "speaker", "sex", "start", "end", "split"],
            ["a.wav", "Freude", "1", "F", "0.5", "2", "test"],
            ['"b, c.wav"', "wistful", "", "", "", "", ""],
            ["sub\\d.wav", "ANGER", "2", "male", "", "", "train"]]  # fmt: skip
    found = table("\r\n".join(delimiter.join(row) for row in rows), encoding)
    assert not found.skipped
    assert [clip.emotion for clip in found.clips] == ["happy", "wistful", "angry"]
    one, two, three = found.clips
    assert (one.speaker, one.sex, one.start, one.end) == ("mine:1", "female", 0.5, 2.0)
    assert (one.split, two.speaker, two.path.name) == ("test", None, "b, c.wav")
    assert three.key == "mine:sub/d" and three.path.is_file()


def test_rows_that_cannot_be_used_are_named(table):
    text = "file,emotion,start,end\n"
    text += "a.wav,sad,,\na.wav,sad,,\na.wav,happy,,\nsub/d.wav,sad,,\n"
    text += "a.wav,sad,2,1\na.wav,sad,x,\n,sad,,\n"
    text += "e.wav,sad,,\na.wav,,,\nsub,sad,,\n"
    assert [item.reason.split(": ", 1)[1] for item in table(text).skipped] == [
        "same as line 2",
        "happy, but sad in line 2; neither is used",
        "end 1 is not after start 2",
        "start is no time in seconds, 'x'",
        "no file",
        "no such file",
        "no emotion",
        "a folder, not a file",
    ]


@pytest.mark.parametrize(
    ("text", "encoding", "reason"),
    [
        ("", "utf-8", "no column file$"),
        ("file,mood\na.wav,sad", "utf-8", "no column emotion; its columns: file, mood"),
        ('file,emotion\n"a.wav,sad\nb.wav,sad', "utf-8", "line 3: unexpected end of data"),
        ("file,emotion\na.wav,sad,x", "utf-8", "line 2: more cells than the 2 columns"),
        ("file,emotion\nä.wav,sad", "latin-1", "not UTF-8"),
        ("file,emotion\ne.wav,sad", "utf-8", r"no row can be used; .*e\.wav: line 2: no such file"),
        ("file,emotion\na.wav,sad", "utf-16-le", "not UTF-8; save it as UTF-8"),
        ("file,emotion,Emotion\na.wav,sad,sad", "utf-8", "two columns are called emotion; leave"),
    ],
)
def test_damaged_tables_are_refused(table, text, encoding, reason):
    with pytest.raises(CorpusError, match=reason):
        table(text, encoding)


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_any_text_is_read_or_refused(text):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        path.write_bytes(b"file,emotion,start,end\n" + text.encode())
        with pytest.raises(CorpusError):
            read_table(path)


NAMES = ["a.wav", "b, c.wav", "d;e.wav", "it's.wav", "ä 高.wav", "sub/f.wav"]
CELLS = st.text(
    st.sampled_from("\"',;\t\n aZ0é高") | st.characters(codec="utf-8", exclude_categories=["Cc"]),
    max_size=12,
).map(str.strip)
ROWS = st.dictionaries(
    st.sampled_from(NAMES),
    st.fixed_dictionaries(
        {
            "emotion": CELLS.filter(bool),
            "speaker": CELLS,
            "text": CELLS,
            "sex": st.sampled_from(["", "female", "male"]),
            "start": st.integers(0, 999).map(lambda n: n / 100),
            "end": st.none() | st.integers(1000, 10_000).map(lambda n: n / 100),
        }
    ),
    min_size=1,
)


@given(
    ROWS,
    st.permutations(["file", "emotion", "speaker", "text", "sex", "start", "end"]),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_csv_writes_comes_back(rows, columns, delimiter, encoding, line, quoting):
    with tempfile.TemporaryDirectory() as folder:
        for name in rows:
            Path(folder, name).parent.mkdir(exist_ok=True)
            Path(folder, name).touch()
        path = Path(folder, "t.csv")
        with path.open("w", encoding=encoding, newline="") as handle:
            writer = csv.DictWriter(
                handle, columns, delimiter=delimiter, lineterminator=line, quoting=quoting
            )
            writer.writeheader()
            writer.writerows({"file": name, **cells} for name, cells in rows.items())
        found = read_table(path)
    assert not found.skipped
    read = {
        clip.path.relative_to(folder).as_posix(): {
            "emotion": clip.emotion,
            "speaker": clip.speaker,
            "text": clip.text,
            "sex": clip.sex,
            "start": clip.start,
            "end": clip.end,
        }
        for clip in found.clips
    }
    assert read == {
        name: {
            **{cell: value if value != "" else None for cell, value in cells.items()},
            "emotion": read_emotion(cells["emotion"]) or cells["emotion"].casefold(),
            "speaker": f"t:{cells['speaker']}" if cells["speaker"] else None,
        }
        for name, cells in rows.items()
    }


def test_absolute_and_windows_paths_and_quotes(table, tmp_path):
    outside = tmp_path.with_name(f"{tmp_path.name}-outside.wav")
    outside.touch()
    rows = [
        "file,emotion,text",
        f"{tmp_path / 'a.wav'},sad,",
        f"{outside},sad,",
        r'.\sub\d.wav,happy,"She said ""no"", twice"',
        r"C:\data\a.wav,happy,",
    ]
    found = table("\n".join(rows))
    assert {clip.key: clip.text for clip in found.clips} == {
        "mine:a": None,
        f"mine:{outside.with_suffix('')}": None,
        "mine:sub/d": 'She said "no", twice',
    }
    assert [str(item) for item in found.skipped] == [r"C:\data\a.wav: line 5: no such file"]


def test_speakers_that_differ_in_case_are_one(table):
    rows = 'a.wav,sad,Anna\n"b, c.wav",sad,Bo\nsub/d.wav,sad,anna\n'
    found = table(f"file,emotion,speaker\n{rows}")
    assert [clip.speaker for clip in found.clips] == ["mine:Anna", "mine:Bo", "mine:Anna"]


def test_spaces_may_stand_before_quotes(table):
    found = table('file, emotion, speaker\n"a.wav", "sad", "the one, the only"\n')
    assert [(clip.emotion, clip.speaker) for clip in found.clips] == [
        ("sad", "mine:the one, the only")
    ]


def test_words_for_sex_are_read_and_others_cost_no_clip(table):
    text = "file,emotion,sex,start\n"
    words = ["F", "Weiblich", "w", "woman", "m", "Männlich", "other", "unknown", ""]
    found = table(text + "".join(f"a.wav,sad,{word},{n}\n" for n, word in enumerate(words)))
    assert not found.skipped
    sexes = [clip.sex for clip in found.clips]
    assert sexes == ["female"] * 4 + ["male"] * 2 + [None] * 3
    said = "mine: sex of 2 rows is neither female nor male and left out, e.g. 'other' in line 8"
    assert found.remarks == (said,)


def test_tables_as_excel_and_hugging_face_write_them(table, tmp_path):
    (clip,) = table("file;emotion;start;end\na.wav;sad;0,5;1,25\n").clips
    assert (clip.start, clip.end) == (0.5, 1.25)
    found = table("file_name,label,gender,speaker_id,transcription\na.wav,joy,male,7,Hello you\n")
    (clip,) = found.clips
    assert (clip.emotion, clip.sex, clip.speaker) == ("happy", "male", "mine:7")
    assert clip.text == "Hello you"
    assert has_columns(tmp_path / "mine.csv")
    # A column of the very name goes before others.
    (clip,) = table("path,file,label,emotion\nx,a.wav,3,sad\n").clips
    assert (clip.path.name, clip.emotion) == ("a.wav", "sad")
    (clip,) = table("path,emotion\na.wav,sad\n").clips
    assert not has_columns(tmp_path / "mine.csv")


def test_a_file_is_one_clip_by_whatever_path(table, tmp_path):
    text = "file,emotion\na.wav,sad\nsub/../a.wav,sad\n./sub/.././sub/d.wav,happy\n"
    found = table(f"{text}../{tmp_path.name}/a.wav,sad\n{tmp_path / 'sub' / 'd.wav'},happy\n")
    assert [clip.key for clip in found.clips] == ["mine:a", "mine:sub/d"]
    assert [item.reason for item in found.skipped] == [
        "line 3: same as line 2",
        "line 5: same as line 2",
        "line 6: same as line 4",
    ]


def test_folders_that_are_links_are_followed(table, tmp_path):
    (elsewhere := tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to(elsewhere)
    (elsewhere.parent / "a.wav").touch()
    found = table("file,emotion\na.wav,sad\nlink/../a.wav,happy\n")
    assert [(clip.key, clip.emotion) for clip in found.clips] == [
        ("mine:a", "sad"),
        ("mine:link/../a", "happy"),
    ]


def test_files_that_differ_in_their_ending_only_are_two_clips(table, tmp_path):
    (tmp_path / "a.mp3").touch()
    found = table("file,emotion\na.wav,sad\na.mp3,happy\n")
    assert {clip.key: clip.emotion for clip in found.clips} == {
        "mine:a": "sad",
        "mine:a.mp3": "happy",
    }


def test_parts_are_told_apart_and_pictures_have_none(table, tmp_path):
    (tmp_path / "p.png").touch()
    text = "file,emotion,start,end\na.wav,sad,0,1.5\na.wav,happy,1.5,\np.png,sad,,\np.png,sad,1,\n"
    found = table(text)
    assert [clip.key for clip in found.clips] == ["mine:a#0-1.5", "mine:a#1.5-", "mine:p"]
    assert [item.reason for item in found.skipped] == ["line 5: a picture has no start and end"]


def test_a_hundred_thousand_rows(table):
    rows = [f"a.wav,happy,{n},{n + 1}" for n in range(100_000)]
    start = time.process_time()
    found = table("\n".join(["file,emotion,start,end", *rows, "a.wav,happy,5,6"]))
    assert len(found.clips) == 100_000
    assert [item.reason for item in found.skipped] == ["line 100002: same as line 7"]
    # 2 s on an idle core.
    assert time.process_time() - start < 20


def test_other_words_for_sides_of_a_split(table):
    found = table("file,emotion,split\na.wav,sad,Validation\nsub/d.wav,sad,Fold A\n")
    assert [clip.split for clip in found.clips] == ["dev", "fold a"]


def test_answers_are_refused_as_labels_and_read_for_their_speakers(tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text("file,speaker,emotion,confidence,model\na.wav,anna,sad,0.9,default@1\n")
    with pytest.raises(CorpusError, match="answers of avser classify, no labels"):
        read_table(path)
    assert [row["speaker"] for _, row in read_rows(path, ("file", "speaker"))] == ["anna"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_tables_of_labels_are_told_by_their_header(tmp_path, encoding):
    path = tmp_path / "t.csv"
    path.write_bytes(('"Emotion";file\n' + "ä;b\n" * 50_000).encode(encoding))
    assert has_columns(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"file,label\n",
        b"\xff\xfe\xff",
        b'"' + b"x" * 200_000,
        b"file\0,emotion\n",
        b"file,emotion,category,confidence,p_sad,uncertain,seconds,speech,windows,model\n",
    ],
)
def test_other_files_are_no_tables_of_labels(tmp_path, content):
    (tmp_path / "t.csv").write_bytes(content)
    assert not has_columns(tmp_path / "t.csv")
    assert not has_columns(tmp_path / "gone.csv")
