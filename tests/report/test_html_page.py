import pytest

from avser_cli.errors import OutputError
from avser_cli.report.html_page import write_html


def page(target, title="t"):
    write_html(target, "page.html.j2", title=title, made="now", about=["a line"], warning="",
               data={"recordings": []})  # fmt: skip
    return target.read_bytes().decode()


def test_what_is_shown_is_escaped(tmp_path):
    text = page(tmp_path / "p.html", "</title><script>alert(1)</script>")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text


def test_style_and_script_are_inside_as_they_are(tmp_path):
    text = page(tmp_path / "p.html")
    assert ":focus-visible { outline: 3px solid var(--accent)" in text
    assert "&amp;&amp;" not in text
    assert '"use strict";' in text


def test_names_that_are_no_text_are_written_all_the_same(tmp_path):
    assert "b?d" in page(tmp_path / "p.html", "b\udcffd")


def test_a_folder_that_is_not_there(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        page(tmp_path / "file" / "p.html")
