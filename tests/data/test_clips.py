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
    assert [file.name for file in index.files] == [good]
    reasons = {item.path.name: item.reason for item in index.skipped}
    assert set(reasons) == {"02-01-04-01-01-01-07.wav", "notes.wav"}
    assert "video-only" in reasons["02-01-04-01-01-01-07.wav"]
    assert index.other_emotions == 1


def test_pictures_come_before_sounds(tmp_path):
    touch(tmp_path, f"{ravdess_name()}.wav", f"{ravdess_name()}.png")
    index = index_folder(tmp_path, PAPER_EMOTIONS)
    assert index.kind == "pictures"
    assert len(index.files) == 1


def test_nothing_usable_is_an_error(tmp_path):
    touch(tmp_path, "notes.wav")
    with pytest.raises(CorpusError, match="no RAVDESS clips"):
        index_folder(tmp_path, PAPER_EMOTIONS)


def test_fingerprint_knows_no_order():
    assert corpus_checksum(["a", "b"]) == corpus_checksum(["b", "a"]) != corpus_checksum(["a"])


def test_the_real_corpus_is_whole(ravdess):
    index = index_folder(ravdess, PAPER_EMOTIONS)
    files = [file for file in index.files if "original" not in file.path.parts]
    expected = "1316 clips (672 speech, 644 song) by 24 actors: "
    assert describe(files) == expected + "angry 376, happy 376, neutral 188, sad 376"
