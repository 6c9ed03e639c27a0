import threading

import numpy as np
import soundfile
import soxr

from avser_cli.audio.silero import AT_ONCE, CHUNK, RATE, SileroStream, speech_probabilities
from tests.conftest import REPOSITORY

STORED = REPOSITORY / "tests" / "stored" / "silero_probabilities.txt"


def example():
    """The example at the network's rate, half a second of hiss before and after."""
    samples, rate = soundfile.read(REPOSITORY / "examples" / "voice.wav", dtype="float32")
    hiss = 0.01 * np.random.default_rng(0).standard_normal(RATE // 2).astype(np.float32)
    return np.concatenate([hiss, soxr.resample(samples, rate, RATE), hiss])


def test_probabilities_are_those_of_the_onnx_model():
    found = speech_probabilities(example())
    stored = np.loadtxt(STORED)
    assert len(found) == len(stored) == -(-len(example()) // CHUNK)
    assert stored[:10].max() < 0.1 < 0.9 < stored.max()
    # Half-precision weights; without the mirrored end of a chunk or its context it is off by 0.2.
    np.testing.assert_allclose(found, stored, atol=0.015)


def test_pieces_of_any_size_give_the_same():
    samples = example()
    whole = speech_probabilities(samples)
    for size in (100, 1000, AT_ONCE * CHUNK, 20_000):
        stream = SileroStream()
        parts = [stream.feed(samples[at : at + size]) for at in range(0, len(samples), size)]
        np.testing.assert_allclose(np.concatenate([*parts, stream.finish()]), whole, atol=1e-5)


def test_nothing_gives_nothing_and_too_loud_is_clipped():
    assert len(speech_probabilities(np.empty(0, np.float32))) == 0
    loud = 1000 * example()
    np.testing.assert_array_equal(
        speech_probabilities(loud), speech_probabilities(np.clip(loud, -1, 1))
    )


def test_threads_do_not_disturb_each_other():
    expected, found = speech_probabilities(example()), []
    threads = [
        threading.Thread(target=lambda: found.append(speech_probabilities(example())))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for one in found:
        np.testing.assert_array_equal(one, expected)
