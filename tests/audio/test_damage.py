"""Damage in the middle costs its own packets; times after it are the file's."""

import logging
from typing import Any

import av
import numpy as np
import pytest
import soundfile

from avser_cli.audio.decoding import open_sound, read_waveform
from avser_cli.audio.lengths import ogg_pages
from avser_cli.errors import InputError
from tests.audio.test_lengths import RATE, encode
from tests.synthetic import tone

SECONDS = 6.0
FORMATS = {".flac": ("FLAC", None), ".ogg": ("OGG", "VORBIS"), ".opus": ("OGG", "OPUS")}


def sound():
    """Three seconds at 300 Hz, three at 900 Hz, in a little noise."""
    samples = np.concatenate([tone(300, 3.0, RATE), tone(900, 3.0, RATE)])
    noise = np.random.default_rng(0).standard_normal(len(samples)) / 100
    return (samples + noise).astype(np.float32)


def written(path, format, subtype):
    soundfile.write(path, sound(), RATE, format=format, subtype=subtype)
    return bytearray(path.read_bytes())


def pitch_at(waveform, seconds):
    part = waveform.samples[round(seconds * RATE) :][: RATE // 4]
    return np.abs(np.fft.rfft(part)).argmax() * 4


@pytest.mark.parametrize("how", ["zeros", "random"])
@pytest.mark.parametrize("suffix", FORMATS)
def test_the_rest_is_read_at_its_time(tmp_path, suffix, how, caplog):
    path = tmp_path / f"a{suffix}"
    content = written(path, *FORMATS[suffix])
    place = len(content) // 4
    content[place : place + 3000] = (
        bytes(3000) if how == "zeros" else np.random.default_rng(1).bytes(3000)
    )
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING), open_sound(path) as opened:
        count = sum(len(block) for block in opened.blocks())
        assert opened.damaged
    assert count / RATE == pytest.approx(SECONDS, abs=0.1)
    assert caplog.text.count("damaged at") == 1
    waveform = read_waveform(path)
    assert pitch_at(waveform, 0.2) == pytest.approx(300, abs=4)
    assert pitch_at(waveform, 3.2) == pytest.approx(900, abs=4)
    assert pitch_at(waveform, 5.5) == pytest.approx(900, abs=4)


def test_an_mp3_goes_on_behind_damage(tmp_path, caplog):
    path = tmp_path / "a.mp3"
    content = written(path, "MP3", None)
    place = len(content) // 4
    content[place : place + 3000] = bytes(3000)
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert read_waveform(path).duration > SECONDS - 0.6
    assert "damaged" in caplog.text


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_flac_that_ends_early_is_truncated(tmp_path, share, caplog):
    path = tmp_path / "a.flac"
    content = written(path, "FLAC", None)
    path.write_bytes(content[: round(share * len(content))])
    with caplog.at_level(logging.WARNING), pytest.raises(InputError):
        read_waveform(path)
    assert caplog.text == ""


@pytest.mark.parametrize(("suffix", "codec"), [(".opus", "libopus"), (".oga", "flac")])
def test_a_gap_of_times_in_ogg_is_silence(tmp_path, suffix, codec, caplog):
    path = tmp_path / f"a{suffix}"
    with av.open(str(path), "w", format="ogg") as container:
        track: Any = container.add_stream(codec, rate=RATE, layout="mono")
        encode(container, track, sound(), [(2 * RATE, 2.0)])
    with caplog.at_level(logging.WARNING):
        waveform = read_waveform(path)
    assert waveform.duration == pytest.approx(SECONDS + 2.0, abs=0.1)
    assert np.abs(waveform.samples[round(2.3 * RATE) : round(3.7 * RATE)]).max() < 1e-3
    assert pitch_at(waveform, 6.0) == pytest.approx(900, abs=4)
    assert caplog.text == ""


@pytest.mark.parametrize("suffix", [".ogg", ".opus"])
def test_a_lost_page_is_silence(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    content = bytes(written(path, *FORMATS[suffix]))
    starts = [0]
    while (place := content.find(b"OggS", starts[-1] + 4)) > 0:
        starts.append(place)
    lost = len(starts) // 2
    path.write_bytes(content[: starts[lost]] + content[starts[lost + 1] :])
    with path.open("rb") as handle:
        pages = ogg_pages(handle)
    assert (pages.lost, pages.damaged) == (True, False)
    assert read_waveform(path).duration == pytest.approx(SECONDS, abs=0.1)


@pytest.mark.parametrize("suffix", [".ogg", ".opus"])
def test_whole_pages_have_no_gaps(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    written(path, *FORMATS[suffix])
    with path.open("rb") as handle:
        pages = ogg_pages(handle)
    assert not (pages.lost or pages.damaged or pages.gap)
    assert pages.links == [(0, path.stat().st_size)]
    assert pages.streams == 1
