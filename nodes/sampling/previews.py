"""The live preview of a joint run: all levels in one picture."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .live_preview import Callback, prepare_callback


def mosaic_callback(model: Any, steps: int) -> Callback:
    """The host's progress bar and live preview; the preview shows all levels, the widest at the top left."""
    report = prepare_callback(model, steps)
    return lambda step, x0, x, total: report(step, mosaic(x0), x, total)


def mosaic(levels: Tensor) -> Tensor:
    """Levels [N, C, …, H, W] as one image [1, C, …, rows · H, columns · W], in reading order."""
    count = len(levels)
    columns = int(count**0.5 + 0.999)
    rows = -(-count // columns)
    padded = torch.cat([levels, levels.new_zeros(rows * columns - count, *levels.shape[1:])])
    lines = [torch.cat(list(line.split(1)), dim=-1) for line in padded.split(columns)]
    return torch.cat(lines, dim=-2)
