"""What a bundle reached on labelled clips: for people and for programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from avser_cli.evaluation.bundle_evaluation import Evaluation
from avser_cli.evaluation.group_scores import worst_groups
from avser_cli.evaluation.scoring import Scoring
from avser_cli.model.bundle import BundleConfig
from avser_cli.report.tables import interval_text


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
        "left_out": [
            {"file": str(item.path), "reason": item.reason} for item in evaluation.skipped
        ],
        "clips": [answer.as_dict() for answer in evaluation.answers],
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
