"""What a sound file is, in the line that Spek writes over a spectrogram."""

from __future__ import annotations

from avser_cli.audio.streams import Stream

ENCODINGS = {
    "PCM_16": "PCM signed 16-bit",
    "PCM_24": "PCM signed 24-bit",
    "PCM_32": "PCM signed 32-bit",
    "PCM_S8": "PCM signed 8-bit",
    "PCM_U8": "PCM unsigned 8-bit",
    "FLOAT": "PCM 32-bit floating point",
    "DOUBLE": "PCM 64-bit floating point",
    "ULAW": "PCM mu-law",
    "ALAW": "PCM A-law",
    "IMA_ADPCM": "ADPCM IMA",
    "MS_ADPCM": "ADPCM Microsoft",
}
BITS = {
    **{"PCM_S8": 8, "PCM_U8": 8, "ULAW": 8, "ALAW": 8},
    **{"PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 64},
}
ENDIAN = {"WAV": "little", "WAVEX": "little", "RF64": "little", "W64": "little"} | {
    "AIFF": "big",
    "AU": "big",
    "CAF": "big",
}


def stream_line(stream: Stream, size: int) -> str:
    """What a sound file is, in Spek's words.

    Parameters
    ----------
    stream : Stream
    size : int
        Bytes of the file, for the bit rate of compressed sound; 0 where unknown.
    """
    name = ENCODINGS.get(stream.encoding, stream.encoding.replace("_", " "))
    if stream.encoding in BITS and BITS[stream.encoding] > 8 and stream.format in ENDIAN:
        name += f" {ENDIAN[stream.format]}-endian"
    if stream.format == "FLAC":
        name = f"FLAC, {BITS.get(stream.encoding, 16)} bits"
    rate = None
    if stream.encoding in BITS and stream.format != "FLAC":
        rate = BITS[stream.encoding] * stream.rate * stream.channels
    elif size and stream.frames:
        rate = round(8 * size / stream.duration)
    plural = "" if stream.channels == 1 else "s"
    parts = [name, f"{rate // 1000} kbps" if rate else "", f"{stream.rate} Hz"]
    return ", ".join([*filter(None, parts), f"{stream.channels} channel{plural}"])
