import shutil

import numpy as np
import pytest

from avser_cli.data.clips import index_folder
from avser_cli.data.dataset import load_dataset, reader_of
from avser_cli.data.emotions import PAPER_EMOTIONS
from avser_cli.errors import CorpusError
from avser_cli.model.recipe import find_recipe
from tests.synthetic import ravdess_name, voice, write_wav

DEFAULT = find_recipe("cnn2d")


def load(folder, recipe=DEFAULT):
    index = index_folder(folder, PAPER_EMOTIONS)
    return load_dataset(index, PAPER_EMOTIONS, reader_of(index, recipe.spectrogram))


def test_pictures_and_sounds_give_the_same_inputs(trained, corpus):
    drawn, heard = load(trained / "png"), load(corpus)
    np.testing.assert_array_equal(drawn.inputs, heard.inputs)
    np.testing.assert_array_equal(drawn.labels, heard.labels)
    assert drawn.clips == heard.clips
    assert drawn.inputs.shape == (64, 150, 150)


def test_pictures_of_other_settings_are_refused(trained):
    with pytest.raises(CorpusError, match=r"scale log \(needed: linear\)"):
        load(trained / "png", find_recipe("cnn2d", "paper"))
    with pytest.raises(CorpusError, match=r"mlp read sound"):
        load(trained / "png", find_recipe("mlp"))


def test_unusable_and_doubled_files_are_named(tmp_path):
    good, bad = ravdess_name("sad"), ravdess_name("happy")
    write_wav(tmp_path / "a" / f"{good}.wav", voice())
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    (tmp_path / f"{bad}.wav").write_bytes(b"")
    dataset = load(tmp_path)
    assert len(dataset) == 1
    assert ["empty" in item.reason for item in dataset.skipped] == [True]


def test_nothing_usable(tmp_path):
    (tmp_path / f"{ravdess_name()}.wav").write_bytes(b"")
    with pytest.raises(CorpusError, match="none of 1 clips"):
        load(tmp_path)


def test_too_little_to_hear_is_too_little_for_every_network(tmp_path):
    write_wav(tmp_path / f"{ravdess_name()}.wav", voice()[:2])
    for recipe in (DEFAULT, find_recipe("mlp")):
        with pytest.raises(CorpusError, match=r"0\.00 s of sound is too short"):
            load(tmp_path, recipe)
