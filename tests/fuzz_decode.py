"""Fuzzes the decoding path with atheris (``pip install atheris``; Linux).

``python -m tests.fuzz_decode CORPUS -max_total_time=600``; options are libFuzzer's. CORPUS is a
folder that is filled with a tiny file of every container and grows. Whatever lies in a file, it
gives finite samples or an `InputError`. Coverage is that of the Python code: libsndfile and FFmpeg
come without instrumentation. `tests/stored/fuzz` holds what one such run kept; `tests.test_fuzz`
decodes it.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

from avser_cli.audio import decoding, ffmpeg_reader, input, soundfile_reader, streams
from avser_cli.errors import InputError
from tests.malformed_input import encoded, wav
from tests.synthetic import CODECS, tone, write_container


def seeds(folder):
    """Name and content of a tiny file of each container."""
    short = tone(seconds=0.05, rate=8000)
    for format, subtype in (
        ("WAV", "PCM_16"),
        ("WAV", "FLOAT"),
        ("WAV", "ULAW"),
        ("WAV", "IMA_ADPCM"),
        ("WAVEX", "PCM_24"),
        ("RF64", "PCM_16"),
        ("W64", "PCM_16"),
        ("AIFF", "PCM_16"),
        ("AU", "PCM_16"),
        ("CAF", "PCM_16"),
        ("FLAC", "PCM_16"),
        ("OGG", "VORBIS"),
        ("MP3", None),
    ):
        yield f"{format}-{subtype}".lower(), encoded(short, format, subtype, rate=8000)
    yield "stereo", encoded(np.stack([short, short / 2], axis=1), "WAV", rate=8000)
    yield "piped", wav(data_size=0, riff_size=0)[:400]
    longer = tone(seconds=0.1, rate=48000)
    for suffix in CODECS:
        yield suffix[1:], write_container(folder / f"seed{suffix}", longer).read_bytes()


def samples_of(path):
    """Samples of a file, or `None` where it is refused as it should be."""
    try:
        clip = decoding.read_waveform(path)
    except InputError as error:
        assert "\n" not in str(error)
        assert str(error).startswith(f"{path}: ")
        return None
    assert clip.samples.ndim == 1
    assert len(clip.samples) > 0
    assert np.isfinite(clip.samples).all()
    return clip.samples


def main():
    try:
        import atheris
    except ImportError:
        sys.exit("this needs the fuzzer atheris, on Linux: pip install atheris")
    corpus = next((Path(x) for x in sys.argv[1:] if not x.startswith("-")), None)
    if corpus is None:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        corpus.mkdir(parents=True, exist_ok=True)
        for name, content in seeds(folder):
            (corpus / name).write_bytes(content)
        path = folder / "sound"

        def one(data):
            path.write_bytes(data)
            samples_of(path)

        for module in (ffmpeg_reader, decoding, soundfile_reader, input, streams):
            for value in vars(module).values():
                if getattr(value, "__module__", None) == module.__name__:
                    instrument(atheris, value)
        limits = ["-max_len=20000", "-len_control=0", "-timeout=20", "-rss_limit_mb=2048"]
        atheris.Setup([*sys.argv, *limits], one)
        atheris.Fuzz()


def instrument(atheris, value):
    """A function, or the methods of a class, so that the fuzzer sees what they do."""
    found = vars(value).values() if isinstance(value, type) else [value]
    for function in found:
        if hasattr(function, "__code__"):
            atheris.instrument_func(function)


if __name__ == "__main__":
    main()
