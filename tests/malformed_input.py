"""Sounds and pictures that lie, break off or blow up, and what each command makes of them.

``python -m tests.malformed_input`` prints the table: each input's exit code from each command.
"""

import io
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image

from tests.platforms import PEAK_MEMORY
from tests.synthetic import PITCH, ravdess_name, tone, voice, write_wav

RATE = 16000
HEADER_BYTES = 44


def wav(rate=RATE, channels=1, bits=16, format_tag=1, data_size=None, riff_size=None):
    """A WAV file whose header may say something else than what follows."""
    data = (np.clip(voice(), -1, 1) * 32767).astype("<i2").tobytes()
    block = min(max(1, channels * bits // 8), 65535)
    head = struct.pack(
        "<HHIIHH", format_tag, channels, rate, min(rate * block, 2**32 - 1), block, bits
    )
    size = len(data) if data_size is None else data_size
    body = b"WAVEfmt " + struct.pack("<I", 16) + head + b"data" + struct.pack("<I", size) + data
    return b"RIFF" + struct.pack("<I", len(body) if riff_size is None else riff_size) + body


def encoded(samples, format, subtype=None, rate=RATE, **options):
    """A file that libsndfile writes."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=format, subtype=subtype, **options)
    return buffer.getvalue()


def damaged(content, at=0.5, size=200):
    """The same with some bytes in the middle overwritten."""
    start = int(len(content) * at)
    return content[:start] + b"\xa5" * size + content[start + size :]


def png(mode="L", size=(150, 150), **options):
    """A PNG that is no picture of avser's."""
    buffer = io.BytesIO()
    Image.new(mode, size, 0).save(buffer, "PNG", **options)
    return buffer.getvalue()


def bomb():
    """A PNG of a hundred thousand pixels a side in some hundred bytes."""
    content = bytearray(png())
    content[16:24] = struct.pack(">II", 100_000, 100_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


def sounds():
    """Name and content of each hostile sound."""
    good = voice()
    whole = wav()
    nan, infinite = good.copy(), good.copy()
    nan[100], infinite[100] = np.nan, np.inf
    found = {
        "lies-rate-0": wav(rate=0),
        "lies-rate-1": wav(rate=1),
        "lies-rate-4-GHz": wav(rate=2**32 - 1),
        "lies-channels-0": wav(channels=0),
        "lies-channels-65535": wav(channels=65535),
        "lies-bits-0": wav(bits=0),
        "lies-bits-7": wav(bits=7),
        "lies-bits-64": wav(bits=64),
        "lies-bits-65535": wav(bits=65535),
        "lies-format-mp3": wav(format_tag=0x55),
        "lies-format-unknown": wav(format_tag=0xBEEF),
        "data-0": wav(data_size=0),
        "data-odd": wav(data_size=len(good) * 2 - 1),
        "data-4-GiB": wav(data_size=2**32 - 1),
        "data-4-GiB-riff-too": wav(data_size=2**32 - 1, riff_size=2**32 - 1),
        "riff-0": wav(riff_size=0),
        "riff-2-GiB": wav(riff_size=2**31),
        "riff-too-short": wav(riff_size=20),
        "rifx": b"RIFX" + whole[4:],
        "no-wave": b"RIFF" + whole[4:8] + b"EVIL" + whole[12:],
        "empty": b"",
        "zeros": bytes(5000),
        "text": b"this is no sound\n" * 100,
        "playlist": b"#EXTM3U\nfile:///etc/passwd\n",
        "concat": b"ffconcat version 1.0\nfile /etc/passwd\n",
        "html": b"<html><body>404</body></html>",
        "zip": b"PK\x03\x04" + bytes(100),
        "rf64": encoded(good, "RF64"),
        "extensible": encoded(good, "WAVEX"),
        "a-law": encoded(good, "WAV", "ALAW"),
        "mu-law": encoded(good, "WAV", "ULAW"),
        "ima-adpcm": encoded(good, "WAV", "IMA_ADPCM"),
        "ms-adpcm": encoded(good, "WAV", "MS_ADPCM"),
        "float-nan": encoded(nan, "WAV", "FLOAT"),
        "float-infinite": encoded(infinite, "WAV", "FLOAT"),
        "float-huge": encoded(good * 1e30, "WAV", "FLOAT"),
        "float-tiny": encoded(good * 1e-30, "WAV", "FLOAT"),
        "double": encoded(good, "WAV", "DOUBLE"),
        "dc-offset": encoded(good * 0.3 + 0.5, "WAV"),
        "only-dc": encoded(np.full(RATE, 0.5), "WAV"),
        "square": encoded(np.sign(tone(200.0)), "WAV"),
        "one-sample": encoded(good[:1], "WAV"),
        "two-samples": encoded(good[:2], "WAV"),
        "no-sample": encoded(good[:0], "WAV"),
        "silence": encoded(np.zeros(RATE), "WAV"),
        "one-channel-silent": encoded(np.stack([good, 0 * good], axis=1), "WAV"),
        "channels-cancel": encoded(np.stack([good, -good], axis=1), "WAV"),
        "64-channels": encoded(np.stack([good] * 64, axis=1), "WAV"),
        "1-Hz": encoded(good[:100], "WAV", rate=1),
        "384-kHz": encoded(voice(rate=384000), "WAV", rate=384000),
        "eleven-minutes": encoded(np.tile(tone(seconds=1.0, rate=8000), 660), "WAV", rate=8000),
        "mp3": encoded(good, "MP3"),
        "mp3-cut": encoded(good, "MP3")[:-150],
        "mp3-damaged": damaged(encoded(good, "MP3")),
        "ogg-cut": encoded(good, "OGG")[:-300],
        "ogg-damaged": damaged(encoded(good, "OGG")),
        "flac-cut": encoded(good, "FLAC")[:-500],
        "flac-damaged": damaged(encoded(good, "FLAC")),
        "aiff": encoded(good, "AIFF"),
        "aiff-cut": encoded(good, "AIFF")[:-500],
        "a-picture": png(),
    }
    found |= {f"cut-at-{at:02}": whole[:at] for at in range(1, HEADER_BYTES + 1)}
    return {f"{name}.wav": content for name, content in found.items()}


def spectrograms():
    """Name and content of each hostile picture."""
    return {
        "bomb.png": bomb(),
        "plain.png": png(),
        "16-bit.png": png("I;16"),
        "palette.png": png("P"),
        "alpha.png": png("LA"),
        "colour.png": png("RGB"),
        "small.png": png(size=(10, 10)),
        "wide.png": png(size=(9000, 1)),
        "cut.png": png()[:60],
        "text.png": b"no picture",
        "empty.png": b"",
    }


MEASURED = f"""{PEAK_MEMORY}
import subprocess
limit, *command = sys.argv[1:]
code = subprocess.run(command, stdout=subprocess.DEVNULL, timeout=float(limit)).returncode
print(code, peak_memory("RUSAGE_CHILDREN"))
"""
"""A small process between: a child's peak memory starts with that of its parent."""


def outcome(arguments, folder, limit=60.0):
    """Exit code, seconds, memory in MB and stderr of one command, which may not hang."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "avser_cli", *map(str, arguments)]
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(limit), *command],
        capture_output=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "COLUMNS": "500"},
        check=True,
    )
    code, memory = map(int, done.stdout.split())
    return code, time.perf_counter() - start, memory, done.stderr.decode(errors="replace")


BATCH = f"""{PEAK_MEMORY}
import contextlib, io, json
from avser_cli.cli import main
for arguments in json.load(sys.stdin):
    sys.argv, told, code = ["avser", *arguments], io.StringIO(), 0
    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(io.StringIO()):
        try:
            main()
        except SystemExit as leaving:
            code = leaving.code or 0
    memory = peak_memory("RUSAGE_SELF")
    print(json.dumps([code, told.getvalue(), memory]), flush=True)
"""


BETWEEN = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"
"""As in `MEASURED`: the tests' own memory is not the commands'."""


def outcomes(commands, folder, limit=600.0):
    """Exit code and stderr of each command, and the memory in MB that one process took for all."""
    done = subprocess.run(
        [sys.executable, "-c", BETWEEN, sys.executable, "-c", BATCH],
        input=json.dumps([[str(word) for word in command] for command in commands]),
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "COLUMNS": "500"},
        timeout=limit,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    # A crash of a decoder ends the process: say at which command.
    assert len(lines) == len(commands), (done.returncode, commands[len(lines)], done.stderr[-2000:])
    return [(code, told) for code, told, _ in lines], max(memory for *_, memory in lines)


MODEL = Path(__file__).parent / "stored" / "bundle-format-1"
COMMANDS = ("spectrogram", "train", "evaluate", "classify")


def commands_on(folder, name, content):
    """The four commands on one input, which lies alone and, under RAVDESS's name, in folders."""
    (folder / name).write_bytes(content)
    called = f"{ravdess_name('sad', actor=20)}{Path(name).suffix}"
    alone, among = folder / "alone" / name, folder / "among" / name
    for place in (alone, among):
        place.mkdir(parents=True)
        (place / called).write_bytes(content)
    if name.endswith(".wav"):
        for clip in (folder / "good").iterdir():
            os.link(clip, among / clip.name)
    return [
        ["spectrogram", name, folder / "drawn" / f"{name}.png"],
        ["train", among, "--network", "mlp", "--epochs", "1", "--out", folder / "models" / name],
        ["evaluate", alone, "--model", MODEL, "--part", "new", "--figure", folder / "figure.png"],
        ["classify", name, "--any-sound", "--model", MODEL],
    ]


def good_clips(folder):
    """Enough to train on, and to hold two of each emotion out."""
    for emotion in PITCH:
        for actor in range(1, 9):
            name = f"{ravdess_name(emotion, actor=actor)}.wav"
            write_wav(folder / name, voice(emotion, seed=actor))


def main():
    """Print what each command makes of each input."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        good_clips(folder / "good")
        inputs = sounds() | spectrograms()
        commands = [x for item in inputs.items() for x in commands_on(folder, *item)]
        found, memory = outcomes(commands, folder, limit=3600.0)
    widths = " ".join(f"{command:>11}" for command in COMMANDS)
    print(f"{'input':<24} {widths}  what the last of them to complain says")
    for number, name in enumerate(inputs):
        four = found[4 * number : 4 * number + 4]
        codes = [
            f"{code}, left out" if code == 0 and "left out: " in told else str(code)
            for code, told in four
        ]
        said = [line for _, told in four for line in told.splitlines()
                if line.startswith(("avser: ", "left out: "))] or [""]  # fmt: skip
        reason = said[-1].replace(str(folder), "").removeprefix("avser: ").partition(": ")[2]
        print(f"{name:<24} {' '.join(f'{code:>11}' for code in codes)}  {reason[:90]}")
        for code, told in four:
            assert code in (0, 3, 7), told
            assert "Traceback" not in told
    print(f"{len(inputs)} inputs, {len(found)} commands, one process, {memory} MB at its peak")


if __name__ == "__main__":
    main()
