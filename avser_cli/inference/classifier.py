"""From a sound to an emotion, without TensorFlow."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from avser_cli.audio.decoding import Stream, Waveform, check_rate, open_sound, read_waveform
from avser_cli.audio.input import display_name
from avser_cli.audio.sample_arrays import mono_samples
from avser_cli.audio.selection import EVERYTHING, SoundSelection
from avser_cli.audio.speech import holds_speech
from avser_cli.audio.streams import Samples, take_seconds
from avser_cli.audio.vad import frame_length
from avser_cli.checksums import sha256
from avser_cli.errors import InputError, NoVoiceError, UsageError
from avser_cli.features.render import audible_part, clip_spectrogram
from avser_cli.features.spectrogram import (
    SpectrogramConfig,
    draw_spectrogram,
    frequency_axis,
    spectrogram_span,
    trim_silence,
)
from avser_cli.inference.calibrated_network import CalibratedNetwork
from avser_cli.inference.explanation import occlusion_map
from avser_cli.inference.loading import load_network, resolve_model
from avser_cli.inference.pooling import pool_windows
from avser_cli.inference.predictions import Explanation, Prediction, RecordingPrediction, Segment
from avser_cli.inference.segment_files import GivenSegment
from avser_cli.inference.speaker_normalization import SpeakerNormalization, normalize_by_speaker
from avser_cli.inference.windows import (
    WINDOW,
    Window,
    all_windows,
    cut_segments,
    spans,
    windows,
)
from avser_cli.model.bundle import MLP, TFLITE, BundleConfig, read_config
from avser_cli.model.calibration import Probabilities
from avser_cli.threads import in_order

HELD_SECONDS = 60.0
"""A recording up to this long is held as a whole: its ends are trimmed before its length counts."""

OnProgress = Callable[[float, float], None]


class Classifier:
    """A loaded model bundle. Make one with `Classifier.load`; it may be used by many threads.

    Attributes
    ----------
    config : BundleConfig
    normalization : SpeakerNormalization or None
        What is taken off all answers.
    selection : SoundSelection
        Which channel of files, of which audio track, is classified.
    any_sound : bool
        Classify whatever it is, also where nobody speaks.
    """

    def __init__(self, config: BundleConfig, network: CalibratedNetwork) -> None:
        self.config = config
        self.normalization: SpeakerNormalization | None = None
        self.selection = EVERYTHING
        self.any_sound = False
        self._network = network

    @classmethod
    def load(cls, folder: Path | str | None = None) -> Self:
        """Load a bundle: `folder`, else ``AVSER_MODEL``, else the bundled model.

        Raises
        ------
        ModelError
            The bundle is missing, incomplete, damaged or of a newer format.
        """
        place = resolve_model(Path(folder) if folder is not None else None)
        config = read_config(place)
        return cls(config, CalibratedNetwork(config, load_network(place, config)))

    def with_normalization(self, normalization: SpeakerNormalization | None) -> Self:
        """A classifier of one speaker, or of nobody, beside this one.

        `avser_cli.inference.speaker_reference.normalize_speaker` makes one from recordings.
        """
        return self._with(normalization=normalization)

    def with_selection(self, selection: SoundSelection) -> Self:
        """A classifier of one channel of files, or of another audio track, beside this one."""
        return self._with(selection=selection)

    def with_any_sound(self, any_sound: bool = True) -> Self:
        """A classifier that also takes sounds without a voice, beside this one."""
        return self._with(any_sound=any_sound)

    def _with(self, **changes: Any) -> Self:
        """A classifier with other attributes that shares the networks of this one."""
        classifier = object.__new__(type(self))
        vars(classifier).update(vars(self), **changes)
        return classifier

    def predict(
        self,
        path: Path | str,
        jobs: int = 1,
        on_progress: OnProgress = lambda done, total: None,
    ) -> RecordingPrediction:
        """Classify a sound file: all of its speech.

        Parameters
        ----------
        path : path
        jobs : int
            Threads for a recording that is longer than the network's span; -1 for one a core.
        on_progress : callable
            Called with the seconds of such a recording that are read, and with all as the file
            states them.

        Raises
        ------
        NoVoiceError
            Nobody speaks in it.
        InputError
            The file cannot be decoded, is silent, or is too short to be judged.
        """
        path = Path(path)
        if self._span is None:
            waveform = read_waveform(path, self.selection)
            answer = self.predict_waveform(display_name(path), waveform)
            return replace(answer, damaged=waveform.damaged)
        with open_sound(path, selection=self.selection) as sound:
            stream = sound.stream
            answer = self._predict_blocks(
                sound.name,
                sound.blocks(),
                stream.rate,
                jobs,
                lambda done: on_progress(done, max(done, stream.duration)),
                sound.blocks_again,
            )
            return replace(answer, damaged=sound.damaged)

    def predict_samples(self, samples: npt.ArrayLike, rate: int) -> RecordingPrediction:
        """Classify samples from memory, as `predict` does a file.

        Parameters
        ----------
        samples : array_like
            Shape ``(n,)``, ``(n, channels)`` or ``(channels, n)``; floats of full scale 1, or
            integers that fill their type.
        rate : int
            Sampling rate in Hz.

        Raises
        ------
        NoVoiceError
            Nobody speaks in them.
        InputError
            There are NaN or infinite samples, they are silent, or too few to be judged.
        """
        check_rate(rate)
        return self._predict_array("samples", mono_samples(samples, whole=True), rate)

    def predict_waveform(self, name: str, waveform: Waveform) -> RecordingPrediction:
        """Classify a sound that is decoded already, as `predict` does its file.

        Raises
        ------
        InputError
            As for `predict`, with this name.
        """
        return self._predict_array(name, waveform.samples, waveform.rate)

    def predict_many(
        self,
        paths: Iterable[Path | str],
        jobs: int = -1,
    ) -> Iterator[tuple[Path, RecordingPrediction | InputError]]:
        """Classify sound files side by side, in their order, at bounded memory.

        Parameters
        ----------
        paths : iterable of path
        jobs : int
            Threads; -1 for one a core.

        Yields
        ------
        path : pathlib.Path
        prediction : RecordingPrediction or InputError
            The answer, or the error.
        """

        def classify_one(path: Path) -> tuple[Path, RecordingPrediction | InputError]:
            try:
                return path, self.predict(path)
            except InputError as error:
                return path, error

        yield from in_order(classify_one, (Path(path) for path in paths), jobs)

    def stream(
        self,
        chunks: Iterable[npt.ArrayLike],
        rate: int,
        jobs: int = 1,
        on_progress: Callable[[float], None] = lambda seconds: None,
    ) -> Iterator[Segment]:
        """Hear a recording of any length while it comes in.

        Windows of 3 s slide over what is voiced; see `avser_cli.inference.windows`.

        Parameters
        ----------
        chunks : iterable of array_like
            Samples as for `predict_samples`, in pieces of any length.
        rate : int
            Sampling rate in Hz.
        jobs : int
            Threads; with more than one, answers come some windows later.
        on_progress : callable
            Called with the seconds that have come in.

        Raises
        ------
        UsageError
            The model does not read pictures.
        """
        check_rate(rate)
        yield from self._segments(self.window_rows(chunks, rate, jobs, on_progress), rate)

    def _segments(
        self, rows: Iterable[tuple[Window, Probabilities | None]], rate: int
    ) -> Iterator[Segment]:
        for span in spans(rows, frame_length(rate) / rate):
            yield Segment(span.start, span.end, self._prediction(span.probabilities))

    def window_rows(
        self,
        chunks: Iterable[npt.ArrayLike],
        rate: int,
        jobs: int = 1,
        on_progress: Callable[[float], None] = lambda seconds: None,
    ) -> Iterator[tuple[Window, Probabilities | None]]:
        """The windows of `stream`, without their samples, and the probabilities for each.

        None stands for those of a window without a voice, or with too little sound.
        """
        config = self._spectrogram_config("classify windows")
        blocks = (mono_samples(chunk) for chunk in chunks)
        pieces = windows(blocks, rate, config.seconds or WINDOW, on_progress)
        return self._judged(pieces, rate, jobs)

    def _heard_rows(
        self,
        blocks: Iterable[Samples],
        again: Callable[[], Iterable[Samples]],
        rate: int,
        jobs: int = 1,
        on_progress: Callable[[float], None] = lambda seconds: None,
    ) -> Iterator[tuple[Window, Probabilities | None]]:
        """As `window_rows`; where nobody is heard in what stands out, those of all there is.

        Somebody may speak where no part stands out by its energy. `again` gives the blocks anew.
        """
        nobody = True
        for window, row in self.window_rows(blocks, rate, jobs, on_progress):
            nobody = nobody and row is None
            if not nobody:
                yield window, row
        if nobody:
            config = self._spectrogram_config("classify windows")
            every = all_windows(again(), rate, config.seconds or WINDOW)
            yield from self._judged(every, rate, jobs)

    def _judged(
        self, pieces: Iterable[Window], rate: int, jobs: int
    ) -> Iterator[tuple[Window, Probabilities | None]]:
        config = self._spectrogram_config("classify windows")

        def judge(window: Window) -> tuple[Window, Probabilities | None]:
            without = replace(window, samples=_NONE)
            try:
                spectrogram = clip_spectrogram("window", _waveform(window.samples, rate), config)
            except InputError:
                return without, None
            if not (self.any_sound or holds_speech(window.samples, rate)):
                return without, None
            return without, self.probabilities(spectrogram[None])[0]

        yield from in_order(judge, pieces, jobs)

    def _spectrogram_config(self, purpose: str) -> SpectrogramConfig:
        config = self.config.recipe.spectrogram
        if config is None:
            raise UsageError(f"only a model that reads spectrograms can {purpose}; use a cnn2d")
        return config

    def segments(
        self,
        path: Path | str,
        live: bool = False,
        jobs: int = -1,
        on_block: Callable[[Samples, int, float], None] = lambda block, rate, duration: None,
        on_damage: Callable[[], None] = lambda: None,
    ) -> Iterator[Segment]:
        """Hear a long recording, at bounded memory.

        Parameters
        ----------
        path : path
            A sound or video file, or ``-`` for standard input.
        live : bool
            Answer while a pipe is written to; see `avser_cli.audio.decoding.open_sound`.
        jobs : int
            Threads; -1 for one a core.
        on_block : callable
            Called with each mono block, its rate in Hz, and the length that the header states.
        on_damage : callable
            Called at the end where some of the sound could not be decoded.

        Raises
        ------
        InputError
            As for `predict`, also after the first segments.
        """
        with open_sound(Path(path), live, self.selection) as sound:
            stream = sound.stream

            def blocks() -> Iterator[Samples]:
                for block in sound.blocks():
                    on_block(block, stream.rate, stream.duration)
                    yield block

            if live:
                rows = self.window_rows(blocks(), stream.rate, jobs)
            else:
                rows = self._heard_rows(blocks(), sound.blocks_again, stream.rate, jobs)
            yield from self._segments(rows, stream.rate)
            if sound.damaged:
                on_damage()

    def given_segments(
        self,
        path: Path | str,
        segments: Sequence[GivenSegment],
        speaker_reference: bool = False,
        jobs: int = -1,
        on_block: Callable[[Samples, int, float], None] = lambda block, rate, duration: None,
        on_damage: Callable[[], None] = lambda: None,
    ) -> list[Segment | None]:
        """Classify parts of a recording that somebody else marked, at bounded memory.

        Parameters
        ----------
        path : path
            As for `segments`.
        segments : sequence of GivenSegment
            `avser_cli.inference.segment_files.read_segments` reads them from a file. Each is
            judged as a recording of its own.
        speaker_reference : bool
            Take each speaker's segments, `MIN_RECORDINGS` or more, as the reference of that
            speaker.
        jobs : int
            Threads; -1 for one a core.
        on_block, on_damage : callable
            As for `segments`.

        Returns
        -------
        list of Segment or None
            One for each; None where nobody speaks in it, or too little is left to be judged.

        Raises
        ------
        InputError
            The recording cannot be decoded, or ends before a segment starts.
        """
        with open_sound(Path(path), selection=self.selection) as sound:
            rate, seconds = sound.stream.rate, 0.0

            def blocks() -> Iterator[Samples]:
                nonlocal seconds
                for block in sound.blocks():
                    seconds += len(block) / rate
                    on_block(block, rate, sound.stream.duration)
                    yield block

            def judge(part: tuple[int, Samples]) -> tuple[int, Probabilities | None]:
                place, samples = part
                try:
                    found = self._predict_array(sound.name, samples, rate)
                except InputError:
                    return place, None
                return place, np.array(list(found.probabilities.values()), np.float32)

            rows = dict(in_order(judge, cut_segments(blocks(), rate, segments), jobs))
            late = [segment for segment in segments if segment.start >= seconds]
            if late:
                raise InputError(
                    f"{sound.name}: {len(late)} of {len(segments)} segments start after its end "
                    f"({seconds:.1f} s); are they of another recording?"
                )
            if sound.damaged:
                on_damage()
        ordered = [rows[place] for place in range(len(segments))]
        if speaker_reference:
            ordered = normalize_by_speaker([segment.speaker for segment in segments], ordered)
        return [
            None
            if row is None
            else Segment(
                given.start, min(given.end, round(seconds, 3)), self._prediction(row), given.speaker
            )
            for given, row in zip(segments, ordered, strict=True)
        ]

    @property
    def _span(self) -> float | None:
        """Seconds that the network reads at once; None where it reads a recording as a whole."""
        config = self.config.recipe.spectrogram
        return config.seconds if config is not None else None

    def _predict_array(self, name: str, samples: Samples, rate: int) -> RecordingPrediction:
        if self._span is None:
            config = self.config.recipe.spectrogram or SpectrogramConfig()
            kept = audible_part(name, _waveform(samples, rate), config.trim)
            return self._predict_at_once(name, samples, kept, rate)
        return self._predict_blocks(name, iter([samples]), rate)

    def _predict_blocks(
        self,
        name: str,
        blocks: Iterator[Samples],
        rate: int,
        jobs: int = 1,
        on_progress: Callable[[float], None] = lambda seconds: None,
        again: Callable[[], Iterable[Samples]] = tuple,
    ) -> RecordingPrediction:
        """A recording of any length: within the network's span at once, else in windows.

        `again` gives the blocks of one that is too long to be held once more.
        """
        config = self._spectrogram_config("classify windows")
        span = config.seconds or WINDOW
        held = take_seconds(blocks, HELD_SECONDS, rate)
        if len(held) == 0:
            raise InputError(f"{name}: holds no samples; copy or record it again")
        rest = next(blocks, None)
        if rest is None:
            kept = audible_part(name, _waveform(held, rate), config.trim)
            if len(kept) <= span * rate:
                return self._predict_at_once(name, held, kept, rate)
        seconds = 0.0

        def count(received: float) -> None:
            nonlocal seconds
            seconds = received
            on_progress(received)

        frame = frame_length(rate) / rate
        if rest is None:
            rows = self._heard_rows([held], lambda: [kept], rate, jobs, count)
        else:
            parts = chain([held, rest], blocks)
            rows = self._heard_rows(parts, again, rate, jobs, count)
        found = pool_windows(rows, frame)
        if found is None:
            raise NoVoiceError(name, seconds)
        return self._recording_prediction(found.probabilities, seconds, found.speech, found.windows)

    def _predict_at_once(
        self, name: str, samples: Samples, kept: Samples, rate: int
    ) -> RecordingPrediction:
        """A recording that the network reads as a whole; `kept` is its audible part."""
        seconds = len(samples) / rate
        if not (self.any_sound or holds_speech(kept, rate)):
            raise NoVoiceError(name, seconds)
        config = self.config.recipe.spectrogram
        if config is None:
            from avser_cli.features.acoustic import feature_vector

            inputs: npt.NDArray[Any] = feature_vector(samples, rate)
        else:
            try:
                # Trimmed already: not to be done twice.
                inputs = draw_spectrogram(kept, rate, replace(config, trim=None))
            except UsageError as error:
                raise InputError(f"{name}: {error}") from None
        row = self.probabilities(inputs[None])[0]
        return self._recording_prediction(row, seconds, len(kept) / rate)

    def explain(self, path: Path | str) -> Explanation:
        """What the answer for a sound file depends on, at the cost of some 200 answers.

        Of a recording over the network's span it is the window that speaks most for the answer.

        Raises
        ------
        UsageError
            The model does not read pictures.
        InputError
            As for `predict`.
        """
        config = self._spectrogram_config("explain its answers")
        path = Path(path)
        waveform = read_waveform(path, self.selection)
        prediction = self.predict_waveform(display_name(path), waveform)
        answer = self.config.labels.index(prediction.emotion)
        samples, rate = waveform.samples, waveform.rate
        first, last = self._strongest_window(samples, rate, answer)
        part = samples[first:last]
        spectrogram = clip_spectrogram(path, _waveform(part, rate), config)
        lost = occlusion_map(
            spectrogram, lambda spectrograms: self.probabilities(spectrograms)[:, answer]
        )
        frequencies = frequency_axis(config, rate).center_frequencies()
        start, end = (first / rate + second for second in spectrogram_span(part, rate, config))
        return Explanation(prediction, spectrogram, lost, frequencies, start, end)

    def _strongest_window(self, samples: Samples, rate: int, answer: int) -> tuple[int, int]:
        """First sample and end of the window that speaks most for an answer; all of a short one."""
        config = self._spectrogram_config("explain its answers")
        kept = trim_silence(samples, rate, config.trim or np.inf)
        if config.seconds is None or len(kept) <= config.seconds * rate:
            return 0, len(samples)
        judged = [
            (row[answer], window.start, window.end)
            for window, row in self._heard_rows([samples], lambda: [samples], rate)
            if row is not None
        ]
        if not judged:
            return 0, len(samples)
        _, first, last = max(judged)
        return first * frame_length(rate), last * frame_length(rate)

    def probabilities(self, inputs: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """As `CalibratedNetwork.probabilities`; what a speaker's reference says is taken off."""
        found = self._network.probabilities(inputs)
        return found if self.normalization is None else self.normalization.apply(found)

    @property
    def name(self) -> str:
        """The bundle's name and what tells its answers apart, e.g. ``default@67600fa8``.

        These are eight digits of a checksum of its weights, calibration and categories. A reference
        of the speaker follows by its key, ``default@67600fa8+3c0d5c92``, then a channel or a track
        of files, ``default@67600fa8:left``, and ``+any-sound``.
        """
        config = self.config
        files, calibration = config.files, config.calibration
        parts = [
            files.get(TFLITE, files.get(MLP)),
            dict(config.categories),
            calibration.as_dict() if calibration else None,
        ]
        digits = sha256(json.dumps(parts, sort_keys=True).encode())[:8]
        normalization = f"+{self.normalization.key}" if self.normalization else ""
        any_sound = "+any-sound" if self.any_sound else ""
        return f"{config.name}@{digits}{normalization}{self.selection.mark}{any_sound}"

    def _prediction(self, row: Probabilities) -> Prediction:
        best = int(row.argmax())
        emotion = self.config.labels[best]
        calibration = self.config.calibration
        return Prediction(
            emotion=emotion,
            category=self.config.category(emotion),
            confidence=float(row[best]),
            probabilities={
                label: float(value) for label, value in zip(self.config.labels, row, strict=True)
            },
            uncertain=calibration is not None and float(row[best]) < calibration.threshold,
        )

    def _recording_prediction(
        self, row: Probabilities, seconds: float, speech: float, windows: int = 1
    ) -> RecordingPrediction:
        answer = vars(self._prediction(row))
        return RecordingPrediction(**answer, seconds=seconds, speech=speech, windows=windows)


_NONE: Samples = np.empty(0, np.float32)


def _waveform(samples: Samples, rate: int) -> Waveform:
    return Waveform(samples, rate, Stream("memory", "FLOAT", rate, 1, len(samples)))
