"""What a bundle reached on labelled clips: for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from avser_cli.evaluation.group_scores import GroupScores, worst_groups
from avser_cli.evaluation.scoring import Evaluation, Scoring
from avser_cli.model.bundle import BundleConfig
from avser_cli.report.tables import TextTable, interval_text

MOST_SPEAKERS = 12
"""Speakers that a table lists; of more, the worst."""


def title_of(config: BundleConfig, evaluation: Evaluation) -> str:
    """What was scored, with a warning where it is no measure of accuracy."""
    if evaluation.part == "train":
        return f"{config.name}: TRAINING CLIPS, not a measure of accuracy"
    if evaluation.part == "unseen":
        return f"{config.name}: clips that it never met"
    return f"{config.name}: held out, {config.split.settings.describe()}"


def left_out_lines(evaluation: Evaluation) -> list[str]:
    """Which clips are not scored, and which emotions have none."""
    lines = [f"note: {remark}" for remark in evaluation.remarks]
    if evaluation.unknown_labels:
        total = sum(evaluation.unknown_labels.values())
        names = ", ".join(f"{name} {count}" for name, count in evaluation.unknown_labels.items())
        lines.append(f"not scored: {total} clips of labels that the model does not know: {names}")
    if evaluation.part != "train" and (trained_on := evaluation.counts["train"]):
        by_sound = f", {evaluation.copies} by their sound alone" if evaluation.copies else ""
        lines.append(f"not scored: {trained_on} clips that the model was trained on{by_sound}")
    if evaluation.part != "unseen" and (unseen := evaluation.counts["unseen"]):
        lines.append(f"not scored: {unseen} clips that it never met: --part unseen scores them")
    if evaluation.missing:
        lines.append(f"note: no clip of {', '.join(evaluation.missing)}; UAR is over the others")
    return lines


def as_json(folder: str, config: BundleConfig, evaluation: Evaluation) -> dict[str, Any]:
    """The evaluation as plain values."""
    return {
        "model": folder,
        "part": evaluation.part,
        "scored_training_clips": evaluation.part == "train",
        **_scoring_values(evaluation.scoring),
        "with_speaker_reference": (
            _scoring_values(evaluation.normalized) if evaluation.normalized else None
        ),
        "split": asdict(config.split.settings),
        "counts": evaluation.counts,
        "copies_by_sound": evaluation.copies,
        "unknown_labels": evaluation.unknown_labels,
        "clips": evaluation.files,
    }


def _scoring_values(scoring: Scoring) -> dict[str, Any]:
    report = scoring.report.as_dict()
    return {
        "accuracy": report["accuracy"],
        "uar": report["uar"],
        "accuracy_interval": scoring.intervals.accuracy,
        "uar_interval": scoring.intervals.uar,
        "resampled": scoring.intervals.resampled,
        "labels": report["labels"],
        "confusion": report["confusion"],
        "per_emotion": report["per_emotion"],
        "macro": report["macro"],
        "weighted": report["weighted"],
        "calibration_error": scoring.calibration_error,
        "certain": scoring.certain,
        "certain_accuracy": scoring.certain_accuracy,
        "groups": [group.as_dict() for group in scoring.groups],
        "worst_groups": [group.as_dict() for group in worst_groups(scoring.groups)],
    }


def groups_table(groups: Sequence[GroupScores]) -> TextTable | None:
    """One line a corpus, language and sex, where there are several of it."""
    shown = [
        group
        for group in groups
        if group.by != "speaker" and sum(other.by == group.by for other in groups) > 1
    ]
    if not shown:
        return None
    rows = (
        (group.by, group.name, str(group.clips), f"{group.uar:.2f}", f"{group.accuracy:.2f}")
        for group in shown
    )
    return TextTable(("by", "group", "clips", "UAR", "accuracy"), tuple(rows), left=LEFT)


LEFT = frozenset({0, 1})


def speakers_table(
    groups: Sequence[GroupScores], normalized: Sequence[GroupScores] | None = None
) -> TextTable | None:
    """One line a speaker, the worst first, where there are several.

    Parameters
    ----------
    groups : sequence of GroupScores
    normalized : sequence of GroupScores, optional
        The same with references of the speakers.
    """
    speakers = sorted((x for x in groups if x.by == "speaker"), key=lambda group: group.uar)
    if len(speakers) < 2:
        return None
    with_reference = {group.name: group.uar for group in normalized or () if group.by == "speaker"}
    head = ("speaker", "clips", "emotions", "accuracy", "UAR")
    rows = [
        (
            group.name,
            str(group.clips),
            str(group.emotions),
            f"{group.accuracy:.2f}",
            f"{group.uar:.2f}",
            *([f"{with_reference[group.name]:.2f}"] if with_reference else []),
        )
        for group in speakers[:MOST_SPEAKERS]
    ]
    rest = len(speakers) - len(rows)
    note = f"the worst of {len(speakers)} speakers; --format json has all" if rest > 0 else ""
    return TextTable(
        (*head, *(["with reference"] if with_reference else [])), tuple(rows), note=note
    )


def worst_words(groups: Sequence[GroupScores]) -> str:
    """The worst groups, in a line; nothing where no grouping has several."""
    worst = ", ".join(
        f"{group.by} {group.name} {group.uar:.2f} ({group.clips} clips of "
        f"{group.emotions} emotion{'s' if group.emotions > 1 else ''})"
        for group in worst_groups(groups)
    )
    return f"lowest UAR: {worst}" if worst else ""


def confidence_words(scoring: Scoring) -> str:
    """How far confidence can be relied upon."""
    words = f"expected calibration error {scoring.calibration_error:.3f}"
    if scoring.certain < 1 and scoring.certain_accuracy is not None:
        words += (
            f"; not uncertain: {scoring.certain:.0%} of the answers, "
            f"{scoring.certain_accuracy:.0%} of them right"
        )
    return words


def reference_words(scoring: Scoring, normalized: Scoring) -> str:
    """What references of the speakers change."""
    gain = normalized.report.uar - scoring.report.uar
    return (
        f"with each speaker's other clips as --speaker-reference: UAR "
        f"{normalized.report.uar:.3f} ({gain:+.3f}; 95 % {interval_text(normalized.intervals.uar)})"
        f", accuracy {normalized.report.accuracy:.3f}; {confidence_words(normalized)}"
    )
