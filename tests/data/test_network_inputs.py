import numpy as np
import pytest

from avser_cli.data.clips import index_folder
from avser_cli.data.emotions import PAPER_EMOTIONS
from avser_cli.data.network_inputs import (
    WHOLE,
    Read,
    read_features,
    read_nothing,
    read_sound_as,
    reader_of,
)
from avser_cli.errors import CorpusError, InputError
from avser_cli.features.spectrogram import SpectrogramConfig
from avser_cli.model.known_recipes import find_recipe
from tests.synthetic import voice, write_wav

DEFAULT = SpectrogramConfig()
PAPER = find_recipe("cnn2d", "paper").spectrogram


def test_pictures_of_other_settings_are_refused(trained):
    index = index_folder(trained / "png", PAPER_EMOTIONS)
    picture = index.clips[0].path
    assert reader_of(index, DEFAULT)(picture).inputs.shape == (150, 150)
    with pytest.raises(CorpusError, match=r"scale log \(needed: linear\)"):
        reader_of(index, PAPER)(picture)
    with pytest.raises(CorpusError, match=r"mlp read sound"):
        reader_of(index, None)
    with pytest.raises(InputError, match="a picture, where sound is needed"):
        read_features(picture)


def test_too_little_to_hear_is_too_little_for_every_network(tmp_path):
    write_wav(tmp_path / "short.wav", voice()[:2])
    for read in (read_sound_as(DEFAULT), read_features, read_nothing):
        with pytest.raises(InputError, match=r"0\.00 s of sound is too short"):
            read(tmp_path / "short.wav")


def test_a_part_gives_what_a_file_of_its_samples_does(tmp_path):
    samples = np.concatenate([voice("sad", 1.0), voice("angry", 1.0)])
    whole = write_wav(tmp_path / "both.wav", samples)
    second = write_wav(tmp_path / "second.wav", samples[len(samples) // 2 :])
    read = read_sound_as(DEFAULT)
    part, outside = read.parts(whole, [(1.0, 2.0), (5.0, 6.0)])
    (alone,) = read.parts(second, [WHOLE])
    assert isinstance(part, Read)
    assert isinstance(alone, Read)
    assert part.samples_sha256 == alone.samples_sha256
    np.testing.assert_array_equal(part.inputs, alone.inputs)
    assert isinstance(outside, InputError)


def test_a_file_that_cannot_be_read_fails_each_of_its_parts(tmp_path):
    (tmp_path / "empty.wav").write_bytes(b"")
    found = read_nothing.parts(tmp_path / "empty.wav", [(0.0, 1.0), (1.0, 2.0)])
    assert [isinstance(one, InputError) for one in found] == [True, True]
