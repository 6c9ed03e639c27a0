import numpy as np
from PIL import Image

from avser_cli.report.figures import plot_confusion, plot_history
from avser_cli.training.history import Epoch
from tests.report.test_tables import REPORT


def test_figures_are_pictures_with_something_in_them(tmp_path):
    plot_confusion(tmp_path / "a.png", REPORT, "title")
    plot_history(tmp_path / "b.png", [Epoch(1, 1.0, 0.5, 1), Epoch(2, 0.5, 0.7, 1)], "title")
    for path in tmp_path.iterdir():
        with Image.open(path) as image:
            assert min(image.size) > 300
            assert np.asarray(image.convert("L")).std() > 10
