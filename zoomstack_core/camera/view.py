"""Where every level that matters lies in a frame at a real zoom, and how it is laid over the wider ones."""

from __future__ import annotations

import math
from typing import NamedTuple

from ..errors import ArgumentError, shown
from ..geometry import Rect, ZoomGeometry

# A deeper level fades in while the level around it grows from 1 to this many output pixels per pixel: before that it
# has no detail to add, since the stack is consistent.
FADE_IN = 1.25


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


def even_size(geometry: ZoomGeometry, height: int = 0, width: int = 0) -> tuple[int, int]:
    """(height, width) of a video: even, as encoders need it, at least 2.

    Args:
        geometry: of the stack to show; it fills in for a 0.
        height, width: wished for, at least 0; 0 keeps the shape of the levels, both 0 their size too.

    Raises:
        ValueError: if one is below 0.
    """
    if height < 0 or width < 0:
        name, value = ("height", height) if height < 0 else ("width", width)
        raise ArgumentError(name, shown(value), "at least 0")
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
        raise ArgumentError("zoom", shown(zoom), f"a number from 0 to {geometry.levels - 1}")
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
