import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from avser_cli.data.splits import SplitSettings
from avser_cli.model.known_recipes import find_recipe
from avser_cli.training.training_run import run
from benchmarks import script_habits
from benchmarks.script_habits import Line, divide, head_split, table, watch
from benchmarks.spek_pictures import read_variants
from tests.synthetic import ravdess_clip

TUTORIAL = find_recipe("cnn2d", "tutorial")
assert TUTORIAL.spectrogram is not None
RECIPE = TUTORIAL.with_options(
    spectrogram=replace(TUTORIAL.spectrogram, width=32, height=32), epochs=3
)


@pytest.fixture(scope="module")
def bare(corpus):
    return read_variants(corpus, RECIPE, ["bare"])["bare"]


def test_the_head_of_a_list_is_one_emotion_or_some_actors():
    names = [f"03-01-{e:02d}-01-01-01-{a:02d}" for e in (1, 3, 4, 5) for a in (1, 2, 3, 4)]
    clips = [
        replace(clip, path=clip.path.parent / f"Actor_{clip.key[-2:]}" / clip.path)
        for clip in map(ravdess_clip, names)
    ]
    by_name, by_folder = (head_split(clips[::-1], flag) for flag in (True, False))
    assert {key[6:8] for key in by_name.test} == {"01"}
    assert {key[-2:] for key in by_folder.test} == {"01"}
    for split in (by_name, by_folder):
        assert len(split.test) == 4
        assert split.train.keys() | split.test.keys() == set(names)
        assert not split.train.keys() & split.test.keys()


def test_speech_alone_is_divided_as_all_is(bare):
    prepared = divide(bare, "speech", 0)
    clips = {clip.key: clip for clip in prepared.dataset.clips}
    assert {clip.channel for clip in clips.values()} == {"speech"}
    assert prepared.split.train.keys() | prepared.split.test.keys() == set(clips)
    np.testing.assert_array_equal(
        prepared.dataset.labels,
        [bare.dataset.emotions.index(clip.emotion) for clip in clips.values()],
    )


def test_looking_changes_nothing_of_a_training(bare):
    prepared = bare.split(SplitSettings(seed=1))
    found = watch(prepared, RECIPE, 1)
    assert len(found.tested) == RECIPE.epochs
    result = run(prepared, RECIPE, 1, lambda line: None)
    assert result.report is not None
    assert found.tested[-1] == pytest.approx(result.report.accuracy)
    rows = prepared.dataset.rows(prepared.split.train)
    answers = result.trained.predict(prepared.dataset.inputs[rows]).argmax(axis=1)
    assert found.training == pytest.approx((answers == prepared.dataset.labels[rows]).mean())


def test_one_command_prints_the_table_and_goes_on(corpus, tmp_path, monkeypatch, capsys):
    out = tmp_path / "lines.jsonl"
    options = ["habits", str(corpus), "--division", "random,head-by-name", "--seeds", "0",
               "--side", "32", "--epochs", "2", "--out", str(out)]  # fmt: skip
    monkeypatch.setattr(sys, "argv", options)
    script_habits.main()
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["division"] for line in lines] == ["random", "head-by-name"]
    assert all(line["best"] >= line["last"] for line in lines)
    monkeypatch.setattr(script_habits, "watch", None)
    capsys.readouterr()
    script_habits.main()
    shown = capsys.readouterr().out
    assert "48 / 16" in shown
    assert "best epoch on test" in shown


def test_the_table_is_over_seeds():
    line = Line("tutorial", "whole", "speech", 0, 504, 168, 0.6, 0.7, 1.0, 31, 9.0)
    (row,) = table([line, replace(line, seed=1, last=0.8, best=0.8)]).rows
    assert row[2:] == (
        "speech",
        "504 / 168",
        "0.700 ± 0.141",
        "0.750 ± 0.071",
        "1.000 ± 0.000",
        "2",
    )
