"""Seconds there against seconds heard: recordings through 25 containers, codecs and ways to write.

``python -m benchmarks.round_trip [FOLDER]`` prints a row for each way: of how many recordings, the
largest and the mean difference in seconds. Without a folder they are made; of a folder the first
`COUNT` sounds are taken.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import av
import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from avser_cli.audio.decoding import read_waveform
from avser_cli.audio.folder import find_sounds
from avser_cli.audio.streams import Samples
from avser_cli.errors import InputError

COUNT = 40
RATE = 48000
"""All are written at this rate, which every codec here takes."""
PAUSE = 1.5
"""Seconds of a gap, and by which a late sound is late."""


@dataclass(frozen=True)
class Way:
    """How a recording is written.

    Attributes
    ----------
    name : str
    format : str
        FFmpeg's name of the container.
    codec : str
        FFmpeg's name of the encoder.
    options : dict of str to str
        Of the container.
    pause_at : float or None
        Share of the recording at which timestamps jump by `PAUSE`; 0 is a late start.
    parts : int
        So many files, one behind the other in one.
    """

    name: str
    format: str
    codec: str
    options: tuple[tuple[str, str], ...] = ()
    pause_at: float | None = None
    parts: int = 1

    def seconds(self, samples: Samples) -> float:
        """How long a player plays it."""
        pause = PAUSE if self.pause_at is not None else 0.0
        return self.parts * len(samples) / RATE + pause


WAYS = (
    Way("WAV", "wav", "pcm_s16le"),
    Way("WAV of floats", "wav", "pcm_f32le"),
    Way("AIFF", "aiff", "pcm_s16be"),
    Way("FLAC", "flac", "flac"),
    Way("MP3", "mp3", "libmp3lame"),
    Way("MP3 without a length", "mp3", "libmp3lame", (("write_xing", "0"),)),
    Way("MP3, two joined", "mp3", "libmp3lame", parts=2),
    Way("raw AAC", "adts", "aac"),
    Way("raw AAC, two joined", "adts", "aac", parts=2),
    Way("Opus", "ogg", "libopus"),
    Way("Opus, three chained", "ogg", "libopus", parts=3),
    Way("Opus with a gap", "ogg", "libopus", pause_at=0.5),
    Way("FLAC in Ogg", "ogg", "flac"),
    Way("FLAC in Ogg with a gap", "ogg", "flac", pause_at=0.5),
    Way("M4A", "ipod", "aac"),
    Way("MP4 with a gap", "mp4", "aac", pause_at=0.5),
    Way("MP4, late", "mp4", "aac", pause_at=0.0),
    Way("MP4 in fragments", "mp4", "aac", (("movflags", "frag_keyframe+empty_moov"),)),
    Way("MOV", "mov", "pcm_s16le"),
    Way("Matroska", "matroska", "flac"),
    Way("Matroska with a gap", "matroska", "libopus", pause_at=0.5),
    Way("Matroska, late", "matroska", "libopus", pause_at=0.0),
    Way("WebM", "webm", "libopus"),
    Way("MPEG-TS", "mpegts", "aac"),
    Way("AVI", "avi", "libmp3lame"),
)


def written(samples: Samples, way: Way) -> bytes:
    """A recording, shape ``(n,)`` at `RATE`, as a file."""
    return b"".join(_one_file(samples, way) for _ in range(way.parts))


def _one_file(samples: Samples, way: Way) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=way.format, options=dict(way.options)) as container:
        track: Any = container.add_stream(way.codec, rate=RATE, layout="mono")
        late_from = np.inf if way.pause_at is None else way.pause_at * len(samples) / RATE
        for packet in _packets(track, samples):
            if packet.pts * packet.time_base >= late_from:
                packet.pts += round(PAUSE / packet.time_base)
            packet.dts = packet.pts
            container.mux(packet)
    return file.getvalue()


def _packets(track: Any, samples: Samples) -> Iterator[Any]:
    frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
    frame.sample_rate, frame.pts = RATE, 0
    context = track.codec_context
    convert = av.AudioResampler(
        format=context.format, layout="mono", rate=RATE, frame_size=context.frame_size or 1024
    )
    for part in [*convert.resample(frame), *convert.resample(None), None]:
        yield from track.encode(part)


def made_recordings(count: int) -> Iterator[Samples]:
    """Buzzes of 2.5 to four seconds with pauses, each of another pitch.

    Ogg tells the time once a page, and the first is a second long: a gap in it is a late start.
    """
    for number in range(count):
        rng = np.random.default_rng(number)
        times = np.arange(round(rng.uniform(2.5, 4.0) * RATE)) / RATE
        pitch = rng.uniform(100, 300)
        buzz = sum(np.sin(2 * np.pi * pitch * k * times) / k for k in range(1, 9))
        yield (0.1 * buzz * (np.sin(5 * times) > -0.5)).astype(np.float32)


def recordings_of(folder: Path, count: int) -> Iterator[Samples]:
    """The first sounds of a folder, at `RATE`."""
    from scipy.signal import resample_poly

    for path in find_sounds(folder)[:count]:
        waveform = read_waveform(path)
        common = np.gcd(RATE, waveform.rate)
        yield resample_poly(waveform.samples, RATE // common, waveform.rate // common).astype(
            np.float32
        )


def differences(
    recordings: Iterable[Samples],
    way: Way,
    folder: Path,
    heard: Callable[[Path], float] = lambda path: read_waveform(path).duration,
) -> list[float]:
    """Seconds heard less seconds there, of each recording; NaN of one that is refused."""
    found = []
    path = folder / "recording"
    for samples in recordings:
        path.write_bytes(written(samples, way))
        try:
            found.append(heard(path) - way.seconds(samples))
        except InputError:
            found.append(float("nan"))
    return found


def main(
    folder: Annotated[Path | None, typer.Argument(help="Sounds; default: made ones.")] = None,
    count: Annotated[int, typer.Option(help="How many.")] = COUNT,
) -> None:
    """Print seconds heard against seconds there."""
    recordings = list(recordings_of(folder, count) if folder else made_recordings(count))
    total = sum(len(samples) for samples in recordings) / RATE
    table = Table("way", "refused", "largest difference, s", "mean, s")
    table.title = f"{len(recordings)} recordings, {total:.0f} s"
    with tempfile.TemporaryDirectory() as place:
        for way in WAYS:
            found = np.array(differences(recordings, way, Path(place)))
            refused = int(np.isnan(found).sum())
            found = found[~np.isnan(found)]
            largest = f"{np.abs(found).max():.3f}" if len(found) else ""
            mean = f"{found.mean():+.3f}" if len(found) else ""
            table.add_row(way.name, str(refused), largest, mean)
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
