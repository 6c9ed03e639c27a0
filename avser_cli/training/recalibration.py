"""Fitting what a bundle answers to a few labelled clips, without training its weights."""

from __future__ import annotations

from avser_cli.errors import CorpusError
from avser_cli.model.calibration import Calibration, calibrate
from avser_cli.training.source_bundle import SourceBundle
from avser_cli.training.training_run import TrainTestSplit
from avser_cli.training.validation_folds import check_enough, validation_folds

FOLDS = 5
METHOD = "weights kept; temperature and a bias per emotion fitted"


def recalibrate(source: SourceBundle, prepared: TrainTestSplit) -> Calibration:
    """Fit temperature and a bias per emotion on the training side.

    What the calibration says of itself was measured on folds of that side, each with what was
    fitted on the others.

    Parameters
    ----------
    source : SourceBundle
    prepared : TrainTestSplit
        Its emotions are the bundle's.

    Raises
    ------
    CorpusError
        There are too few clips.
    """
    data = prepared.dataset
    rows = data.rows(prepared.split.train)
    check_enough(len(rows), "fit on", "--split none fits on all")
    labels = data.labels[rows]
    folds = validation_folds([data.clips[row] for row in rows], labels, FOLDS)
    if folds is None:
        raise CorpusError("an emotion has one clip to fit on, copies aside; two are needed")
    probabilities = source.raw_probabilities(data.inputs[rows])
    calibration, *_ = calibrate(
        [(probabilities[part], labels[part]) for part in folds.rows],
        f"{len(rows)} labelled clips, {folds.describe()}",
        with_bias=True,
    )
    return calibration
