import hashlib

import numpy as np
import pytest
import soundfile

from avser_cli.audio.decoding import read_waveform
from avser_cli.data.audio_hash import HASH_BYTES, find_copies, hash_fingerprints
from avser_cli.features.fingerprint import BANDS, FRAMES, fingerprint_of
from avser_cli.features.spectrogram import SpectrogramConfig, draw_spectrogram
from tests.synthetic import voice, write_container

EMOTIONS = ("happy", "sad", "angry", "neutral")
RATE = 48000


def fingerprint(samples, rate=RATE):
    config = SpectrogramConfig()
    spectrogram = draw_spectrogram(samples, rate, config)
    return fingerprint_of(spectrogram, config, rate, len(samples) / rate)


def clips():
    return [voice(emotion, 2.0, RATE, seed) for emotion in EMOTIONS for seed in range(1, 11)]


def test_copies_are_found_through_codecs_silence_and_level(tmp_path):
    known = clips()
    hashes = hash_fingerprints(np.stack([fingerprint(samples) for samples in known]))
    copies = []
    for number in (3, 17, 31):
        path = write_container(tmp_path / f"{number}.opus", known[number])
        decoded = read_waveform(path)
        copies.append((number, fingerprint(decoded.samples, decoded.rate)))
        soundfile.write(tmp_path / f"{number}.mp3", known[number], RATE)
        decoded = read_waveform(tmp_path / f"{number}.mp3")
        copies.append((number, fingerprint(decoded.samples, decoded.rate)))
        copies.append((number, fingerprint(0.5 * known[number])))
        silence = np.zeros(RATE // 5, np.float32)
        copies.append((number, fingerprint(np.concatenate([silence, known[number]]))))
    found = find_copies(np.stack([copy for _, copy in copies]), hashes)
    assert found.tolist() == [number for number, _ in copies]


def test_other_clips_are_no_copies():
    hashes = hash_fingerprints(np.stack([fingerprint(samples) for samples in clips()]))
    others = [voice(emotion, 2.0, RATE, seed) for emotion in EMOTIONS for seed in (50, 51)]
    assert (find_copies(np.stack([fingerprint(samples) for samples in others]), hashes) == -1).all()


@pytest.mark.parametrize("frames", [-2.0, -0.5, 1.5])
def test_fingerprints_may_lie_some_frames_apart(frames):
    smooth = np.random.default_rng(0).random((1, BANDS, FRAMES + 40)).cumsum(axis=2)
    smooth -= smooth.mean(axis=2, keepdims=True) + np.linspace(-26, 26, FRAMES + 40)
    places = np.arange(FRAMES + 40)
    moved = np.array([np.interp(places - frames, places, band) for band in smooth[0]])[None]
    hashes = hash_fingerprints(smooth[..., 20:-20].astype(np.float32))
    assert find_copies(moved[..., 20:-20].astype(np.float32), hashes).tolist() == [0]


def test_hashes_are_what_they_were():
    """Those in bundles must be understood by later versions."""
    made = np.arange(BANDS * FRAMES).reshape(1, BANDS, FRAMES) * 7919 % 41
    hashes = hash_fingerprints(made.astype(np.float32))
    assert hashes.shape == (1, HASH_BYTES)
    assert hashlib.sha256(hashes.tobytes()).hexdigest()[:16] == "aa102a5d3f455330"


def test_without_known_hashes_nothing_is_known():
    one = np.ones((2, BANDS, FRAMES), np.float32)
    none = np.empty((0, HASH_BYTES), np.uint8)
    assert find_copies(one, none).tolist() == [-1, -1]
    assert find_copies(one[:0], hash_fingerprints(one)).tolist() == []
