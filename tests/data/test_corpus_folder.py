import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from avser_cli.audio.decoding import SOUND_SUFFIXES
from avser_cli.audio.folder import find_files
from avser_cli.data import corpus_folder
from avser_cli.data.clip import Clip
from avser_cli.data.corpora import find_corpus
from avser_cli.data.corpus_folder import (
    CorpusCopy,
    closest_corpus,
    mixed_corpora,
    read_corpus,
    recognize,
    recognize_folder,
)
from avser_cli.errors import CorpusError


def test_labels_of_emns_come_from_its_table(tmp_path):
    rows = [("a1", "Happy"), ("b2", "Sad"), ("c3", "Sarcastic"), ("d4", "Angry"), ("e5", "neutral")]
    text = "id|utterance|emotion|gender|audio_recording|user_id\n"
    for number, (stem, emotion) in enumerate(rows):
        text += f"{number}|A, b.|{emotion}|female|wavs/{stem}.wav|7\n"
    (tmp_path / "metadata.csv").write_text(text, encoding="utf-8-sig")
    files = [
        tmp_path / "cleaned_webm" / f"{stem}.webm"
        for stem in ("a1", "b2", "c3", "d4", "e5", "foreign")
    ]
    corpus = recognize_folder(tmp_path, files)
    assert corpus is find_corpus("emns")
    copy = read_corpus(corpus, tmp_path, files)
    assert [clip.emotion for clip in copy.clips] == [
        "happy",
        "sad",
        "sarcastic",
        "angry",
        "neutral",
    ]
    assert {(clip.speaker, clip.sex, clip.text) for clip in copy.clips} == {
        ("emns:7", "female", "A, b.")
    }
    assert [(item.path.stem, item.reason) for item in copy.skipped] == [
        ("foreign", "not in metadata.csv")
    ]


def test_emns_is_found_a_level_deeper_and_without_its_table(tmp_path):
    text = "id|utterance|emotion|gender|audio_recording|user_id\n1|A.|Happy|female|wavs/a1.wav|7\n"
    (tmp_path / "EMNS").mkdir()
    (tmp_path / "EMNS" / "metadata.csv").write_text(text)
    file = tmp_path / "EMNS" / "cleaned_webm" / "a1.webm"
    for folder in (tmp_path, tmp_path / "EMNS", tmp_path / "EMNS" / "cleaned_webm"):
        corpus = recognize_folder(folder, [file])
        assert corpus is find_corpus("emns")
        assert [clip.emotion for clip in read_corpus(corpus, folder, [file]).clips] == ["happy"]
    beside = tmp_path / "TESS" / "OAF_back_angry.wav"
    assert recognize_folder(tmp_path, [beside, file]) is find_corpus("tess")


def test_a_part_of_ravdess_is_not_taken_for_banglaser():
    names = ["03-01-01-01-01-01-01", "03-01-03-01-01-01-01", "03-01-05-01-01-01-01"]
    assert recognize(names) is find_corpus("ravdess")


def test_two_corpora_that_fit_equally_are_named(monkeypatch):
    emodb = find_corpus("emodb")
    twin = replace(emodb, name="twin", title="Twin")
    monkeypatch.setattr(corpus_folder, "known_corpora", lambda: {"emodb": emodb, "twin": twin})
    reason = "mine: names fit EMO-DB and Twin; say which, e.g. --data emodb=mine"
    files = [Path("mine/wav/03a01Wa.wav"), Path("mine/wav/16b10Td.wav")]
    with pytest.raises(CorpusError, match=re.escape(reason)):
        recognize_folder(Path("mine"), files)


def test_names_of_several_corpora_are_counted():
    names = ["03-01-03-01-01-01-01", "wav/03a01Wa", "wav/16b10Td", "notes"]
    assert mixed_corpora(names) == {"ravdess": 1, "emodb": 2}


def test_the_closest_corpus_is_told_by_form():
    assert closest_corpus(["03-01-03-01-01-01-99"]) is find_corpus("ravdess")
    assert closest_corpus(["a", "b"]) is None
    assert closest_corpus(["DC/a01", *(f"clip {n}" for n in range(20))]) is None


def test_foreign_names_tell_no_corpus():
    assert recognize(["happy/one", "sad/two"]) is None
    assert recognize([]) is None


def test_second_copies_are_left_out_and_said(tmp_path):
    names = ["Actor_01/03-01-03-01-01-01-01.wav", "Actor_01/03-01-04-01-01-01-01.wav"]
    files = [tmp_path / name for name in names]
    files += [tmp_path / "audio_speech_actors_01-24" / name for name in names]
    files.append(tmp_path / "Actor_01" / "notes.wav")
    copy = read_corpus(find_corpus("ravdess"), tmp_path, files)
    assert [clip.key for clip in copy.clips] == [Path(name).stem for name in names]
    assert len(copy.copies) == 2
    remark = copy.remark()
    assert remark is not None and "\n" not in remark
    assert remark.startswith("RAVDESS: 2 of 2452 clips; 2 second copies left out")
    assert [item.path.name for item in copy.skipped] == ["notes.wav"]


def test_of_two_encodings_the_lossless_one_is_read(tmp_path):
    names = ["AudioMP3/1001_DFA_ANG_XX.mp3", "AudioWAV/1001_DFA_ANG_XX.wav"]
    files = [tmp_path / name for name in names]
    copy = read_corpus(find_corpus("crema-d"), tmp_path, files)
    assert [clip.key for clip in copy.clips] == ["crema-d:AudioWAV/1001_DFA_ANG_XX"]
    assert list(copy.copies) == files[:1]


@pytest.mark.parametrize(
    ("name", "count", "remark"),
    [
        ("ravdess", 2452, None),
        ("ravdess", 1440, None),
        ("ravdess", 1012, None),
        ("ravdess", 1439, "RAVDESS: 1439 of 2452 clips"),
        ("mesd", 862, None),
    ],
)
def test_what_is_published_by_itself_is_whole(name, count, remark):
    clip = Clip("x:1", Path("1"), name, "sad")
    assert CorpusCopy(find_corpus(name), (clip,) * count, (), ()).remark() == remark


def test_savee_in_both_of_its_layouts_counts_once(tmp_path):
    places = ("ALL/DC_a", "AudioData/DC/a")
    names = [f"{place}{take}.wav" for place in places for take in ("01", "02")]
    copy = read_corpus(find_corpus("savee"), tmp_path, [tmp_path / name for name in names])
    assert [clip.key for clip in copy.clips] == ["savee:ALL/DC_a01", "savee:ALL/DC_a02"]
    assert [path.name for path in copy.copies] == ["a01.wav", "a02.wav"]


def test_a_speakers_folder_alone_is_read(tmp_path):
    folder = tmp_path / "DC"
    copy = read_corpus(find_corpus("savee"), folder, [folder / "a01.wav"])
    assert [(clip.key, clip.speaker) for clip in copy.clips] == [("savee:a01", "savee:DC")]


@pytest.mark.parametrize(
    ("folder", "name", "speakers", "counts"),
    [
        ("nemo", "nemo", 9, (749, 769, 749, 809)),
        ("ased", "ased", 64, (485, 468, 485, 521)),
        ("kemotts", "kemotts", 15, (75, 75, 75, 75)),
        ("emodb", "emodb", 10, (71, 62, 127, 79)),
        ("emovo", "emovo", 6, (84, 84, 84, 84)),
        ("urdu", "urdu", 29, (100, 100, 100, 100)),
        ("ravdess8", "ravdess", 24, None),
    ],
)
def test_real_copies_give_the_published_counts(corpora, folder, name, speakers, counts):
    if not (corpora / folder).is_dir():
        pytest.skip(f"{folder} is not here")
    files = find_files(corpora / folder, SOUND_SUFFIXES)
    corpus = recognize_folder(corpora / folder, files)
    assert corpus is find_corpus(name)
    copy = read_corpus(corpus, corpora / folder, files)
    assert not copy.skipped and not copy.copies
    assert len(copy.clips) == len(files)
    assert len({clip.speaker for clip in copy.clips}) == speakers
    found = Counter(clip.emotion for clip in copy.clips)
    if counts is None:
        assert len(copy.clips) == 1439 and len(found) == 8
    else:
        assert tuple(found[name] for name in ("happy", "sad", "angry", "neutral")) == counts
