"""A scene with detail at every scale, and photographs of it: disks of all sizes, which cover each other.

Source: A. B. Lee, D. Mumford and J. Huang, Occlusion Models for Natural Images, IJCV 2001 (dead leaves).
"""

from __future__ import annotations

import io
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import avg_pool2d

FINER = 3  # points along a side of a pixel


@dataclass(frozen=True)
class View:
    """Where a camera looks: the middle of its picture and the picture's width, in the scene's units."""

    x: float
    y: float
    width: float

    def inner(self, factor: float, focus: tuple[float, float], shape: float) -> View:
        """The view of a step from this one, of pictures that are ``shape`` times as high as wide."""
        left, top = ((min(max(f, 0.5 / factor), 1 - 0.5 / factor) - 0.5) * self.width for f in focus)
        return View(self.x + left, self.y + top * shape, self.width / factor)


class LeafScene:
    """Disks that become smaller and denser towards the point that the views end in.

    Args:
        seed: of everything.
        towards: that view; disks are drawn down to a hundredth of its width.
    """

    def __init__(self, seed: int, towards: View, count: int = 2500) -> None:
        self._random = random.Random(seed)
        least = towards.width / 20
        self._disks = []
        for _ in range(count):
            distance = least * (4 / least) ** self._random.random()
            angle = self._random.uniform(0, 2 * math.pi)
            x, y = towards.x + distance * math.cos(angle), towards.y + distance * math.sin(angle)
            radius = distance * 0.4 * self._random.uniform(0.1, 1) ** 2
            self._disks.append((radius, x, y, [self._random.random() for _ in range(3)]))
        self._disks.sort(key=lambda disk: -disk[0])

    def photograph(self, view: View, height: int, width: int, turn: float = 0.0) -> Tensor:
        """[3, height, width] of a view, by a camera turned by so many degrees clockwise."""
        step = view.width / (width * FINER)
        rows, columns = height * FINER, width * FINER
        v, u = torch.meshgrid(
            (torch.arange(rows) + 0.5 - rows / 2) * step,
            (torch.arange(columns) + 0.5 - columns / 2) * step,
            indexing="ij",
        )
        angle = math.radians(turn)
        picture = torch.full((3, rows, columns), 0.5)
        for radius, x, y, color in self._disks:
            dx, dy = x - view.x, y - view.y
            right, down = math.cos(angle) * dx + math.sin(angle) * dy, math.cos(angle) * dy - math.sin(angle) * dx
            spans = [
                slice(max(0, math.floor((at - radius) / step + size / 2)), math.ceil((at + radius) / step + size / 2))
                for at, size in ((down, rows), (right, columns))
            ]
            if any(span.stop <= span.start for span in spans):
                continue
            part = tuple(spans)
            inside = (u[part] - right) ** 2 + (v[part] - down) ** 2 < radius**2
            picture[:, spans[0], spans[1]] = torch.where(
                inside, torch.tensor(color)[:, None, None], picture[:, spans[0], spans[1]]
            )
        return avg_pool2d(picture, FINER)


def nested_views(steps: Sequence[tuple[float, tuple[float, float]]], shape: float) -> list[View]:
    """The views of a zoom, from one of width 1."""
    views = [View(0.0, 0.0, 1.0)]
    for factor, focus in steps:
        views.append(views[-1].inner(factor, focus, shape))
    return views


def as_jpeg(picture: Tensor, quality: int) -> Tensor:
    """[3, H, W] written and read."""
    file = io.BytesIO()
    pixels = (picture.clamp(0, 1) * 255).round().byte().movedim(0, -1).numpy()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(file))).float().movedim(-1, 0) / 255
