from typing import Any

import pytest

from avser_cli.experiments.candidates import select_optimizers
from avser_cli.experiments.comparison import summarize_comparison
from avser_cli.model.known_recipes import find_recipe
from avser_cli.report import comparison_report
from avser_cli.report.comparison_report import plot_accuracies, plot_heat_map
from tests.report.test_comparison_tables import corpus, run_of, wrong


@pytest.mark.parametrize(("plot", "runs"), [(plot_accuracies, 1), (plot_heat_map, 1),
                                            (plot_accuracies, 2), (plot_heat_map, 2)])  # fmt: skip
def test_a_spread_is_of_several_runs(monkeypatch, tmp_path, plot, runs):
    figures: list[Any] = []
    monkeypatch.setattr(comparison_report, "save_figure", lambda figure, _: figures.append(figure))
    rows = select_optimizers(["adam"], [0.005], find_recipe("cnn2d"), None, False)
    found = {rows[0].name: [run_of(wrong(4), seed) for seed in range(runs)]}
    plot(tmp_path, summarize_comparison("optimizers", corpus(), rows, found, False, ""))
    axes = figures[0].axes[0]
    words = [text.get_text() for text in axes.texts] + [axes.get_title()]
    words += axes.get_legend_handles_labels()[1]
    assert any("0.750" in text for text in words)
    assert any("±" in text for text in words) == (runs > 1)
    assert ("split random, 1 run" in words) == (plot is plot_accuracies and runs == 1)
