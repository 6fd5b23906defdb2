"""Line and bar charts with Pillow, which every ComfyUI has."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

COLORS = (
    "#1f77b4",
    "#d62728",
    "#2ca02c",
    "#9467bd",
    "#ff7f0e",
    "#8c564b",
    "#17becf",
    "#7f7f7f",
    "#bcbd22",
    "#e377c2",
    "#000000",
    "#98df8a",
)
INK, GRID = "#222222", "#dddddd"


@dataclass(frozen=True)
class Line:
    """A named series; points that are not finite are left out."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


@dataclass(frozen=True)
class Chart:
    """One panel. ``level`` draws a dashed line, such as the value of the truth."""

    title: str
    lines: Sequence[Line]
    x_label: str = ""
    logarithmic: bool = False
    level: float | None = None


def save_charts(path: Path, charts: Sequence[Chart], columns: int = 2, size: tuple[int, int] = (560, 340)) -> None:
    """Draws the panels in rows, with one legend below, as PNG."""
    columns = min(columns, len(charts))
    rows = math.ceil(len(charts) / columns)
    names = list(dict.fromkeys(line.name for chart in charts for line in chart.lines))
    colors = {name: COLORS[n % len(COLORS)] for n, name in enumerate(names)}
    width, legend = columns * size[0], 24 * math.ceil(len(names) / 4) + 16
    image = Image.new("RGB", (width, rows * size[1] + legend), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(13)
    for n, chart in enumerate(charts):
        _draw_chart(draw, font, chart, colors, (n % columns * size[0], n // columns * size[1]), size)
    for n, name in enumerate(names):
        x, y = 60 + n % 4 * ((width - 80) // 4), rows * size[1] + 8 + n // 4 * 24
        draw.line([(x, y + 8), (x + 24, y + 8)], colors[name], 3)
        draw.text((x + 30, y), name, INK, font)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)


def _draw_chart(
    draw: ImageDraw.ImageDraw,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
    chart: Chart,
    colors: dict[str, str],
    origin: tuple[int, int],
    size: tuple[int, int],
) -> None:
    left, top = origin[0] + 62, origin[1] + 30
    right, bottom = origin[0] + size[0] - 16, origin[1] + size[1] - 42
    points = [
        (x, y)
        for line in chart.lines
        for x, y in zip(line.x, line.y, strict=True)
        if math.isfinite(y) and (y > 0 or not chart.logarithmic)
    ]
    if not points:
        return
    height = [math.log10(y) if chart.logarithmic else y for _, y in points]
    if chart.level is not None:
        height.append(math.log10(chart.level) if chart.logarithmic else chart.level)
    low, high = min(height), max(height)
    margin = 0.06 * (high - low) or 0.5
    low, high = low - margin, high + margin
    first, last = min(x for x, _ in points), max(x for x, _ in points)

    def place(x: float, y: float) -> tuple[float, float]:
        value = math.log10(y) if chart.logarithmic else y
        across = (x - first) / ((last - first) or 1)
        return left + across * (right - left), bottom - (value - low) / (high - low) * (bottom - top)

    draw.text((left, top - 24), chart.title, INK, font)
    draw.text(((left + right) / 2, bottom + 22), chart.x_label, INK, font, anchor="ma")
    for n in range(5):
        value = low + (high - low) * n / 4
        y = bottom - (bottom - top) * n / 4
        draw.line([(left, y), (right, y)], GRID)
        draw.text((left - 6, y), f"{10**value if chart.logarithmic else value:.3g}", INK, font, anchor="rm")
        x = first + (last - first) * n / 4
        draw.text((left + (right - left) * n / 4, bottom + 5), f"{x:.3g}", INK, font, anchor="ma")
    draw.rectangle([left, top, right, bottom], outline=INK)
    if chart.level is not None:
        y = place(first, chart.level)[1]
        for x in range(left, right, 10):
            draw.line([(x, y), (x + 5, y)], INK)
    for line in chart.lines:
        kept = [
            place(x, y)
            for x, y in zip(line.x, line.y, strict=True)
            if math.isfinite(y) and (y > 0 or not chart.logarithmic)
        ]
        if len(kept) > 1:
            draw.line(kept, colors[line.name], 2)
        for x, y in kept:
            draw.ellipse([x - 2, y - 2, x + 2, y + 2], fill=colors[line.name])
