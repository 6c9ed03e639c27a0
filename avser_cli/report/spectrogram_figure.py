"""Spectrograms for people, with axes and a colour scale: the paper's Figures 4 to 7."""

from __future__ import annotations

import io
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt

from avser_cli import __version__
from avser_cli.audio.audio_info import AudioInfo, RunningAudioInfo, audio_info, source_checksum
from avser_cli.audio.decoding import MAX_SECONDS, STDIN, Waveform, open_sound
from avser_cli.audio.input import display_name
from avser_cli.audio.selection import EVERYTHING, SoundSelection
from avser_cli.audio.streams import Samples, Stream
from avser_cli.caches import provide_library_caches
from avser_cli.checksums import sha256
from avser_cli.errors import InputError
from avser_cli.features.filterbank import mel_frequencies
from avser_cli.features.running_spectrogram import RunningSpectrogram
from avser_cli.features.spectrogram import SpectrogramConfig, spectrogram_db, spectrogram_span
from avser_cli.report.console import escape
from avser_cli.report.figures import new_figure
from avser_cli.report.stream_line import stream_line
from avser_cli.untrusted_input import decode, parse_json

Style = Literal["spek", "waveform"]
Background = Literal["light", "dark", "transparent"]
FileFormat = Literal["png", "svg", "pdf"]

DPI = 100
KEY = "avser-picture-"

PALETTES: dict[str, list[tuple[float, str]] | None] = {
    "spek": [
        (0.0, "#000000"),
        (0.1, "#3a00d0"),
        (0.23, "#0000ff"),
        (0.41, "#00ffff"),
        (0.49, "#00ff00"),
        (0.75, "#ffff00"),
        (1.0, "#ff0000"),
    ],
    "sox": [
        (0.0, "#000000"),
        (0.13, "#00003c"),
        (0.25, "#3c0082"),
        (0.42, "#a0006e"),
        (0.58, "#ff0000"),
        (0.71, "#ff8200"),
        (0.85, "#ffe040"),
        (1.0, "#ffffff"),
    ],
    "gray": None,
    "viridis": None,
    "magma": None,
    "inferno": None,
    "cividis": None,
}
"""Colours from silent to loud. The first two run as Spek's and SoX's do, for readers used to
them; the others are Matplotlib's, all perceptually uniform, and ``cividis`` also for people without
red-green vision."""


@dataclass(frozen=True)
class _Picture:
    """What a figure shows of a sound.

    Attributes
    ----------
    levels : numpy.ndarray
        dB, shape ``(height, width)``.
    span : (float, float)
        Start and end of `levels` in seconds.
    rate : int
        In Hz.
    times, low, high : numpy.ndarray
        Where in seconds each column of the waveform starts, its lowest and its highest sample.
    """

    levels: npt.NDArray[np.float32]
    span: tuple[float, float]
    rate: int
    times: npt.NDArray[np.float64]
    low: npt.NDArray[Any]
    high: npt.NDArray[Any]

    @classmethod
    def of_waveform(cls, waveform: Waveform, config: SpectrogramConfig) -> Self:
        """All of a sound, in memory."""
        samples, rate = waveform.samples, waveform.rate
        columns = min(len(samples), config.width)
        edges = np.linspace(0, len(samples), columns, endpoint=False).astype(np.intp)
        return cls(
            spectrogram_db(samples, rate, config),
            spectrogram_span(samples, rate, config),
            rate,
            edges / rate,
            np.minimum.reduceat(samples, edges),
            np.maximum.reduceat(samples, edges),
        )

    @classmethod
    def of_running(cls, running: RunningSpectrogram) -> Self:
        """A recording that came in as blocks."""
        levels, low, high = running.levels()
        times = np.linspace(0, running.seconds, len(low), endpoint=False)
        return cls(levels, (0.0, running.seconds), running.rate, times, low, high)


@dataclass(frozen=True)
class FigureRenderer:
    """Draws what people look at; an `avser_cli.features.render.Renderer`.

    Attributes
    ----------
    style : {"spek", "waveform"}
        Spectrogram under name and stream; or that under the waveform.
    config : SpectrogramConfig
        Of the spectrogram; its size is that of the whole picture.
    palette : str
        One of `PALETTES`.
    background : {"light", "dark", "transparent"}
    format : {"png", "svg", "pdf"}
    selection : SoundSelection
        Which channel of which audio track is drawn.
    """

    style: Style
    config: SpectrogramConfig
    palette: str = "spek"
    background: Background = "dark"
    format: FileFormat = "png"
    selection: SoundSelection = EVERYTHING

    def render(self, path: Path) -> tuple[bytes, AudioInfo]:
        """See `avser_cli.features.render.Renderer`."""
        picture, stream, info = self._read(path)
        line = stream_line(stream, _size(path))
        if self.selection != EVERYTHING:
            line += f": {self.selection.describe()}"
        provide_library_caches()
        import matplotlib

        with matplotlib.rc_context(self._drawing_rules()):
            lines = (escape(Path(display_name(path)).name), line)
            return self._file(self._figure(picture, lines), info), info

    def _read(self, path: Path) -> tuple[_Picture, Stream, AudioInfo]:
        """What is drawn of a sound; one of over ten minutes is not held in memory."""
        held: list[Samples] = []
        count = 0
        running: RunningSpectrogram | None = None
        facts = RunningAudioInfo()
        with open_sound(path, selection=self.selection) as sound:
            stream = sound.stream
            for block in sound.blocks():
                count += len(block)
                held.append(block)
                if running is None and count > MAX_SECONDS * stream.rate:
                    running = RunningSpectrogram(self.config, stream.rate)
                if running is not None:
                    for part in held:
                        running.feed(part)
                        facts.feed(part)
                    held = []
        if running is not None:
            info = facts.result(source_checksum(path), stream)
            return _Picture.of_running(running), stream, info
        if count == 0:
            raise InputError(f"{display_name(path)}: holds no samples; copy or record it again")
        samples = held[0] if len(held) == 1 else np.concatenate(held)
        waveform = Waveform(samples, stream.rate, stream, self.selection)
        info = audio_info(source_checksum(path), waveform)
        return _Picture.of_waveform(waveform, self.config), stream, info

    def current(self, spectrogram: Path, source_sha256: str) -> AudioInfo | None:
        """See `avser_cli.features.render.Renderer`."""
        try:
            content = spectrogram.read_bytes()
        except OSError:
            return None
        at = content.find(f"{KEY}{self._key(source_sha256)}".encode())
        return _info(content[at:]) if at >= 0 else None

    def _key(self, source_sha256: str) -> str:
        drawn = {**asdict(self), "selection": self.selection.as_dict()}
        if self.selection == EVERYTHING:
            del drawn["selection"]
        values = [__version__, source_sha256, drawn]
        return sha256(json.dumps(values).encode())

    def _figure(self, picture: _Picture, lines: tuple[str, str]) -> Any:
        width, height = self.config.width, self.config.height
        size = self._letters()
        ink, paper = self._inks()
        figure = new_figure(width / DPI, height / DPI)
        figure.set_facecolor(paper)
        if self.style == "waveform":
            wave, axes = figure.subplots(2, 1, sharex=True, height_ratios=[1, 2.4])
            self._draw_waveform(wave, picture, ink)
        else:
            wave = axes = figure.subplots()
        self._draw_spectrogram(figure, axes, picture)
        wave.set_title("\n".join(lines), loc="left", fontsize=size, parse_math=False)
        return figure

    def _inks(self) -> tuple[str, str]:
        """Colours of letters and paper."""
        return ("white", "black") if self.background == "dark" else ("black", "white")

    def _letters(self) -> float:
        """Size of letters in points."""
        return 10 * min(max(self.config.height / 600, 0.5), 4)

    def _drawing_rules(self) -> dict[str, Any]:
        """Matplotlib's settings for this picture."""
        inked = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
        # Figures that are the same byte for byte, and letters that are letters.
        fixed = {"svg.hashsalt": "avser", "svg.fonttype": "none", "pdf.fonttype": 42}
        return {**dict.fromkeys(inked, self._inks()[0]), **fixed, "font.size": self._letters()}

    def _draw_spectrogram(self, figure: Any, axes: Any, picture: _Picture) -> None:
        from matplotlib.ticker import FuncFormatter

        config = self.config
        levels = picture.levels
        ref_db = config.ref_db if config.level == "absolute" else float(levels.max())
        top = config.fmax if config.fmax is not None else picture.rate / 2
        image = axes.imshow(
            levels,
            cmap=_color_map(self.palette),
            vmin=ref_db - config.dynamic_range,
            vmax=ref_db,
            extent=(*picture.span, 0, 1),
            aspect="auto",
            interpolation="nearest",
        )
        places, frequencies = frequency_ticks(config, top)
        axes.set_yticks(places, [f"{hertz / 1000:g} kHz" for hertz in frequencies])
        axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: _time(seconds)))
        axes.set_xlabel("time")
        scale = figure.colorbar(image, ax=axes, pad=0.01, fraction=0.04)
        scale.ax.yaxis.set_major_formatter(FuncFormatter(lambda level, _: f"{level:.0f} dB"))

    def _draw_waveform(self, axes: Any, picture: _Picture, ink: str) -> None:
        low, high = picture.low, picture.high
        axes.fill_between(picture.times, low, high, step="post", color="#1f9ed8", linewidth=0.4)
        axes.set_facecolor("none")
        peak = max(float(high.max()), -float(low.min()), 1e-6)
        axes.set_ylim(-1.05 * peak, 1.05 * peak)
        axes.axhline(0, color=ink, linewidth=0.4, alpha=0.5)
        axes.set_ylabel("amplitude")
        axes.tick_params(labelbottom=False)

    def _file(self, figure: Any, info: AudioInfo) -> bytes:
        note = f"{KEY}{self._key(info.source_sha256)} {_packed(info)}"
        metadata: dict[str, Any] = {
            "png": {"Software": None, "Description": note},
            "svg": {"Date": None, "Description": note},
            "pdf": {"CreationDate": None, "Subject": note},
        }[self.format]
        buffer = io.BytesIO()
        figure.savefig(
            buffer,
            format=self.format,
            dpi=DPI,
            transparent=self.background == "transparent",
            metadata=metadata,
        )
        return buffer.getvalue()


def _size(path: Path) -> int:
    try:
        return 0 if path == STDIN else path.stat().st_size
    except OSError:  # It is gone since; what was read of it is drawn.
        return 0


def frequency_ticks(config: SpectrogramConfig, top: float) -> tuple[list[float], list[float]]:
    """Places from 0 (lowest) to 1 (highest) of round frequencies in Hz, and these.

    `top` is the highest frequency of the picture in Hz.
    """
    if config.scale == "linear":
        step = next(
            step
            for step in (100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 10**9)
            if (top - config.fmin) / step <= 12
        )
        first = -(-config.fmin // step) * step
        wanted = np.arange(first, top + 1e-6, step)
        return list((wanted - config.fmin) / (top - config.fmin)), list(wanted)
    wanted = np.array(
        [
            hertz
            for hertz in (50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
            if config.fmin <= hertz <= top
        ]
    )
    if config.scale == "log":
        places = np.log(wanted / config.fmin) / np.log(top / config.fmin)
    else:
        grid = mel_frequencies(1001, config.fmin, top)
        places = np.interp(wanted, grid, np.linspace(0, 1, 1001))
    return list(places), list(wanted)


def _color_map(name: str) -> Any:
    from matplotlib import colormaps
    from matplotlib.colors import LinearSegmentedColormap

    stops = PALETTES[name]
    return colormaps[name] if stops is None else LinearSegmentedColormap.from_list(name, stops)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds, 3), 60)
    return f"{int(minutes)}:{rest:06.3f}".rstrip("0").rstrip(".") if rest else f"{int(minutes)}:00"


def _packed(info: AudioInfo) -> str:
    """A fact as a word without characters that PNG, SVG or PDF would write otherwise."""
    return json.dumps(asdict(info)).encode().hex() + ";"


def _info(note: bytes) -> AudioInfo | None:
    try:
        packed = note[: note.index(b";")].split()[1]
        return decode(AudioInfo, parse_json(bytes.fromhex(packed.decode())))
    except (ValueError, IndexError, TypeError):
        return None
