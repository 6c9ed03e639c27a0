import os
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soxr
from joblib import Parallel, delayed

from avser_cli.data.clip import Clip
from avser_cli.data.clips import Index, index_data, index_folder
from avser_cli.data.dataset import load_dataset
from avser_cli.data.emotions import PAPER_EMOTIONS
from avser_cli.data.network_inputs import Read, Reader, reader_of
from avser_cli.data.sources import DataSources, Source
from avser_cli.errors import CorpusError, InputError, UsageError
from avser_cli.features.fingerprint import BANDS, FRAMES
from avser_cli.features.render import SpectrogramRenderer
from avser_cli.files import write_whole
from avser_cli.model.known_recipes import PAPER_SPECTROGRAM, find_recipe
from tests.synthetic import ravdess_name, speech, voice, write_wav

DEFAULT, PAPER = find_recipe("cnn2d"), find_recipe("cnn2d", "paper")


def load(folder, recipe=DEFAULT):
    index = index_folder(folder, PAPER_EMOTIONS)
    return load_dataset(index, PAPER_EMOTIONS, reader_of(index, recipe.spectrogram))


def test_pictures_and_sounds_give_the_same_inputs(trained, corpus):
    drawn, heard = load(trained / "png"), load(corpus)
    np.testing.assert_array_equal(drawn.inputs, heard.inputs)
    np.testing.assert_array_equal(drawn.labels, heard.labels)
    assert drawn.clips == heard.clips
    assert drawn.inputs.shape == (64, 150, 150)


def test_copies_of_sounds_are_found_whatever_picture_the_network_takes(tmp_path):
    samples = speech("sad", rate=48000)
    first, copy, other = ravdess_name("sad"), ravdess_name("sad", actor=2), ravdess_name("happy")
    write_wav(tmp_path / f"{first}.wav", samples, 48000)
    write_wav(tmp_path / f"{copy}.wav", soxr.resample(samples, 48000, 16000), 16000)
    write_wav(tmp_path / f"{other}.wav", speech("happy", rate=48000), 48000)
    for recipe in (DEFAULT, PAPER):
        group = {clip.key: clip.duplicate_group for clip in load(tmp_path, recipe).clips}
        assert group[first] == group[copy] != group[other]


def test_a_sound_and_its_picture_are_known_by_the_same_fingerprint(tmp_path):
    """Copies of either are found in the other, in a bundle of one and where both are read."""
    sounds, pictures = tmp_path / "wav", tmp_path / "png"
    first, copy, other = ravdess_name("sad"), ravdess_name("sad", actor=2), ravdess_name("happy")
    for name, samples in ((first, speech("sad")), (other, speech("happy"))):
        write_wav(sounds / f"{name}.wav", samples)
    write_wav(tmp_path / f"{copy}.wav", speech("sad") / 2)
    renderer = SpectrogramRenderer(PAPER_SPECTROGRAM)
    for drawn in (sounds / f"{other}.wav", tmp_path / f"{copy}.wav"):
        write_whole(pictures / f"{drawn.stem}.png", renderer.render(drawn)[0])
    heard, seen = load(sounds, PAPER), load(pictures, PAPER)
    np.testing.assert_array_equal(heard.fingerprints[0], seen.fingerprints[0])
    both = index_data(DataSources((Source(sounds), Source(pictures))), PAPER_EMOTIONS)
    dataset = load_dataset(both, PAPER_EMOTIONS, reader_of(both, PAPER.spectrogram))
    group = {clip.key: clip.duplicate_group for clip in dataset.clips}
    assert group[first] == group[copy] != group[other]


def test_unusable_and_doubled_files_are_named(tmp_path):
    good, bad = ravdess_name("sad"), ravdess_name("happy")
    write_wav(tmp_path / "a" / f"{good}.wav", voice())
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    (tmp_path / f"{bad}.wav").write_bytes(b"")
    dataset = load(tmp_path)
    assert len(dataset) == 1
    assert ["empty" in item.reason for item in dataset.skipped] == [True]


def test_a_label_that_was_not_asked_for_contradicts_too(tmp_path):
    """Equal files are found, and no other: one sound in two files, one size, parts, nothing."""
    write_wav(tmp_path / "0.wav", voice())
    shutil.copy(tmp_path / "0.wav", tmp_path / "equal.wav")
    write_wav(tmp_path / "other.wav", voice(seed=1))
    rows = ["0.wav,happy,,", "equal.wav,disgust,,", "other.wav,happy,,", "0.wav,fear,0,1"]
    (tmp_path / "labels.csv").write_text("\n".join(["file,emotion,start,end", *rows]))
    dataset = load(tmp_path / "labels.csv")
    assert [clip.path.name for clip in dataset.clips] == ["other.wav"]
    assert [str(item) for item in dataset.skipped] == [
        f"{tmp_path / '0.wav'}: labelled happy, but disgust as {tmp_path / 'equal.wav'}: "
        "the same samples; neither is used"
    ]


def test_nothing_usable(tmp_path):
    (tmp_path / f"{ravdess_name()}.wav").write_bytes(b"")
    with pytest.raises(CorpusError, match="none of 1 clips"):
        load(tmp_path)


def made_dataset(count, fingerprinted):
    """Pictures that show their number, every hundredth damaged."""

    def read(path):
        number = int(path.stem)
        if number % 100 == 7:
            raise InputError(f"{path}: damaged")
        picture = np.full((150, 150), number % 251, np.uint8)
        fingerprint = np.full((BANDS, FRAMES), number, np.float32) if fingerprinted else None
        return Read(picture, f"{number:064x}", fingerprint)

    clips = [Clip(f"a:{n}", Path(f"{n}.png"), "a", PAPER_EMOTIONS[n % 4]) for n in range(count)]
    index = Index(DataSources.of(Path()), "pictures", tuple(clips))
    return load_dataset(index, PAPER_EMOTIONS, Reader(lambda path, _: read(path), read))


def test_what_a_file_gives_stays_with_its_clip_where_others_are_left_out():
    dataset = made_dataset(210, fingerprinted=True)
    numbers = [n for n in range(210) if n % 100 != 7]
    assert [item.reason for item in dataset.skipped] == ["damaged"] * 3
    assert [clip.key for clip in dataset.clips] == [f"a:{n}" for n in numbers]
    assert dataset.inputs[:, 0, 0].tolist() == numbers
    assert dataset.labels.tolist() == [n % 4 for n in numbers]
    assert dataset.fingerprints is not None
    assert dataset.fingerprints[:, 0, 0].tolist() == numbers


def test_what_files_give_is_held_once():
    tracemalloc.start()
    dataset = made_dataset(1000, fingerprinted=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert dataset.fingerprints is None
    assert dataset.inputs.nbytes > 22e6
    assert peak < 1.4 * dataset.inputs.nbytes


def read_process(path):
    """The number of the process that reads, or its death where the name asks for that."""
    if path.stem == "deadly":
        os._exit(1)
    number = np.array([os.getpid()], np.float32)
    return Read(number, f"{int(path.stem):064x}")


def processes_read(*names):
    clips = [Clip(f"a:{x}", Path(f"{x}.png"), "a", PAPER_EMOTIONS[0]) for x in names]
    index = Index(DataSources.of(Path()), "pictures", tuple(clips))
    reader = Reader(lambda path, _: read_process(path), read_process)
    return load_dataset(index, PAPER_EMOTIONS, reader, side_by_side="processes")


def test_processes_that_read_did_nothing_before():
    """openSMILE crashes in one that TensorFlow has worked in."""
    before = set(Parallel(n_jobs=2)(delayed(os.getpid)() for _ in range(8)))
    found = {int(number) for number in processes_read(*map(str, range(8))).inputs[:, 0]}
    assert found and not found & {os.getpid(), *before}


def test_a_process_that_dies_while_it_reads_is_told():
    with pytest.raises(UsageError, match="a process that read sounds died"):
        processes_read("1", "deadly", "2")
