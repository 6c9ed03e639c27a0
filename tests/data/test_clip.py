from dataclasses import replace
from pathlib import Path

import pytest

from avser_cli.data.clip import Clip, clip_key

CLIP = Clip("x:a", Path("a.wav"), "x", "sad", speaker="x:1", text="12", take="1")


@pytest.mark.parametrize(
    ("corpus", "path", "key"),
    [
        ("ravdess", "Actor_01/03-01-04-01-01-01-01.wav", "03-01-04-01-01-01-01"),
        ("crema-d", "AudioWAV/1001_DFA_ANG_XX.wav", "crema-d:AudioWAV/1001_DFA_ANG_XX"),
        ("mine", "happy/a.flac.png", "mine:happy/a.flac"),
    ],
)
def test_keys_are_paths_without_endings_but_names_for_ravdess(corpus, path, key):
    assert clip_key(corpus, Path(path)) == key


def test_codes_of_texts_are_of_their_corpus_and_words_of_all():
    assert CLIP.said == "x:12"
    assert (
        replace(CLIP, text="Dogs  are here").said
        == replace(CLIP, corpus="y", text="dogs are here").said
    )
    assert replace(CLIP, text=None).said is None


def test_a_take_is_told_by_its_number_and_speaker():
    assert CLIP.recording == replace(CLIP, key="x:b", path=Path("b.wav")).recording
    assert CLIP.recording != replace(CLIP, emotion="happy").recording
    assert replace(CLIP, take=None).recording is replace(CLIP, speaker=None).recording is None


def test_copies_share_a_sound():
    assert replace(CLIP, samples_sha256="s").sound == "s"
    assert replace(CLIP, samples_sha256="s", duplicate_group="g").sound == "g"
