import csv
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from avser_cli.data.clips import index_data
from avser_cli.data.corpora import find_corpus
from avser_cli.data.emotion_words import parse_mapping
from avser_cli.data.manifest import COLUMNS, MANIFEST
from avser_cli.data.source_content import read_source
from avser_cli.data.sources import DataSources, Source, parse_source
from avser_cli.errors import CorpusError, InputError, UsageError
from tests.synthetic import ravdess_name, voice, write_wav


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def labels(content):
    return {clip.key: clip.emotion for clip in content.clips}


def test_a_table_that_cannot_be_read_does_not_leave_the_folders_to_tell(tmp_path, monkeypatch):
    folder = touch(tmp_path / "mine", "happy/a.wav", "sad/b.wav", "pictures/c.png")
    (folder / "labels.csv").write_text("file,emotion\nhappy/a.wav,sad\n")
    opened = Path.open

    def refusing(path, *arguments, **settings):
        if path.name == "labels.csv":
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **settings)

    monkeypatch.setattr(Path, "open", refusing)
    with pytest.raises(InputError, match=r"labels\.csv: cannot be read: Permission denied; it may"):
        read_source(Source(folder))


def test_a_known_corpus_is_told_by_its_names(tmp_path):
    folder = touch(tmp_path / "x", "wav/03a01Wa.wav", "wav/03a01Fa.wav", "wav/notes.wav")
    found = read_source(Source(folder))
    assert labels(found) == {"emodb:wav/03a01Fa": "happy", "emodb:wav/03a01Wa": "angry"}
    assert [item.path.name for item in found.skipped] == ["notes.wav"]
    assert found.remarks == ("EMO-DB: 2 of 535 clips",)


def test_a_corpus_whose_own_readme_errs_is_read_by_its_scripts_and_says_so(tmp_path):
    names = [f"plain-to-emotional/ema/wav/ema00{number}.wav" for number in (201, 301)]
    folder = touch(tmp_path / "x", *names)
    first, second = (f"kemotts:{name.removesuffix('.wav')}" for name in names)
    found = read_source(Source(folder))
    assert labels(found) == {first: "sad", second: "angry"}
    assert any("--map sad=angry,angry=sad" in line for line in found.remarks)
    mapping = parse_mapping("sad=angry,angry=sad")
    assert labels(read_source(Source(folder), mapping)) == {first: "angry", second: "sad"}


NAMES_OF_EMODB = ("03a01Wa", "08b02Fd", "16b10Tb")


@pytest.mark.parametrize("with_tables", [False, True])
def test_laryngograms_are_not_taken_for_speech(tmp_path, with_tables):
    folder = touch(
        tmp_path / "x",
        *(f"{kind}/{name}.wav" for kind in ("laryngo", "wav") for name in NAMES_OF_EMODB),
        "laryngo/03a02Nc.wav",
    )
    if with_tables:
        tables = {"emotion": "wav", "laryngo.emotion": "laryngo"}
        columns = "{type: filewise, columns: {emotion: {}}}"
        lines = "\n".join(f"  {table}: {columns}" for table in tables)
        (folder / "db.yaml").write_text(f"name: emodb\ntables:\n{lines}\n")
        for table, kind in tables.items():
            rows = "\n".join(f"{kind}/{name}.wav,anger" for name in NAMES_OF_EMODB)
            (folder / f"db.{table}.csv").write_text(f"file,emotion\n{rows}\n")
    found = read_source(Source(folder))
    assert sorted(labels(found)) == [f"emodb:wav/{name}" for name in NAMES_OF_EMODB]
    reasons = [item.reason for item in found.skipped]
    assert len(reasons) == (3 if with_tables else 4)
    assert all("a laryngogram, not speech" in reason for reason in reasons)
    assert not any("second copies" in remark for remark in found.remarks)


def test_a_copy_with_more_than_was_published_says_so(tmp_path, monkeypatch):
    casia = replace(find_corpus("casia"), clips=1)
    monkeypatch.setattr("avser_cli.data.corpus_folder.known_corpora", lambda: {"casia": casia})
    folder = touch(tmp_path / "x", "liuchanhg/sad/201.wav", "Chang.Liu/normal/001.wav")
    found = read_source(Source(folder))
    assert {clip.speaker for clip in found.clips} == {"casia:liuchanhg"}
    assert found.remarks[0] == "CASIA (public part): 2 clips, more than the 1 published"


def test_folders_that_contradict_a_corpuss_names_must_be_chosen_between(tmp_path):
    names = [f"{where}/1001_DFA_{code}_XX.wav" for where, code in
             (("angry", "SAD"), ("sad", "NEU"), ("happy", "HAP"))]  # fmt: skip
    folder = touch(tmp_path / "x", *names)
    with pytest.raises(CorpusError, match=r"2 clips of CREMA-D lie in .*angry/.*: sad by its name"):
        read_source(Source(folder))
    by_names = read_source(parse_source(f"crema-d={folder}"))
    assert [clip.emotion for clip in by_names.clips] == ["sad", "happy", "neutral"]
    by_folders = read_source(parse_source(f"mine={folder}"))
    assert [clip.emotion for clip in by_folders.clips] == ["angry", "happy", "sad"]
    calm = touch(tmp_path / "y", "neutral/03-01-02-01-01-01-01.wav")
    with pytest.raises(CorpusError, match="1 clips of RAVDESS lie in"):
        read_source(Source(calm))
    mapped = read_source(Source(calm), parse_mapping("calm=neutral"))
    assert [clip.emotion for clip in mapped.clips] == ["neutral"]


def test_a_few_clips_in_wrong_folders_are_said(tmp_path):
    names = [f"happy/{actor}_DFA_HAP_XX.wav" for actor in range(1001, 1011)]
    folder = touch(tmp_path / "x", *names, "sad/1001_DFA_ANG_XX.wav")
    found = read_source(Source(folder))
    assert labels(found)["crema-d:sad/1001_DFA_ANG_XX"] == "angry"
    assert "1 clips of CREMA-D lie in folders of other emotions" in found.remarks[0]


def test_a_table_beside_a_corpuss_clips_is_read_where_that_is_asked_for(tmp_path):
    folder = touch(tmp_path / "x", "03-01-03-01-01-01-01.wav", "03-02-04-01-01-01-01.wav")
    (folder / "labels.csv").write_text("file,emotion\n03-01-03-01-01-01-01.wav,sad\n")
    found = read_source(Source(folder))
    assert [clip.emotion for clip in found.clips] == ["happy", "sad"]
    assert found.remarks[0] == (
        f"{folder}: labels by the names of RAVDESS, not from labels.csv (else --data mine={folder})"
    )
    mine = read_source(parse_source(f"mine={folder}"))
    assert labels(mine) == {"mine:03-01-03-01-01-01-01": "sad"}
    assert [str(item) for item in mine.skipped] == [
        f"{folder / '03-02-04-01-01-01-01.wav'}: not in labels.csv"
    ]


def test_pictures_of_second_copies_of_ones_own_are_left_out(tmp_path, avser):
    for place in ("mine", "mine/mine"):
        write_wav(tmp_path / place / "happy" / "1.wav", voice("happy", seed=1))
    assert avser("spectrogram", "mine", "png").returncode == 0
    found = read_source(Source(tmp_path / "png"))
    assert labels(found) == {"mine:happy/1": "happy"}
    assert found.remarks == (
        f"mine: 1 second copies left out, e.g. {tmp_path / 'png' / 'mine' / 'happy' / '1.png'}",
    )


def test_names_of_two_corpora_are_told_apart_by_hand(tmp_path):
    names = [f"03-01-0{emotion}-01-01-01-01.wav" for emotion in (3, 4, 5)]
    folder = touch(tmp_path / "x", *names)
    found = read_source(Source(folder))
    assert found.name == "ravdess"
    assert found.remarks[0] == (
        f"{folder}: names fit BanglaSER, too; taken for RAVDESS (else --data banglaser={folder})"
    )
    with_song = touch(tmp_path / "y", *names, "03-02-03-01-01-01-01.wav")
    assert len(read_source(Source(with_song)).remarks) == 1
    by_hand = read_source(parse_source(f"banglaser={folder}"))
    assert by_hand.name == "banglaser"
    assert {clip.key for clip in by_hand.clips} >= {"banglaser:03-01-03-01-01-01-01"}


def test_folders_of_emotions_and_what_is_no_emotion(tmp_path):
    folder = touch(tmp_path / "mine", "Anger/a.wav", "joy/a.wav", "joy/a.mp3", "fun/b.wav", "c.wav")
    (folder / "sadness").mkdir()
    found = read_source(Source(folder))
    assert labels(found) == {
        "mine:Anger/a": "angry",
        "mine:joy/a": "happy",
        "mine:joy/a.wav": "happy",
    }
    unknown, empty = found.remarks
    assert "fun (1); name their labels with --map, e.g. --map fun=happy" in unknown
    assert empty == "mine: no sound in folders sadness"
    assert [item.reason for item in found.skipped] == ["in no folder that is named for an emotion"]
    mapped = read_source(Source(folder), parse_mapping("fun=happy,angry=cross"))
    assert labels(mapped)["mine:fun/b"] == "happy"
    assert labels(mapped)["mine:Anger/a"] == "cross"


def test_a_doubled_tree_of_folders_is_said(tmp_path):
    folder = touch(tmp_path / "own", "happy/1.wav", "mine/happy/1.wav")
    found = read_source(Source(folder))
    assert len(found.clips) == 1
    said = f"own: 1 second copies left out, e.g. {folder / 'mine' / 'happy' / '1.wav'}"
    assert found.remarks == (said,)


def test_what_a_message_says_of_mapping_can_be_typed(tmp_path):
    folder = touch(tmp_path / "mine", "joy/a.wav", "a,b/a.wav", "not sure/a.wav")
    (line,) = read_source(Source(folder)).remarks
    assert line.endswith('e.g. --map "not sure=happy"')


def test_words_of_a_mapping_that_nothing_is_called_are_named(tmp_path):
    folder = touch(tmp_path / "mine", "joy/a.wav", "02_fun/a.wav", "frustrated/a.wav")
    mapping = parse_mapping("happy=wistful,fun=sad,frstrated=angry")
    index = index_data(DataSources((Source(folder),), mapping), ("sad", "wistful"))
    assert len(index.clips) == 2
    said = "--map: no label or folder is called frstrated"
    assert index.remarks[-1] == said
    with pytest.raises(CorpusError, match=f"no clip of angry; {said}; labels there: "):
        index.check_emotions(("angry", "sad"))


def test_a_mapping_is_for_labels_of_corpora_too(tmp_path):
    folder = touch(tmp_path / "x", "03a01Wa.wav", "03a01Ta.wav")
    assert set(labels(read_source(Source(folder), {"sad": "blue"})).values()) == {"angry", "blue"}


def test_empty_folders_of_emotions_are_named(tmp_path):
    for name in ("happy", "sad"):
        (tmp_path / name).mkdir()
    with pytest.raises(CorpusError, match="no sound in its folders happy, sad"):
        read_source(Source(tmp_path))


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["a/x.wav", "b/y.wav"], "folders: a, b; name labels with --map.*--list-corpora.*columns"),
        (["03-01-03-01-01-01-99.wav"], r"no clip of RAVDESS .* unknown speaker, 99"),
        (["01-01-03-01-01-01-01.mp4"], "no clip of RAVDESS .* audio-video, not audio-only"),
        (["f1/rab-f1-b1.wav", "wav/03a01Wa.wav", "DC/a01.wav"], r"several corpora .*give each"),
        (
            ["wav/03a01Wa.wav", "wav/03-01-05-01-01-01-01.wav"],
            r"several corpora \(emodb 1, ravdess 1",
        ),
    ],
)
def test_what_has_no_label_says_why(tmp_path, names, reason):
    with pytest.raises(CorpusError, match=reason):
        read_source(Source(touch(tmp_path / "x", *names)))


def test_a_corpus_does_not_swallow_others_in_its_folder(tmp_path):
    crema = [f"Crema/10{actor}_DFA_ANG_XX.wav" for actor in range(10, 30)]
    others = ["Savee/DC_a01.wav", "Tess/OAF_angry/OAF_back_angry.wav", "Emodb/03a01Wa.wav"]
    folder = touch(tmp_path / "ser", *crema, *others)
    reason = r"several corpora \(crema-d 20, emodb 1, savee 1, tess 1\); give each corpus's folder"
    with pytest.raises(CorpusError, match=reason):
        read_source(Source(folder))
    shutil.rmtree(folder / "Tess")
    shutil.rmtree(folder / "Emodb")
    (stray,) = read_source(Source(folder)).skipped
    assert stray.reason == "name is of SAVEE's form; give its folder"
    by_hand = read_source(Source(folder, "savee"))
    assert {item.reason for item in by_hand.skipped} == {
        "name is of CREMA-D's form; give its folder"
    }


def test_missing_sources_and_files_that_are_no_tables(tmp_path):
    with pytest.raises(InputError, match="no such folder or table"):
        read_source(Source(tmp_path / "x"))
    with pytest.raises(InputError, match="neither a folder nor a table"):
        read_source(Source(touch(tmp_path, "a.wav") / "a.wav"))


def test_a_table_in_a_folder_gives_labels(tmp_path):
    folder = touch(tmp_path / "mine", "a.wav", "b.wav")
    (folder / "labels.csv").write_text("file,emotion\na.wav,wistful\nb.wav,joy\n")
    found = read_source(Source(folder))
    assert labels(found) == {"mine:a": "wistful", "mine:b": "happy"}
    assert found.remarks == ("mine: labels from labels.csv",)
    shutil.copy(folder / "labels.csv", folder / "more.tsv")
    with pytest.raises(CorpusError, match=r"several tables of labels, labels.csv, more.tsv"):
        read_source(Source(folder))
    assert read_source(Source(folder / "labels.csv")).name == "labels"


def manifest(folder, columns, *rows):
    with (folder / MANIFEST).open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


def test_labels_of_pictures_come_from_their_manifest(tmp_path):
    folder = touch(tmp_path / "png", "one.png", "two.png", "gone.png", "other.png")
    row = {"status": "drawn", "corpus": "mine", "emotion": "sad"}
    manifest(
        folder,
        COLUMNS,
        {**row, "picture": "one.png", "speaker": "mine:7", "split": "test"},
        {**row, "picture": "two.png", "emotion": "fun"},
        {**row, "picture": "gone.png", "status": "gone"},
    )
    found = read_source(Source(folder), {"fun": "happy"})
    assert labels(found) == {"mine:one": "sad", "mine:two": "happy"}
    assert (found.clips[0].speaker, found.clips[0].split, found.kind) == (
        "mine:7",
        "test",
        "pictures",
    )
    assert {item.path.name: item.reason for item in found.skipped} == {
        "gone.png": "its sound is gone",
        "other.png": "no label in manifest.csv",
    }
    renamed = read_source(Source(folder, "yours"))
    assert (renamed.clips[0].key, renamed.clips[0].speaker) == ("yours:one", "yours:7")


@pytest.mark.parametrize(
    ("corpus", "name"), [("tess", "OAF_back_sad"), ("ravdess", "03-01-04-01-01-01-01")]
)
def test_pictures_of_second_copies_count_once(tmp_path, corpus, name):
    places = ["left", "right", "again/left"]
    folder = touch(tmp_path / "png", *(f"{place}/{name}.png" for place in places))
    row = {"status": "drawn", "corpus": corpus, "emotion": "sad"}
    sounds = {"left": "a.wav", "right": "a.wav", "again/left": "again/a.wav"}
    labels = find_corpus(corpus).labels(name)
    rows = [
        {**row, **labels, "picture": f"{place}/{name}.png", "sound": sounds[place]}
        for place in places
    ]
    # Second copies of sounds have no label in the manifest.
    manifest(folder, COLUMNS, *rows[:2], {**rows[2], "corpus": "", "emotion": ""})
    index = index_data(DataSources.of(folder), ("happy", "sad"))
    copy = folder / "again" / "left" / f"{name}.png"
    said = [f"{folder}: 1 second copies left out, e.g. {copy}"]
    if corpus == "ravdess":
        said.append(f"{folder}: 1 clips are there twice")
    assert len(index.clips) == 2 - (corpus == "ravdess")
    assert list(index.remarks[-len(said) :]) == said


def test_clips_of_a_folder_that_is_called_ravdess_have_keys_of_their_own(tmp_path):
    """Only names as RAVDESS's are unique."""
    folder = touch(tmp_path / "ravdess", "angry/1.png", "happy/1.png", "sad/1.png")
    row = {"status": "drawn", "corpus": "ravdess"}
    rows = [{**row, "picture": f"{word}/1.png", "emotion": word} for word in ("angry", "happy")]
    manifest(folder, COLUMNS, *rows, {**row, "picture": "sad/1.png", "emotion": "sad"})
    expected = {f"ravdess:{word}/1": word for word in ("angry", "happy", "sad")}
    assert labels(read_source(Source(folder))) == expected
    (folder / MANIFEST).unlink()
    (tmp_path / "ravdess.csv").write_text(
        "file,emotion\n" + "".join(f"ravdess/{word}/1.png,{word}\n" for word in expected.values())
    )
    assert labels(read_source(Source(tmp_path / "ravdess.csv"))) == {
        f"own-ravdess:ravdess/{word}/1": word for word in expected.values()
    }


def test_recordings_of_ones_own_do_not_become_a_corpus_by_their_folders_name(tmp_path):
    folder = touch(tmp_path / "CaFE", "happy/1.wav", "sad/1.wav", "sad/b/1.wav")
    found = read_source(Source(folder))
    assert labels(found)["own-CaFE:happy/1"] == "happy"
    assert found.name == "own-CaFE"
    assert found.remarks == (
        f"{folder}: not read as CaFE, whose names are others; called own-CaFE",
    )
    assert read_source(Source(folder, "mine")).remarks == ()
    table = folder / "t.csv"
    table.write_text("file,emotion\nhappy/1.wav,joy\nsad/1.wav,wistful\n")
    assert read_source(Source(folder)).name == "own-CaFE"
    table.rename(folder / "emodb.csv")
    assert read_source(Source(folder / "emodb.csv")).name == "own-emodb"
    touch(folder, "wav/03a01Wa.wav")
    (folder / "emodb.csv").write_text("file,emotion\nwav/03a01Wa.wav,anger\n")
    published = read_source(Source(folder / "emodb.csv"))
    assert (labels(published), published.remarks) == ({"emodb:wav/03a01Wa": "angry"}, ())


def test_manifests_of_older_days_are_read(tmp_path):
    name = ravdess_name("sad", actor=4)
    folder = touch(tmp_path / "png", f"{name}.png")
    columns = ["picture", "sound", "status", "modality", "channel", "emotion", "intensity",
               "statement", "repetition", "actor", "rate", "reason"]  # fmt: skip
    row = {"picture": f"{name}.png", "sound": f"wav/{name}.wav", "status": "drawn"}
    row |= {"modality": "audio-only", "channel": "speech", "emotion": "sad", "actor": "4"}
    manifest(folder, columns, row)
    (clip,) = read_source(Source(folder)).clips
    assert (clip.key, clip.speaker, clip.text) == (name, "ravdess:04", "01")


def test_several_sources_are_joined(tmp_path):
    touch(tmp_path / "a" / "DC", "a01.wav")
    touch(tmp_path / "a" / "JE", "a01.wav", "n01.wav")
    touch(tmp_path / "own", "happy/x.wav", "sad/y.wav")
    data = DataSources.of(tmp_path / "a" / "DC", tmp_path / "a" / "JE", tmp_path / "own")
    index = index_data(data, ("happy", "sad", "angry", "neutral"))
    assert {clip.key: clip.speaker for clip in index.clips} == {
        "savee:a01": "savee:DC",
        "savee:JE/a01": "savee:JE",
        "savee:n01": "savee:JE",
        "own:happy/x": None,
        "own:sad/y": None,
    }
    assert "own: no clip of angry, neutral" in index.remarks
    assert "savee: no clip of happy, sad" in index.remarks


def test_one_copy_in_two_sources_counts_once(tmp_path):
    for folder in ("a", "b"):
        touch(tmp_path / folder, *(f"wav/03a01{code}a.wav" for code in "WTFN"))
    index = index_data(DataSources.of(tmp_path / "a", tmp_path / "b"), ("happy", "sad"))
    assert len(index.clips) == 2
    assert index.remarks[-1].endswith("b: 4 clips are in another source, too")


def test_sources_are_named_once_and_names_are_not_shared(tmp_path):
    for folder in ("a/wav", "b/wav"):
        touch(tmp_path / folder, "happy/x.wav", "sad/y.wav")
    first = tmp_path / "a" / "wav"
    with pytest.raises(UsageError, match="named twice"):
        index_data(DataSources.of(first, tmp_path / "a" / ".." / "a" / "wav"), ("happy", "sad"))
    data = DataSources.of(first, tmp_path / "b" / "wav")
    with pytest.raises(
        UsageError, match=r"another source is called wav, too; name them, e.g. --data"
    ):
        index_data(data, ("happy", "sad"))
    named = DataSources((Source(first, "mine"), Source(tmp_path / "b" / "wav")))
    assert len(index_data(named, ("happy", "sad")).clips) == 4


def refusal(data, emotions, fixed=False):
    with pytest.raises(CorpusError) as caught:
        index_data(data, emotions).check_emotions(emotions, fixed)
    return str(caught.value).split("no clip of ")[1]


def test_an_emotion_that_is_not_there_lists_those_that_are_and_what_to_type(tmp_path):
    folder = touch(tmp_path / "mine", "happy/x.wav", "sad/y.wav", "sad/z.wav", "odd one/a.wav")
    data = DataSources.of(folder)
    there = "labels there: sad 2, happy 1; folders of no known emotion: odd one 1; "
    map_it = 'map labels, e.g. --map "odd one=angry"'
    chosen = f"angry; {there}take --emotions happy,sad or {map_it}"
    assert refusal(data, ("happy", "sad", "angry")) == chosen
    assert refusal(data, ("happy", "sad", "angry"), fixed=True) == f"angry; {there}{map_it}"
    none = f"angry, bored; {there}take --emotions sad,happy or {map_it}"
    assert refusal(data, ("angry", "bored")) == none
    with pytest.raises(CorpusError) as caught:
        index_data(data, ("angry", "bored")).check_some(("angry", "bored"), "default")
    expected = f"{folder}: no clip of what default knows (angry, bored); {there}{map_it}"
    assert str(caught.value) == expected
    shutil.rmtree(folder / "odd one")
    there = "angry; labels there: sad 2, happy 1; "
    assert refusal(data, ("happy", "sad", "angry"), fixed=True) == f"{there}add some"
    assert refusal(data, ("happy", "angry")) == (
        f"{there}take --emotions sad,happy or map labels, e.g. --map sad=angry"
    )


@pytest.mark.parametrize(
    ("folder", "clips", "speakers"),
    [("emodb", 339, 10), ("emovo", 336, 6), ("urdu", 400, 29), ("kemotts", 300, 15)],
)
def test_published_corpora_are_indexed(corpora, folder, clips, speakers):
    index = index_data(DataSources.of(corpora / folder), ("happy", "sad", "angry", "neutral"))
    assert not index.skipped
    assert (len(index.clips), len({clip.speaker for clip in index.clips})) == (clips, speakers)
    assert {clip.corpus for clip in index.clips} == {find_corpus(folder).name}
