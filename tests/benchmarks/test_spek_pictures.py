import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from avser_cli.data.network_inputs import read_sound_as
from avser_cli.errors import CorpusError, UsageError
from avser_cli.model.known_recipes import find_recipe
from benchmarks import spek_pictures
from benchmarks.spek_pictures import (
    VARIANTS,
    Line,
    named,
    read_variants,
    shuffled_titles,
    table,
)
from benchmarks.spek_window import SpekWindow

SIDE = 150


@pytest.fixture(scope="module")
def corpora(corpus):
    return read_variants(corpus, find_recipe("cnn2d", "tutorial"), VARIANTS)


def test_variants_are_of_the_same_clips_and_differ_where_they_should(corpora):
    pictures = {name: found.dataset.inputs for name, found in corpora.items()}
    assert {x.shape for x in pictures.values()} == {(64, SIDE, SIDE)}
    assert len({found.dataset.paths for found in corpora.values()}) == 1
    rows = SpekWindow().title_rows_of(SIDE)
    for other in ("no-title", "shuffled"):
        whole, changed = pictures["whole"], pictures[other]
        different = (whole != changed).any(axis=(0, 2))
        assert different[rows].any()
        assert not np.delete(different, rows).any()
    titles = pictures["shuffled"][:, rows]
    assert len({title.tobytes() for title in titles}) > 32


def test_bare_is_what_avser_draws(corpus, corpora):
    recipe = find_recipe("cnn2d", "paper")
    assert recipe.spectrogram is not None
    read = read_sound_as(recipe.spectrogram)
    data = corpora["bare"].dataset
    np.testing.assert_array_equal(data.inputs[0], read(data.paths[0]).inputs)


def test_titles_are_shuffled_and_none_is_lost(corpora):
    paths = corpora["whole"].dataset.paths
    titles = shuffled_titles(paths)
    assert sorted(titles.values()) == sorted(path.name for path in paths)
    assert sum(titles[path] == path.name for path in paths) < len(paths) / 4
    assert titles == shuffled_titles(paths)


def test_pictures_are_not_drawn_again(tmp_path):
    (tmp_path / "03-01-05-01-01-01-01.png").write_bytes(b"")
    with pytest.raises(CorpusError, match="give the sounds"):
        read_variants(tmp_path, find_recipe("cnn2d", "tutorial"), ["whole"])


def run_main(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["spek_pictures", *map(str, arguments)])
    spek_pictures.main()


def test_trains_once_judges_in_all_and_trains_nothing_again(corpus, tmp_path, monkeypatch, capsys):
    out, looks = tmp_path / "lines.jsonl", tmp_path / "looks.png"
    options = (corpus, "--variant", "plot", "--judge", "plot,shuffled", "--seeds", "0", "--side",
               32, "--epochs", 1, "--out", out)  # fmt: skip
    run_main(monkeypatch, *options, "--occlusion", looks)
    lines = out.read_text().splitlines()
    assert len(lines) == 2
    with Image.open(looks) as picture:
        assert picture.width > 100
    monkeypatch.setattr(spek_pictures, "judge", None)
    capsys.readouterr()
    run_main(monkeypatch, *options)
    assert out.read_text().splitlines() == lines
    shown = capsys.readouterr().out
    assert "tutorial, adam 0.001, 1 epochs, pixels 32" in shown
    assert "shuffled" in shown


def test_saved_pictures_are_plain(corpus, tmp_path, monkeypatch):
    sheet = tmp_path / "sheet.png"
    run_main(monkeypatch, corpus, "--variant", "no-title", "--save", tmp_path, "--sheet", sheet,
             "--side", 64)  # fmt: skip
    found = sorted((tmp_path / "no-title").glob("*.png"))
    assert len(found) == 64
    with Image.open(found[0]) as picture:
        assert (picture.size, picture.mode) == ((64, 64), "L")
        assert "avser" not in picture.info
    with Image.open(sheet) as drawn:
        assert drawn.width > 100


def test_the_table_gives_mean_spread_and_seeds():
    line = Line("tutorial", "whole", "no-title", 0, 0.7, 0.68, 1.0)
    others = [replace(line, seed=1, accuracy=0.74), replace(line, seed=2, accuracy=0.72)]
    (row,) = table([*others, line]).rows
    assert row[:3] == ("tutorial", "whole", "no-title")
    assert row[3] == "0.720 ± 0.020"
    # Half of it is 4.303 (Student's t, two degrees of freedom) times 0.02 / sqrt(3).
    assert row[4] == "0.670 … 0.770"
    assert row[6] == "0: 0.700, 1: 0.740, 2: 0.720"
    (alone,) = table([line]).rows
    assert alone[3:5] == ("0.700", "-")


def test_unknown_variants_are_named():
    with pytest.raises(UsageError, match="unknown variant 'half'; known: bare"):
        named("whole,half", VARIANTS, "variant")
