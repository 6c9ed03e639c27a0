import numpy as np

from benchmarks.made_sounds import NON_VOICES, RATE, non_voices
from benchmarks.voice_activity import avser, changed, whisper
from tests.synthetic import speech


def test_two_hundred_sounds_whose_seed_decides_them():
    first, again, other = (list(non_voices(seed)) for seed in (1, 1, 2))
    assert len(first) == 200 == sum(count for _, count in NON_VOICES.values())
    for (kind, sound), (_, same), (_, different) in zip(first, again, other, strict=True):
        assert np.isfinite(sound).all() and np.abs(sound).max() <= 10 ** (-3 / 20)
        np.testing.assert_array_equal(sound, same)
        assert kind == "silence" or not np.array_equal(sound, different)
        assert len(sound) >= RATE


def test_a_whisper_has_the_envelope_of_the_voice_and_no_pitch():
    voice = speech(seconds=3.0)
    found = whisper(voice, 16000, np.random.default_rng(0))
    assert len(found) == len(voice)

    def levels(sound):
        return np.log(np.square(sound[: 25 * 1600].reshape(-1, 1600)).mean(axis=1) + 1e-9)

    assert np.corrcoef(levels(found), levels(voice))[0, 1] > 0.7

    def periodicity(sound):
        part = sound[16000:20000] - sound[16000:20000].mean()
        every = np.correlate(part, part, "full")[len(part) - 1 :] / np.sum(part**2)
        return every[40:250].max()

    assert periodicity(found) < periodicity(voice) - 0.2


def test_changes_keep_the_voice_for_the_detector():
    for change, samples, rate in changed(speech(seconds=2.0), 16000):
        assert avser(samples, rate), change
    assert not avser(np.zeros(16000, np.float32), 16000)
