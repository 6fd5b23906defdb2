"""One frame of a zoom at a real zoom: every level that matters, resampled straight to the frame and feathered."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from .geometry import Rect, ZoomGeometry
from .resample import compute_dtype
from .stack import ZoomStack

# A deeper level fades in while the level around it grows from 1 to this many output pixels per pixel: before that it
# has no detail to add, since the stack is consistent.
FADE_IN = 1.25
# Columns that one matrix product of the horizontal pass makes, at scale 1: trades wasted work for fewer calls.
BLOCK = 48


class Placement(NamedTuple):
    """A level's frame in output pixels, and how it is laid over the wider levels.

    ``scale`` is output pixels per pixel of the level. ``feather`` holds the widths, in output pixels, inside the top,
    bottom, left and right border.
    """

    level: int
    rect: Rect
    scale: float
    opacity: float
    feather: tuple[float, ...]


class Box(NamedTuple):
    """Whole output pixels: rows top … bottom - 1, columns left … right - 1."""

    top: int
    bottom: int
    left: int
    right: int

    @property
    def empty(self) -> bool:
        return self.top >= self.bottom or self.left >= self.right

    def around(self, hole: Box) -> Iterator[Box]:
        """This box without a hole, in at most four boxes."""
        top, bottom = max(self.top, hole.top), min(self.bottom, hole.bottom)
        left, right = max(self.left, hole.left), min(self.right, hole.right)
        if top >= bottom or left >= right:
            parts = [self]
        else:
            parts = [
                Box(self.top, top, self.left, self.right),
                Box(top, bottom, self.left, left),
                Box(top, bottom, right, self.right),
                Box(bottom, self.bottom, self.left, self.right),
            ]
        return (part for part in parts if not part.empty)


NOWHERE = Box(0, 0, 0, 0)


class Taps(NamedTuple):
    """Along one axis: the source pixels [n, T] that make each of n output pixels, and their weights [n, T], float64."""

    sources: Tensor
    weights: Tensor

    def part(self, start: int, stop: int) -> Taps:
        return Taps(self.sources[start:stop], self.weights[start:stop])

    @property
    def span(self) -> tuple[int, int]:
        """First and last + 1 of the source pixels."""
        return int(self.sources[0, 0]), int(self.sources[-1, -1]) + 1

    def matrix(self) -> Tensor:
        """[source pixels of the span, n]"""
        first, stop = self.span
        matrix = self.weights.new_zeros((self.sources.shape[0], stop - first))
        return matrix.scatter_add_(1, self.sources - first, self.weights).T


def render_frame(stack: ZoomStack, zoom: float, height: int, width: int) -> Tensor:
    """What is seen of a stack at a real zoom. For many frames, make one ``FrameRenderer``.

    Args:
        stack: N levels.
        zoom: in [0, N - 1]; zoom i shows level i filling the frame.
        height, width: pixels of the frame. If its aspect is not the stack's, the stack covers it and is cropped.

    Returns:
        [C, height, width] in [0, 1], dtype and device of the stack.

    Raises:
        ValueError: if the zoom or the size is outside these ranges.
    """
    return FrameRenderer(stack, height, width)(zoom)


class FrameRenderer:
    """Renders frames of one stack at one size.

    Convention: pixel (r, c) covers [r, r+1) × [c, c+1). A magnified level is interpolated (Catmull-Rom), a minified one
    is prefiltered with the same kernel at the width of the output pixels; both at exact sub-pixel positions.

    Args:
        stack: N levels; its images are not copied if they are float32 or float64.
        height, width: pixels of the frames, at least 1.

    Raises:
        ValueError: if height or width is less than 1.
    """

    def __init__(self, stack: ZoomStack, height: int, width: int):
        if height < 1 or width < 1:
            raise ValueError(f"a frame needs a height and a width of at least 1, got {height}×{width}")
        self.geometry = stack.geometry
        self.height, self.width = height, width
        self._dtype = stack.images.dtype
        self._images = stack.images.detach().to(compute_dtype(self._dtype)).contiguous()

    def __call__(self, zoom: float) -> Tensor:
        """[C, height, width] in [0, 1]; zoom in [0, N - 1], else ValueError."""
        frame = self._images.new_empty((self._images.shape[1], self.height, self.width))
        placements = place_levels(self.geometry, zoom, self.height, self.width)
        layers = [_Layer(placement, self._images[placement.level], self.height, self.width) for placement in placements]
        for layer, deeper in zip(layers, [*layers[1:], None], strict=True):
            hidden = deeper.opaque if deeper else NOWHERE
            for box in layer.opaque.around(hidden):
                frame[:, box.top : box.bottom, box.left : box.right] = layer.sample(box)
            for ring in layer.visible.around(layer.opaque):
                for box in ring.around(hidden):
                    frame[:, box.top : box.bottom, box.left : box.right].lerp_(layer.sample(box), layer.weight(box))
        return frame.clamp_(0, 1).to(self._dtype)


class _Layer:
    """One level of a frame: its pixels on the frame's grid, and its blend weight there.

    ``visible`` is where the weight is above 0, ``opaque`` where it is 1.
    """

    def __init__(self, placement: Placement, image: Tensor, height: int, width: int):
        top, left, rect_height, rect_width = placement.rect
        above, below, before, after = placement.feather
        self.image, self.opacity = image, placement.opacity
        self.rows = _coverage(top, rect_height, above, below, height)
        self.columns = _coverage(left, rect_width, before, after, width)
        self.visible = Box(*_range(self.rows > 0), *_range(self.columns > 0))
        solid = Box(*_range(self.rows == 1), *_range(self.columns == 1))
        self.opaque = solid if self.opacity == 1 else NOWHERE
        self.row_taps = _taps(top, placement.scale, image.shape[1], self.visible.top, self.visible.bottom)
        self.column_taps = _taps(left, placement.scale, image.shape[2], self.visible.left, self.visible.right)

    def sample(self, box: Box) -> Tensor:
        """[C, box height, box width] pixels."""
        rows = self.row_taps.part(box.top - self.visible.top, box.bottom - self.visible.top)
        columns = self.column_taps.part(box.left - self.visible.left, box.right - self.visible.left)
        return _resample(self.image, rows, columns)

    def weight(self, box: Box) -> Tensor:
        """[box height, box width] in [0, 1]"""
        rows, columns = self.rows[box.top : box.bottom], self.columns[box.left : box.right]
        return (self.opacity * rows[:, None] * columns).to(self.image)


def even_size(geometry: ZoomGeometry, height: int = 0, width: int = 0) -> tuple[int, int]:
    """(height, width) of a video: even, as encoders need it, at least 2.

    Args:
        geometry: of the stack to show; it fills in for a 0.
        height, width: wished for, at least 0; 0 keeps the shape of the levels, both 0 their size too.

    Raises:
        ValueError: if one is below 0.
    """
    if height < 0 or width < 0:
        raise ValueError(f"height and width must be at least 0, got {height}×{width}")
    if not height:
        height = round(width * geometry.height / geometry.width) if width else geometry.height
    width = width or round(height * geometry.width / geometry.height)
    return max(2, height // 2 * 2), max(2, width // 2 * 2)


def place_levels(geometry: ZoomGeometry, zoom: float, height: int, width: int) -> list[Placement]:
    """The levels that make a frame, the widest first; it covers the frame, the others are laid over it.

    From zoom i to i + 1 the view is scaled by p^-f around the point that level i+1 shares with its rectangle in level
    i. Of that view the frame shows the largest part of its aspect, and keeps this point where it is.

    Args:
        zoom: in [0, levels - 1].
        height, width: pixels of the frame.

    Raises:
        ValueError: if the zoom is outside its range.
    """
    if not 0 <= zoom <= geometry.levels - 1:
        raise ValueError(f"zoom must be in [0, {geometry.levels - 1}], got {zoom!r}")
    base = int(zoom)
    view = _view(geometry, base, zoom - base, width / height)
    scale = height / view.height
    # scale at which a level that just fills the frame is shown; the same at every zoom
    full = scale / (geometry.factors[base] ** (zoom - base) if base < geometry.levels - 1 else 1.0)
    frame = Rect(-view.top * scale, -view.left * scale, geometry.height * scale, geometry.width * scale)
    placements = [Placement(base, frame, scale, 1.0, (0.0, 0.0, 0.0, 0.0))]
    for level, factor in enumerate(geometry.factors[base:], start=base + 1):
        # at the latest when the level fills the frame it must be all there
        opaque_at = min(FADE_IN, factor * full)
        clear_at = opaque_at / min(FADE_IN, factor)
        opacity = _smoothstep(math.log(placements[-1].scale / clear_at) / math.log(opaque_at / clear_at))
        if opacity == 0:
            break
        inner = geometry.rect(base, level)
        rect = Rect(
            (inner.top - view.top) * scale, (inner.left - view.left) * scale, inner.height * scale, inner.width * scale
        )
        gaps = (rect.top, height - rect.top - rect.height, rect.left, width - rect.left - rect.width)
        sides = (rect.height, rect.height, rect.width, rect.width)
        feather = tuple(_feather(gap, (1 - 1 / factor) / 2 * side) for gap, side in zip(gaps, sides, strict=True))
        placements.append(Placement(level, rect, rect.height / geometry.height, opacity, feather))
    return placements


def _view(geometry: ZoomGeometry, level: int, part: float, aspect: float) -> Rect:
    """What the frame shows, in the pixels of `level`, at the part [0, 1) of the way to the next level."""
    size = (geometry.height, geometry.width)
    here = _fixed_point(geometry, level)
    after = _fixed_point(geometry, level + 1)
    shrink = geometry.factors[level] ** -part if level < geometry.levels - 1 else 1.0
    whole = (size[0] * shrink, size[1] * shrink)
    shown = (min(whole[0], whole[1] / aspect), min(whole[1], whole[0] * aspect))
    top, left = (
        fixed * size[axis] * (1 - shrink) + (fixed + part * (then - fixed)) * (whole[axis] - shown[axis])
        for axis, (fixed, then) in enumerate(zip(here, after, strict=True))
    )
    return Rect(top, left, *shown)


def _fixed_point(geometry: ZoomGeometry, level: int) -> tuple[float, float]:
    """(y, x) in [0, 1]²: the point of a level that stays while zooming to the next; of the last level as before it."""
    if geometry.levels == 1:
        return 0.5, 0.5
    outer = min(level, geometry.levels - 2)
    top, left, height, width = geometry.rect(outer, outer + 1)
    return top / (geometry.height - height), left / (geometry.width - width)


def _feather(gap: float, widest: float) -> float:
    """Width of the feather inside a border that lies `gap` inside the frame.

    At its widest it reaches to where a next level would begin. It vanishes as the level comes to fill the frame, and
    with a slope of 0: a feather that shrinks to the last makes the frame change faster just before than just after.
    """
    return widest * min(max(gap / widest, 0.0), 1.0) ** 1.5


def _smoothstep(t: float) -> float:
    t = min(max(t, 0.0), 1.0)
    return t * t * (3 - 2 * t)


def _coverage(first: float, length: float, feather_first: float, feather_last: float, size: int) -> Tensor:
    """[size] float64 in [0, 1]: a smooth step up over each feather, averaged over every pixel of `size`."""
    edges = torch.arange(size + 1, dtype=torch.float64)
    up = _step_integral(edges - first, feather_first).diff()
    down = _step_integral(first + length - edges, feather_last).diff().neg()
    profile = up * down
    return torch.where(profile > 1 - 1e-6, 1.0, torch.where(profile < 1e-6, 0.0, profile))


def _step_integral(distance: Tensor, width: float) -> Tensor:
    """∫ of the smoothstep that rises from 0 to 1 between 0 and width."""
    width = max(width, 1e-6)
    t = (distance / width).clamp(0, 1)
    return width * (t**3 - t**4 / 2) + (distance - width).clamp_min(0)


def _range(mask: Tensor) -> tuple[int, int]:
    """First and last + 1 of the true elements, which are in one piece; (0, 0) if there are none."""
    where = mask.nonzero()
    return (int(where[0]), int(where[-1]) + 1) if len(where) else (0, 0)


def _taps(first: float, scale: float, size: int, start: int, stop: int) -> Taps:
    """The taps of output pixels start … stop - 1, for `size` source pixels whose first edge lies at output `first`.

    Beyond its edges the source is continued with its last pixel.
    """
    reach = max(1.0, 1 / scale)
    centers = (torch.arange(start, stop, dtype=torch.float64) + 0.5 - first) / scale - 0.5
    start_index = (centers - 2 * reach).floor().long() + 1
    index = start_index[:, None] + torch.arange(math.ceil(4 * reach))
    distance = index - centers[:, None]
    weight = _catmull_rom(distance / reach)
    weight /= weight.sum(dim=1, keepdim=True)
    # a widened kernel is off its center by a few hundredths of a pixel, which would jitter: the two middle pixels make
    # up for it
    off = (weight * distance).sum(dim=1, keepdim=True)
    middle = (centers.floor().long() - start_index)[:, None]
    weight.scatter_add_(1, middle, off).scatter_add_(1, middle + 1, -off)
    return Taps(index.clamp(0, size - 1), weight)


def _catmull_rom(x: Tensor) -> Tensor:
    """The interpolating cubic of Catmull and Rom (Keys, a = -1/2), 0 beyond 2."""
    x = x.abs()
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return torch.where(x <= 1, near, torch.where(x < 2, far, 0.0))


def _resample(image: Tensor, rows: Taps, columns: Taps) -> Tensor:
    """image [C, H, W] -> [C, n, m], along the rows' axis first."""
    left, right = columns.span
    count = columns.sources.shape[0]
    # a weighted sum of rows is what embedding_bag computes, in one pass over the memory
    bags, weights = rows.sources.to(image.device), rows.weights.to(image)
    tall = [embedding_bag(bags, channel[:, left:right], per_sample_weights=weights, mode="sum") for channel in image]
    out = image.new_empty((len(tall), rows.sources.shape[0], count))
    block = max(8, round(BLOCK * count / (right - left)))
    for start in range(0, count, block):
        stop = min(start + block, count)
        part = columns.part(start, stop)
        first, last = part.span
        matrix = part.matrix().to(image)
        for source, target in zip(tall, out, strict=True):
            torch.mm(source[:, first - left : last - left], matrix, out=target[:, start:stop])
    return out
