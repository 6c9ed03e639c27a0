"""Share of voiced time that `classify --windows` gets right, for each run of a cross-validation.

``python -m benchmarks.windows ./wav reports/cnn2d-default-speaker`` joins the clips that a run held
out to one long recording, without pauses between them and in an order that a hash of their names
decides, and asks that run's bundle for its segments. Nothing is trained.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from avser_cli.audio.decoding import read_waveform
from avser_cli.data.corpora import find_corpus
from avser_cli.inference.classifier import Classifier
from avser_cli.inference.predictions import Segment
from benchmarks.kept_runs import in_any_order, parse_arguments

STEP = 0.01
"""Seconds at which the labels are compared."""


@dataclass(frozen=True)
class Score:
    """One run's result.

    Attributes
    ----------
    seconds, voiced, right : float
        Of the joined recording, of its segments, and of their parts with the right emotion.
    """

    seconds: float
    voiced: float
    right: float

    @property
    def share(self) -> float:
        """Of the voiced time."""
        return self.right / self.voiced


def main() -> None:
    """Measure and print a line a run, then mean and standard deviation."""
    given = parse_arguments(__doc__)
    shares = []
    for run in given.runs:
        score = _of_run(Classifier.load(run), given.sounds)
        shares.append(score.share)
        print(
            f"{run.name}: {score.share:.3f} of {score.voiced:.0f} s voiced in {score.seconds:.0f} s"
        )
    spread = f" ± {np.std(shares, ddof=1):.3f}" if len(shares) > 1 else ""
    print(f"mean: {np.mean(shares):.3f}{spread}")


def _of_run(classifier: Classifier, sounds: dict[str, Path]) -> Score:
    names = sorted(classifier.config.split.test, key=in_any_order)
    clips = [read_waveform(sounds[name]) for name in names]
    rate = clips[0].rate
    found = list(classifier.stream((clip.samples for clip in clips), rate))
    durations = [len(clip.samples) / rate for clip in clips]
    ravdess = find_corpus("ravdess")
    truth = [ravdess.labels(name)["emotion"] for name in names]
    return score_segments(found, durations, truth)


def score_segments(
    segments: Iterable[Segment], durations: Sequence[float], emotions: Sequence[str]
) -> Score:
    """Compare segments with the emotions of the clips that were joined.

    Parameters
    ----------
    segments : iterable of Segment
        Times in seconds of the joined recording.
    durations : sequence of float
        Seconds of each clip, in the order in which they were joined.
    emotions : sequence of str
        One a clip.
    """
    ends = np.cumsum(durations)
    seconds = float(ends[-1])
    truth = np.asarray(emotions)[np.searchsorted(ends, _times(0.0, seconds), side="right")]
    voiced = right = 0
    for segment in segments:
        first, last = round(segment.start / STEP), round(segment.end / STEP)
        there = truth[first:last]
        voiced += len(there)
        right += int((there == segment.prediction.emotion).sum())
    return Score(seconds, voiced * STEP, right * STEP)


def _times(start: float, end: float) -> npt.NDArray[np.float64]:
    """The middles of the steps between two times."""
    return np.arange(start + STEP / 2, end, STEP)


if __name__ == "__main__":
    main()
