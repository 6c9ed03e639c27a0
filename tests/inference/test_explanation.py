import numpy as np

from avser_cli.inference.explanation import occlusion_map


def test_the_map_points_at_what_the_answer_hangs_on():
    spectrogram = np.zeros((60, 80), np.uint8)
    spectrogram[20:30, 50:60] = 250

    def probability(spectrograms):
        return spectrograms[:, 20:30, 50:60].mean(axis=(1, 2), dtype=np.float32) / 255

    lost = occlusion_map(spectrogram, probability)
    assert lost.shape == spectrogram.shape
    assert lost[25, 55] > 0.3
    assert lost[50, 10] == 0
    row, column = np.unravel_index(lost.argmax(), lost.shape)
    assert 20 <= row < 30
    assert 50 <= column < 60


def test_pictures_smaller_than_the_patch():
    spectrogram = np.full((8, 8), 9, np.uint8)
    lost = occlusion_map(
        spectrogram, lambda spectrograms: spectrograms.mean(axis=(1, 2), dtype=np.float32)
    )
    np.testing.assert_allclose(lost, 0, atol=1e-6)
