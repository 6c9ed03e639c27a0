"""The window of Spek 0.8.2, drawn as that program saves it, for experiments on the paper.

Layout, colours and levels are those that Spek's sources state (github.com/alexkay/spek, until 0.8.5
of 2023: margins of 60, 60, 90 and 40 pixels, -120 to -20 dB, Dan Bruton's spectrum). Letters are
DejaVu's: Spek takes the system's. It writes the whole path of a file as title; here that is what
the caller gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from avser_cli.audio.decoding import Waveform
from avser_cli.features.stft import power_spectra
from avser_cli.report.stream_line import stream_line

LEFT, TOP, RIGHT, BOTTOM, GAP, SCALE = 60, 60, 90, 40, 10, 10
"""Margins around the plot, the gap between things, and the width of the colour scale, in pixels."""
LOWEST, HIGHEST = -120.0, -20.0
"""Ends of the colour scale in Spek's dB, where a full-scale sine is at -12."""
TRANSFORM = 2048
BANDS = TRANSFORM // 2 + 1
VERSION = "0.8.2"
WHITE = (255, 255, 255)
POINTS = {"title": 10, "facts": 9, "ruler": 8}
DOTS_PER_INCH = 96

Levels = npt.NDArray[np.float64]
Gray = npt.NDArray[np.uint8]


def spectrum_colors(levels: Levels) -> Gray:
    """Spek's colours of levels from 0 to 1, with an axis of red, green and blue at the end.

    From black over violet, blue, cyan, green and yellow to red. The very top is black: Spek's
    comparison leaves it out.
    """
    place = levels * 0.6625
    red = np.interp(place, [0, 0.15, 0.325, 0.5], [2 / 3, 0, 0, 1])
    green = np.interp(place, [0.15, 0.275, 0.5, 0.6625], [0, 1, 1, 0])
    blue = np.interp(place, [0.275, 0.325], [1, 0])
    intensity = np.where(levels < 1, np.minimum(place / 0.1, 1), 0)
    colors = np.stack([red, green, blue], axis=-1) * intensity[..., None]
    return (colors * 255 + 0.5).astype(np.uint8)


def spek_levels(samples: npt.NDArray[np.float32], columns: int) -> Levels:
    """Levels in Spek's dB, shape ``(BANDS, columns)``, row 0 the highest frequency.

    A column is the spectrum of the 2,048 samples before its end. Of columns that are longer Spek
    averages several; a clip of RAVDESS has none.
    """
    starts = np.floor(np.arange(1, columns + 1) * len(samples) / columns).astype(np.int64)
    padded = np.concatenate([np.zeros(TRANSFORM, np.float32), samples])
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(TRANSFORM) / TRANSFORM)
    power = power_spectra(padded, starts, hann.astype(np.float32), TRANSFORM)
    db = 10 * np.log10(np.maximum(power.astype(np.float64) / TRANSFORM**2, 1e-20))
    return db.T[::-1]


def to_gray(picture: Image.Image) -> Image.Image:
    """By luminance (ITU-R 601), as OpenCV and Pillow do."""
    return picture.convert("L")


def shrink(gray: Image.Image, side: int, averaged: bool = False) -> Gray:
    """A gray picture as a square of `side` pixels.

    Parameters
    ----------
    gray : PIL.Image.Image
    side : int
    averaged : bool
        Every pixel counts; else each new pixel is between the four next to its middle, as
        ``cv2.resize`` has it without further arguments.
    """
    if averaged:
        small = gray.resize((side, side), Image.Resampling.BILINEAR)
    else:
        steps = (gray.width / side, 0, 0, 0, gray.height / side, 0)
        small = gray.transform(
            (side, side), Image.Transform.AFFINE, steps, Image.Resampling.BILINEAR
        )
    return np.asarray(small, np.uint8)


@lru_cache
def _font(kind: str) -> ImageFont.FreeTypeFont:
    import matplotlib as mpl

    name = "DejaVuSans-Bold.ttf" if kind == "title" else "DejaVuSans.ttf"
    path = Path(mpl.get_data_path()) / "fonts" / "ttf" / name
    return ImageFont.truetype(path, POINTS[kind] * DOTS_PER_INCH / 72)


def _height(kind: str) -> int:
    return sum(_font(kind).getmetrics())


@dataclass(frozen=True)
class Ruler:
    """Numbers along a side of the plot.

    Attributes
    ----------
    low, high : int
        Its ends.
    pixels : float
        Of a unit.
    steps : sequence of int
        Distances to choose from.
    label : callable
        From a number to what is written.
    """

    low: int
    high: int
    pixels: float
    steps: Sequence[int]
    label: Callable[[int], str]

    def ticks(self, longest: float, spacing: float) -> list[int]:
        """The numbers: both ends and, as labels of `longest` pixels have room, some between."""
        fitting = [step for step in self.steps if step * self.pixels >= spacing * longest]
        between = range(self.low + fitting[0], self.high, fitting[0]) if fitting else ()
        room = [tick for tick in between if (self.high - tick) * self.pixels >= 1.2 * longest]
        return [self.low, *room, *([self.high] if self.high > self.low else [])]


@dataclass(frozen=True)
class SpekWindow:
    """A window of so many pixels; 640 x 480 is what Spek opens.

    Attributes
    ----------
    width, height : int
    """

    width: int = 640
    height: int = 480

    @property
    def plot_size(self) -> tuple[int, int]:
        """Width and height of the spectrogram."""
        return self.width - LEFT - RIGHT, self.height - TOP - BOTTOM

    @property
    def plot_box(self) -> tuple[int, int, int, int]:
        """Left, upper, right and lower end of the spectrogram."""
        width, height = self.plot_size
        return LEFT, TOP, LEFT + width, TOP + height

    @property
    def title_rows(self) -> tuple[int, int]:
        """First row of the title's line, and the one after its last."""
        first = TOP - 2 * GAP - _height("facts") - _height("title")
        return first, first + _height("title")

    def title_rows_of(self, side: int) -> slice:
        """The rows of a shrunk window that the title's line reaches."""
        first, end = (row * side / self.height for row in self.title_rows)
        return slice(max(0, int(np.floor(first)) - 1), int(np.ceil(end)) + 1)

    def plot(self, waveform: Waveform) -> Image.Image:
        """The spectrogram alone, in colours."""
        width, height = self.plot_size
        levels = spek_levels(waveform.samples, width)[np.arange(height) * BANDS // height]
        share = (np.clip(levels, LOWEST, HIGHEST) - LOWEST) / (HIGHEST - LOWEST)
        return Image.fromarray(spectrum_colors(share))

    def draw(self, waveform: Waveform, title: str = "") -> Image.Image:
        """The whole window, in colours; without a title, its line is black."""
        picture = Image.new("RGB", (self.width, self.height))
        picture.paste(self.plot(waveform), (LEFT, TOP))
        draw = ImageDraw.Draw(picture)
        left, upper, right, lower = self.plot_box
        draw.rectangle((left, upper, right - 1, lower - 1), outline=WHITE)
        self._write_title(draw, title)
        facts = TOP - GAP - _height("facts")
        line = stream_line(waveform.stream, 0)
        draw.text((LEFT, facts), line, WHITE, _font("facts"))
        self._write_name(draw)
        self._draw_scale(picture)
        self._draw_rulers(draw, waveform)
        return picture

    def draw_title(self, title: str) -> Image.Image:
        """A black window with nothing but a title, gray."""
        picture = Image.new("RGB", (self.width, self.height))
        self._write_title(ImageDraw.Draw(picture), title)
        return to_gray(picture)

    def _write_title(self, draw: ImageDraw.ImageDraw, title: str) -> None:
        draw.text((LEFT, self.title_rows[0]), title, WHITE, _font("title"))

    def _write_name(self, draw: ImageDraw.ImageDraw) -> None:
        start = self.width - RIGHT + GAP
        end = self.title_rows[1]
        draw.text((start, self.title_rows[0]), "Spek", WHITE, _font("title"))
        behind = start + draw.textlength("Spek ", _font("title"))
        draw.text((behind, end - _height("ruler")), VERSION, WHITE, _font("ruler"))

    def _draw_scale(self, picture: Image.Image) -> None:
        height = self.plot_size[1] + 1
        share = (np.arange(height)[::-1] * BANDS // height) / BANDS
        scale = np.repeat(spectrum_colors(share)[:, None], SCALE, axis=1)
        picture.paste(Image.fromarray(scale), (self.width - RIGHT + GAP, TOP))

    def _draw_rulers(self, draw: ImageDraw.ImageDraw, waveform: Waveform) -> None:
        font = _font("ruler")
        width, height = self.plot_size
        left, upper, _, lower = self.plot_box
        minutes = [60 * minute for minute in (1, 2, 5, 10, 20, 30)]
        seconds = waveform.duration
        time = Ruler(
            0,
            int(seconds),
            width / seconds,
            [1, 2, 5, 10, 20, 30, *minutes],
            lambda at: f"{at // 60}:{at % 60:02d}",
        )
        for at in time.ticks(draw.textlength("00:00", font), 1.5):
            x = left + at * time.pixels
            draw.line((x, lower, x, lower + 4), WHITE)
            draw.text((x, lower + GAP), time.label(at), WHITE, font, anchor="ma")
        top = waveform.rate // 2
        steps = [1000, 2000, 5000, 10_000, 20_000]
        frequency = Ruler(0, top, height / top, steps, lambda at: f"{at // 1000} kHz")
        for at in frequency.ticks(_height("ruler"), 3.0):
            y = upper + (top - at) * frequency.pixels
            draw.line((left - 4, y, left, y), WHITE)
            draw.text((left - GAP, y), frequency.label(at), WHITE, font, anchor="rm")
        quiet, loud = int(-LOWEST), int(-HIGHEST)
        steps = [1, 2, 5, 10, 20, 50]
        level = Ruler(loud, quiet, height / (quiet - loud), steps, lambda at: f"{-at} dB")
        for at in level.ticks(_height("ruler"), 3.0):
            x, y = self.width - RIGHT + GAP + SCALE, upper + (at - loud) * level.pixels
            draw.line((x, y, x + 4, y), WHITE)
            draw.text((x + GAP, y), level.label(at), WHITE, font, anchor="lm")
