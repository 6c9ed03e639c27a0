"""A trained model as the parts of a bundle: weights, TFLite model, config, metrics, history."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from avser_cli import __version__
from avser_cli.checksums import sha256
from avser_cli.data.audio_hash import hash_fingerprints
from avser_cli.data.corpus_summary import summarize_corpora
from avser_cli.data.network_inputs import Inputs
from avser_cli.evaluation.group_scores import GroupScores, worst_groups
from avser_cli.evaluation.metrics import Report
from avser_cli.files import write_whole
from avser_cli.model.bundle import (
    CLIPS,
    CONFIG,
    HASHES,
    KERAS,
    MLP,
    TFLITE,
    WEIGHTS,
    BundleConfig,
    read_weights,
)
from avser_cli.model.bundle_arrays import hashes_part, weights_part
from avser_cli.model.bundle_clips import clips_part
from avser_cli.model.calibration import Calibration
from avser_cli.model.recipe import Recipe
from avser_cli.model.tflite import TFLiteNetwork
from avser_cli.native_output import suppress_native_output
from avser_cli.training.history import history_csv
from avser_cli.training.provenance import library_versions
from avser_cli.training.source_bundle import Lineage, TrainedFrom
from avser_cli.training.training_run import Result, TrainTestSplit

TFLITE_TOLERANCE = 1e-3
"""Largest difference in a probability between a network and its TFLite copy."""


def write_parts(
    folder: Path,
    name: str,
    prepared: TrainTestSplit,
    recipe: Recipe,
    seed: int,
    result: Result,
    calibration: Calibration | None = None,
    trained_from: TrainedFrom | None = None,
) -> BundleConfig:
    """Write a bundle's parts, but for pictures and card, into an empty folder."""
    network = result.trained.network
    if recipe.network == "mlp":
        write_whole(folder / MLP, network.to_npz())
        files = [MLP]
    else:
        save_weights(network, folder / KERAS)
        write_whole(folder / TFLITE, to_tflite(network, prepared.dataset.inputs[:8]))
        files = [KERAS, TFLITE]
    if recipe.network == "cnn2d":
        members = [member.get_weights() for member in result.trained.members]
        write_whole(folder / WEIGHTS, weights_part(members))
        files.append(WEIGHTS)
    write_whole(folder / "history.csv", history_csv(result.trained.history))
    config = _config(
        name, prepared, recipe, result.trained.parameters, result.trained.seconds, calibration
    )
    return _write_config(
        folder,
        replace(config, seed=seed),
        files,
        prepared,
        result.report,
        result.groups,
        trained_from,
    )


def write_recalibrated(
    folder: Path,
    name: str,
    prepared: TrainTestSplit,
    calibration: Calibration,
    report: Report | None,
    groups: Sequence[GroupScores],
    trained_from: TrainedFrom,
) -> BundleConfig:
    """Write the parts of a bundle that answers with another one's weights, as `write_parts`."""
    source = trained_from.source
    files = [part for part in source.config.files if part not in (HASHES, CLIPS)]
    for part in files:
        write_whole(folder / part, read_weights(source.folder, part, source.config))
    write_whole(folder / "history.csv", history_csv(()))
    config = _config(name, prepared, source.config.recipe, source.config.parameters, 0, calibration)
    return _write_config(folder, config, files, prepared, report, groups, trained_from)


def _config(
    name: str,
    prepared: TrainTestSplit,
    recipe: Recipe,
    parameters: int,
    seconds: float,
    calibration: Calibration | None,
) -> BundleConfig:
    """What is said of a bundle whose parts are not written yet."""
    split = prepared.split
    return BundleConfig(
        name=name,
        labels=prepared.dataset.emotions,
        recipe=recipe,
        seed=split.settings.seed,
        split=split,
        corpus=prepared.corpus.about,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        avser=__version__,
        libraries=library_versions(),
        parameters=parameters,
        seconds=round(seconds, 1),
        files={},
        calibration=calibration,
        categories=dict(prepared.corpus.categories),
    )


def _write_config(
    folder: Path,
    config: BundleConfig,
    files: list[str],
    prepared: TrainTestSplit,
    report: Report | None,
    groups: Sequence[GroupScores],
    trained_from: TrainedFrom | None,
) -> BundleConfig:
    """Write what is known of training clips, metrics, and last the config with all checksums."""
    dataset = prepared.dataset
    rows = {clip.key: row for row, clip in enumerate(dataset.clips)}
    trained_on = [rows[key] for key in prepared.split.train]
    hashes = None
    if dataset.fingerprints is not None:
        hashes = hash_fingerprints(dataset.fingerprints[trained_on])
    known = trained_from.source.config.split.train if trained_from else {}
    corpora = summarize_corpora(
        clip
        for clip in (dataset.clips[row] for row in trained_on)
        if known.get(clip.key) != clip.samples_sha256
    )
    lineage = Lineage(prepared.split, hashes, corpora)
    metrics: dict[str, Any] = {
        "held_out": report.as_dict() if report else None,
        "groups": [group.as_dict() for group in groups],
        "worst_groups": [group.as_dict() for group in worst_groups(groups)],
    }
    if trained_from is not None:
        lineage = trained_from.join(lineage)
        before = trained_from.held_out.before if trained_from.held_out else None
        metrics["held_out_before"] = before.report.as_dict() if before else None
    if lineage.hashes is not None:
        write_whole(folder / HASHES, hashes_part(lineage.hashes))
        files = [*files, HASHES]
    write_whole(folder / CLIPS, clips_part(lineage.split))
    files = [*files, CLIPS]
    config = replace(
        config,
        split=lineage.split,
        files={part: sha256((folder / part).read_bytes()) for part in files},
        corpora=lineage.corpora,
        origin=lineage.origin,
    )
    write_whole(folder / "metrics.json", (json.dumps(metrics, indent=1) + "\n").encode())
    write_whole(folder / CONFIG, config.to_json().encode())
    return config


def save_weights(network: Any, path: Path) -> None:
    """Write a network as a ``.keras`` file, without the optimizer's state: a third of the size."""
    from avser_cli.model.backend import keras

    keras.Model(network.inputs, network.outputs).save(path)


def to_tflite(network: Any, samples: Inputs) -> bytes:
    """A Keras network as a TFLite model that takes one input at a time.

    Parameters
    ----------
    network : keras.Model
    samples : numpy.ndarray
        A few inputs, shape ``(n, ...)``, on which the two must agree.

    Raises
    ------
    RuntimeError
        They do not: their probabilities differ by more than `TFLITE_TOLERANCE`.
    """
    from avser_cli.model.backend import keras, tensorflow

    one = keras.Input(batch_shape=(1, *network.input_shape[1:]))
    single = keras.Model(one, network(one))
    with suppress_native_output():
        content = bytes(tensorflow.lite.TFLiteConverter.from_keras_model(single).convert())
    inputs = samples.astype(np.float32)
    expected = network.predict(inputs, verbose=0)
    # `not (a <= b)` is true for NaN too.
    if not np.abs(TFLiteNetwork(content).predict(inputs) - expected).max() <= TFLITE_TOLERANCE:
        raise RuntimeError("the TFLite model does not answer as the Keras network does")
    return content
