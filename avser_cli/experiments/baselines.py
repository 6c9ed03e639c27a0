"""Classifiers that others would use: SVM and boosting on features (openSMILE's, too), chance."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from avser_cli.audio.decoding import Waveform, check_not_silent
from avser_cli.checksums import sha256
from avser_cli.data.network_inputs import Read
from avser_cli.errors import InputError, MissingExtraError

SVM_C = 1.0
Floats = npt.NDArray[np.float32]


def fit_svm(
    features: Floats, labels: npt.NDArray[np.int64], emotions: int
) -> tuple[Callable[[Floats], Floats], int]:
    """An SVM with RBF kernel on standardised features, scikit-learn's defaults, balanced classes.

    Returns
    -------
    predict : callable
        From features ``(n, features)`` to 1 for the emotion that it chose and 0 for the others.
    parameters : int
        Values that its support vectors and coefficients hold.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    model = make_pipeline(StandardScaler(), SVC(C=SVM_C, class_weight="balanced"))
    model.fit(features, labels)
    machine = model[-1]

    def predict(inputs: Floats) -> Floats:
        chosen: Floats = np.eye(emotions, dtype=np.float32)[model.predict(inputs)]
        return chosen

    return predict, int(machine.support_vectors_.size + machine.dual_coef_.size)


def fit_boosting(
    features: Floats, labels: npt.NDArray[np.int64], emotions: int
) -> tuple[Callable[[Floats], Floats], int]:
    """Histogram gradient boosting, scikit-learn's defaults, balanced classes, all 100 rounds.

    Returns
    -------
    predict : callable
        From features ``(n, features)`` to probabilities ``(n, emotions)``.
    parameters : int
        Values that its trees hold: one a leaf, a feature and a threshold a split.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(early_stopping=False, class_weight="balanced")
    model.fit(features, labels)

    def predict(inputs: Floats) -> Floats:
        probabilities = np.zeros((len(inputs), emotions), np.float32)
        probabilities[:, model.classes_] = model.predict_proba(inputs)
        return probabilities

    leaves = [tree.get_n_leaf_nodes() for trees in model._predictors for tree in trees]
    return predict, sum(count + 2 * (count - 1) for count in leaves)


def fit_prior(
    labels: npt.NDArray[np.int64], emotions: int
) -> tuple[Callable[[Floats], Floats], int]:
    """The commonest emotion of the training side, whatever is heard."""
    share = np.bincount(labels, minlength=emotions).astype(np.float32) / len(labels)
    return (lambda inputs: np.tile(share, (len(inputs), 1))), 0


def check_opensmile() -> None:
    """Say at once that the package is missing, and what its licence is."""
    if find_spec("opensmile") is None:
        raise MissingExtraError(
            "--with opensmile needs the package opensmile; install it with: "
            "pip install 'avser[opensmile]' (openSMILE is free for research and private use only)"
        )


def read_opensmile(path: Path, waveform: Waveform, feature_set: str) -> Read:
    """OpenSMILE's functionals of a sound, and the checksum of its samples.

    openSMILE is not safe in threads, not even with an extractor for each: use processes.

    Parameters
    ----------
    path : pathlib.Path
        For messages.
    waveform : Waveform
    feature_set : {"egemaps", "compare"}
        eGeMAPSv02 (88 numbers a clip) or ComParE 2016 (6,373).
    """
    check_not_silent(path, waveform.samples)
    values = _extractor(feature_set).process_signal(waveform.samples, waveform.rate).to_numpy()[0]
    if not np.isfinite(values).all():
        raise InputError(f"{path}: openSMILE finds no voice in it; leave it out")
    return Read(values.astype(np.float32), sha256(waveform.samples))


@cache
def _extractor(feature_set: str) -> Any:
    import opensmile

    sets = opensmile.FeatureSet
    chosen = {"egemaps": sets.eGeMAPSv02, "compare": sets.ComParE_2016}[feature_set]
    return opensmile.Smile(feature_set=chosen, feature_level=opensmile.FeatureLevel.Functionals)
