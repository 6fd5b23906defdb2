"""The live preview of a joint run: all levels in one picture."""

from __future__ import annotations

import torch
from torch import Tensor


def mosaic(levels: Tensor) -> Tensor:
    """Levels [N, C, …, H, W] as one image [1, C, …, rows · H, columns · W], in reading order."""
    count = len(levels)
    columns = int(count**0.5 + 0.999)
    rows = -(-count // columns)
    padded = torch.cat([levels, levels.new_zeros(rows * columns - count, *levels.shape[1:])])
    lines = [torch.cat(list(line.split(1)), dim=-1) for line in padded.split(columns)]
    return torch.cat(lines, dim=-2)
