"""A perceptron on random inputs scores chance on what it has not seen, and nothing more."""

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from avser_cli.data.clip import SkippedFile
from avser_cli.data.clips import Index
from avser_cli.data.dataset import Dataset
from avser_cli.data.leaks import Leak
from avser_cli.data.sources import DataSources
from avser_cli.data.splits import SplitSettings
from avser_cli.errors import CorpusError, UsageError
from avser_cli.features.acoustic import FEATURE_COUNT
from avser_cli.model.known_recipes import find_recipe
from avser_cli.model.recipe import Sampling
from avser_cli.training import provenance
from avser_cli.training.training_run import Corpus, check_no_leaks, corpus_of, read_corpus, run
from tests.synthetic import PITCH, ravdess_clip, ravdess_name

EMOTIONS = tuple(PITCH)
RECIPE = find_recipe("mlp").with_options(epochs=15)
CHANCE_AT_MOST = 0.36
"""Four standard errors above 1/4 for the 192 clips of a half."""
FAR_BELOW_CHANCE = 0.14


def random_dataset(actors: Iterable[int] = range(1, 25)) -> Dataset:
    """Inputs that say nothing of the labels; 384 clips of 24 actors."""
    names = [
        ravdess_name(emotion, actor, statement, repetition)
        for actor in actors
        for emotion in EMOTIONS
        for statement in (1, 2)
        for repetition in (1, 2)
    ]
    clips = tuple(ravdess_clip(name) for name in names)
    draw = np.random.default_rng(0)
    return Dataset(
        emotions=EMOTIONS,
        inputs=draw.standard_normal((len(names), FEATURE_COUNT)).astype(np.float32),
        labels=np.array([EMOTIONS.index(clip.emotion) for clip in clips]),
        clips=clips,
        skipped=(),
    )


def random_corpus() -> Corpus:
    return Corpus(random_dataset(), {"fingerprint": "made"}, 0)


HALF = SplitSettings("random", test_size=0.5)


def test_a_corpus_is_known_by_samples_and_labels_not_by_names(tmp_path):
    dataset = random_dataset([1])
    index = Index(DataSources.of(tmp_path), "sounds", dataset.clips)

    def about(**changes):
        first, *others = dataset.clips
        return corpus_of(index, replace(dataset, clips=(replace(first, **changes), *others))).about

    known = about()
    assert about(key="mine:renamed") == known
    relabelled = about(emotion="sad")
    assert dataset.clips[0].emotion != "sad"
    assert relabelled["fingerprint"] == known["fingerprint"]
    assert relabelled["labels"] != known["labels"]


def test_an_emotion_whose_files_were_all_left_out_is_named_with_the_first(tmp_path):
    dataset = random_dataset([1])
    sad = [clip for clip in dataset.clips if clip.emotion == "sad"]
    kept = tuple(clip for clip in dataset.clips if clip.emotion != "sad")
    index = Index(DataSources.of(tmp_path), "sounds", dataset.clips)
    skipped = tuple(SkippedFile(clip.path, "is empty") for clip in sad)
    reason = f"no usable clip of sad; {len(sad)} are left out, the first: {sad[0].path}: is empty"
    with pytest.raises(CorpusError, match=re.escape(reason)):
        corpus_of(index, replace(dataset, clips=kept, skipped=skipped))


def test_clips_are_checked_before_their_files_are_read(tmp_path):
    for emotion in ("happy", "sad"):
        (tmp_path / f"{ravdess_name(emotion)}.wav").touch()
    found: list[str] = []

    def check(clips):
        found.extend(clip.emotion for clip in clips)
        raise StopError

    with pytest.raises(StopError):
        read_corpus(DataSources.of(tmp_path), ("happy", "sad"), RECIPE, check=check)
    assert sorted(found) == ["happy", "sad"]
    with pytest.raises(CorpusError, match="none of 2 clips can be used"):
        read_corpus(DataSources.of(tmp_path), ("happy", "sad"), RECIPE)
    with pytest.raises(CorpusError, match=r"no clip of angry; .*--emotions happy,sad"):
        read_corpus(DataSources.of(tmp_path), ("angry", "happy", "sad"), RECIPE)


@pytest.mark.parametrize("settings", [HALF, SplitSettings("text", fold=2)])
def test_random_inputs_are_learned_by_heart_and_score_chance_on_the_held_out_side(settings):
    found = run(random_corpus().split(settings), RECIPE, 0, lambda line: None)
    assert found.trained.history[-1].accuracy > 0.95
    assert found.report is not None
    assert found.report.clips == 192
    assert FAR_BELOW_CHANCE < found.report.accuracy < CHANCE_AT_MOST


def test_the_report_and_the_probabilities_are_of_the_held_out_clips_in_the_corpus_order():
    corpus = random_corpus()
    prepared = corpus.split(SplitSettings("speaker", fold=1))
    found = run(prepared, RECIPE.with_options(epochs=2), 0, lambda line: None)
    data = corpus.dataset
    rows = [i for i, clip in enumerate(data.clips) if clip.key in prepared.split.test]
    expected = found.trained.predict(data.inputs[rows])
    np.testing.assert_array_equal(found.probabilities, expected)
    assert found.report is not None
    right = (expected.argmax(axis=1) == data.labels[rows]).mean()
    assert found.report.accuracy == pytest.approx(right)
    whole = next(group for group in found.groups if group.by == "corpus")
    assert whole.clips == len(rows) and whole.accuracy == pytest.approx(right)
    held_out = {data.clips[row].speaker for row in rows}
    assert {group.name for group in found.groups if group.by == "speaker"} == held_out


def test_nothing_held_out_gives_no_report():
    recipe = RECIPE.with_options(epochs=1)
    found = run(random_corpus().split(SplitSettings("none")), recipe, 0, lambda line: None)
    assert found.report is None
    assert found.probabilities.shape == (0, len(EMOTIONS))


def test_a_split_that_leaks_is_refused():
    data = random_dataset()
    first, *others = data.clips
    twin = next(clip for clip in others if clip.speaker == "ravdess:02")
    copied = tuple(
        replace(clip, samples_sha256=first.samples_sha256) if clip is twin else clip
        for clip in data.clips
    )
    corpus = Corpus(
        Dataset(EMOTIONS, data.inputs, data.labels, copied, ()), {"fingerprint": "made"}, 0
    )
    with pytest.raises(CorpusError, match=f"same samples: {twin.key} .*{first.key} .held out"):
        corpus.split(SplitSettings("speaker", fold=1))
    check_no_leaks([])


def test_the_first_leak_is_shown_with_what_to_do():
    copy, spoken = Leak("samples", "a", "b"), Leak("speaker", "c", "d")
    with pytest.raises(CorpusError, match=r"in 2 places; the first: .* d .* out\)$"):
        check_no_leaks([spoken, copy])
    with pytest.raises(CorpusError, match=r"the first: .* b .* out\); leave one of them out, or"):
        check_no_leaks([copy, spoken])


def test_who_speaks_determines_a_balanced_training_alone():
    corpus = random_corpus()
    renamed = replace(
        corpus.dataset, clips=tuple(replace(x, speaker="ravdess:01") for x in corpus.dataset.clips)
    )
    split = corpus.split(HALF)
    other = replace(split, corpus=replace(corpus, dataset=renamed))
    recipe = find_recipe("cnn2d")
    assert split.key(recipe, 0) == other.key(recipe, 0)
    balanced = recipe.with_options(sampling=Sampling(speaker=0.5))
    assert split.key(balanced, 0) != other.key(balanced, 0)


class StopError(Exception):
    pass


def stop(line):
    raise StopError


def test_a_checkpoint_of_other_libraries_is_not_gone_on_with(tmp_path, monkeypatch):
    prepared = random_corpus().split(HALF)
    recipe = find_recipe("cnn1d").with_options(epochs=2)
    with pytest.raises(StopError):
        run(prepared, recipe, 0, stop, tmp_path)
    known = provenance._version
    monkeypatch.setattr(provenance, "_version", lambda x: "0" if x == "keras" else known(x))
    with pytest.raises(UsageError, match="other settings, clips or libraries"):
        run(prepared, recipe, 0, stop, tmp_path)
    monkeypatch.setattr(provenance, "_version", lambda x: "0" if x == "scikit-learn" else known(x))
    assert len(run(prepared, recipe, 0, lambda line: None, tmp_path).trained.history) == 2
