import json
import re
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from avser_cli.data.clip import Clip
from avser_cli.evaluation.scoring import ClipAnswer
from avser_cli.report.evaluation_page import EvaluationPage, write_evaluation_page
from avser_cli.report.page_media import Media, SoundPart, part_of, read_media
from avser_cli.report.tables import TextTable
from tests.report.browser import browser, shown_rows

EMOTIONS = ("happy", "sad")
NASTY = "<script>alert(1)</script> & 'co' \".wav"


def answer(path, label, emotion, confidence, **more):
    sure = tuple(confidence if x == emotion else 1 - confidence for x in EMOTIONS)
    clip = Clip(path.name, path, "mine", label, speaker=more.pop("speaker", "mine:1"), **more)
    return ClipAnswer(clip, label, emotion, sure)


def page_of(answers, **more):
    confusion = [
        [sum((x.label, x.emotion) == (label, emotion) for x in answers) for emotion in EMOTIONS]
        for label in EMOTIONS
    ]
    table = TextTable(("group", "UAR"), (("<b>", "0.50"),))
    figures = (("UAR", "0.500 (95 % 0.400 … 0.600)"),)
    return EvaluationPage("Evaluation of m", ("held out",), "", figures, {"By group": table},
                          "lowest UAR: <b> 0.50", EMOTIONS, confusion, tuple(answers),
                          threshold=0.7, **more)  # fmt: skip


def write(target, page):
    media: dict[SoundPart, Media] = {}
    for part in page.parts:
        if part.path.exists():
            media |= read_media([part], embed=False)
    write_evaluation_page(target, page, media)
    return target


@pytest.fixture
def folder(tmp_path):
    """A page of five clips, two of them wrong: one surely, in a sub-folder; one is a part.

    The one of the nasty name is gone, as not every system has such names.
    """
    rate, rng = 16000, np.random.default_rng(0)
    (tmp_path / "wav" / "more").mkdir(parents=True)
    for name in ("a.wav", "more/b.wav", "c.wav"):
        noise = 0.1 * rng.standard_normal(2 * rate)
        soundfile.write(tmp_path / "wav" / name, noise, rate, format="WAV")
    wav = tmp_path / "wav"
    answers = [
        answer(wav / "a.wav", "happy", "happy", 0.9),
        answer(wav / "c.wav", "sad", "happy", 0.6, speaker="mine:2"),
        answer(wav / "more" / "b.wav", "happy", "sad", 0.95),
        answer(wav / "c.wav", "sad", "sad", 0.8, start=0.5, end=1.5),
        answer(wav / NASTY.replace("/", ""), "sad", "sad", 0.85),
    ]
    write(tmp_path / "page.html", page_of(answers))
    return tmp_path


def data_of(page):
    found = re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found
    return json.loads(found[1])


def test_wrong_answers_come_first_the_surest_before_all(folder):
    rows = data_of(folder / "page.html")["recordings"]
    assert [row["file"] for row in rows][:3] == ["more/b.wav", "c.wav", "a.wav"]
    assert [row["right"] for row in rows] == [False, False, True, True, True]
    assert rows[1]["uncertain"]
    assert rows[0]["sound"] == "wav/more/b.wav"
    assert rows[4]["file"] == "c.wav (0.5 to 1.5 s)"
    assert (rows[4]["offset"], rows[4]["seconds"]) == (0.5, 1.0)


def test_names_are_text_and_nothing_is_fetched(folder):
    text = (folder / "page.html").read_text()
    assert "<script>alert" not in text
    assert "<b>" not in text
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)


def test_pictures_are_said_to_have_no_sound(tmp_path):
    Image.new("L", (50, 50), 200).save(tmp_path / "a.png")
    only = page_of([answer(tmp_path / "a.png", "happy", "sad", 0.9)])
    text = write(tmp_path / "p.html", only).read_text()
    assert "The clips are pictures" in text
    (row,) = data_of(tmp_path / "p.html")["recordings"]
    assert row["picture"]
    assert "sound" not in row


def test_each_run_of_a_clip_has_its_row(tmp_path):
    twice = [answer(tmp_path / "a.wav", "happy", emotion, 0.9) for emotion in EMOTIONS]
    page = page_of(twice, runs=("random-seed0", "random-seed1"))
    assert len(page.parts) == 1
    rows = data_of(write(tmp_path / "p.html", page))["recordings"]
    assert [(row["run"], row["right"]) for row in rows] == [
        ("random-seed1", False), ("random-seed0", True),
    ]  # fmt: skip


def names(page):
    return [x.text.split(maxsplit=1)[1] for x in page.find_elements("css selector", "td.file")]


def choose(page, field, value):
    page.execute_script(
        "const x = document.getElementById(arguments[0]); x.value = arguments[1];"
        "x.dispatchEvent(new Event('input', {bubbles: true}));", field, value,
    )  # fmt: skip


def matrix_cell(page, label, emotion):
    place = f".confusion [data-label={label}][data-emotion={emotion}]"
    return page.find_element("css selector", place)


def test_in_a_browser(folder):
    with browser() as page:
        page.get((folder / "page.html").as_uri())
        assert page.title == "Evaluation of m"
        assert page.find_element("id", "count").text == "5 of 5 answers"
        choose(page, "result", "wrong")
        assert names(page) == ["more/b.wav", "c.wav"]
        assert "✗ wrong" in page.find_element("id", "rows").text
        choose(page, "result", "sure")
        assert names(page) == ["more/b.wav"]
        # A number of the matrix shows its clips, once more all.
        page.execute_script("arguments[0].click()", matrix_cell(page, "sad", "happy"))
        assert names(page) == ["c.wav"]
        assert matrix_cell(page, "sad", "happy").get_attribute("aria-pressed") == "true"
        assert "1 clip of sad answered as happy, wrong" in (
            matrix_cell(page, "sad", "happy").get_attribute("aria-label")
        )
        page.execute_script("arguments[0].click()", matrix_cell(page, "sad", "happy"))
        assert len(names(page)) == 5
        choose(page, "speaker", "mine:2")
        assert names(page) == ["c.wav"]
        choose(page, "speaker", "")
        choose(page, "folder", "more")
        assert names(page) == ["more/b.wav"]
        choose(page, "folder", "")
        # Keys open and play; a part of a file plays from its start.
        choose(page, "search", "0.5 to")
        row = page.find_element("css selector", "tr.row")
        page.execute_script("arguments[0].focus()", row)
        row.send_keys(" ")
        at = "return document.querySelector('audio').currentTime"
        deadline = time.monotonic() + 20
        while page.execute_script(at) <= 0.55 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert 0.5 < page.execute_script(at) <= 1.6
        shown = page.find_element("css selector", ".view img")
        assert page.execute_script("return arguments[0].decode().then(() => true)", shown)
        assert "Label sad, answer sad" in page.find_element("css selector", ".detail").text
        assert not [x for x in page.get_log("browser") if x["level"] == "SEVERE"]


def test_fits_a_phone(folder):
    with browser(size=(500, 900)) as page:
        page.get((folder / "page.html").as_uri())
        assert not page.execute_script("return document.documentElement.scrollWidth > innerWidth")


def test_ten_thousand_clips_are_usable(tmp_path):
    answers = [
        answer(Path(f"/x/{number}.wav"), "happy", "sad" if number % 2 else "happy", 0.9)
        for number in range(10_000)
    ]
    page = page_of(answers)
    media = {part_of(x.clip): Media(2.0, b"x" * 800) for x in answers}
    write_evaluation_page(tmp_path / "large.html", page, media)
    with browser() as shown:
        shown.get((tmp_path / "large.html").as_uri())
        assert len(shown_rows(shown)) == 100
        choose(shown, "result", "right")
        assert shown.find_element("id", "count").text == "5000 of 10000 answers"
