import pytest

from avser_cli.audio.streams import Stream
from avser_cli.report.stream_line import stream_line


@pytest.mark.parametrize(
    ("stream", "size", "line"),
    [
        (
            Stream("WAV", "PCM_16", 48000, 1, 48000),
            96044,
            "PCM signed 16-bit little-endian, 768 kbps, 48000 Hz, 1 channel",
        ),
        (
            Stream("AIFF", "PCM_24", 44100, 2, 44100),
            0,
            "PCM signed 24-bit big-endian, 2116 kbps, 44100 Hz, 2 channels",
        ),
        (Stream("WAV", "PCM_U8", 8000, 1, 8000), 0,
         "PCM unsigned 8-bit, 64 kbps, 8000 Hz, 1 channel"),
        (Stream("MP3", "MPEG_LAYER_III", 44100, 2, 44100), 16000,
         "MPEG LAYER III, 128 kbps, 44100 Hz, 2 channels"),
        (Stream("FLAC", "PCM_24", 48000, 1, 48000), 50000,
         "FLAC, 24 bits, 400 kbps, 48000 Hz, 1 channel"),
        (Stream("WAV", "PCM_16", 48000, 1, 0), 0,
         "PCM signed 16-bit little-endian, 768 kbps, 48000 Hz, 1 channel"),
    ],
)  # fmt: skip
def test_the_stream_in_speks_words(stream, size, line):
    assert stream_line(stream, size) == line
