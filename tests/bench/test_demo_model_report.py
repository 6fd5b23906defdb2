"""Tables of the demo model: means and standard errors over seeds, yardsticks, the picture grid."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.demo_model.classifier import Accuracy
from benchmarks.demo_model.report import Mean, save_grid, summarize, table
from benchmarks.demo_model.stacks import Numbers


def numbers(seams: list[float], energy: float, stage: float) -> Numbers:
    return Numbers(0.001, seams, [[energy] * 3] * 3, Accuracy(stage, 1.0, 0.5, 1.0), 12.0)


def test_means_have_the_standard_error_of_the_seeds():
    mean = Mean.of([1.0, 2.0, 3.0])
    assert mean.value == 2 and mean.error == pytest.approx(1 / math.sqrt(3)) and str(mean) == "2.00 ± 0.58"
    ratio = Mean.of_ratios(torch.tensor([0.5, 2.0]).log())
    assert ratio.value == pytest.approx(1) and ratio.error == pytest.approx(math.log(2))
    assert Mean.of([0.25]).error is None and str(Mean.of([0.25])) == "0.25"


def test_a_summary_is_over_borders_levels_and_seeds():
    real = torch.full((3, 3), 2.0).log()
    runs = [numbers([0.5, 1.0], 1.0, 0.5), numbers([2.0, 4.0], 4.0, 1.0)]
    summary = summarize(runs, real, [numbers([1.0, 1.0], 0.5, 1.0)] * 2)
    assert summary.seam.value == pytest.approx(math.sqrt(2))
    assert summary.worst_seam == pytest.approx(2.0)
    assert [band.value for band in summary.real_bands] == pytest.approx([1.0] * 3)
    assert summary.bands == pytest.approx([4.0] * 3)
    assert summary.stage.value == 0.75 and summary.seconds == 12


def test_the_table_leaves_out_what_nothing_has():
    runs, real = [numbers([1.0], 1.0, 1.0)] * 2, torch.zeros(3, 3)
    text = table({"one": summarize(runs, real)})
    assert "independent" not in text and "1.00 ± 0.00 / 1.00 ± 0.00 / 1.00 ± 0.00" in text
    assert "energy over independent" in table({"one": summarize(runs, real), "two": summarize(runs, real, runs)})
    assert len({line.count("|") for line in text.splitlines()}) == 1


def test_labels_of_the_grid_do_not_touch_the_pictures(tmp_path):
    strip = Image.new("RGB", (16 * 3, 16), "black")
    save_grid(tmp_path / "grid.png", [("short", strip), ("a label that is a good deal longer", strip)], 32, 4)
    with Image.open(tmp_path / "grid.png") as image:
        pixels = np.asarray(image.convert("L"))
    first = image.width - 3 * (32 + 4)
    assert (pixels[:, first - 8 : first] == 255).all() and (pixels[0, first : first + 32] == 0).all()
    assert (pixels[:, :first] < 128).any()
