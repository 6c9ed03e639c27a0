import csv
import json
import re
import time
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from avser_cli.audio.selection import EVERYTHING, SoundSelection
from avser_cli.data.label_table import read_table
from avser_cli.errors import InputError
from avser_cli.inference.predictions import Prediction
from avser_cli.report.answers_page import (
    PageRecording,
    PageSegment,
    recordings_from_rows,
    write_page,
)
from avser_cli.report.page_media import Media, embedded_bytes, read_media
from avser_cli.report.result_writer import Row
from tests.report.browser import browser, shown_rows

EMOTIONS = ("happy", "sad", "angry", "neutral")
CATEGORIES = {"positive": ("happy", "neutral"), "negative": ("sad", "angry")}
NASTY = "<img src=x onerror=alert(1)> & 'co' \".wav"


def recording(path, emotion="happy", confidence=0.7, **more):
    sure = tuple(confidence if x == emotion else (1 - confidence) / 3 for x in EMOTIONS)
    category = next(name for name, members in CATEGORIES.items() if emotion in members)
    settings = {"seconds": 2.0, "speech": 1.5, **more}
    return PageRecording(path, f"calls/{path.name}", "answered", "", emotion, category, confidence,
                         sure, confidence < 0.5, **settings)  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    """A page on four recordings: sure, uncertain with two segments, of a nasty name, and failed."""
    rate = 16000
    rng = np.random.default_rng(0)
    for name in ("a.wav", "b.wav", NASTY):
        soundfile.write(tmp_path / name, 0.1 * rng.standard_normal(2 * rate), rate, format="WAV")
    parts = tuple(
        PageSegment(start, start + 1.0, emotion, 0.6, (0.6, 0.2, 0.1, 0.1), False, speaker)
        for start, emotion, speaker in ((0.0, "happy", "Anna"), (1.0, "sad", "Ben"))
    )
    rows = [
        recording(tmp_path / "a.wav", "angry", 0.9, speaker="Anna"),
        recording(tmp_path / "b.wav", "happy", 0.4, segments=parts, speaker="Ben"),
        recording(tmp_path / NASTY, "sad", 0.6),
        PageRecording(tmp_path / "gone.wav", "gone.wav", "failed", "no such file"),
    ]
    media = {row.part: read_media([row.part], embed=False)[row.part] for row in rows[:3]}
    write_page(tmp_path / "page.html", rows, media, CATEGORIES, EMOTIONS, ["a model", "a warning"])
    return tmp_path


def data_of(page):
    found = re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found
    return json.loads(found[1])


def test_names_are_text_not_markup(folder):
    text = (folder / "page.html").read_text()
    assert "<img src=x" not in text
    assert data_of(folder / "page.html")["recordings"][2]["file"] == f"calls/{NASTY}"


def test_nothing_is_fetched_from_elsewhere(folder):
    text = (folder / "page.html").read_text()
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)


def test_sounds_are_linked_relative_to_the_page(folder):
    rows = data_of(folder / "page.html")["recordings"]
    assert rows[0]["sound"] == "a.wav"
    assert "%3Cimg%20src%3Dx" in rows[2]["sound"]
    assert "sound" not in rows[3]


def test_embedded_sounds_are_playable_opus_of_about_the_announced_size(folder):
    import base64
    import io

    rows = [recording(folder / "a.wav")]
    media = read_media([rows[0].part], embed=True)
    write_page(folder / "embedded.html", rows, media, CATEGORIES, EMOTIONS, ["w"])
    (row,) = data_of(folder / "embedded.html")["recordings"]
    content = base64.b64decode(row["sound"].split(",", 1)[1])
    samples, rate = soundfile.read(io.BytesIO(content))
    assert len(samples) / rate == pytest.approx(2.0, abs=0.1)
    assert len(row["sound"]) == pytest.approx(embedded_bytes(2.0), rel=0.6)


def test_a_recording_without_media_has_a_row_all_the_same(tmp_path):
    write_page(
        tmp_path / "p.html", [recording(tmp_path / "x.wav")], {}, CATEGORIES, EMOTIONS, ["w"]
    )
    (row,) = data_of(tmp_path / "p.html")["recordings"]
    assert "picture" not in row
    assert row["emotion"] == "happy"


def test_labels_of_one_page_are_not_taken_for_those_of_another(tmp_path):
    def id_of(*spans, channel="mix"):
        parts = tuple(
            PageSegment(start, end, "happy", 0.6, (0.6, 0.2, 0.1, 0.1), False)
            for start, end in spans
        )
        one = recording(tmp_path / "a.wav", segments=parts, selection=SoundSelection(channel))
        write_page(tmp_path / "p.html", [one], {}, CATEGORIES, EMOTIONS, ["w"])
        return data_of(tmp_path / "p.html")["id"]

    assert id_of((0, 3), (3, 6)) == id_of((0, 3), (3, 6))
    others = [id_of((0, 1.5), (1.5, 6)), id_of(), id_of((0, 3), (3, 6), channel=1)]
    assert len({id_of((0, 3), (3, 6)), *others}) == 4


def test_the_channel_that_was_judged_is_shown(tmp_path):
    rate = 16000
    loud = 0.1 * np.random.default_rng(0).standard_normal(2 * rate)
    soundfile.write(tmp_path / "a.wav", np.stack([loud, -loud], axis=1), rate)
    answer = Prediction("sad", "negative", 0.7, dict.fromkeys(EMOTIONS, 0.25), False)
    rows = [
        Row("a.wav", "m", answer, channel, seconds=2.0, speech=2.0) for channel in ("left", "right")
    ]
    each = recordings_from_rows(rows, EMOTIONS, {})
    assert [x.part.selection.channel for x in each] == [1, 2]
    (one,) = recordings_from_rows([replace(rows[0], channel="")], EMOTIONS, {}, SoundSelection(2))
    assert one.part.selection.channel == 2
    part = replace(one.part, path=tmp_path / "a.wav")
    # The mean of the channels is silence, which is refused.
    assert read_media([part], embed=True)[part].picture
    with pytest.raises(InputError, match="cancel"):
        read_media([replace(part, selection=EVERYTHING)], embed=True)


def names(page):
    return [x.text.split()[1] for x in page.find_elements("css selector", "tr.row td.file")]


def choose(page, field, value):
    page.execute_script(
        "const x = document.getElementById(arguments[0]); x.value = arguments[1];"
        "x.dispatchEvent(new Event('input', {bubbles: true}));", field, value,
    )  # fmt: skip


def test_in_a_browser(folder):
    saved = folder / "saved"
    saved.mkdir()
    with browser(saved) as page:
        page.get((folder / "page.html").as_uri())
        assert page.title == "Emotions in recordings"
        assert page.find_element("id", "count").text == "4 of 4 recordings"
        # Sorts by confidence, upwards and downwards.
        head = page.find_element("css selector", "th[data-key=confidence] button")
        head.click()
        assert next(x for x in names(page) if x.startswith("calls")) == "calls/b.wav"
        head.click()
        assert names(page)[0] == "calls/a.wav"
        assert not page.find_elements("css selector", "#rows img")
        # Filters by emotion, state and text.
        choose(page, "emotion", "sad")
        assert page.find_element("id", "count").text == "1 of 4 recordings"
        choose(page, "emotion", "")
        choose(page, "state", "uncertain")
        assert names(page) == ["calls/b.wav"]
        choose(page, "state", "failed")
        # The reason stands under the name, which has room for it.
        assert page.find_element("css selector", "td.file .soft").text == "no such file"
        choose(page, "state", "")
        choose(page, "search", "B.WAV")
        assert names(page) == ["calls/b.wav"]
        # Opens, and plays from a segment to its end.
        page.find_element("css selector", "tr.row button").click()
        shown = page.find_element("css selector", ".view img")
        assert page.execute_script("return arguments[0].decode().then(() => true)", shown)
        page.find_elements("css selector", ".track button")[1].click()
        deadline = time.monotonic() + 10
        at = "return document.querySelector('audio').currentTime"
        while page.execute_script(at) <= 1.0 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert page.execute_script(at) > 1.0
        # Marks a segment and, by key, a recording.
        part = page.find_elements("css selector", ".segments select")[1]
        part.send_keys("angry")
        choose(page, "search", "a.wav")
        row = page.find_element("css selector", "tr.row")
        page.execute_script("arguments[0].focus()", row)
        row.send_keys("1")
        page.find_element("id", "save").click()
        table = saved / "labels.csv"
        while not table.is_file() and time.monotonic() < deadline + 10:
            time.sleep(0.05)
        with table.open(newline="") as lines:
            rows = list(csv.DictReader(lines))
        assert {(x["emotion"], x["speaker"], x["start"], x["end"]) for x in rows} == {
            ("angry", "Ben", "1", "2"),
            ("happy", "Anna", "", ""),
        }
        # The table is one that `train` and `evaluate` read.
        assert {clip.emotion for clip in read_table(table).clips} == {"angry", "happy"}
        # Labels are there again after the page was closed.
        page.refresh()
        assert page.find_element("id", "total-labelled-by-me").text == "2"
        assert not [x for x in page.get_log("browser") if x["level"] == "SEVERE"]


def test_ten_thousand_rows_are_usable(folder):
    rows = [recording(folder / f"{number}.wav") for number in range(10_000)]
    media = {row.part: Media(2.0, b"x" * 800) for row in rows}
    write_page(folder / "large.html", rows, media, CATEGORIES, EMOTIONS, ["w"])
    with browser() as page:
        page.get((folder / "large.html").as_uri())
        assert page.find_element("id", "count").text == "10000 of 10000 recordings"
        assert page.find_element("id", "page").text == "page 1 of 100"
        assert len(shown_rows(page)) == 100
        page.find_element("id", "next").click()
        assert names(page)[0] == "calls/100.wav"


def test_fits_a_phone(folder):
    with browser(size=(500, 900)) as page:
        page.get((folder / "page.html").as_uri())
        page.find_elements("css selector", "tr.row button")[1].click()
        wide = "return document.documentElement.scrollWidth > innerWidth"
        assert not page.execute_script(wide)
        right = "return document.querySelector('.detail td > div').getBoundingClientRect().right"
        assert page.execute_script(f"{right} <= innerWidth")
