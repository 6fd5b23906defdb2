"""Painting a frame's channels from placed levels, strip by strip."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..camera.view import Placement
from ..geometry import Span
from .sheet import Plan, Sheet
from .taps import make_taps

# Columns that are painted at a time: a strip of them stays in the cache of a processor core.
STRIP = 256


class Grid(NamedTuple):
    """Where the samples of a plane lie: one for every step_y × step_x pixels of the frame, in their middle, or
    `shift` pixels to the left of it."""

    height: int
    width: int
    step_y: int = 1
    step_x: int = 1
    shift: float = 0.0


NOTHING = Span(0, 0)


class Layer:
    """One level of a frame: its pixels on a grid, and its blend weight there.

    Args:
        placement: of the level in the frame.
        sheet: the level's channels on the same grid: one sample for every step_y × step_x pixels of the level.
        grid: the samples to paint.
        bottom: whether nothing is below it: then its weight is 1 all over the frame.
        blur: width of the filter where the level is made smaller, in pixels of the frame.

    Attributes:
        rows, columns: where the weight is above 0.
        solid_rows, solid_columns: where it is 1.
    """

    def __init__(self, placement: Placement, sheet: Sheet, grid: Grid, bottom: bool, blur: float = 1.0):
        self.sheet = sheet
        top, left, tall, wide = placement.rect
        above, below, before, after = placement.feather
        if bottom:
            down, across = np.ones(grid.height), np.ones(grid.width)
        else:
            down = placement.opacity * _coverage(top, tall, above, below, grid.step_y, grid.height)
            across = _coverage(left, wide, before, after, grid.step_x, grid.width)
        self.rows, self.columns = _true_span(down > 0), _true_span(across > 0)
        self.solid_rows, self.solid_columns = _true_span(down == 1), _true_span(across == 1)
        profiles = (torch.from_numpy(profile).to(sheet.device, sheet.dtype) for profile in (down, across))
        self._down, self._across = profiles
        # the samples of the level are shifted by `shift` of its own pixels, which are larger
        left += grid.shift * (1 - placement.scale)
        self._row_taps = make_taps(top / grid.step_y, placement.scale, sheet.height, *self.rows, blur)
        self._column_taps = make_taps(left / grid.step_x, placement.scale, sheet.width, *self.columns, blur)
        self._plans: dict[Span, Plan] = {}

    def sample(self, rows: Span, columns: Span) -> list[Tensor]:
        """The pixels of every channel; the spans are parts of the visible ones."""
        if rows not in self._plans:
            part = self._row_taps.part(rows.start - self.rows.start, rows.stop - self.rows.start)
            self._plans[rows] = self.sheet.plan(part, self._column_taps)
        first = self.columns.start
        return self.sheet.sample(self._plans[rows], columns.start - first, columns.stop - first)

    def put(self, strip: Sequence[Tensor], first_column: int, rows: Span, columns: Span) -> None:
        """Writes the pixels into a strip of every channel whose first column is given."""
        if not rows.empty:
            for channel, pixels in zip(strip, self.sample(rows, columns), strict=True):
                channel[rows.start : rows.stop, columns.start - first_column : columns.stop - first_column] = pixels

    def blend(self, strip: Sequence[Tensor], first_column: int, rows: Span, columns: Span) -> None:
        """As ``put``, but laid over the strip with the layer's weight."""
        if not rows.empty:
            weight = self._down[rows.start : rows.stop, None] * self._across[columns.start : columns.stop]
            for channel, pixels in zip(strip, self.sample(rows, columns), strict=True):
                below = channel[rows.start : rows.stop, columns.start - first_column : columns.stop - first_column]
                below.lerp_(pixels, weight)


def make_layers(placements: Sequence[Placement], sheets: Sequence[Sheet], grid: Grid, blur: float = 1.0) -> list[Layer]:
    """The layers of a frame that are visible on a grid, the lowest first."""
    layers = [Layer(p, sheet, grid, k == 0, blur) for k, (p, sheet) in enumerate(zip(placements, sheets, strict=True))]
    return [layer for layer in layers if not (layer.rows.empty or layer.columns.empty)]


def paint(views: Sequence[Sequence[Layer]], grid: Grid) -> Iterator[tuple[Span, list[Tensor]]]:
    """Every upright strip of a frame: its columns, and its channels there, which are the receiver's to change.

    Args:
        views: the layers of the frame; of several frames for their mean.
        grid: of all the layers.
    """
    step = STRIP if views[0][0].sheet.device.type == "cpu" else grid.width
    for start in range(0, grid.width, step):
        columns = Span(start, min(start + step, grid.width))
        strip = _paint_columns(views[0], columns)
        for view in views[1:]:
            for total, channel in zip(strip, _paint_columns(view, columns), strict=True):
                total.add_(channel)
        if len(views) > 1:
            for total in strip:
                total.div_(len(views))
        yield columns, strip


def _paint_columns(layers: Sequence[Layer], columns: Span) -> list[Tensor]:
    bottom = layers[0]
    # rows that the next layer hides in all of these columns
    hidden = layers[1].solid_rows if len(layers) > 1 and columns.within(layers[1].solid_columns) else NOTHING
    if hidden.empty:
        strip = bottom.sample(bottom.rows, columns)
    else:
        size, sheet = (bottom.rows.stop, columns.stop - columns.start), bottom.sheet
        strip = [torch.empty(size, dtype=sheet.dtype, device=sheet.device) for _ in range(sheet.channels)]
        bottom.put(strip, columns.start, Span(0, hidden.start), columns)
        bottom.put(strip, columns.start, Span(hidden.stop, bottom.rows.stop), columns)
    for layer in layers[1:]:
        seen = Span(max(columns.start, layer.columns.start), min(columns.stop, layer.columns.stop))
        if seen.empty:
            continue
        if hidden.empty:
            layer.blend(strip, columns.start, layer.rows, seen)
        else:
            layer.put(strip, columns.start, hidden, seen)
            layer.blend(strip, columns.start, Span(layer.rows.start, hidden.start), seen)
            layer.blend(strip, columns.start, Span(hidden.stop, layer.rows.stop), seen)
            hidden = NOTHING
    return strip


def _coverage(
    first: float, length: float, feather_first: float, feather_last: float, step: int, size: int
) -> NDArray[np.float64]:
    """[size] in [0, 1]: a smooth step up over each feather, averaged over `size` samples, each `step` pixels wide."""
    edges = np.arange(0, (size + 1) * step, step, dtype=np.float64)
    up = np.diff(_step_integral(edges - first, feather_first))
    down = -np.diff(_step_integral(first + length - edges, feather_last))
    profile = up * down / step**2
    profile[profile < 1e-6] = 0
    profile[profile > 1 - 1e-6] = 1
    return profile


def _step_integral(distance: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """∫ of the smoothstep that rises from 0 to 1 between 0 and width."""
    width = max(width, 1e-6)
    t = (distance / width).clip(0, 1)
    return width * t * t * t * (1 - t / 2) + (distance - width).clip(0, math.inf)


def _true_span(mask: NDArray[np.bool_]) -> Span:
    """Of the true elements, which are in one piece."""
    first = int(mask.argmax())
    return Span(first, len(mask) - int(mask[::-1].argmax())) if mask[first] else NOTHING
