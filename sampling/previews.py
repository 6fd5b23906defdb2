"""The live preview of a joint run: all levels in one picture, each with its number."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

TEXT_PART, LEAST_TEXT = 9, 10  # a label's height: one of so many parts of a level's, and pixels at least


def mosaic(levels: Tensor) -> Tensor:
    """Levels [N, C, …, H, W] as one image [1, C, …, rows · H, columns · W], in reading order."""
    count = len(levels)
    columns, rows = _grid(count)
    padded = torch.cat([levels, levels.new_zeros(rows * columns - count, *levels.shape[1:])])
    lines = [torch.cat(list(line.split(1)), dim=-1) for line in padded.split(columns)]
    return torch.cat(lines, dim=-2)


def labelled(picture: Image.Image, labels: Sequence[str], size: int) -> Image.Image:
    """A mosaic's picture with one label in the corner of every level, enlarged to ``size`` pixels where it is smaller.

    Latents are small: what the host shows of them would have no room for letters.
    """
    scale = max(1.0, size / max(picture.size))
    shown = picture.resize((round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BILINEAR)
    columns, rows = _grid(len(labels))
    width, height = shown.width / columns, shown.height / rows
    font = ImageFont.load_default(max(LEAST_TEXT, min(width, height) / TEXT_PART))
    draw = ImageDraw.Draw(shown)
    for place, label in enumerate(labels):
        corner = place % columns * width + 3, place // columns * height + 2
        draw.text(corner, label, "white", font, stroke_width=2, stroke_fill="black")
    return shown


def _grid(count: int) -> tuple[int, int]:
    """Columns and rows."""
    columns = int(count**0.5 + 0.999)
    return columns, -(-count // columns)
