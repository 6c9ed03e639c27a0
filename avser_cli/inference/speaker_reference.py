"""Speaker normalisation from recordings of one speaker."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from avser_cli.audio.decoding import open_sound
from avser_cli.errors import InputError
from avser_cli.inference.classifier import Classifier
from avser_cli.inference.speaker_normalization import MIN_RECORDINGS, SpeakerNormalization
from avser_cli.model.calibration import Probabilities


def normalize_speaker(
    classifier: Classifier,
    recordings: Sequence[Path | str],
    windows: bool = False,
    jobs: int = -1,
    failed: Callable[[InputError], None] | None = None,
    on_progress: Callable[[int, int], None] = lambda done, count: None,
) -> Classifier:
    """A classifier that takes a speaker's constant part off its answers.

    Parameters
    ----------
    classifier : Classifier
        A reference that it has already is not built upon.
    recordings : sequence of path
        Of one speaker with one microphone, in various emotions, without labels.
    windows : bool
        Whether long recordings will be asked about: every window of the reference counts.
    jobs : int
        Threads; -1 for one a core.
    failed : callable, optional
        Called with the error of each recording that cannot be used; without it the first is
        raised.
    on_progress : callable
        Called with the number of recordings that are done, and of all.

    Returns
    -------
    Classifier
        `classifier` itself stays as it is.

    Raises
    ------
    InputError
        Fewer than `MIN_RECORDINGS` recordings, or windows, can be used.
    """
    plain = classifier.with_normalization(None)
    paths = [Path(path) for path in recordings]
    answers = _windows(plain, paths, jobs) if windows else _clips(plain, paths, jobs)
    rows: list[Probabilities] = []
    for done, answer in enumerate(answers, start=1):
        if not isinstance(answer, InputError):
            rows += answer
        elif failed is None:
            raise answer
        else:
            failed(answer)
        on_progress(done, len(paths))
    if len(rows) < MIN_RECORDINGS:
        kind = "windows of voice" if windows else "recordings"
        raise InputError(
            f"speaker reference: at least {MIN_RECORDINGS} {kind}, in various emotions; "
            f"{len(rows)} can be used"
        )
    return plain.with_normalization(SpeakerNormalization.of(np.stack(rows)))


def _clips(
    classifier: Classifier, paths: Sequence[Path], jobs: int
) -> Iterator[list[Probabilities] | InputError]:
    for _, answer in classifier.predict_many(paths, jobs):
        if isinstance(answer, InputError):
            yield answer
        else:
            yield [np.array(list(answer.probabilities.values()), np.float32)]


def _windows(
    classifier: Classifier, paths: Sequence[Path], jobs: int
) -> Iterator[list[Probabilities] | InputError]:
    for path in paths:
        try:
            with open_sound(path, selection=classifier.selection) as sound:
                answers = classifier.window_rows(sound.blocks(), sound.stream.rate, jobs)
                rows = [row for _, row in answers if row is not None]
        except InputError as error:
            yield error
        else:
            yield rows
