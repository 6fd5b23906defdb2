"""Frames that are turned: painted upright and finer than they are, and sampled at the places of their pixels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from ..camera.turn import turned_size
from ..camera.view import Placement
from ..geometry import Rect, Span
from .paint import Grid, Layer, make_layers, paint
from .sheet import Sheet

# How much finer the upright picture is, and how wide the filter of levels that are made smaller, in pixels of the
# frame. Sampled so, bilinear interpolation comes nearer to the mean over a pixel than a bicubic one at the frame's own
# size; a wider filter flickers less and is less true.
FINER, PREFILTER = 1.5, 0.8
RIM = 2  # samples around the upright picture, which bilinear sampling may reach


class TurnedView:
    """The layers of a frame before it is turned.

    Args:
        placements: of the levels in the frame before it is turned, also around it, see `place_levels`.
        sheets: of these levels, see `Layer`.
        grid: the samples of the frame.
        angle: radians by which the picture is turned clockwise, around the middle of the frame.
    """

    def __init__(self, placements: Sequence[Placement], sheets: Sequence[Sheet], grid: Grid, angle: float):
        height, width = grid.height * grid.step_y, grid.width * grid.step_x
        tall, wide = turned_size(height, width, angle)
        rows, columns = (
            2 * (math.ceil(side * FINER / (2 * step)) + RIM)
            for side, step in ((tall, grid.step_y), (wide, grid.step_x))
        )
        self._upright = Grid(rows, columns, *grid[2:])
        self._to_upright = _Turn(grid, self._upright, angle)
        middle = rows * grid.step_y / 2, columns * grid.step_x / 2
        larger = [_enlarged(placement, (height / 2, width / 2), middle) for placement in placements]
        self._layers: list[Layer] = make_layers(larger, sheets, self._upright, PREFILTER * FINER)

    def sample(self) -> Tensor:
        """[channels, height, width]"""
        sheet = self._layers[0].sheet
        size = sheet.channels, self._upright.height, self._upright.width
        upright = torch.empty(size, dtype=sheet.dtype, device=sheet.device)
        for columns, strip in paint([self._layers], self._upright):
            for target, channel in zip(upright, strip, strict=True):
                target[:, columns.start : columns.stop] = channel
        places = self._to_upright.places(sheet.dtype, sheet.device)
        return grid_sample(upright[None], places[None], mode="bilinear", padding_mode="border", align_corners=False)[0]


def paint_turned(views: Sequence[TurnedView], grid: Grid) -> Iterator[tuple[Span, list[Tensor]]]:
    """The frame as `paint` gives it, in one piece; the mean of several views."""
    total = views[0].sample()
    for view in views[1:]:
        total.add_(view.sample())
    if len(views) > 1:
        total.div_(len(views))
    yield Span(0, grid.width), list(total)


class _Turn:
    """From the samples of a frame to places in its upright picture.

    Args:
        grid: of the frame; upright: of the picture, around the same middle.
        angle: by which the frame's picture is turned.
    """

    def __init__(self, grid: Grid, upright: Grid, angle: float):
        self._grid, self._upright = grid, upright
        self._along, self._across = math.cos(angle) * FINER, math.sin(angle) * FINER

    def places(self, dtype: torch.dtype, device: torch.device) -> Tensor:
        """[height, width, 2] as ``grid_sample`` takes them: (x, y), -1 and 1 at the edges of the upright picture."""
        grid, upright = self._grid, self._upright
        y = (torch.arange(grid.height, dtype=torch.float64) + 0.5 - grid.height / 2) * grid.step_y
        x = (torch.arange(grid.width, dtype=torch.float64) + 0.5 - grid.width / 2) * grid.step_x - grid.shift
        half_height, half_width = upright.height * upright.step_y / 2, upright.width * upright.step_x / 2
        places = torch.empty(grid.height, grid.width, 2, dtype=dtype, device=device)
        for axis, (from_x, from_y) in enumerate(
            (
                ((self._along * x + upright.shift) / half_width, self._across * y / half_width),
                (-self._across * x / half_height, self._along * y / half_height),
            )
        ):
            torch.add(from_y.to(device, dtype)[:, None], from_x.to(device, dtype), out=places[..., axis])
        return places


def _enlarged(placement: Placement, middle: tuple[float, float], new_middle: tuple[float, float]) -> Placement:
    top, left, height, width = placement.rect
    top = (top - middle[0]) * FINER + new_middle[0]
    left = (left - middle[1]) * FINER + new_middle[1]
    return Placement(
        placement.level,
        Rect(top, left, height * FINER, width * FINER),
        placement.scale * FINER,
        placement.opacity,
        tuple(FINER * width for width in placement.feather),
    )
