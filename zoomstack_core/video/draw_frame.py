"""One frame of a zoom at a real zoom: every level that matters, resampled straight to the frame and feathered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from typing import NamedTuple

import torch
from torch import Tensor

from ..camera.journey import Journey
from ..camera.turn import Shot
from ..camera.view import Placement, even_size, place_levels
from ..errors import ArgumentError
from ..geometry import Span
from ..method.stack import ZoomStack
from ..tensors import compute_dtype
from .color import HIGHEST_CHROMA, HIGHEST_LUMA, LOWEST, PixelFormat, Planes, to_codes
from .paint import Grid, make_layers, paint
from .sheet import Sheet
from .turned import TurnedView, paint_turned

__all__ = ["FrameRenderer", "PlaneRenderer", "even_size", "place_levels", "render_frame"]

# Rows of a level that are converted at a time; even, as chroma may have half of them.
BAND = 128


def render_frame(stack: ZoomStack, zoom: float, height: int, width: int, journey: Journey | None = None) -> Tensor:
    """What is seen of a stack at a real zoom. For many frames, make one ``FrameRenderer``.

    Args:
        stack: N levels.
        zoom: in [0, N - 1]; zoom i shows level i filling the frame. In a tree or a ring: a place on the journey.
        height, width: pixels of the frame. If its aspect is not the stack's, the stack covers it and is cropped.
        journey: through the levels; by default the stack's own, see `Journey.of`.

    Returns:
        [C, height, width] in [0, 1], dtype and device of the stack.

    Raises:
        ValueError: if the zoom or the size is outside these ranges.

    >>> import torch
    >>> from zoomstack_core import ZoomGeometry, ZoomStack, render_frame
    >>> stack = ZoomStack(torch.rand(3, 3, 32, 32), ZoomGeometry(levels=3, height=32, width=32))
    >>> render_frame(stack, zoom=1.5, height=18, width=32).shape
    torch.Size([3, 18, 32])
    """
    return FrameRenderer(stack, height, width, journey)(zoom)


class FrameRenderer:
    """Draws frames of one stack at one size, as images.

    Convention: pixel (r, c) covers [r, r+1) × [c, c+1). A magnified level is interpolated (Catmull-Rom), a minified one
    is prefiltered with the same kernel at the width of the output pixels; both at exact sub-pixel positions.
    May be called from several threads.

    Args:
        stack: N levels.
        height, width: pixels of the frames, at least 1.
        journey: through the levels; by default the stack's own, see `Journey.of`.

    Raises:
        ValueError: if height or width is less than 1, or the journey is one through other levels.

    >>> import torch
    >>> from zoomstack_core import FrameRenderer, ZoomGeometry, ZoomPath, ZoomStack
    >>> stack = ZoomStack(torch.rand(3, 3, 32, 32), ZoomGeometry(levels=3, height=32, width=32))
    >>> draw, path = FrameRenderer(stack, 32, 32), ZoomPath(stack.geometry.factors, duration=1.0)
    >>> len([draw(zoom) for zoom in path.zooms(fps=8)])
    8
    """

    def __init__(self, stack: ZoomStack, height: int, width: int, journey: Journey | None = None):
        _check_size(height, width)
        self.journey = _journey(stack, journey)
        self.height, self.width = height, width
        self._dtype = stack.images.dtype
        dtype = compute_dtype(self._dtype)
        self._levels = _Levels(stack, stack.images.device, lambda image: [Sheet.of(image.to(dtype))])

    def __call__(self, *zooms: float | Shot) -> Tensor:
        """[C, height, width] in [0, 1]: what is seen at a zoom, a place on the journey; the mean if there are several.

        Raises:
            ValueError: for a zoom outside its range.
        """
        grid = Grid(self.height, self.width)
        views = []
        for zoom in zooms:
            placements = place_levels(self.journey, zoom, self.height, self.width)
            views.append(_View(self.journey, zoom, placements, [sheet for (sheet,) in self._levels.get(placements)]))
        sheet = views[0].sheets[0]
        frame = torch.empty((sheet.channels, *grid[:2]), dtype=self._dtype, device=sheet.device)
        for columns, strip in _paint(views, grid):
            for target, channel in zip(frame, strip, strict=True):
                target[:, columns.start : columns.stop] = channel.clamp_(0, 1)
        return frame


class PlaneRenderer:
    """Draws frames of one stack at one size straight to an encoder's Y'CbCr planes.

    Levels are converted once, chroma is resampled to its own smaller grid: about half the work of a ``FrameRenderer``
    with a conversion behind it. May be called from several threads.

    Args:
        stack: N levels of three channels.
        height, width: pixels of the frames; multiples of the steps of chroma.
        layout: a format of Y'CbCr.
        device: where to draw; the stack's own by default.
        journey: through the levels; by default the stack's own, see `Journey.of`.

    Raises:
        ValueError: if the size, the number of channels or the journey does not fit.
    """

    def __init__(
        self,
        stack: ZoomStack,
        height: int,
        width: int,
        layout: PixelFormat,
        device: torch.device | None = None,
        journey: Journey | None = None,
    ):
        _check_size(height, width)
        if height % layout.step_y or width % layout.step_x:
            raise ArgumentError("height", f"is {height}", f"even numbers for {layout.name}, also as `width`, {width}")
        if stack.images.shape[1] != 3:
            raise ArgumentError("stack", f"has levels of {stack.images.shape[1]} channels", "3 channels")
        self.journey = _journey(stack, journey)
        self.height, self.width, self.layout = height, width, layout
        place = device or stack.images.device
        self._levels = _Levels(stack, place, self._sheets)
        # chroma is sited on the first column of its pixels
        shift = (layout.step_x - 1) / 2
        size = height // layout.step_y, width // layout.step_x
        self._luma, self._chroma = Grid(height, width), Grid(*size, layout.step_y, layout.step_x, shift)
        self._last: tuple[Sequence[float | Shot], Planes] | None = None

    def __call__(self, *zooms: float | Shot) -> Planes:
        """What is seen at a zoom, a place on the journey; the mean if there are several.

        Raises:
            ValueError: for a zoom outside its range.
        """
        last = self._last
        if last and last[0] == zooms:  # the camera rests
            return last[1]
        luma, chroma = [], []
        for zoom in zooms:
            placements = place_levels(self.journey, zoom, self.height, self.width)
            sheets = self._levels.get(placements)
            luma.append(_View(self.journey, zoom, placements, [sheet for sheet, _ in sheets]))
            chroma.append(_View(self.journey, zoom, placements, [sheet for _, sheet in sheets]))
        unit = 2 ** (self.layout.bits - 8)
        planes = Planes(
            *_paint_codes(luma, self._luma, LOWEST * unit, HIGHEST_LUMA * unit, self.layout.dtype),
            *_paint_codes(chroma, self._chroma, LOWEST * unit, HIGHEST_CHROMA * unit, self.layout.dtype),
        )
        self._last = zooms, planes
        return planes

    def _sheets(self, image: Tensor) -> list[Sheet]:
        _, height, width = image.shape
        step_y, step_x = self.layout.step_y, self.layout.step_x
        luma = Sheet(1, height, width, torch.float32, image.device)
        chroma = Sheet(2, -(-height // step_y), -(-width // step_x), torch.float32, image.device)
        # band by band: at once it takes several times the memory of the level
        for top in range(0, height, BAND):
            codes = to_codes(image[:, top : top + BAND].to(torch.float32), self.layout)
            luma.write(top, codes[0])
            chroma.write(top // step_y, codes[1])
        return [luma, chroma]


class _View(NamedTuple):
    """What one exposure shows of some channels."""

    journey: Journey
    zoom: float | Shot
    placements: Sequence[Placement]
    sheets: Sequence[Sheet]


def _paint(views: Sequence[_View], grid: Grid) -> Iterator[tuple[Span, list[Tensor]]]:
    """As `paint`; turned where the journey has a roll, also where the angle is 0, as it would look sharper there."""
    if not views[0].journey.roll:
        return paint([make_layers(view.placements, view.sheets, grid) for view in views], grid)
    aspect = (grid.width * grid.step_x) / (grid.height * grid.step_y)
    turned = []
    for journey, zoom, placements, sheets in views:
        turned.append(TurnedView(placements, sheets, grid, journey.angle(Shot.of(zoom).zoom, aspect)))
    return paint_turned(turned, grid)


def _paint_codes(views: Sequence[_View], grid: Grid, lowest: int, highest: int, dtype: torch.dtype) -> list[Tensor]:
    """Codes of every channel, cut off below `lowest` and above `highest`."""
    sheet, size = views[0].sheets[0], (grid.height, grid.width)
    planes = [torch.empty(size, dtype=dtype, device=sheet.device) for _ in range(sheet.channels)]
    for columns, strip in _paint(views, grid):
        for plane, channel in zip(planes, strip, strict=True):
            # the conversion cuts off the fraction, which ``to_codes`` has raised by a half; to int16 it is much
            # faster than to uint8
            plane[:, columns.start : columns.stop] = channel.clamp_(lowest, highest + 0.75).to(torch.int16)
    return [plane.cpu() for plane in planes]


def _check_size(height: int, width: int) -> None:
    if height < 1 or width < 1:
        raise ArgumentError("height", f"is {height}", f"at least 1, also as `width`, {width}")


def _journey(stack: ZoomStack, journey: Journey | None) -> Journey:
    if journey and journey.geometry != stack.geometry:
        raise ArgumentError("journey", f"leads through {journey.geometry}", f"one through the stack, {stack.geometry}")
    return journey or Journey.of(stack.geometry)


class _Levels:
    """The levels that the frames at hand need, ready to be resampled.

    Those that the last frame did not need are dropped: memory does not grow with the number of levels.
    """

    def __init__(self, stack: ZoomStack, device: torch.device, prepare: Callable[[Tensor], list[Sheet]]):
        self._images, self._device, self._prepare = stack.images.detach(), device, prepare
        self._ready: dict[int, list[Sheet]] = {}
        self._lock = Lock()

    def get(self, placements: Sequence[Placement]) -> list[list[Sheet]]:
        """For every placed level the sheets that `prepare` makes of its image [C, H, W]."""
        levels = [placement.level for placement in placements]
        with self._lock:
            for level in self._ready.keys() - set(levels):
                del self._ready[level]
            for level in levels:
                if level not in self._ready:
                    self._ready[level] = self._prepare(self._images[level].to(self._device))
            return [self._ready[level] for level in levels]
