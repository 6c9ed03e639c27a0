import numpy as np
import pytest

from avser_cli.audio.decoding import read_waveform
from avser_cli.audio.sample_arrays import mono_samples
from avser_cli.audio.streams import to_mono
from avser_cli.errors import InputError, UsageError
from tests.synthetic import tone, voice, write_wav

SOUND = tone()


def integers(bits, dtype, unsigned=False):
    """The sound as integers of so many bits, in a type that may hold more."""
    scaled = np.rint(SOUND.astype(np.float64) * (2 ** (bits - 1) - 1)).astype(np.int64)
    return (scaled + (2 ** (bits - 1) if unsigned else 0)).astype(dtype)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    ("samples", "tolerance"),
    [
        (SOUND, 0),
        (SOUND.astype(np.float64), 0),
        (SOUND.astype(np.float16), 1e-3),
        (SOUND.tolist(), 0),
        (integers(8, np.int8), 0.01),
        (integers(8, np.uint8, unsigned=True), 0.01),
        (integers(16, np.int16), 1e-4),
        (integers(16, np.uint16, unsigned=True), 1e-4),
        (integers(32, np.int32), 1e-6),
        (integers(32, np.uint32, unsigned=True), 1e-6),
        (integers(16, np.int32) * 65536, 1e-4),
        (integers(24, np.int32) * 256, 1e-6),
        (integers(16, ">i2"), 1e-4),
        (np.stack([SOUND, SOUND]), 1e-7),
        (np.stack([SOUND, SOUND], axis=1), 1e-7),
        (SOUND[None], 0),
        (SOUND[:, None], 0),
        (np.stack([integers(16, np.int16)] * 6), 1e-4),
    ],
)
def test_arrays_of_any_shape_and_type_are_the_same_sound(samples, tolerance, whole):
    found = mono_samples(samples, whole)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, SOUND, atol=tolerance)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (SOUND * 32767, "integers stored as floats.*32768"),
        (np.rint(SOUND * 127), "integers stored as floats.*128"),
        (np.rint(SOUND * 4), "integers stored as floats"),
        (integers(8, np.float32, unsigned=True), "integers stored as floats"),
        (integers(24, np.float64), "integers stored as floats.*8388608"),
        (np.zeros((2, 2, 2)), "shape"),
        (np.zeros((100, 100)), "neither"),
        (np.zeros(5, np.complex64), "type complex64"),
        (np.zeros(5, np.bool_), "type bool"),
        (["a", "b"], "type <U1"),
        (integers(16, np.int64), "type int64"),
        (integers(16, np.int16).tolist(), "type int64"),
        (np.float32(1.0), "shape"),
    ],
)
def test_what_is_no_sound_is_refused(samples, expected):
    for whole in (True, False):
        with pytest.raises(UsageError, match=expected) as caught:
            mono_samples(samples, whole)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (integers(8, np.int16), "8 of 16 bits; multiply them by 256"),
        (integers(8, np.int16, unsigned=True), "8 of 16 bits"),
        (integers(8, np.uint16, unsigned=True), "8 of 16 bits"),
        (integers(16, np.int32), "16 of 32 bits; multiply them by 65536"),
        (integers(24, np.int32), "24 of 32 bits; multiply them by 256"),
        (integers(16, np.uint32, unsigned=True), "16 of 32 bits"),
        ((SOUND + 1) / 2, "without a negative one"),
    ],
)
def test_a_recording_of_another_range_is_refused_but_a_quiet_piece_is_not(samples, expected):
    with pytest.raises(UsageError, match=expected):
        mono_samples(samples, whole=True)
    assert len(mono_samples(samples)) == len(SOUND)


@pytest.mark.parametrize("gain", [0.01, 1.0, 3.0])
def test_a_quiet_and_a_hot_recording_are_as_they_are(gain):
    samples = gain * voice()
    np.testing.assert_array_equal(mono_samples(samples, whole=True), samples)
    assert np.abs(mono_samples(np.array([0, 1, -1] * 99, np.int16), whole=True)).max() < 1e-4
    quiet = np.rint(0.02 * voice() * 32767).astype(np.int16)
    assert np.abs(mono_samples(quiet, whole=True)).max() < 0.02


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers(bad):
    samples = tone()
    samples[7] = bad
    with pytest.raises(InputError, match="NaN or infinite"):
        mono_samples(samples)


@pytest.mark.parametrize("empty", [[], np.zeros((0, 2)), np.zeros((2, 0), np.int16)])
def test_no_samples_are_none(empty):
    assert mono_samples(empty).shape == (0,)


def test_a_file_of_integers_stored_as_floats_is_refused(tmp_path):
    path = write_wav(tmp_path / "a.wav", tone() * 32767, subtype="FLOAT")
    with pytest.raises(InputError, match="integers stored as floats"):
        read_waveform(path)
    hot = write_wav(tmp_path / "hot.wav", tone() * 3, subtype="DOUBLE")
    assert read_waveform(hot).samples.max() == pytest.approx(1.5, abs=0.01)


def test_damage_that_a_lossy_decoder_gives_out_is_clipped():
    frames = np.array([[0.5], [40.0], [np.nan], [-np.inf]], np.float32)
    np.testing.assert_array_equal(to_mono("a.m4a", frames, "aac"), [0.5, 1.0, 0.0, -1.0])
