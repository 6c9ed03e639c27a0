import json
import re
import time
from dataclasses import replace

import numpy as np
import pytest
import soundfile

from avser_cli.data.clip import Clip
from avser_cli.experiments.candidates import select_models
from avser_cli.experiments.comparison import summarize_comparison, wrong_clips
from avser_cli.report.comparison_page import write_comparison_page
from avser_cli.report.page_media import Media, SoundPart, part_of, read_media
from tests.report.browser import browser
from tests.report.test_comparison_tables import corpus, run_of, wrong

NASTY = "<script>alert(1)</script>"


@pytest.fixture
def page(tmp_path):
    """Clips 1 and 2 are wrong with both models in both runs, 3 and 4 with one of them."""
    rows = select_models(["mlp", "cnn2d-default"], [], None, False)
    runs = {
        "mlp": [run_of(wrong(4), 0), run_of(wrong(8), 1)],
        "cnn2d-default": [run_of(wrong(2), 0), run_of(wrong(4), 1)],
    }
    found = summarize_comparison("models", corpus(), rows, runs, False, f"avser compare {NASTY}")
    (tmp_path / "wav").mkdir()
    clips: dict[str, Clip] = {}
    media: dict[SoundPart, Media] = {}
    for number, clip in enumerate(corpus().dataset.clips):
        path = tmp_path / "wav" / f"{number}.wav"
        noise = 0.1 * np.random.default_rng(number).standard_normal(16000)
        soundfile.write(path, noise, 16000)
        clips[clip.key] = replace(clip, path=path, speaker="<img src=x onerror=alert(1)>")
        media |= read_media([part_of(clips[clip.key])], embed=False)
    shown = [(item, clips[item.clip]) for item in wrong_clips(runs, found.emotions)]
    (tmp_path / "f.png").write_bytes(b"png")
    target = tmp_path / "report.html"
    write_comparison_page(target, found, "made of clips", {"f.png": "a figure"}, shown, media)
    return target


def rows_of(page):
    data = re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)
    assert data
    return json.loads(data[1])["recordings"]


def test_clips_that_most_models_got_wrong_come_first(page):
    rows = rows_of(page)
    assert [row["count"] for row in rows] == [2, 2, 1, 1]
    assert [row["models"] for row in rows[1:3]] == [["mlp", "cnn2d-default"], ["mlp"]]
    assert (rows[0]["label"], rows[0]["model0"], rows[0]["model1"]) == ("happy", "✗ sad", "✗ sad")
    assert (rows[2]["model0"], rows[2]["model1"]) == ("✗ neutral", "✓ in 1 of 2, ✗ neutral")
    assert all(row["picture"] and row["sound"].startswith("wav/") for row in rows)


def test_all_is_escaped(page):
    text = page.read_text()
    assert NASTY not in text
    assert "<img src=x" not in text
    assert "&lt;script&gt;alert" in text


def test_in_a_browser(page):
    with browser() as shown:
        shown.get(page.as_uri())
        count = shown.find_element("id", "count")
        assert count.text == "4 of 4 clips"
        choose = ("const x = document.getElementById(arguments[0]); x.value = arguments[1];"
                  "x.dispatchEvent(new Event('input', {bubbles: true}));")  # fmt: skip
        shown.execute_script(choose, "least", "2")
        assert count.text == "2 of 4 clips"
        shown.execute_script(choose, "least", "1")
        shown.execute_script(choose, "models", "cnn2d-default")
        assert count.text == "2 of 4 clips"
        row = shown.find_element("css selector", "tr.row")
        shown.execute_script("arguments[0].focus()", row)
        row.send_keys(" ")
        assert "✗ sad" in shown.find_element("css selector", ".detail dl").text
        deadline = time.monotonic() + 20
        at = "return document.querySelector('audio').currentTime"
        while not shown.execute_script(at) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert shown.execute_script(at) > 0
        assert not [x for x in shown.get_log("browser") if x["level"] == "SEVERE"
                    and "data:image/png" not in x["message"]]  # fmt: skip


def test_fits_a_phone(page):
    with browser(size=(500, 900)) as shown:
        shown.get(page.as_uri())
        assert not shown.execute_script("return document.documentElement.scrollWidth > innerWidth")
