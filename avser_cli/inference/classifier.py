"""From a sound to an emotion, without TensorFlow."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from avser_cli.audio.decoding import Stream, Waveform, check_rate, open_sound, read_waveform
from avser_cli.audio.sample_arrays import mono_samples
from avser_cli.audio.selection import EVERYTHING, SoundSelection
from avser_cli.audio.streams import Samples
from avser_cli.audio.vad import frame_length
from avser_cli.data.emotions import CATEGORIES
from avser_cli.errors import InputError, ModelError, UsageError
from avser_cli.features.render import check_long_enough, clip_spectrogram
from avser_cli.features.spectrogram import SpectrogramConfig, frequency_axis, spectrogram_span
from avser_cli.inference.explanation import occlusion_map
from avser_cli.inference.loading import load_network, resolve_model
from avser_cli.inference.predictions import Explanation, Prediction, Segment
from avser_cli.inference.speaker_normalization import SpeakerNormalization
from avser_cli.inference.windows import WINDOW, Row, Window, spans, windows
from avser_cli.model.bundle import MLP, TFLITE, BundleConfig, read_config
from avser_cli.model.calibration import with_temperature
from avser_cli.model.mlp import MlpWeights
from avser_cli.model.tflite import TFLiteNetwork


class Classifier:
    """A loaded model bundle. Make one with `Classifier.load`; it may be used by many threads.

    Attributes
    ----------
    config : BundleConfig
    normalization : SpeakerNormalization or None
        What is taken off all answers.
    selection : SoundSelection
        Which channel of files, of which audio track, is classified.
    """

    def __init__(self, config: BundleConfig, network: TFLiteNetwork | MlpWeights) -> None:
        self.config = config
        self.normalization: SpeakerNormalization | None = None
        self.selection = EVERYTHING
        # Networks that no thread uses now; there are never more than threads.
        self._idle = [network]
        self._clone = network.clone if isinstance(network, TFLiteNetwork) else lambda: network

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
        return cls(config, load_network(place, config))

    def with_normalization(self, normalization: SpeakerNormalization | None) -> Self:
        """A classifier of one speaker, or of nobody, beside this one.

        `avser_cli.inference.speaker_reference.know_speaker` makes one from recordings.
        """
        classifier = copy(self)
        classifier.normalization = normalization
        return classifier

    def with_selection(self, selection: SoundSelection) -> Self:
        """A classifier of one channel of files, or of another audio track, beside this one."""
        classifier = copy(self)
        classifier.selection = selection
        return classifier

    def predict(self, path: Path | str) -> Prediction:
        """Classify a sound file.

        Raises
        ------
        InputError
            The file cannot be decoded, is silent, or is too short to be judged.
        """
        path = Path(path)
        return self.predict_clip(path, read_waveform(path, self.selection))

    def predict_samples(self, samples: npt.ArrayLike, rate: int) -> Prediction:
        """Classify samples from memory.

        Parameters
        ----------
        samples : array_like
            Shape ``(n,)``, ``(n, channels)`` or ``(channels, n)``; floats of full scale 1, or
            integers that fill their type.
        rate : int
            Sampling rate in Hz.

        Raises
        ------
        InputError
            There are NaN or infinite samples, they are silent, or too few to be judged.
        """
        check_rate(rate)
        return self.predict_clip("samples", _clip(mono_samples(samples, whole=True), rate))

    def predict_many(
        self,
        paths: Iterable[Path | str],
        jobs: int = -1,
    ) -> Iterator[tuple[Path, Prediction | InputError]]:
        """Classify sound files side by side, in their order, at bounded memory.

        Parameters
        ----------
        paths : iterable of path
        jobs : int
            Threads; -1 for one a core.

        Yields
        ------
        path : pathlib.Path
        prediction : Prediction or InputError
            The answer, or the error.
        """

        def classify_one(path: Path) -> tuple[Path, Prediction | InputError]:
            try:
                return path, self.predict(path)
            except InputError as error:
                return path, error

        yield from _in_order(classify_one, (Path(path) for path in paths), jobs)

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
        rows = self.window_rows(chunks, rate, jobs, on_progress)
        for span in spans(rows, frame_length(rate) / rate):
            yield Segment(span.start, span.end, self._prediction(span.probabilities))

    def window_rows(
        self,
        chunks: Iterable[npt.ArrayLike],
        rate: int,
        jobs: int = 1,
        on_progress: Callable[[float], None] = lambda seconds: None,
    ) -> Iterator[tuple[Window, Row | None]]:
        """The windows of `stream`, without their samples, and the probabilities for each.

        None stands for those of a window that holds too little sound.
        """
        config = self.config.recipe.spectrogram
        if config is None:
            raise UsageError(
                "only a model that reads spectrograms can classify windows; use a cnn2d"
            )

        def classify_one(window: Window) -> tuple[Window, Row | None]:
            clip = _clip(window.samples, rate)
            try:
                spectrogram = clip_spectrogram("window", clip, config)
            except InputError:
                return replace(window, samples=_NONE), None
            return replace(window, samples=_NONE), self.probabilities(spectrogram[None])[0]

        blocks = (mono_samples(chunk) for chunk in chunks)
        pieces = windows(blocks, rate, config.seconds or WINDOW, on_progress)
        yield from _in_order(classify_one, pieces, jobs)

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

            yield from self.stream(blocks(), stream.rate, jobs)
            if sound.damaged:
                on_damage()

    def predict_clip(self, name: Path | str, clip: Waveform) -> Prediction:
        """Classify a decoded clip; `name` stands in the messages of errors."""
        spectrogram = self.config.recipe.spectrogram
        if spectrogram is not None:
            return self._prediction(
                self.probabilities(clip_spectrogram(name, clip, spectrogram)[None])[0]
            )
        from avser_cli.features.acoustic import feature_vector

        check_long_enough(name, clip, SpectrogramConfig().trim)
        features = feature_vector(clip.samples, clip.rate)
        return self._prediction(self.probabilities(features[None])[0])

    def explain(self, path: Path | str) -> Explanation:
        """What the answer for a sound file depends on, at the cost of some 200 answers.

        Raises
        ------
        UsageError
            The model does not read pictures.
        InputError
            As for `predict`.
        """
        config = self.config.recipe.spectrogram
        if config is None:
            raise UsageError("only a model that reads pictures can be explained; use a cnn2d")
        clip = read_waveform(Path(path), self.selection)
        spectrogram = clip_spectrogram(path, clip, config)
        prediction = self._prediction(self.probabilities(spectrogram[None])[0])
        answer = self.config.labels.index(prediction.emotion)
        lost = occlusion_map(
            spectrogram, lambda spectrograms: self.probabilities(spectrograms)[:, answer]
        )
        frequencies = frequency_axis(config, clip.rate).center_frequencies()
        span = spectrogram_span(clip.samples, clip.rate, config)
        return Explanation(prediction, spectrogram, lost, frequencies, *span)

    def probabilities(self, inputs: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Probabilities for what the network reads, calibrated where the bundle says how.

        What a reference of the speaker says is taken off last.

        Parameters
        ----------
        inputs : numpy.ndarray
            uint8 pictures, shape ``(n, height, width)``, or float32 features ``(n, 181)``.

        Returns
        -------
        numpy.ndarray
            float32, shape ``(n, emotions)``; rows add up to 1.

        Raises
        ------
        ModelError
            What the network gives is no probabilities, or nothing.
        """
        try:
            network = self._idle.pop()
        except IndexError:
            network = self._clone()
        try:
            outputs = network.predict(inputs.astype(np.float32))
        except (ValueError, RuntimeError) as error:
            raise ModelError(f"{self.config.name}: cannot be asked ({error})") from None
        self._idle.append(network)
        # `not (a <= b)` is true for NaN too.
        if not (outputs.min(initial=0) >= 0 and np.all(np.abs(outputs.sum(axis=1) - 1) <= 0.01)):
            raise ModelError(
                f"{self.config.name}: its answers are no probabilities; train or copy again"
            )
        if self.config.calibration is not None:
            outputs = with_temperature(outputs, self.config.calibration.temperature)
        return outputs if self.normalization is None else self.normalization.apply(outputs)

    @property
    def name(self) -> str:
        """The bundle's name and the start of its weights' checksum, e.g. ``default@67600fa8``.

        With a reference of the speaker its key follows: ``default@67600fa8+3c0d5c92``; a channel or
        a track of files comes last: ``default@67600fa8:left``.
        """
        files = self.config.files
        normalization = f"+{self.normalization.key}" if self.normalization else ""
        weights = files.get(TFLITE, files.get(MLP, ""))[:8]
        return f"{self.config.name}@{weights}{normalization}{self.selection.mark}"

    def _prediction(self, row: npt.NDArray[np.float32]) -> Prediction:
        best = int(row.argmax())
        emotion = self.config.labels[best]
        calibration = self.config.calibration
        return Prediction(
            emotion=emotion,
            category=CATEGORIES[emotion],
            confidence=float(row[best]),
            probabilities={
                label: float(value) for label, value in zip(self.config.labels, row, strict=True)
            },
            uncertain=calibration is not None and float(row[best]) < calibration.threshold,
        )


_NONE: Samples = np.empty(0, np.float32)
_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


def _clip(samples: Samples, rate: int) -> Waveform:
    return Waveform(samples, rate, Stream("memory", "FLOAT", rate, 1, len(samples)))


def _in_order(
    function: Callable[[_Item], _Answer], items: Iterable[_Item], jobs: int
) -> Iterator[_Answer]:
    """Apply a function in threads; few items are held at a time."""
    if jobs == 0:
        raise UsageError("jobs=0: 1 or more, or -1 for one a core")
    if jobs == 1 or (isinstance(items, Sequence) and len(items) == 1):
        yield from map(function, items)
        return
    from joblib import Parallel, delayed

    # Who stops reading leaves results unread; joblib's advice about that is not for users.
    warnings.filterwarnings("ignore", module="joblib", message=".*input task iterator.*")
    # Threads: decoding, FFT and the network all release the interpreter lock.
    parallel = Parallel(n_jobs=jobs, prefer="threads", return_as="generator")
    yield from parallel(delayed(function)(item) for item in items)
