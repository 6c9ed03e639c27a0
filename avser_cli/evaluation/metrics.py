"""How well predictions agree with labels: accuracy, UAR, and the rows of the paper's Table 2."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from avser_cli.errors import MissingExtraError


@dataclass(frozen=True)
class Scores:
    """Precision, recall and F1, each between 0 and 1, and the number of clips behind them."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True)
class Report:
    """A classification report.

    Attributes
    ----------
    labels : tuple of str
        Emotions in label order.
    accuracy : float
    uar : float
        Unweighted average recall: the mean of the emotions' recalls.
    per_emotion : dict of str to Scores
    macro, weighted : Scores
        Averages over emotions, plain and weighted by support.
    confusion : list of list of int
        Row: the label; column: the prediction.
    clips : int
    """

    labels: tuple[str, ...]
    accuracy: float
    uar: float
    per_emotion: dict[str, Scores]
    macro: Scores
    weighted: Scores
    confusion: list[list[int]]
    clips: int

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values."""
        return asdict(self)


def score(
    labels: tuple[str, ...], truth: npt.NDArray[np.integer], predicted: npt.NDArray[np.integer]
) -> Report:
    """Compare predictions with labels.

    Parameters
    ----------
    labels : tuple of str
        Emotions in label order.
    truth, predicted : numpy.ndarray
        Indices into `labels`, shape ``(n,)``.

    Returns
    -------
    Report
        An emotion that was never predicted has precision 0. Emotions without a clip do not
        enter the UAR.
    """
    try:
        from sklearn.metrics import confusion_matrix, precision_recall_fscore_support
    except ImportError:
        raise MissingExtraError(
            "scoring needs scikit-learn; install it with: pip install 'avser[train]'"
        ) from None
    numbers = range(len(labels))
    confusion = confusion_matrix(truth, predicted, labels=list(numbers))

    def averaged(average: str | None) -> tuple[Any, Any, Any, Any]:
        return precision_recall_fscore_support(  # type: ignore[no-any-return]
            truth, predicted, labels=list(numbers), average=average, zero_division=0.0
        )

    rows = list(zip(*averaged(None), strict=True))
    per_emotion = {
        label: Scores(float(p), float(r), float(f), int(n))
        for label, (p, r, f, n) in zip(labels, rows, strict=True)
    }
    present = [scores.recall for scores in per_emotion.values() if scores.support]
    total = len(truth)
    macro, weighted = (
        Scores(float(p), float(r), float(f), total)
        for p, r, f, _ in (averaged("macro"), averaged("weighted"))
    )
    return Report(
        labels=labels,
        accuracy=float(np.mean(truth == predicted)),
        uar=float(np.mean(present)),
        per_emotion=per_emotion,
        macro=macro,
        weighted=weighted,
        confusion=confusion.tolist(),
        clips=total,
    )
