from dataclasses import replace

import numpy as np
import pytest

from avser_cli.data.clips import index_folder
from avser_cli.data.corpus_summary import CorpusSummary
from avser_cli.data.dataset import load_dataset
from avser_cli.data.network_inputs import reader_of
from avser_cli.data.splits import Split, SplitSettings
from avser_cli.errors import CorpusError, UsageError
from avser_cli.model.known_recipes import find_recipe
from avser_cli.training.source_bundle import Lineage, SourceBundle, TrainedFrom


@pytest.fixture(scope="module")
def source(trained):
    return SourceBundle.read(trained / "models" / "tiny")


def lineage(train, test=None, rows=None, corpora=()):
    hashes = None if rows is None else np.full((rows, 128), 7, np.uint8)
    return Lineage(Split(SplitSettings(), train, test or {}), hashes, corpora)


def test_the_clips_of_both_count_as_trained_on(source):
    new = lineage({"mine:a": "1" * 64, "mine:b": "2" * 64}, {"mine:c": "3" * 64}, rows=2)
    joined = TrainedFrom(source, "somehow", None).join(new)
    assert joined.split.train == {**source.config.split.train, **new.split.train}
    assert joined.split.test == new.split.test
    assert joined.hashes is not None
    np.testing.assert_array_equal(joined.hashes[:48], source.hashes)
    assert (joined.hashes[48:] == 7).all() and len(joined.hashes) == 50
    assert joined.origin is not None
    assert (joined.origin.name, joined.origin.clips) == ("tiny", 48)
    assert joined.origin.checksum == source.checksum


def test_clips_of_one_name_are_two_and_known_ones_are_one(source):
    (first, samples), (second, _), *_ = source.config.split.train.items()
    joined = TrainedFrom(source, "", None).join(lineage({first: samples, second: "1" * 64}, rows=2))
    assert joined.split.train[second] == "1" * 64
    assert joined.split.train[f"tiny/{second}"] == source.config.split.train[second]
    assert joined.origin is not None and joined.hashes is not None
    assert (len(joined.split.train), joined.origin.clips, len(joined.hashes)) == (49, 47, 49)
    held_out = TrainedFrom(source, "", None).join(lineage({}, {first: samples}, rows=0))
    assert held_out.split.train[f"tiny/{first}"] == samples


def test_names_that_were_given_already_are_given_once(source):
    first, second, *_ = source.config.split.train
    known = {first: "1" * 64, f"tiny/{first}": "2" * 64, second: "3" * 64}
    split = replace(source.config.split, train=known)
    again = replace(
        source, config=replace(source.config, split=split), hashes=source.hashes[:3] + 1
    )
    joined = TrainedFrom(again, "", None).join(lineage({first: "4" * 64}, rows=1))
    assert sorted(joined.split.train.values()) == [digit * 64 for digit in "1234"]
    assert joined.split.train[f"tiny/tiny/{first}"] == "1" * 64
    assert joined.hashes is not None and len(joined.hashes) == len(joined.split.train)


def test_hashes_of_some_of_the_clips_are_none(source):
    assert TrainedFrom(source, "", None).join(lineage({"mine:a": "1" * 64})).hashes is None
    older = replace(source, hashes=source.hashes[:0])
    assert TrainedFrom(older, "", None).join(lineage({"mine:a": "1" * 64}, rows=1)).hashes is None


def test_corpora_of_both_are_listed(source):
    corpora = (CorpusSummary("mine", "mine", 5, 1), CorpusSummary("ravdess", "RAVDESS", 2, 9))
    found = TrainedFrom(source, "", None).join(lineage({}, corpora=corpora)).corpora
    assert [(x.name, x.clips, x.speakers) for x in found] == [("mine", 5, 1), ("ravdess", 50, 9)]


def test_training_clips_are_refused(source, trained):
    labels = source.config.labels
    index = index_folder(trained / "png", labels)
    dataset = load_dataset(index, labels, reader_of(index, source.config.recipe.spectrogram))
    with pytest.raises(
        CorpusError, match=r"tiny was trained on 48 of these 64 clips, e\.g\. .+png"
    ):
        source.check_unseen(dataset)
    held_out = dataset.rows(source.config.split.test)
    parts = source.parts(dataset)
    assert {parts[row] for row in held_out} == {"test"}


def test_answers_are_told_in_the_new_emotions(source):
    known = np.array([[0.4, 0.3, 0.1, 0.2]], np.float32)
    found = source.translate(known, ("sad", "neutral", "bored"))
    np.testing.assert_allclose(found, [[0.6, 0.4, 0.0]], rtol=1e-6)
    assert source.translate(known, ("bored", "calm")).tolist() == [[0, 0]]


def test_bundles_whose_weights_cannot_be_trained_on(source):
    other = replace(source, config=replace(source.config, recipe=find_recipe("cnn1d")))
    with pytest.raises(UsageError, match="a cnn1d; only a cnn2d is trained on"):
        other.check_trainable()
    files = {k: v for k, v in source.config.files.items() if k != "weights.npz"}
    with pytest.raises(UsageError, match="made by an older avser"):
        replace(source, config=replace(source.config, files=files)).check_trainable()
    source.check_trainable()
