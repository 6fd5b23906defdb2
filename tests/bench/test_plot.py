"""Charts: something is drawn, and values that cannot be drawn are left out."""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

from benchmarks.plot import COLORS, Chart, Line, save_charts


def test_lines_are_drawn_in_their_colors(tmp_path):
    up, gap = Line("up", [1, 2, 3], [1, 2, 4]), Line("gap", [1, 2, 3], [3, math.nan, -1])
    path = tmp_path / "deep" / "chart.png"
    save_charts(
        path, [Chart("linear", [up, gap]), Chart("log", [up, gap], logarithmic=True, level=1.5), Chart("no", [])]
    )
    pixels = np.asarray(Image.open(path)).reshape(-1, 3)
    for color in COLORS[:2]:
        rgb = [int(color[n : n + 2], 16) for n in (1, 3, 5)]
        assert (pixels == rgb).all(1).sum() > 20
