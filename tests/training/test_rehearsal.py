from dataclasses import replace

import numpy as np
import pytest

from avser_cli.data.sources import DataSources
from avser_cli.data.splits import Split, SplitSettings
from avser_cli.errors import CorpusError, UsageError
from avser_cli.model.recipe import Sampling
from avser_cli.training.rehearsal import LabelledInputs, RehearsedSet, read_rehearsal
from avser_cli.training.sampling import TrainingSet
from avser_cli.training.source_bundle import SourceBundle
from tests.synthetic import ravdess_clip, ravdess_name, voice, write_wav

EMPTY = Split(SplitSettings(), {}, {})


@pytest.fixture(scope="module")
def source(trained):
    return SourceBundle.read(trained / "models" / "tiny")


def joined(new=20, old=40, share=0.5, batch_size=16):
    fresh = np.arange(new) % 4
    first = TrainingSet(np.zeros((new, 2, 2), np.uint8), fresh, 4, fresh * 0, fresh * 0)
    clips = tuple(ravdess_clip(ravdess_name("sad", actor=1 + n % 24)) for n in range(old))
    again = LabelledInputs(clips, np.ones((old, 2, 2), np.uint8), np.arange(old) % 3)
    return RehearsedSet.joined(first, again, batch_size, share)


@pytest.mark.parametrize(("share", "expected"), [(0.5, 8), (0.25, 4), (0.01, 1), (0.99, 15)])
def test_a_share_of_each_batch_is_old(share, expected):
    clips = joined(share=share)
    sampling = Sampling(emotion=0.0, draws=clips.draws(96))
    rows = clips.epoch(sampling, [3, 1])
    assert len(rows) == sampling.draws
    batches = [rows[at : at + 16] for at in range(0, len(rows), 16)]
    assert {int((batch >= 20).sum()) for batch in batches if len(batch) == 16} == {expected}
    assert sum(int((batch < 20).sum()) for batch in batches) == 96


def test_the_seed_alone_decides_what_is_rehearsed():
    clips, sampling = joined(), Sampling(emotion=0.0, draws=64)
    np.testing.assert_array_equal(clips.epoch(sampling, [1, 2]), joined().epoch(sampling, [1, 2]))
    assert not np.array_equal(clips.epoch(sampling, [1, 2]), clips.epoch(sampling, [1, 3]))
    counts = clips.draw_counts(sampling)
    assert counts.sum() == pytest.approx(64) and counts[:20].sum() == pytest.approx(32)
    assert clips.labels[20:].tolist() == (np.arange(40) % 3).tolist()


def test_what_was_trained_on_is_rehearsed_and_the_rest_is_judged(source, trained):
    data = DataSources.of(trained / "png")
    found = read_rehearsal(data, source, source.config.labels, EMPTY)
    assert {clip.key for clip in found.known.clips} == set(source.config.split.train)
    assert {clip.key for clip in found.judged.clips} == set(source.config.split.test)
    emotions = ("sad", "neutral", "bored")
    some = read_rehearsal(data, source, emotions, EMPTY)
    assert {clip.emotion for clip in some.known.clips} == {"sad", "neutral"}
    assert [emotions[label] for label in some.known.labels] == [x.emotion for x in some.known.clips]
    assert some.checksum != found.checksum


def test_clips_of_the_new_split_are_not_rehearsed(source, trained):
    key, samples = next(iter(source.config.split.train.items()))
    split = replace(EMPTY, test={"mine:copy": samples})
    data = DataSources.of(trained / "png")
    found = read_rehearsal(data, source, source.config.labels, split)
    assert len(found.known) == 47 and key not in {clip.key for clip in found.known.clips}


def test_what_cannot_be_rehearsed_is_refused(source, trained, tmp_path):
    with pytest.raises(UsageError, match="tiny knows none of bored, calm"):
        read_rehearsal(DataSources.of(trained / "png"), source, ("bored", "calm"), EMPTY)
    write_wav(tmp_path / f"{ravdess_name('sad', actor=20)}.wav", voice("sad", seed=777))
    with pytest.raises(CorpusError, match="tiny was trained on none of these 1 clips"):
        read_rehearsal(DataSources.of(tmp_path), source, source.config.labels, EMPTY)
