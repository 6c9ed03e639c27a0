"""What the runs of a protocol show together: means, spreads, a pooled matrix, calibration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from avser_cli import __version__
from avser_cli.data.splits import SplitKind
from avser_cli.errors import AvserError, UsageError
from avser_cli.experiments.runs import FinishedRun
from avser_cli.experiments.significance import compare_runs
from avser_cli.model.calibration import Calibration, calibrate
from avser_cli.model.recipe import Recipe
from avser_cli.training.training_run import LIBRARIES, Corpus
from avser_cli.untrusted_input import decode, parse_json, read_bounded

MAX_REPORT_BYTES = 16 * 2**20
"""Largest report that is read."""
REPORT, ROBUSTNESS = "report.json", "robustness.json"


def summarize(
    runs: Sequence[FinishedRun], corpus: Corpus, recipe: Recipe, protocol: SplitKind
) -> dict[str, Any]:
    """What the runs of a protocol show, as plain values for ``report.json``.

    Returns
    -------
    dict
        ``runs`` holds each run's figures; ``mean`` their mean and standard deviation over runs;
        ``intervals`` their 95 % intervals and ``resampled`` what the bootstrap drew;
        ``confusion`` is pooled over runs; ``calibration`` needs two runs that hold out other clips.
    """
    emotions = corpus.dataset.emotions
    lines = [_run_line(finished, emotions) for finished in runs]
    figures = [key for key in lines[0] if key.endswith(("accuracy", "uar"))]
    confusion = sum(np.array(finished.report(emotions).confusion) for finished in runs)
    calibration, _ = calibrated(runs, protocol)
    speaker_of = {clip.key: clip.speaker or clip.key for clip in corpus.dataset.clips}
    found = compare_runs({"": runs}, speaker_of)
    return {
        "protocol": protocol,
        "recipe": recipe.as_dict(),
        "emotions": list(emotions),
        "corpus": corpus.about,
        "parameters": runs[0].parameters,
        "runs": lines,
        "mean": {figure: mean_and_spread(line[figure] for line in lines) for figure in figures},
        "intervals": {"accuracy": list(found.accuracy[""]), "uar": list(found.uar[""])},
        "resampled": found.resampled,
        "recall": {
            emotion: mean_and_spread(line["recall"][emotion] for line in lines)
            for emotion in emotions
        },
        "confusion": np.asarray(confusion).tolist(),
        "calibration": calibration.as_dict() if calibration else None,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "avser": __version__,
        "libraries": {library: version(library) for library in LIBRARIES},
    }


def _run_line(finished: FinishedRun, emotions: tuple[str, ...]) -> dict[str, Any]:
    report = finished.report(emotions)
    line: dict[str, Any] = {
        "name": finished.planned.name,
        "held_out": finished.planned.split.describe(),
        "seed": finished.planned.seed,
        "clips": report.clips,
        "accuracy": report.accuracy,
        "uar": report.uar,
    }
    channels = sorted(set(finished.channels))
    if len(channels) > 1:
        line |= {f"{name}_uar": finished.report(emotions, name).uar for name in channels}
    line["recall"] = {name: scores.recall for name, scores in report.per_emotion.items()}
    line["seconds"] = round(finished.seconds, 1)
    return line


def mean_and_spread(values: Iterable[float]) -> dict[str, float]:
    """Mean and standard deviation (n - 1), the latter 0 for a single value."""
    array = np.array(list(values))
    spread = float(array.std(ddof=1)) if len(array) > 1 else 0.0
    return {"mean": float(array.mean()), "sd": spread}


def calibrated(
    runs: Sequence[FinishedRun], protocol: SplitKind
) -> tuple[Calibration | None, list[npt.NDArray[np.float32]]]:
    """The calibration over all runs and each run's probabilities by that of the others.

    What judges a run is fitted on the others' predictions for clips that the run did not hold out.
    ``None`` and the plain probabilities where the runs hold out the same clips, or there is one.
    """
    if len({frozenset(run.names) for run in runs}) < 2:
        return None, [finished.probabilities for finished in runs]
    source = f"{len(runs)} runs of protocol {protocol}, clips held out"
    folds = [(finished.probabilities, finished.labels) for finished in runs]
    return calibrate(folds, source, [finished.names for finished in runs])


@dataclass(frozen=True)
class RecipeReport:
    """What a report folder says about a recipe.

    Attributes
    ----------
    summary : dict
        See `summarize`; with the ``command`` that made it.
    calibration : Calibration or None
    robustness : dict or None
        UAR by name of degradation, where ``robustness.json`` lies beside the report.
    """

    summary: dict[str, Any]
    calibration: Calibration | None
    robustness: dict[str, Any] | None


def not_a_report(folder: Path, error: Exception) -> UsageError:
    """What is said of a report folder that cannot be read."""
    reason = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else str(error)
    return UsageError(
        f"{folder}: not a report of `avser evaluate --protocol` ({reason}); make one first"
    )


def read_report(folder: Path, recipe: Recipe, emotions: tuple[str, ...]) -> RecipeReport:
    """Read a report folder that is to vouch for a recipe.

    Raises
    ------
    UsageError
        It is missing or damaged, or reports on another recipe or other emotions.
    """
    try:
        summary = parse_json(read_bounded(folder / REPORT, MAX_REPORT_BYTES))
        values, found = summary["calibration"], Recipe.from_dict(summary["recipe"])
        calibration = decode(Calibration, values) if values else None
        labels = tuple(summary["emotions"])
        beside = folder / ROBUSTNESS
        robustness = None
        if beside.exists():
            robustness = parse_json(read_bounded(beside, MAX_REPORT_BYTES))
    except (OSError, ValueError, KeyError, TypeError, OverflowError, AvserError) as error:
        raise not_a_report(folder, error) from None
    if found != recipe or labels != emotions:
        raise UsageError(
            f"{folder}: reports on another recipe or other emotions than are trained here; "
            "give the same options to both"
        )
    return RecipeReport(summary, calibration, robustness)
