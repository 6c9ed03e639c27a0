from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from avser_cli.data.clip import Clip
from avser_cli.data.dataset import Dataset
from avser_cli.training.training_run import Corpus
from benchmarks.adaptation import EMOTIONS, Line, draw, draw_figure, table


@pytest.fixture(scope="module")
def corpus():
    """Nine speakers; of the last emotion there are few clips."""
    clips, labels = [], []
    for speaker in range(9):
        for emotion, name in enumerate(EMOTIONS):
            for number in range(1 if emotion == 3 else 8):
                key = f"mine:{speaker}-{name}-{number}"
                clip = Clip(key, Path("x.wav"), "mine", name, f"mine:{speaker}")
                clips.append(replace(clip, samples_sha256=key))
                labels.append(emotion)
    inputs = np.zeros((len(clips), 2, 2), np.uint8)
    data = Dataset(EMOTIONS, inputs, np.array(labels), tuple(clips), ())
    return Corpus(data, {}, 0)


@pytest.mark.parametrize("size", [20, 0])
def test_speakers_to_judge_by_are_not_learned_from(corpus, size):
    one = draw(corpus, 3, size)
    data, split = corpus.dataset, one.prepared.split
    learned, judged = (
        [data.clips[x] for x in data.rows(side)] for side in (split.train, split.test)
    )
    assert len({x.speaker for x in judged}) == 3
    assert not {x.speaker for x in judged} & {x.speaker for x in learned}
    assert len(learned) == (size or 150)
    assert len(judged) == 75


def test_each_emotion_is_learned_from_as_many_clips_as_there_are(corpus):
    one = draw(corpus, 0, 40)
    counts = np.bincount(corpus.dataset.labels[corpus.dataset.rows(one.prepared.split.train)])
    assert counts[3] == 6
    assert counts[:3].sum() == 34 and max(counts[:3]) - min(counts[:3]) <= 1


def test_the_table_shows_the_worst_draw(tmp_path):
    def line(number, way, uar):
        return Line("mine", number, 20, way, 20, 75, uar, 0.1, 1.0)

    lines = [line(0, "before", 0.5), line(1, "before", 0.6)]
    lines += [line(0, "adapted", 0.7), line(1, "adapted", 0.55)]
    (row,) = table(lines).rows
    assert row[:3] == ("mine", "20", "0.550 ± 0.071")
    assert row[-2:] == ("0.625 ± 0.106", "-0.050")
    draw_figure(lines, tmp_path / "drawn.png")
    assert (tmp_path / "drawn.png").stat().st_size > 1000
