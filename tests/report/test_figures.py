import numpy as np
import pytest
from PIL import Image

from avser_cli.report.figures import add_title, new_figure, plot_confusion, plot_history
from avser_cli.training.history import Epoch
from tests.report.test_tables import REPORT


def test_figures_are_pictures_with_something_in_them(tmp_path):
    plot_confusion(tmp_path / "a.png", REPORT, "title")
    plot_history(tmp_path / "b.png", [Epoch(1, 1.0, 0.5, 1), Epoch(2, 0.5, 0.7, 1)], "title")
    for path in tmp_path.iterdir():
        with Image.open(path) as image:
            assert min(image.size) > 300
            assert np.asarray(image.convert("L")).std() > 10


@pytest.mark.parametrize(
    "title", ["0" * 300, "cnn2d-default-adam-0.005-random-seed0: held out, " * 4]
)
@pytest.mark.parametrize("width", [4.4, 7.2])
def test_a_long_title_stays_in_its_figure(title, width):
    figure = new_figure(width, 4)
    figure.subplots()
    add_title(figure, f"{title}\naccuracy 0.903")
    figure.draw_without_rendering()
    box = figure._suptitle.get_window_extent()
    assert box.x0 >= 0 and box.x1 <= figure.bbox.x1
    assert figure._suptitle.get_text().endswith("\naccuracy 0.903")
