"""Fine-tuning of a bundle: its output layer first, then all layers at a low learning rate.

How far is chosen in `avser_cli.training.adaptation_choice`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from avser_cli.model.arrays import Array
from avser_cli.model.bundle_arrays import read_member_weights
from avser_cli.model.networks import build_network
from avser_cli.model.recipe import Recipe
from avser_cli.training.adaptation_config import AdaptationConfig, Plan
from avser_cli.training.adapted_network import AdaptedNetwork
from avser_cli.training.checkpoint import Checkpoint
from avser_cli.training.ensemble import Trained, join_networks, member_shares
from avser_cli.training.history import Epoch
from avser_cli.training.provenance import libraries_of, run_key
from avser_cli.training.rehearsal import Rehearsal, RehearsedSet
from avser_cli.training.sampling import TrainingSet
from avser_cli.training.source_bundle import SourceBundle
from avser_cli.training.trainer import MEMBER_SEED_STEP, make_deterministic
from avser_cli.training.training_run import TrainTestSplit


@dataclass(frozen=True)
class Adaptation:
    """A bundle to be trained on, and clips to do it with.

    Attributes
    ----------
    source : SourceBundle
    prepared : TrainTestSplit
    seed : int
    config : AdaptationConfig
    rehearsal : Rehearsal or None
        Clips that are trained on again; with them, `config` says their share.
    """

    source: SourceBundle
    prepared: TrainTestSplit
    seed: int
    config: AdaptationConfig = field(default_factory=AdaptationConfig)
    rehearsal: Rehearsal | None = None

    @property
    def recipe(self) -> Recipe:
        """The bundle's."""
        return self.source.config.recipe

    @property
    def emotions(self) -> tuple[str, ...]:
        """Those of the clips, in label order."""
        return self.prepared.dataset.emotions

    @property
    def rows(self) -> npt.NDArray[np.intp]:
        """Of the training side."""
        return self.prepared.dataset.rows(self.prepared.split.train)

    def key(self) -> str:
        """A checksum of everything that determines the result."""
        labels = {x.key: [x.emotion, x.speaker, x.sound] for x in self.prepared.dataset.clips}
        model = {
            "recipe": self.recipe.as_dict(),
            "source": self.source.checksum,
            "adaptation": self.config.as_dict(),
            "rehearsal": self.rehearsal.checksum if self.rehearsal else None,
        }
        libraries = libraries_of(self.recipe)
        return run_key(model, self.seed, self.prepared.split, labels, self.emotions, libraries)

    def checkpoint(self, folder: Path | None) -> Checkpoint | None:
        """Where an interrupted adaptation is gone on from."""
        return None if folder is None else Checkpoint(folder, self.key())

    @property
    def temperature(self) -> float:
        """By which the source divides its logits."""
        calibration = self.source.config.calibration
        return calibration.temperature if calibration else 1.0

    def start_weights(self) -> list[list[Array]]:
        """Each network's first weights: the bundle's, with an output for each of the emotions.

        Outputs that the bundle does not have begin at 0. Biases of its calibration go into those of
        its outputs: of one network that is the same, of several nearly.
        """
        known = self.source.config.labels
        network = self.network(len(known))
        kinds = [(tuple(x.shape), np.dtype(x.dtype)) for x in network.weights]
        members = read_member_weights(self.source.folder, self.source.config, kinds)
        if (calibration := self.source.config.calibration) and calibration.bias is not None:
            moved = np.array(calibration.bias, np.float32) * np.float32(self.temperature)
            members = tuple((*weights[:-1], weights[-1] + moved) for weights in members)
        if known == self.emotions:
            return [list(weights) for weights in members]
        found = []
        for *shared, kernel, bias in members:
            new_kernel = np.zeros((len(kernel), len(self.emotions)), np.float32)
            new_bias = np.zeros(len(self.emotions), np.float32)
            for column, emotion in enumerate(self.emotions):
                if emotion in known:
                    new_kernel[:, column] = kernel[:, known.index(emotion)]
                    new_bias[column] = bias[known.index(emotion)]
            found.append([*shared, new_kernel, new_bias])
        return found

    def network(self, emotions: int | None = None) -> Any:
        """The recipe's network, untrained, for the emotions of the clips."""
        make_deterministic(self.seed)
        blank = np.zeros((1, 1), np.uint8)
        return build_network(self.recipe, emotions or len(self.emotions), blank)

    def adapted(self) -> AdaptedNetwork:
        """The same, to be adapted."""
        return AdaptedNetwork(self.network(), self.recipe, self.config, self.temperature)

    def training_set(self, rows: npt.NDArray[np.intp]) -> TrainingSet:
        """Some rows of the clips, and what is rehearsed with them."""
        data = self.prepared.dataset
        clips = [data.clips[row] for row in rows]
        new = TrainingSet.of(data.inputs[rows], data.labels[rows], len(self.emotions), clips)
        if self.rehearsal is None:
            return new
        share, size = self.config.rehearsal, self.recipe.batch_size
        return RehearsedSet.joined(new, self.rehearsal.known, size, share)


def adapt(
    adaptation: Adaptation,
    plan: Plan,
    on_epoch: Callable[[Epoch], None],
    folder: Path | None = None,
) -> Trained:
    """Adapt every network of the bundle to all clips of the training side, and join them.

    Parameters
    ----------
    adaptation : Adaptation
    plan : Plan
    on_epoch : callable
        Called after each epoch.
    folder : pathlib.Path, optional
        Where to go on from and to save to, epoch by epoch.
    """
    checkpoint = adaptation.checkpoint(folder)
    clips = adaptation.training_set(adaptation.rows)
    members: list[Any] = []
    history: list[Epoch] = []
    for number, start in enumerate(adaptation.start_weights(), start=1):
        network = adaptation.adapted()
        network.set_weights(start)
        seed = adaptation.seed + MEMBER_SEED_STEP * (number - 1)
        network.prepare(clips, plan.statistics, plan.fits_output, seed)
        if plan.epochs:
            saved = checkpoint.of_member(number) if checkpoint else None
            history += network.train(
                clips, plan.statistics, plan.epochs, seed, on_epoch, saved, number
            )
        members.append(network.whole())
    recipe = adaptation.recipe
    joined = join_networks(members, recipe.tta_shift, member_shares(recipe))
    parameters = sum(int(np.prod(weight.shape)) for weight in joined.trainable_weights)
    seconds = sum(line.seconds for line in history)
    return Trained(joined, tuple(members), tuple(history), parameters, seconds)
