"""The report on a recipe: what a folder says of it, and whether it is of the same clips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from avser_cli.errors import AvserError, UsageError
from avser_cli.experiments.summary import CrossValidation
from avser_cli.model.calibration import Calibration
from avser_cli.model.recipe import Recipe
from avser_cli.untrusted_input import Share, decode, parse_json, read_bounded

MAX_REPORT_BYTES = 16 * 2**20
"""Largest report that is read."""
REPORT, ROBUSTNESS = "report.json", "robustness.json"


@dataclass(frozen=True)
class Robustness:
    """UAR with degraded test clips: the content of ``robustness.json``.

    Attributes
    ----------
    uar : dict of str to float
        Mean over runs by name of degradation; ``none`` is there.
    runs : dict of str to dict
        The same by run.
    """

    uar: dict[str, Share]
    runs: dict[str, dict[str, Share]]

    def __post_init__(self) -> None:
        if "none" not in self.uar:
            raise ValueError("no UAR of clips without degradation")


@dataclass(frozen=True)
class RecipeReport:
    """What a report folder says about a recipe.

    Attributes
    ----------
    summary : CrossValidation
    robustness : Robustness or None
        Where ``robustness.json`` lies beside the report.
    """

    summary: CrossValidation
    robustness: Robustness | None = None

    @property
    def calibration(self) -> Calibration | None:
        """What confidence is corrected by."""
        return self.summary.calibration


def read_report(folder: Path, recipe: Recipe, emotions: tuple[str, ...]) -> RecipeReport:
    """Read a report folder that is to vouch for a recipe.

    Raises
    ------
    UsageError
        It is missing or damaged, or reports on another recipe, other emotions, or random splits.
    """
    try:
        content = read_bounded(folder / REPORT, MAX_REPORT_BYTES)
        summary = CrossValidation.from_dict(parse_json(content))
        beside = folder / ROBUSTNESS
        robustness = None
        if beside.exists():
            robustness = decode(Robustness, parse_json(read_bounded(beside, MAX_REPORT_BYTES)))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, AvserError) as error:
        reason = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else str(error)
        raise UsageError(
            f"{folder}: not a report of `avser evaluate --protocol` ({reason}); make one first"
        ) from None
    if summary.recipe != recipe or summary.emotions != emotions:
        raise UsageError(
            f"{folder}: reports on another recipe or other emotions than are trained here; "
            "give the same options to both"
        )
    if summary.protocol == "random":
        raise UsageError(
            f"{folder}: its random splits hold out clips of speakers that were trained on, and say "
            "nothing of others; make one with --protocol speaker"
        )
    return RecipeReport(summary, robustness)


def check_same_corpus(folder: Path, report: RecipeReport, corpus: dict[str, str]) -> None:
    """Raise `UsageError` where a report folder is not of the clips and labels that are trained on.

    Reports of older versions of avser say nothing of labels.

    Parameters
    ----------
    folder : pathlib.Path
        For the message.
    report : RecipeReport
    corpus : dict of str to str
        See `avser_cli.training.training_run.Corpus`.
    """
    reported = report.summary.corpus
    if reported.get("fingerprint") != corpus["fingerprint"]:
        described = reported.get("description", "nothing it describes")
        raise UsageError(
            f"{folder}: reports on another corpus ({described}) than is trained on "
            f"({corpus['description']}); make one of this corpus"
        )
    if reported.get("labels", corpus["labels"]) != corpus["labels"]:
        raise UsageError(
            f"{folder}: reports on these clips with other labels than are trained on; give the "
            "same --map to both, or make one of these labels"
        )
