"""What the runs of a protocol show together: means, spreads, a pooled matrix, calibration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from avser_cli import __version__
from avser_cli.data.clip import Clip
from avser_cli.data.splits import SPLIT_ALIASES, SplitKind
from avser_cli.evaluation.bootstrap import Interval
from avser_cli.evaluation.group_scores import GroupScores, score_groups
from avser_cli.evaluation.metrics import score
from avser_cli.experiments.runs import FinishedRun
from avser_cli.experiments.significance import compare_runs
from avser_cli.inference.speaker_normalization import normalize_each
from avser_cli.model.calibration import Calibration, calibrate, expected_calibration_error
from avser_cli.model.recipe import Recipe
from avser_cli.training.provenance import library_versions
from avser_cli.training.training_run import Corpus
from avser_cli.untrusted_input import Count, NonNegative, Share, decode

CHANNEL_UAR = "_uar"
"""Ending of a channel's UAR in ``report.json``: ``speech_uar``, ``song_uar``."""


@dataclass(frozen=True)
class MeanAndSpread:
    """Mean and standard deviation (n - 1) over runs, the latter 0 for a single run."""

    mean: float
    sd: NonNegative

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Those of some values."""
        array = np.array(list(values))
        spread = float(array.std(ddof=1)) if len(array) > 1 else 0.0
        return cls(float(array.mean()), spread)


@dataclass(frozen=True)
class RunScores:
    """One run of a cross-validation.

    Attributes
    ----------
    name, held_out : str
        E.g. ``speaker1-seed0``, and in words what it held out.
    seed, clips : int
        The number of clips that it held out.
    accuracy, uar : float
    channel_uar : dict of str to float
        UAR by vocal channel, where there are several.
    recall : dict of str to float
        By emotion.
    seconds : float
        Training time.
    uar_with_reference : float or None
        With each speaker's other clips as reference of the speaker; `None` where no speaker has
        enough of them.
    calibration_error : float or None
        Expected, with the temperature of the other runs; `None` where there is none.
    coverage, covered_accuracy : float or None
        Share of the clips whose answer is not uncertain by the threshold of the other runs, and
        of right answers among these.
    """

    name: str
    held_out: str
    seed: int
    clips: Count
    accuracy: Share
    uar: Share
    channel_uar: dict[str, Share]
    recall: dict[str, Share]
    seconds: NonNegative
    uar_with_reference: Share | None = None
    calibration_error: Share | None = None
    coverage: Share | None = None
    covered_accuracy: Share | None = None

    @classmethod
    def of(
        cls,
        finished: FinishedRun,
        emotions: tuple[str, ...],
        clips: Sequence[Clip] = (),
        judged: tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]] | None = None,
    ) -> Self:
        """Those of a run.

        Parameters
        ----------
        finished : FinishedRun
        emotions : tuple of str
        clips : sequence of Clip
            Those held out, where they are known.
        judged : tuple of numpy.ndarray, optional
            The probabilities with the temperature of the other runs, shape ``(n, emotions)``, and
            whether they are at or above the threshold of these, shape ``(n,)``.
        """
        reference_uar = calibration_error = coverage = covered_accuracy = None
        if clips:
            speakers = [clip.speaker for clip in clips]
            normalized, changed = normalize_each(finished.probabilities, speakers)
            if changed.any():
                answers = normalized.argmax(axis=1)
                reference_uar = score(emotions, finished.labels, answers).uar
        if judged is not None:
            scaled, sure = judged
            calibration_error = expected_calibration_error(scaled, finished.labels)
            coverage = float(sure.mean())
            if sure.any():
                right = scaled.argmax(axis=1) == finished.labels
                covered_accuracy = float(right[sure].mean())
        report = finished.report(emotions)
        return cls(
            name=finished.planned.name,
            held_out=finished.planned.split.describe(),
            seed=finished.planned.seed,
            clips=report.clips,
            accuracy=report.accuracy,
            uar=report.uar,
            channel_uar=_channel_uar(finished, emotions, clips),
            recall={name: scores.recall for name, scores in report.per_emotion.items()},
            seconds=round(finished.seconds, 1),
            uar_with_reference=reference_uar,
            calibration_error=calibration_error,
            coverage=coverage,
            covered_accuracy=covered_accuracy,
        )

    @property
    def figures(self) -> dict[str, float]:
        """What means are taken of, by name in ``report.json``."""
        by_channel = {f"{name}{CHANNEL_UAR}": uar for name, uar in self.channel_uar.items()}
        known = {
            "uar_with_reference": self.uar_with_reference,
            "calibration_error": self.calibration_error,
            "coverage": self.coverage,
            "covered_accuracy": self.covered_accuracy,
        }
        there = {name: value for name, value in known.items() if value is not None}
        return {"accuracy": self.accuracy, "uar": self.uar, **by_channel, **there}

    def as_dict(self) -> dict[str, Any]:
        """The run as plain values, a channel's UAR as ``CHANNEL_uar``."""
        values = asdict(self)
        del values["channel_uar"]
        return values | self.figures

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The run from plain values; `ValueError` where one is not what it should be."""
        by_channel = {name: x for name, x in values.items() if name.endswith(CHANNEL_UAR)}
        rest = {name: x for name, x in values.items() if name not in by_channel}
        uars = {name.removesuffix(CHANNEL_UAR): x for name, x in by_channel.items()}
        return decode(cls, {**rest, "channel_uar": uars})


@dataclass(frozen=True)
class CrossValidation:
    """What the runs of a protocol show together: the content of ``report.json``.

    Attributes
    ----------
    protocol : str
    recipe : Recipe
    emotions : tuple of str
    corpus : dict of str to str
        See `avser_cli.training.training_run.Corpus`.
    parameters : int
    runs : tuple of RunScores
    mean : dict of str to MeanAndSpread
        Over runs, of each of `RunScores.figures`.
    recall : dict of str to MeanAndSpread
        Over runs, by emotion.
    confusion : list of list of int
        Pooled over runs.
    calibration : Calibration or None
        It needs two runs that hold out other clips.
    created, avser : str
        Date and time (UTC, ISO 8601) and version.
    libraries : dict of str to str
        Versions.
    command : str
        What made it, so that a reader can make it again.
    intervals : dict of str to tuple of float
        95 % intervals of mean accuracy and UAR; reports before 2026-11-25 have none.
    resampled : str
        What the bootstrap behind them drew, in words.
    groups : tuple of GroupScores
        Pooled over runs: a clip counts in each run that held it out. Older reports have none.
    """

    protocol: str
    recipe: Recipe
    emotions: tuple[str, ...]
    corpus: dict[str, str]
    parameters: Count
    runs: tuple[RunScores, ...]
    mean: dict[str, MeanAndSpread]
    recall: dict[str, MeanAndSpread]
    confusion: list[list[Count]]
    calibration: Calibration | None
    created: str
    avser: str
    libraries: dict[str, str]
    command: str
    intervals: dict[str, Interval]
    resampled: str = ""
    groups: tuple[GroupScores, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The content of ``report.json``."""
        return {**asdict(self), "runs": [line.as_dict() for line in self.runs]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """A cross-validation from parsed JSON, of older versions of avser, too.

        Raises
        ------
        AvserError, ValueError, KeyError, TypeError, AttributeError
            A value is missing, unknown, out of range or of the wrong kind.
        """
        return decode(
            cls,
            {
                "intervals": {},
                **values,
                "protocol": SPLIT_ALIASES.get(values["protocol"], values["protocol"]),
                "recipe": Recipe.with_current_names(values["recipe"]),
                "runs": [RunScores.from_dict(line) for line in values["runs"]],
            },
        )


def _channel_uar(
    finished: FinishedRun, emotions: tuple[str, ...], clips: Sequence[Clip]
) -> dict[str, float]:
    """UAR by vocal channel, where there are several and every clip has one."""
    channels = np.array([clip.channel or "" for clip in clips])
    names = np.unique(channels).tolist()
    told_apart = names if len(names) > 1 and all(names) else []
    return {name: finished.report(emotions, channels == name).uar for name in told_apart}


def summarize(
    runs: Sequence[FinishedRun], corpus: Corpus, recipe: Recipe, protocol: SplitKind, command: str
) -> CrossValidation:
    """What the runs of a protocol show.

    Parameters
    ----------
    runs : sequence of FinishedRun
    corpus : Corpus
    recipe : Recipe
    protocol : str
    command : str
        What made it.
    """
    emotions = corpus.dataset.emotions
    calibration, scaled, sure = calibrated(runs, protocol)
    known = {clip.key: clip for clip in corpus.dataset.clips}
    lines = tuple(
        RunScores.of(
            finished,
            emotions,
            [known[name] for name in finished.names],
            (probabilities, above) if calibration else None,
        )
        for finished, probabilities, above in zip(runs, scaled, sure, strict=True)
    )
    confusion = np.sum([finished.report(emotions).confusion for finished in runs], axis=0)
    speaker_of = {clip.key: clip.speaker or clip.key for clip in corpus.dataset.clips}
    found = compare_runs({"": runs}, speaker_of)
    return CrossValidation(
        protocol=protocol,
        recipe=recipe,
        emotions=emotions,
        corpus=corpus.about,
        parameters=runs[0].parameters,
        runs=lines,
        mean={
            figure: MeanAndSpread.of(line.figures[figure] for line in lines)
            for figure in lines[0].figures
            if all(figure in line.figures for line in lines)
        },
        recall={name: MeanAndSpread.of(line.recall[name] for line in lines) for name in emotions},
        confusion=confusion.tolist(),
        calibration=calibration,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        avser=__version__,
        libraries=library_versions(),
        command=command,
        intervals={"accuracy": found.accuracy[""], "uar": found.uar[""]},
        resampled=found.resampled,
        groups=pooled_groups(runs, corpus),
    )


def pooled_groups(runs: Sequence[FinishedRun], corpus: Corpus) -> tuple[GroupScores, ...]:
    """Scores of groups over runs: a clip counts in each that held it out."""
    clips = {clip.key: clip for clip in corpus.dataset.clips}
    return score_groups(
        [clips[name] for finished in runs for name in finished.names],
        np.concatenate([finished.labels for finished in runs]),
        np.concatenate([finished.probabilities.argmax(axis=1) for finished in runs]),
    )


def calibrated(
    runs: Sequence[FinishedRun], protocol: str
) -> tuple[Calibration | None, list[npt.NDArray[np.float32]], list[npt.NDArray[np.bool_]]]:
    """The calibration over all runs; each run's probabilities by that of the others, and the sure.

    What judges a run is fitted on the others' predictions for clips that the run did not hold out.
    ``None`` and the plain probabilities, none sure, where the runs hold out the same clips, or
    there is one.
    """
    if len({frozenset(run.names) for run in runs}) < 2:
        plain = [finished.probabilities for finished in runs]
        return None, plain, [np.zeros(len(finished.labels), bool) for finished in runs]
    source = f"{len(runs)} runs of protocol {protocol}, clips held out"
    folds = [(finished.probabilities, finished.labels) for finished in runs]
    names = [finished.names for finished in runs]
    return calibrate(folds, source, names, folds_alike=protocol == "corpus")
