"""The model bundle: a folder with everything that a model's answers depend on.

``config.json`` (what it is), ``clips.csv`` (what it was trained on), ``model.tflite`` (for
classifying), ``weights.npz`` (for training on with avser) and ``model.keras`` (with Keras), or
``mlp.npz`` for the perceptron; beside them metrics, history, pictures and a card for people. No
part is a pickle. Reading a bundle needs no TensorFlow.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Self

from msgspec import Meta

from avser_cli.checksums import sha256
from avser_cli.data.corpus_summary import CorpusSummary
from avser_cli.data.emotions import Category, category_of, label_order
from avser_cli.data.splits import Split
from avser_cli.errors import AvserError, ModelError, os_reason
from avser_cli.features.spectrogram import spectrogram_cost
from avser_cli.files import LEFTOVER, replaced_folder
from avser_cli.model.bundle_clips import parse_clips
from avser_cli.model.calibration import Calibration
from avser_cli.model.recipe import Recipe
from avser_cli.untrusted_input import Checksum, Count, NonNegative, decode, parse_json, read_bounded

FORMAT_VERSION = 6
"""2 added ``calibration``, and ``ensemble`` to the recipe, which 1 is read as not having; 3 renamed
fields of the recipe, see `avser_cli.model.recipe.RENAMED_FIELDS`, and the split ``paper``; 4 added
the recipe's ``sampling``, ``corpora`` and ``hashes.npz``; 5 the recipe's ``specialist`` and
``specialist_share``, ``weights.npz``, ``origin`` and the calibration's ``bias``, which older ones
lack; 6 moved the members of the split from ``config.json`` to ``clips.csv`` and added the recipe's
``second_longer`` and ``babble``.
"""
CONFIG, TFLITE, KERAS, MLP = "config.json", "model.tflite", "model.keras", "mlp.npz"
HASHES, WEIGHTS, CLIPS = "hashes.npz", "weights.npz", "clips.csv"
PartName = Annotated[
    str,
    Meta(pattern=r"\A(model\.keras|model\.tflite|clips\.csv|(mlp|hashes|weights)\.npz)\Z"),
]
MAX_PART_BYTES = 256 * 2**20
"""Largest part that is read, in bytes."""
MAX_CONFIG_BYTES = 8 * 2**20
"""Largest ``config.json``; in formats before 6 it has some hundred bytes a clip."""
MAX_CLIPS_BYTES = 128 * 2**20
"""Largest ``clips.csv``: more than a million clips."""
MAX_PIXELS, MAX_SPECTROGRAM_COST, TYPICAL_RATE = 2**20, 2**24, 48000
"""Most pixels of a spectrogram that a bundle may ask for, and its largest `spectrogram_cost` for
3 s at a typical rate in Hz."""
MAX_NAME_LENGTH = 200


@dataclass(frozen=True)
class Origin:
    """The bundle that a training went on from.

    Attributes
    ----------
    name : str
    checksum : str
        SHA-256 of its ``config.json``, which names those of its parts.
    method : str
        What was done, in words.
    clips : int
        Clips of the split's training side that came from it.
    settings : dict of str to float
        Of `avser_cli.training.adaptation_config.AdaptationConfig`; none where the weights are kept.
    """

    name: str
    checksum: Checksum
    method: str
    clips: Count
    settings: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class BundleConfig:
    """What ``config.json`` says.

    Attributes
    ----------
    name : str
    labels : tuple of str
        Emotions in the order of the network's outputs.
    recipe : Recipe
    seed : int
    split : Split
        The members of both sides, with checksums; they stand in ``clips.csv``.
    corpus : dict
        See `avser_cli.training.training_run.Corpus`.
    created : str
        Date and time, UTC, ISO 8601.
    avser : str
        Version that made it.
    libraries : dict of str to str
        Versions of the libraries that determine the weights.
    parameters : int
        Number of trained weights.
    seconds : float
        Time that the training took.
    files : dict of str to str
        SHA-256 of each part that is read.
    calibration : Calibration or None
        ``None``: confidence is what the network says.
    corpora : tuple of CorpusSummary
        What of each corpus it was trained on; empty in older bundles.
    categories : dict of str to str
        Category, ``positive`` or ``negative``, that the user named for an emotion.
    origin : Origin or None
        The bundle that it was trained on from; the clips of that one count as its own.
    """

    name: str
    labels: tuple[str, ...]
    recipe: Recipe
    seed: int
    split: Split
    corpus: dict[str, str]
    created: str
    avser: str
    libraries: dict[str, str]
    parameters: Count
    seconds: NonNegative
    files: dict[PartName, Checksum]
    calibration: Calibration | None = None
    corpora: tuple[CorpusSummary, ...] = ()
    categories: dict[str, Category] = field(default_factory=dict)
    origin: Origin | None = None

    def category(self, emotion: str) -> Category | None:
        """The category of an emotion, if it has any."""
        return category_of(emotion, self.categories)

    @property
    def label_categories(self) -> dict[str, Category | None]:
        """Every label and its category."""
        return {label: self.category(label) for label in self.labels}

    def to_json(self) -> str:
        """The text of ``config.json``, to which ``clips.csv`` belongs."""
        values = asdict(replace(self, split=replace(self.split, train={}, test={})))
        values["split"] = {"settings": values["split"]["settings"]}
        return json.dumps({"format": FORMAT_VERSION, **values}, indent=1) + "\n"

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """A config from parsed JSON, without its ``format``.

        Raises
        ------
        AvserError, KeyError, TypeError, ValueError
            A value is missing, unknown, out of range or of the wrong kind.
        """
        values = dict(values)
        if isinstance(values.get("recipe"), dict):
            values["recipe"] = Recipe.with_current_names(values["recipe"])
        if isinstance(values.get("split"), dict):
            values["split"] = Split.with_current_names(values["split"])
        return decode(cls, values)

    def __post_init__(self) -> None:
        check_name(self.name)
        if label_order(self.labels) != self.labels:
            raise ValueError("labels are named twice or in another order")
        if set(self.categories) - set(self.labels):
            raise ValueError("categories of emotions that are no labels")
        bias = self.calibration.bias if self.calibration else None
        if bias is not None and len(bias) != len(self.labels):
            raise ValueError("a bias for other emotions")
        _check_spectrogram(self.recipe)


def check_name(name: str) -> None:
    """Raise `ValueError` where a name cannot stand in a line of text and in a file's name."""
    if not (0 < len(name) <= MAX_NAME_LENGTH and name.isprintable()) or set(name) & set("/\\"):
        raise ValueError(
            f"a bundle's name is 1 to {MAX_NAME_LENGTH} printable characters without slashes"
        )


def _check_spectrogram(recipe: Recipe) -> None:
    """Refuse pictures that no training of ours draws: they would only cost memory and time."""
    spectrogram = recipe.spectrogram
    if (recipe.network == "cnn2d") != (spectrogram is not None):
        raise ValueError("only a cnn2d reads pictures")
    if spectrogram is not None and (
        spectrogram.width * spectrogram.height > MAX_PIXELS
        or spectrogram_cost(spectrogram, TYPICAL_RATE, 3.0) > MAX_SPECTROGRAM_COST
    ):
        raise ValueError("its pictures are too large or too costly")


def read_config(folder: Path) -> BundleConfig:
    """Read and check a bundle's ``config.json``, and the clips that belong to it.

    Raises
    ------
    ModelError
        The folder is missing, is no bundle, is of a newer format, or one of the two is damaged.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such model bundle; give a folder that `avser train` wrote")
    try:
        values = parse_json(read_part(folder, CONFIG, most=MAX_CONFIG_BYTES))
        version = values.pop("format")
        if type(version) is not int or version < 1:
            raise TypeError("format is not a number from 1 on")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(f"{folder}: {CONFIG} is damaged ({error}); train or copy again") from None
    if version > FORMAT_VERSION:
        raise ModelError(
            f"{folder}: bundle format {version} is newer than this avser reads "
            f"({FORMAT_VERSION}); upgrade avser"
        )
    _add_clips(folder, values)
    try:
        return BundleConfig.from_dict(values)
    except (AvserError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise ModelError(f"{folder}: {CONFIG} is damaged ({error}); train or copy again") from None


def _add_clips(folder: Path, values: dict[str, Any]) -> None:
    """Put the clips of ``clips.csv`` into a config's split, where older formats have them."""
    split, files = values.get("split"), values.get("files")
    checksum = files.get(CLIPS) if isinstance(files, dict) else None
    if not isinstance(split, dict) or not isinstance(checksum, str):
        return
    content = read_part(folder, CLIPS, checksum, MAX_CLIPS_BYTES)
    try:
        values["split"] = {**split, **parse_clips(content)}
    except ValueError as error:
        raise ModelError(f"{folder}: {CLIPS} is damaged ({error}); train or copy again") from None


def read_weights(folder: Path, name: str, config: BundleConfig) -> bytes:
    """The content of a part that the config names with its checksum.

    Raises
    ------
    ModelError
        See `read_part`; also where the config does not name it.
    """
    if name not in config.files:
        raise ModelError(f"{folder}: {CONFIG} does not name {name}; train or copy again")
    return read_part(folder, name, config.files[name])


def read_part(
    folder: Path, name: str, expected_sha256: str | None = None, most: int = MAX_PART_BYTES
) -> bytes:
    """The content of one part of a bundle, `most` bytes at most.

    Raises
    ------
    ModelError
        The part is missing, unreadable, too large, a link out of the folder, or not what its
        checksum says.
    """
    path = folder / name
    try:
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ModelError(f"{path}: lies outside the bundle; such a bundle is not read")
        content = read_bounded(path, most)
    except FileNotFoundError:
        raise ModelError(f"{folder}: {name} is missing; train or copy the bundle again") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {os_reason(error)}") from None
    except ValueError as error:
        raise ModelError(f"{path}: {error}; not a bundle of avser") from None
    if expected_sha256 is not None and sha256(content) != expected_sha256:
        raise ModelError(f"{path}: damaged (wrong checksum); train or copy the bundle again")
    return content


def newest_bundle(models: Path) -> Path:
    """The bundle below a folder whose config was written last.

    Raises
    ------
    ModelError
        There is none.
    """
    names = {x.name for x in models.glob("*") if x.is_dir() and not x.name.startswith(".")}
    names |= {match[1] for x in models.glob(".*.old") if (match := LEFTOVER.fullmatch(x.name))}
    configs = [replaced_folder(models / name) / CONFIG for name in names]
    configs = [path for path in configs if path.is_file()]
    if not configs:
        raise ModelError(
            f"{models}: no model bundle in it; train one with `avser train`, or name "
            "one with --model"
        )
    return max(configs, key=lambda path: (path.stat().st_mtime_ns, path.parent.name)).parent
