"""What the licences of corpora allow with weights that are trained on them.

Whether weights are a work derived from their training clips is not settled in law; a model's card
takes the careful view that they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Restriction:
    """What a licence forbids or asks for.

    Attributes
    ----------
    holds : callable
        Whether a licence, as a corpus's TOML states it, has it; `None` for an unknown one.
    words : str
        What it means for the weights.
    """

    holds: Callable[[str | None], bool]
    words: str


def _has(*marks: str) -> Callable[[str | None], bool]:
    return lambda licence: licence is not None and any(mark in licence for mark in marks)


RESTRICTIONS = (
    Restriction(
        lambda licence: licence is None or "not stated" in licence,
        "no licence is stated, so nobody gave leave to pass the weights on; ask",
    ),
    Restriction(_has("research"), "for research only"),
    Restriction(_has("-ND"), "derived works, which weights may be, are not to be passed on"),
    Restriction(_has("-NC", "non-commercial"), "not for commercial use"),
    Restriction(_has("-SA", "ODbL"), "to be passed on under the same licence"),
    Restriction(_has("BY", "ODbL", "Apache", "cite"), "the corpus is to be named"),
)
"""From the most to the least restrictive."""


def weights_terms(licences: Mapping[str, str | None]) -> tuple[str, ...]:
    """What follows for weights, the most restrictive first; empty where nothing does.

    Parameters
    ----------
    licences : Mapping
        A corpus's name to its licence, `None` where it is not known.
    """
    terms = []
    for restriction in RESTRICTIONS:
        names = [name for name, licence in licences.items() if restriction.holds(licence)]
        if names:
            terms.append(f"{restriction.words} ({', '.join(names)})")
    return tuple(terms)
