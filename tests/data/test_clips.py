import pytest

from avser_cli.data.clips import corpus_checksum, describe, index_folder
from avser_cli.data.emotions import PAPER_EMOTIONS
from avser_cli.errors import CorpusError
from tests.synthetic import ravdess_name


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_bad_names_and_other_modalities_are_counted(tmp_path):
    good = ravdess_name("sad", actor=7)
    touch(
        tmp_path,
        f"Actor_07/{good}.wav",
        "02-01-04-01-01-01-07.wav",
        "notes.wav",
        "03-01-06-01-01-01-07.wav",
        ".hidden.wav",
        "readme.txt",
    )
    index = index_folder(tmp_path, PAPER_EMOTIONS)
    assert [clip.key for clip in index.clips] == [good]
    reasons = {item.path.name: item.reason for item in index.skipped}
    assert set(reasons) == {"02-01-04-01-01-01-07.wav", "notes.wav"}
    assert "video-only" in reasons["02-01-04-01-01-01-07.wav"]
    assert len(index.others) == 1


def test_pictures_beside_sounds_do_not_hide_them(tmp_path):
    first, second = ravdess_name(), ravdess_name("sad")
    touch(tmp_path, f"{first}.wav", f"{second}.wav", f"{first}.png", "plot.png")
    index = index_folder(tmp_path, PAPER_EMOTIONS)
    assert index.kind == "sounds"
    assert [clip.key for clip in index.clips] == [first, second]
    assert [item.path.name for item in index.skipped] == ["plot.png"]


def test_a_stray_sound_does_not_hide_pictures(tmp_path):
    touch(tmp_path, f"{ravdess_name()}.png", "notes.wav")
    assert index_folder(tmp_path, PAPER_EMOTIONS).kind == "pictures"


def test_nothing_usable_is_an_error(tmp_path):
    touch(tmp_path, "notes.wav")
    with pytest.raises(CorpusError, match="no folder with sounds is named for an emotion"):
        index_folder(tmp_path, PAPER_EMOTIONS)


def test_fingerprint_knows_no_order():
    assert corpus_checksum(["a", "b"]) == corpus_checksum(["b", "a"]) != corpus_checksum(["a"])


def test_the_real_corpus_is_whole(ravdess):
    index = index_folder(ravdess, PAPER_EMOTIONS)
    clips = [clip for clip in index.clips if "original" not in clip.path.parts]
    expected = "1316 clips (672 speech, 644 song) by 24 speakers: "
    assert describe(clips) == expected + "angry 376, happy 376, neutral 188, sad 376"
