import pytest

from avser_cli.data.audformat import read_database
from avser_cli.errors import CorpusError

HEADER = """
name: mydb
schemes:
  emotion: {dtype: str}
  speaker: {dtype: int, labels: {3: {gender: male}, 8: {gender: female}}}
splits:
  test: {type: test}
  train: {type: train}
tables:
  files: {type: filewise, columns: {speaker: {scheme_id: speaker}, transcription: {}}}
  emotion: {type: filewise, columns: {emotion: {scheme_id: emotion}}}
  emotion.test: {type: filewise, split_id: test, columns: {emotion: {scheme_id: emotion}}}
  parts: {type: segmented, columns: {emotion: {scheme_id: emotion}}}
"""
TABLES = {
    "files": "file,speaker,transcription\nwav/a.wav,3,Hallo du\nwav/b.wav,8,\n",
    "emotion": "file,emotion\nwav/a.wav,happiness\nwav/b.wav,\n",
    "emotion.test": "file,emotion\nwav/a.wav,happiness\n",
    "parts": "file,start,end,emotion\n"
    "wav/b.wav,0 days 00:00:00.500000,0 days 00:01:02,anger\nwav/b.wav,0 days,NaT,sadness\n",
}


@pytest.fixture
def database(tmp_path):
    (tmp_path / "wav").mkdir()
    for name in "ab":
        (tmp_path / "wav" / f"{name}.wav").touch()
    (tmp_path / "db.yaml").write_text(HEADER)
    for name, text in TABLES.items():
        (tmp_path / f"db.{name}.csv").write_text(text)
    return tmp_path / "db.yaml"


def test_labels_speakers_and_splits_are_joined(database):
    found = read_database(database)
    assert not found.skipped
    assert [
        (
            clip.key,
            clip.emotion,
            clip.speaker,
            clip.sex,
            clip.text,
            clip.split,
            clip.start,
            clip.end,
        )
        for clip in found.clips
    ] == [
        ("mydb:wav/a", "happy", "mydb:3", "male", "Hallo du", "test", None, None),
        ("mydb:wav/b#0-", "sad", "mydb:8", "female", None, None, 0.0, None),
        ("mydb:wav/b#0.5-62", "angry", "mydb:8", "female", None, None, 0.5, 62.0),
    ]


def test_sexes_of_speakers_may_stand_in_a_table_of_their_own(database):
    text = HEADER.replace("labels: {3: {gender: male}, 8: {gender: female}}", "labels: speakers")
    misc = "misc_tables:\n  speakers: {levels: {speaker: int}, columns: {gender: {}}}\n"
    database.write_text(text + misc)
    database.with_name("db.speakers.csv").write_text("speaker,gender\n3,male\n8,female\n")
    assert [clip.sex for clip in read_database(database).clips] == ["male", "female", "female"]
    database.write_text(text)
    assert {clip.sex for clip in read_database(database).clips} == {None}


def test_two_labels_for_one_sound_are_named(database):
    database.with_name("db.emotion.test.csv").write_text("file,emotion\nwav/a.wav,anger\n")
    found = read_database(database)
    assert [item.reason for item in found.skipped] == [
        "line 2: angry, but happy in line 2; neither is used"
    ]
    assert len(found.clips) == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [", "db.yaml: while parsing"),
        ("- 1", "not audformat"),
        ("tables: {x: 1}", "not audformat"),
        ("tables: {files: {columns: {speaker: {}}}}", "no table has a column emotion"),
        ("tables: {gone: {columns: {emotion: {}}}}", "db.gone.csv: No such file"),
        ("tables: {files: {columns: {emotion: {}}}}", "db.files.csv: no column emotion"),
        ("tables: {../x: {columns: {emotion: {}}}}", "'../x' is no name of a table"),
        ("tables: {packed: {columns: {emotion: {}}}}", "save the database with its tables as CSV"),
    ],
)
def test_damaged_databases_are_refused(database, text, reason):
    database.write_text(text)
    database.with_name("db.packed.parquet").touch()
    with pytest.raises(CorpusError, match=reason):
        read_database(database)


def test_what_audformat_writes_is_read(tmp_path):
    audformat = pytest.importorskip("audformat")
    pandas = pytest.importorskip("pandas")
    for name in "ab":
        (tmp_path / f"{name}.wav").touch()
    db = audformat.Database("real")
    db.schemes["emotion"] = audformat.Scheme(labels=["anger", "boredom"])
    index = audformat.segmented_index(["a.wav", "b.wav"], [0.25, 0], [1.5, pandas.NaT])
    db["emotion"] = audformat.Table(index)
    db["emotion"]["emotion"] = audformat.Column(scheme_id="emotion")
    db["emotion"]["emotion"].set(["anger", "boredom"])
    db.save(tmp_path, storage_format="csv")
    found = read_database(tmp_path / "db.yaml")
    assert [(clip.emotion, clip.start, clip.end) for clip in found.clips] == [
        ("angry", 0.25, 1.5),
        ("bored", 0.0, None),
    ]
