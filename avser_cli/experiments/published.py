"""What the paper reports, so that measured values can stand beside it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedModel:
    """A row of Table 3; what is illegible there is ``None``.

    Attributes
    ----------
    accuracy : float
    macro, weighted : tuple
        Average precision, recall and F1 over emotions, plain and by support.
    """

    accuracy: float
    macro: tuple[float, float, float | None]
    weighted: tuple[float | None, float, float]


@dataclass(frozen=True)
class PublishedOptimizer:
    """A part of Table 2.

    Attributes
    ----------
    run : str
        Letter of the part.
    accuracy : float
    precision, recall, f1 : tuple of float
        For happy, sad, angry, neutral.
    """

    run: str
    accuracy: float
    precision: tuple[float, float, float, float]
    recall: tuple[float, float, float, float]
    f1: tuple[float, float, float, float]


TABLE_2: dict[tuple[str, float], PublishedOptimizer] = {
    ("adagrad", 0.001): PublishedOptimizer(
        "a", 0.70, (0.61, 0.66, 0.82, 0.65), (0.83, 0.57, 0.75, 0.63), (0.70, 0.65, 0.78, 0.64)
    ),
    ("rmsprop", 0.001): PublishedOptimizer(
        "b", 0.74, (0.71, 0.79, 0.78, 0.68), (0.72, 0.67, 0.93, 0.60), (0.72, 0.73, 0.85, 0.64)
    ),
    ("adam", 0.001): PublishedOptimizer(
        "c", 0.76, (0.74, 0.75, 0.92, 0.60), (0.74, 0.80, 0.78, 0.69), (0.74, 0.78, 0.85, 0.64)
    ),
    ("adagrad", 0.005): PublishedOptimizer(
        "d", 0.79, (0.77, 0.80, 0.87, 0.71), (0.85, 0.84, 0.80, 0.63), (0.81, 0.82, 0.83, 0.67)
    ),
    ("rmsprop", 0.005): PublishedOptimizer(
        "e", 0.82, (0.84, 0.85, 0.84, 0.70), (0.78, 0.85, 0.87, 0.74), (0.81, 0.85, 0.85, 0.72)
    ),
    ("adam", 0.005): PublishedOptimizer(
        "f", 0.89, (0.89, 0.90, 0.89, 0.75), (0.83, 0.90, 0.93, 0.79), (0.86, 0.90, 0.90, 0.77)
    ),
}
"""By optimizer and learning rate, of the CNN-2D on four emotions."""

TABLE_3: dict[str, PublishedModel] = {
    "mlp": PublishedModel(0.79, (0.73, 0.79, 0.80), (0.80, 0.79, 0.78)),
    "cnn1d": PublishedModel(0.83, (0.82, 0.82, 0.83), (0.83, 0.83, 0.83)),
    "cnn2d": PublishedModel(0.89, (0.88, 0.86, None), (None, 0.89, 0.89)),
}
"""By network, on 985 clips to train and 325 to test (the paper's Figure 9 shows the accuracies)."""
