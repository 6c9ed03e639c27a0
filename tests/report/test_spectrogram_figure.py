import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from avser_cli.checksums import sha256
from avser_cli.features.spectrogram import SpectrogramConfig
from avser_cli.report.spectrogram_figure import (
    PALETTES,
    FigureRenderer,
    frequency_ticks,
)
from tests.synthetic import voice, write_wav

SMALL = SpectrogramConfig(
    width=300, height=200, scale="linear", fmin=0, fmax=None, seconds=None, trim=None
)


def test_ticks_lie_where_their_frequencies_do():
    places, hertz = frequency_ticks(SMALL, 24000)
    assert hertz == list(range(0, 24001, 2000))
    np.testing.assert_allclose(places, np.array(hertz) / 24000)
    log = SpectrogramConfig(scale="log", fmin=50, fmax=5000)
    places, hertz = frequency_ticks(log, 5000)
    assert (places[0], hertz[0], places[-1], hertz[-1]) == (0, 50, 1, 5000)
    assert places[hertz.index(500)] == pytest.approx(0.5)
    places, hertz = frequency_ticks(SpectrogramConfig(scale="mel", fmin=50), 8000)
    assert places == sorted(places)


@pytest.mark.parametrize("format", ["png", "svg", "pdf"])
def test_a_picture_knows_its_sound_and_settings(tmp_path, format):
    sound = write_wav(tmp_path / "a.wav", voice())
    renderer = FigureRenderer("spek", SMALL, format=format)
    drawn, info = renderer.render(sound)
    assert renderer.render(sound)[0] == drawn
    (tmp_path / "a").write_bytes(drawn)
    source = sha256(sound.read_bytes())
    assert renderer.current(tmp_path / "a", source) == info
    assert renderer.current(tmp_path / "a", "0" * 64) is None
    assert (
        FigureRenderer("spek", SMALL, "sox", format=format).current(tmp_path / "a", source) is None
    )
    assert renderer.current(tmp_path / "b", source) is None


@pytest.mark.parametrize("palette", PALETTES)
def test_every_palette_draws(tmp_path, palette):
    sound = write_wav(tmp_path / "a.wav", voice())
    assert (
        FigureRenderer("waveform", SMALL, palette, "transparent").render(sound)[0][:4] == b"\x89PNG"
    )


def test_a_long_recording_is_drawn_at_bounded_memory(tmp_path, monkeypatch):
    samples = voice(seconds=5.0)
    sound = write_wav(tmp_path / "a.wav", samples, subtype="FLOAT")
    whole, expected = FigureRenderer("waveform", SMALL).render(sound)
    monkeypatch.setattr("avser_cli.report.spectrogram_figure.MAX_SECONDS", 3.0)
    renderer = FigureRenderer("waveform", SMALL)
    drawn, info = renderer.render(sound)
    assert drawn != whole
    assert replace(info, rms=expected.rms) == expected
    assert info.rms == pytest.approx(expected.rms, abs=0.02)
    (tmp_path / "a.png").write_bytes(drawn)
    assert renderer.current(tmp_path / "a.png", sha256(sound.read_bytes())) == info
    pixels, before = (
        np.asarray(Image.open(io.BytesIO(x)).convert("L"), float) for x in (drawn, whole)
    )
    assert np.abs(pixels - before).mean() < 10
