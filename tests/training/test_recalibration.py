from dataclasses import replace

import numpy as np
import pytest

from avser_cli.errors import CorpusError
from avser_cli.training.recalibration import recalibrate
from avser_cli.training.source_bundle import SourceBundle


def test_an_emotion_that_is_never_answered_gets_a_bias(source, prepared, monkeypatch):
    shy = np.tile(np.array([0.5, 0.2, 0.29, 0.01], np.float32), (48, 1))
    neutral = prepared.dataset.labels[prepared.dataset.rows(prepared.split.train)] == 3
    shy[neutral] = [0.5, 0.2, 0.24, 0.06]
    monkeypatch.setattr(SourceBundle, "raw_probabilities", lambda self, inputs: shy)
    found = recalibrate(source, prepared)
    assert found.bias is not None and found.bias[3] > 1
    assert found.clips == 48 and found.source == "48 labelled clips, 4 folds of speakers"
    assert (found.apply(shy)[neutral, 3] > shy[neutral, 3]).all()


def test_too_few_clips_say_how_many_lack(source, prepared):
    split = replace(prepared.split, train=dict(list(prepared.split.train.items())[:17]))
    with pytest.raises(
        CorpusError, match="17 clips to fit on: 20 are needed, 3 more; --split none"
    ):
        recalibrate(source, replace(prepared, split=split))
