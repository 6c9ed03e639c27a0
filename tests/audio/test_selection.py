"""Which sound of a file is read: a channel, the mean of all, another audio track."""

import io
from typing import Any

import av
import numpy as np
import pytest

from avser_cli.audio.decoding import STDIN, each_channel, open_sound, read_waveform
from avser_cli.audio.selection import EVERYTHING, SoundSelection, parse_channel
from avser_cli.errors import InputError, UsageError
from tests.synthetic import tone, write_container, write_wav

SILENT = np.zeros(16000, np.float32)


def write_tracks(path, *tracks, rate=16000):
    with av.open(str(path), "w") as container:
        streams: list[Any] = [
            container.add_stream("pcm_s16le", rate=rate, layout="mono") for _ in tracks
        ]
        for stream, samples in zip(streams, tracks, strict=True):
            frame = av.AudioFrame.from_ndarray(
                (samples * 32767).astype(np.int16)[None], format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts = rate, 0
            container.mux(stream.encode(frame))
    return path


def stereo(left, right):
    return np.stack([left, right], axis=1)


def pitch(waveform):
    return np.abs(np.fft.rfft(waveform.samples)).argmax() / waveform.duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [("left", 1), ("Right", 2), ("3", 3), (" mix ", "mix"), ("each", "each"), ("1", 1)],
)
def test_a_channel_by_name_or_number(text, expected):
    assert parse_channel(text) == expected


@pytest.mark.parametrize("text", ["", "0", "-1", "centre", "1.5", "99999", "²"])
def test_what_is_no_channel(text):
    with pytest.raises(UsageError, match="channel"):
        parse_channel(text)


@pytest.mark.parametrize("suffix", [".wav", ".mkv"])
def test_each_channel_by_itself(tmp_path, suffix):
    samples = stereo(tone(300, rate=48000), tone(500, rate=48000))
    path = tmp_path / f"a{suffix}"
    if suffix == ".wav":
        write_wav(path, samples, 48000)
    else:
        write_container(path, samples)
    assert each_channel(path) == [SoundSelection(1), SoundSelection(2)]
    left, right = (read_waveform(path, selection) for selection in each_channel(path))
    assert pitch(left) == pytest.approx(300, abs=1)
    assert pitch(right) == pytest.approx(500, abs=1)
    assert np.abs(left.samples).max() == pytest.approx(0.5, abs=0.01)
    assert right.selection == SoundSelection(2)
    mix = read_waveform(path)
    np.testing.assert_allclose(mix.samples, (left.samples + right.samples) / 2, atol=1e-6)


def test_one_channel_is_everything(tmp_path):
    assert each_channel(write_wav(tmp_path / "a.wav", tone())) == [EVERYTHING]
    with pytest.raises(UsageError, match="save it to a file"):
        each_channel(STDIN)


@pytest.mark.parametrize("channel", [2, 7])
def test_a_channel_that_is_not_there(tmp_path, channel):
    path = write_wav(tmp_path / "a.wav", tone())
    with pytest.raises(InputError, match=f"holds 1 channel, and no channel {channel}"):
        read_waveform(path, SoundSelection(channel))


@pytest.mark.parametrize("track", [2, 3])
def test_another_track(tmp_path, track):
    path = write_tracks(tmp_path / "a.mkv", tone(300), tone(500), tone(700))
    assert pitch(read_waveform(path)) == pytest.approx(300, abs=1)
    waveform = read_waveform(path, SoundSelection(track=track))
    assert pitch(waveform) == pytest.approx(100 + 200 * track, abs=1)


def test_a_track_that_is_not_there(tmp_path):
    path = write_tracks(tmp_path / "a.mkv", tone(), tone())
    with pytest.raises(InputError, match="holds 2 audio tracks, and no track 3"):
        read_waveform(path, SoundSelection(track=3))
    with pytest.raises(InputError, match="holds 1 audio track, and no track 2"):
        read_waveform(write_wav(tmp_path / "a.wav", tone()), SoundSelection(track=2))


def test_a_silent_track_names_the_one_that_is_not(tmp_path):
    path = write_tracks(tmp_path / "a.mkv", SILENT, SILENT, tone())
    with pytest.raises(InputError, match=r"track 1 of 3 .*--track 3"):
        read_waveform(path)
    with pytest.raises(InputError, match=r"track 2 of 3 .*--track 3"):
        read_waveform(path, SoundSelection(track=2))
    assert read_waveform(path, SoundSelection(track=3)).duration == pytest.approx(1.0, abs=0.01)


def test_a_silent_track_of_a_pipe_names_the_one_that_is_not(tmp_path, monkeypatch):
    content = write_tracks(tmp_path / "a.mkv", SILENT, tone()).read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    with pytest.raises(InputError, match=r"stdin: track 1 of 2 .*--track 2"):
        read_waveform(STDIN)


def test_blocks_of_a_silent_track_end_with_the_same(tmp_path):
    path = write_tracks(tmp_path / "a.mkv", SILENT, tone())
    with open_sound(path) as sound, pytest.raises(InputError, match="--track 2"):
        list(sound.blocks())


def test_where_all_is_silent_no_other_is_named(tmp_path):
    path = write_tracks(tmp_path / "a.mkv", SILENT, SILENT)
    assert not read_waveform(path).samples.any()
    assert not read_waveform(write_wav(tmp_path / "a.wav", stereo(SILENT, SILENT))).samples.any()


@pytest.mark.parametrize(("channel", "other"), [(1, "right"), (3, "right")])
def test_a_silent_channel_names_the_one_that_is_not(tmp_path, channel, other):
    path = write_wav(tmp_path / "a.wav", np.stack([SILENT, tone(), SILENT], axis=1))
    with pytest.raises(InputError, match=f"channel {channel}.* is silent.*--channel {other}"):
        read_waveform(path, SoundSelection(channel))
    # The mean of a voice and silence is a voice.
    assert np.abs(read_waveform(path).samples).max() == pytest.approx(0.5 / 3, abs=0.01)


@pytest.mark.parametrize("gain", [1.0, 0.95])
@pytest.mark.parametrize("suffix", [".wav", ".ogg", ".mkv"])
def test_channels_that_cancel_each_other_are_named(tmp_path, gain, suffix):
    samples = stereo(tone(rate=48000), -gain * tone(rate=48000))
    path = tmp_path / f"a{suffix}"
    if suffix == ".mkv":
        write_container(path, samples)
    else:
        write_wav(path, samples, 48000, "PCM_16" if suffix == ".wav" else "VORBIS")
    with pytest.raises(InputError, match=r"cancel each other.*--channel left"):
        read_waveform(path)
    assert pitch(read_waveform(path, SoundSelection(1))) == pytest.approx(440, abs=1)


def test_unlike_channels_do_not_cancel(tmp_path):
    noise = np.random.default_rng(0).standard_normal((48000, 8)).astype(np.float32) / 10
    assert read_waveform(write_wav(tmp_path / "a.wav", noise)).samples.any()


@pytest.mark.parametrize(
    ("selection", "stored", "words", "mark"),
    [
        (EVERYTHING, {}, "", ""),
        (SoundSelection(1), {"channel": 1}, "left channel", ":left"),
        (SoundSelection(3, 2), {"channel": 3, "track": 2}, "channel 3, track 2", ":3:track2"),
        (SoundSelection(track=2), {"track": 2}, "track 2", ":mix:track2"),
    ],
)
def test_what_is_stored_of_a_selection(selection, stored, words, mark):
    assert selection.as_dict() == stored
    assert SoundSelection(**stored) == selection
    assert (selection.describe(), selection.mark) == (words, mark)


@pytest.mark.parametrize(
    "wrong", [{"channel": 0}, {"track": 0}, {"channel": 10**6}, {"channel": "left"}, {"track": "1"}]
)
def test_a_selection_of_nothing(wrong):
    with pytest.raises(UsageError):
        SoundSelection(**wrong)


def test_a_channel_of_a_pipe_that_is_live(tmp_path, monkeypatch):
    path = tmp_path / "a.mkv"
    write_tracks(path, SILENT, tone())
    with path.open("rb") as pipe:
        monkeypatch.setattr("sys.stdin", type("Pipe", (), {"buffer": pipe}))
        with open_sound(STDIN, live=True, selection=SoundSelection(track=2)) as sound:
            assert sum(len(block) for block in sound.blocks()) == 16000
