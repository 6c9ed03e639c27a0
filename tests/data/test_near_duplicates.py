import io
import random
import tracemalloc
from collections import Counter

import numpy as np
import pytest
import soundfile

from avser_cli.audio.decoding import read_waveform
from avser_cli.data.clips import index_folder
from avser_cli.data.dataset import load_dataset
from avser_cli.data.emotions import PAPER_EMOTIONS
from avser_cli.data.near_duplicates import (
    BLOCK,
    MAX_SHIFT,
    MIN_SIMILARITY,
    duplicate_groups,
    similarity,
)
from avser_cli.data.network_inputs import reader_of
from avser_cli.features.fingerprint import BANDS, FRAMES, fingerprint_of
from avser_cli.features.spectrogram import SpectrogramConfig, draw_spectrogram
from avser_cli.model.known_recipes import find_recipe
from tests.synthetic import voice

RATE = 16000
SETTINGS = SpectrogramConfig()


def fingerprint(samples, rate=RATE):
    spectrogram = draw_spectrogram(samples.astype(np.float32), rate, SETTINGS)
    return fingerprint_of(spectrogram, SETTINGS, rate, len(samples) / rate)


def through(samples, rate, format):
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=format)
    buffer.seek(0)
    return soundfile.read(buffer, dtype="float32")


def half_rate(samples, rate):
    """Every second sample, after a low-pass in the frequency domain."""
    spectrum = np.fft.rfft(samples)
    return np.fft.irfft(spectrum[: len(samples) // 4 + 1], len(samples) // 2) / 2, rate // 2


CHANGES = {
    "mp3": lambda samples, rate: through(samples, rate, "MP3"),
    "ogg": lambda samples, rate: through(samples, rate, "OGG"),
    "half the rate": half_rate,
    "-6 dB": lambda samples, rate: (samples / 2, rate),
    "silence in front": lambda samples, rate: (np.pad(samples, (rate // 5, 0)), rate),
    "silence at the end": lambda samples, rate: (np.pad(samples, (0, rate // 5)), rate),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_re_encoded_copy_is_found_among_others(change):
    # At 24 kHz, so that half of it still holds what a fingerprint shows.
    clips = [voice("sad", seed=seed, rate=24000) for seed in range(1, 9)]
    fingerprints = [fingerprint(clip, 24000) for clip in clips]
    fingerprints.append(fingerprint(*change(clips[4], 24000)))
    groups = duplicate_groups([f"sha-{number}" for number in range(9)], np.array(fingerprints))
    assert groups == [*(f"sha-{number}" for number in range(8)), "sha-4"]


def test_copies_of_copies_and_exact_ones_are_one_group():
    first, second = (fingerprint(voice("happy", seed=seed)) for seed in (1, 2))
    quieter = fingerprint(voice("happy", seed=1) / 4)
    checksums = ["c", "b", "d", "a", "d"]
    fingerprints = np.array([first, quieter, second, first, second])
    assert duplicate_groups(checksums, fingerprints) == list("aadad")
    assert duplicate_groups(checksums, fingerprints.astype(np.float16)) == list("aadad")
    assert duplicate_groups(checksums, None) == checksums
    assert duplicate_groups([], np.empty((0, BANDS, FRAMES))) == []


def test_nothing_to_compare_is_no_copy():
    nothing = np.zeros_like(fingerprint(voice()))
    assert similarity(nothing, nothing) == 0
    assert duplicate_groups(["a", "b"], np.array([nothing, nothing])) == ["a", "b"]


def test_on_the_real_corpus_only_copies_are_found(ravdess):
    recipe = find_recipe("cnn2d")
    index = index_folder(ravdess, PAPER_EMOTIONS)
    dataset = load_dataset(index, PAPER_EMOTIONS, reader_of(index, recipe.spectrogram))
    alike = [clip.key for clip in dataset.clips if clip.duplicate_group != clip.samples_sha256]
    assert alike == []
    groups = Counter(clip.duplicate_group for clip in dataset.clips)
    twins = [clip.key for clip in dataset.clips if groups[clip.duplicate_group] > 1]
    assert twins == ["03-01-03-01-02-01-07", "03-01-03-01-02-02-07"]
    for path in random.Random(1).sample(dataset.paths, 6):
        clip = read_waveform(path)
        whole = fingerprint(clip.samples, clip.rate)
        for change in CHANGES.values():
            assert (
                similarity(whole, fingerprint(*change(clip.samples, clip.rate))) >= MIN_SIMILARITY
            )


def correlation(one, other):
    return np.corrcoef(one.ravel(), other.ravel())[0, 1]


@pytest.mark.parametrize("quarters", [0, 13, 14, 15, 8 * MAX_SHIFT])
def test_similarity_is_the_highest_correlation_over_quarters_of_frames(quarters):
    rng = np.random.default_rng(0)
    one, other = rng.random((2, BANDS, FRAMES), np.float32)
    inner, length = one[:, MAX_SHIFT:-MAX_SHIFT], FRAMES - 2 * MAX_SHIFT

    def shifted(quarters):
        start, rest = divmod(quarters, 4)
        whole = other[:, start : start + length]
        if rest == 0:
            return whole
        return whole * (1 - rest / 4) + other[:, start + 1 : start + 1 + length] * (rest / 4)

    inner += 2 * shifted(quarters)
    found = [correlation(inner, shifted(number)) for number in range(8 * MAX_SHIFT + 1)]
    assert np.argmax(found) == quarters
    assert similarity(one, other) == pytest.approx(max(found), abs=1e-5)
    # However quiet they are.
    assert similarity(one / 1000, other / 1000) == pytest.approx(max(found), abs=1e-5)


def test_copies_are_found_across_blocks_at_bounded_memory():
    count = BLOCK + 900
    draw = np.random.default_rng(1).random
    fingerprints = draw((count, BANDS, FRAMES), np.float32)
    fingerprints[-1] = np.roll(fingerprints[3], -4, axis=1) + 0.01 * draw(
        (BANDS, FRAMES), np.float32
    )
    fingerprints[6] = fingerprints[5] * 1.5
    # On both sides of the diagonal of a block with another, in the last block, and later in time.
    fingerprints[BLOCK + 10] = fingerprints[2000]
    fingerprints[BLOCK + 30] = np.roll(fingerprints[BLOCK + 20], 4, axis=1)
    checksums = [f"{number:05}" for number in range(count)]
    tracemalloc.start()
    groups = duplicate_groups(checksums, fingerprints)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert {n: group for n, group in enumerate(groups) if group != checksums[n]} == {
        6: "00005",
        BLOCK + 10: "02000",
        BLOCK + 30: f"{BLOCK + 20:05}",
        count - 1: "00003",
    }
    # Two matrices of all pairs would take 70 MB; of a block with a block, 34.
    assert peak < 60e6
