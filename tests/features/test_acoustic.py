import numpy as np

from avser_cli.features.acoustic import FEATURE_COUNT, feature_vector
from tests.synthetic import tone, voice


def test_vector_has_the_four_parts():
    vector = feature_vector(voice(), 16000)
    assert vector.shape == (FEATURE_COUNT,) == (181,)
    assert np.isfinite(vector).all()


def test_mel_part_follows_pitch():
    def loudest(frequency):
        return int(feature_vector(tone(frequency), 16000)[40:168].argmax())

    assert loudest(300.0) < loudest(1000.0) < loudest(4000.0)


def test_a_tenth_of_a_second_is_enough():
    assert np.isfinite(feature_vector(tone(seconds=0.1), 16000)).all()
