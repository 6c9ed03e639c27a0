"""The code in the pages of the documentation runs as it stands there."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

REPOSITORY = Path(__file__).resolve().parents[1]
PAPER = REPOSITORY / "paper.md"
PAGES = [REPOSITORY / "docs/index.md", *sorted((REPOSITORY / "docs/how-to").glob("*.md"))]
BLOCK = re.compile(r"(?m)^(<!-- not run: .+ -->\n)?```(sh|python)\n(.*?)^```$", re.DOTALL)


def blocks(page):
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [(x[2], x[3]) for x in found if not x[1]]


@pytest.fixture(scope="module")
def place(tmp_path_factory, corpus):
    """What the pages speak of: a voice, calls, a long recording, a corpus."""
    folder = tmp_path_factory.mktemp("docs")
    voice = REPOSITORY / "examples/voice.wav"
    samples, rate = soundfile.read(voice)
    shutil.copy(voice, folder)
    shutil.copytree(REPOSITORY / "examples", folder / "examples")
    (folder / "calls").mkdir()
    for number in range(4):
        quieter = samples * 0.8**number
        soundfile.write(folder / f"calls/{number}.wav", quieter, rate)
    long = np.tile(np.r_[samples, np.zeros(rate)], 5)
    soundfile.write(folder / "interview.wav", long, rate)
    shutil.copytree(corpus, folder / "wav")
    command = folder / "bin" / "avser"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m avser_cli "$@"\n')
    command.chmod(0o755)
    return folder


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_code_of_a_page_runs(place, page):
    # One after the other: a block may need what an earlier one wrote.
    for language, code in blocks(page):
        interpreter = ["bash", "-euc"] if language == "sh" else [sys.executable, "-c"]
        done = subprocess.run(
            [*interpreter, code],
            cwd=place,
            env={
                **os.environ,
                "PYTHONPATH": str(REPOSITORY),
                "PATH": f"{place / 'bin'}{os.pathsep}{os.environ['PATH']}",
            },
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{code}\n{done.stderr}"


def test_every_page_is_in_the_navigation():
    listed = (REPOSITORY / "mkdocs.yml").read_text()
    missing = [
        page.name for page in PAGES if f"{page.relative_to(REPOSITORY / 'docs')}" not in listed
    ]
    assert not missing


@pytest.mark.skipif(not PAPER.exists(), reason="source archives do not hold the paper")
def test_the_paper_cites_what_its_bibliography_and_the_page_of_accuracy_have():
    text = PAPER.read_text(encoding="utf-8")
    cited = set(re.findall(r"@(\w+(?::\d+)?)", text))
    listed = re.findall(r"@\w+\{(.+),", PAPER.with_suffix(".bib").read_text(encoding="utf-8"))
    assert cited == set(listed)
    figures = re.findall(r"\b0\.\d+(?: ± 0\.\d+)?", text)
    measured = (REPOSITORY / "docs/accuracy.md").read_text(encoding="utf-8").replace("*", "")
    assert figures and not [figure for figure in figures if figure not in measured]
