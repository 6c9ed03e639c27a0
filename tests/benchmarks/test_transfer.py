import numpy as np

from avser_cli.inference.speaker_normalization import SpeakerNormalization
from benchmarks.transfer import referred


def test_a_clip_is_no_part_of_its_own_reference():
    heard = np.random.default_rng(0).dirichlet(np.ones(4), 7).astype(np.float32)
    speakers = ["a", "b", "a", "a", "b", "a", "b"]
    found = referred(heard, speakers)
    others = heard[[2, 3, 5]]
    np.testing.assert_allclose(found[0], SpeakerNormalization.of(others).apply(heard[:1])[0])
    changed = heard.copy()
    changed[0] = [0.97, 0.01, 0.01, 0.01]
    again = referred(changed, speakers)
    assert not np.allclose(again[2], found[2])
    np.testing.assert_array_equal(again[[1, 4, 6]], found[[1, 4, 6]])
