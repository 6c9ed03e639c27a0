"""Answers for whole recordings, here or on the workers of a cluster."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import tee
from operator import attrgetter
from pathlib import Path

from avser_cli.audio.decoding import each_channel
from avser_cli.cluster import spread
from avser_cli.errors import InputError, of_path
from avser_cli.inference.classifier import Classifier, OnProgress
from avser_cli.inference.predictions import RecordingPrediction
from avser_cli.inference.speaker_normalization import SpeakerNormalization


@dataclass(frozen=True)
class Recording:
    """What an answer is asked for.

    Attributes
    ----------
    path : pathlib.Path
    normalization : SpeakerNormalization or None
        Of who speaks in it.
    """

    path: Path
    normalization: SpeakerNormalization | None = None


@dataclass(frozen=True)
class ChannelAnswer:
    """The answer for a recording, or for a channel of it, or why there is none.

    Attributes
    ----------
    channel : str
        Its name; empty where the recording is judged as a whole.
    answer : RecordingPrediction or InputError
    """

    channel: str
    answer: RecordingPrediction | InputError


def classifiers_of(
    classifier: Classifier, path: Path, by_channel: bool
) -> list[tuple[str, Classifier]]:
    """What of a recording is judged by itself, all of it or each channel, and who does it.

    Raises
    ------
    InputError
        Its channels are to be counted and it cannot be read.
    """
    if not by_channel:
        return [("", classifier)]
    return [
        (one.channel_name, classifier.with_selection(one))
        for one in each_channel(path, classifier.selection.track)
    ]


def answer_recording(
    classifier: Classifier,
    path: Path,
    by_channel: bool,
    jobs: int = 1,
    on_progress: OnProgress = lambda done, total: None,
) -> list[ChannelAnswer]:
    """The answers for a recording: one, or one for each channel.

    Parameters are those of `Classifier.predict`, but for `by_channel`.
    """
    try:
        judges = classifiers_of(classifier, path, by_channel)
    except InputError as error:
        return [ChannelAnswer("", error.with_traceback(None))]
    found = []
    for channel, judge in judges:
        try:
            found.append(ChannelAnswer(channel, judge.predict(path, jobs, on_progress)))
        except InputError as error:
            # Its traceback would hold the decoded sound, and this frame, which holds the error.
            found.append(ChannelAnswer(channel, error.with_traceback(None)))
    return found


def answer_on_cluster(
    scheduler: str, classifier: Classifier, recordings: Iterable[Recording], by_channel: bool
) -> Iterator[list[ChannelAnswer]]:
    """`answer_recording` for many, in their order, by workers that see the same files.

    Parameters
    ----------
    scheduler : str
    classifier : Classifier
        Sent once to each worker; each recording's own normalization takes the place of its.
    recordings : iterable of Recording
    by_channel : bool

    Raises
    ------
    ClusterError, UsageError
        See `avser_cli.cluster.spread`.
    """
    asked, sent = tee(recordings)
    # Workers have working folders of their own.
    work = (Recording(one.path.absolute(), one.normalization) for one in sent)
    judge = partial(_answer_elsewhere, classifier, by_channel)
    answers = spread(scheduler, judge, work, name_of=attrgetter("path"))
    for one, found in zip(asked, answers, strict=True):
        for each in found:
            if isinstance(each.answer, InputError):
                of_path(each.answer, one.path)
        yield found


def _answer_elsewhere(
    classifier: Classifier, by_channel: bool, one: Recording
) -> list[ChannelAnswer]:
    return answer_recording(classifier.with_normalization(one.normalization), one.path, by_channel)
