"""One training from a folder to a bundle: read, split, look for leaks, train, score, write."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from avser_cli import __version__
from avser_cli.corpus.index import describe, fingerprint, index_folder
from avser_cli.corpus.splits import Leak, Split, SplitSettings, find_leaks, split_recordings
from avser_cli.errors import CorpusError
from avser_cli.files import write_whole
from avser_cli.learn.bundle import CONFIG, KERAS, MLP, TFLITE, BundleConfig, sha256
from avser_cli.learn.dataset import Dataset, Progress, load_dataset
from avser_cli.learn.metrics import Report, score
from avser_cli.learn.recipes import Recipe

LIBRARIES = ("tensorflow", "keras", "numpy", "librosa", "scikit-learn", "soundfile")


@dataclass(frozen=True)
class Prepared:
    """What a training needs, read and checked.

    Attributes
    ----------
    dataset : Dataset
    split : Split
    corpus : dict
        ``folder``, ``fingerprint`` and ``description`` of what was read.
    other_emotions : int
        Well-named files of emotions that were not asked for.
    """

    dataset: Dataset
    split: Split
    corpus: dict[str, str]
    other_emotions: int

    def key(self, recipe: Recipe, seed: int) -> str:
        """A checksum of everything that determines the training."""
        parts = [recipe.as_dict(), seed, asdict(self.split), self.dataset.emotions]
        return sha256(json.dumps(parts, sort_keys=True).encode())


@dataclass(frozen=True)
class Result:
    """A trained model and how it did on the clips that were held out.

    Attributes
    ----------
    trained : avser_cli.learn.training.Trained
    report : Report or None
        ``None`` where nothing was held out.
    """

    trained: Any
    report: Report | None


def prepare(
    folder: Path,
    emotions: tuple[str, ...],
    recipe: Recipe,
    split_settings: SplitSettings,
    progress: Progress | None = None,
) -> Prepared:
    """Read a folder, split it, and look for leaks.

    Raises
    ------
    InputError, CorpusError
        See `index_folder`, `load_dataset` and `split_recordings`; also where the split leaks.
    """
    index = index_folder(folder, emotions)
    dataset = load_dataset(index, emotions, recipe, progress)
    present = {recording.labels.emotion for recording in dataset.recordings}
    missing = [emotion for emotion in emotions if emotion not in present]
    if missing:
        raise CorpusError(f"{folder}: no usable clip of {missing[0]}; add some or name --emotions")
    split = split_recordings(dataset.recordings, split_settings)
    refuse_leaks(find_leaks(dataset.recordings, split))
    used = set(dataset.paths)
    corpus = {
        "folder": folder.name,
        "fingerprint": fingerprint(r.samples_sha256 for r in dataset.recordings),
        "description": describe(file for file in index.files if file.path in used),
    }
    return Prepared(dataset, split, corpus, index.other_emotions)


def refuse_leaks(leaks: list[Leak]) -> None:
    """Raise `CorpusError` that shows the first of the leaks, if there are any."""
    if leaks:
        raise CorpusError(f"the split leaks in {len(leaks)} places; the first: {leaks[0]}")


def run(
    prepared: Prepared,
    recipe: Recipe,
    seed: int,
    on_epoch: Callable[[Any], None],
    checkpoint_folder: Path | None = None,
) -> Result:
    """Train on the training side and score the held-out side with the last epoch's weights."""
    from avser_cli.learn.training import Checkpoint, train

    data, split = prepared.dataset, prepared.split
    checkpoint = None
    if checkpoint_folder is not None:
        checkpoint = Checkpoint(checkpoint_folder, prepared.key(recipe, seed))
    rows = data.rows(split.train)
    emotions = len(data.emotions)
    trained = train(
        recipe, data.inputs[rows], data.labels[rows], emotions, seed, on_epoch, checkpoint
    )
    held_out = data.rows(split.test)
    if len(held_out) == 0:
        return Result(trained, None)
    predicted = trained.predict(data.inputs[held_out]).argmax(axis=1)
    return Result(trained, score(data.emotions, data.labels[held_out], predicted))


def write_parts(
    folder: Path, name: str, prepared: Prepared, recipe: Recipe, seed: int, result: Result
) -> BundleConfig:
    """Write a bundle's parts, but for pictures and card, into an empty folder."""
    from avser_cli.learn.training import save_weights, to_tflite

    network = result.trained.network
    if recipe.network == "mlp":
        write_whole(folder / MLP, network.to_npz())
        files = [MLP]
    else:
        save_weights(network, folder / KERAS)
        write_whole(folder / TFLITE, to_tflite(network, prepared.dataset.inputs[:8]))
        files = [KERAS, TFLITE]
    config = BundleConfig(
        name=name,
        labels=prepared.dataset.emotions,
        recipe=recipe,
        seed=seed,
        split=prepared.split,
        corpus=prepared.corpus,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        avser=__version__,
        libraries={library: version(library) for library in LIBRARIES},
        parameters=result.trained.parameters,
        seconds=round(result.trained.seconds, 1),
        files={part: sha256((folder / part).read_bytes()) for part in files},
    )
    metrics = {"held_out": result.report.as_dict() if result.report else None}
    write_whole(folder / "metrics.json", (json.dumps(metrics, indent=1) + "\n").encode())
    write_whole(folder / "history.csv", _history_csv(result.trained.history))
    write_whole(folder / CONFIG, config.to_json().encode())
    return config


def _history_csv(history: tuple[Any, ...]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["epoch", "loss", "accuracy", "seconds"])
    for line in history:
        values = (f"{line.loss:.5f}", f"{line.accuracy:.5f}", f"{line.seconds:.2f}")
        writer.writerow([line.epoch, *values])
    return text.getvalue().encode()
