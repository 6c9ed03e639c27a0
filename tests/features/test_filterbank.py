import librosa
import numpy as np
import pytest

from avser_cli.features.filterbank import FrequencyAxis, make_filterbank, mel_frequencies


def test_mel_frequencies_are_librosas():
    ours = mel_frequencies(152, 50.0, 8000.0)
    theirs = librosa.mel_frequencies(n_mels=152, fmin=50.0, fmax=8000.0)
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


@pytest.mark.parametrize("scale", ["mel", "linear", "log"])
def test_middles_fall_from_the_highest_row_down(scale):
    center_frequencies = FrequencyAxis(scale, 20, 60.0, 8000.0).center_frequencies()
    assert center_frequencies.shape == (20,)
    assert 60 < center_frequencies[-1] < center_frequencies[0] < 8000
    assert (np.diff(center_frequencies) < 0).all()


@pytest.mark.parametrize("scale", ["mel", "linear", "log"])
def test_every_row_gathers_what_lies_in_it_and_nothing_over_the_last_bin(scale):
    axis = FrequencyAxis(scale, 10, 100.0, 8000.0)
    filterbank = make_filterbank(axis, 257, 4000 / 256, 1.0)
    rows = filterbank.apply(np.ones((1, 257), np.float32))[0]
    reach = axis.center_frequencies()[::-1] < 3500
    assert (rows[reach] > 0).all()
    assert rows[-1] == 0
