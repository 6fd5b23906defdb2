"""Where every level that matters lies in a frame at a real zoom, and how it is laid over the wider ones."""

from __future__ import annotations

import math
from typing import NamedTuple

from ..errors import ArgumentError, shown
from ..geometry import Rect, Step, ZoomGeometry, nested_rect
from .journey import Journey, Position

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


def place_levels(way: ZoomGeometry | Journey, zoom: float, height: int, width: int) -> list[Placement]:
    """The levels that make a frame, each after the one that shows it; the first covers the frame, the others are laid
    over it.

    Between two places of the journey the view of the wider level is scaled by p^-f around the point that it shares with
    the deeper one. Of that view the frame shows the largest part of its aspect, and keeps this point where it is. A
    level of a ring may be there several times.

    Args:
        way: the journey, or a geometry for its own one, `Journey.of`.
        zoom: a place on it: in [0, last], for a chain in [0, levels - 1].
        height, width: pixels of the frame.

    Raises:
        ValueError: if the zoom is outside its range.
    """
    journey = Journey.of(way)
    if not 0 <= zoom <= journey.last:
        raise ArgumentError("zoom", shown(zoom), f"a number from 0 to {journey.last}")
    geometry, at = journey.geometry, journey.at(zoom)
    view = _view(geometry, at, width / height)
    scale = height / view.height
    # scale at which a level that just fills the frame is shown; the same at every zoom
    full = scale / at.factor**at.part
    frame = Rect(-view.top * scale, -view.left * scale, geometry.height * scale, geometry.width * scale)
    placements = [Placement(at.level, frame, scale, 1.0, (0.0, 0.0, 0.0, 0.0))]
    steps_to: list[tuple[Step, ...]] = [()]  # from the first placement to each
    for wider, steps in zip(placements, steps_to, strict=True):  # both grow: the children of the children follow
        for level in geometry.children(wider.level):
            factor = geometry.step_into(level).factor
            # at the latest when the level fills the frame it must be all there
            opaque_at = min(FADE_IN, factor * full)
            clear_at = opaque_at / min(FADE_IN, factor)
            opacity = _smoothstep(math.log(wider.scale / clear_at) / math.log(opaque_at / clear_at))
            if opacity == 0:
                continue
            inner = nested_rect((*steps, geometry.step_into(level)), geometry.height, geometry.width)
            top, left = (inner.top - view.top) * scale, (inner.left - view.left) * scale
            rect = Rect(top, left, inner.height * scale, inner.width * scale)
            gaps = (rect.top, height - rect.top - rect.height, rect.left, width - rect.left - rect.width)
            sides = (rect.height, rect.height, rect.width, rect.width)
            if any(gap <= -side for gap, side in zip(gaps, sides, strict=True)):
                continue  # beside the frame
            feather = tuple(_feather(gap, (1 - 1 / factor) / 2 * side) for gap, side in zip(gaps, sides, strict=True))
            placements.append(Placement(level, rect, rect.height / geometry.height, opacity, feather))
            steps_to.append((*steps, geometry.step_into(level)))
    return placements


def _view(geometry: ZoomGeometry, at: Position, aspect: float) -> Rect:
    """What the frame shows, in the pixels of the position's level."""
    size = (geometry.height, geometry.width)
    shrink = at.factor**-at.part
    whole = (size[0] * shrink, size[1] * shrink)
    shown = (min(whole[0], whole[1] / aspect), min(whole[1], whole[0] * aspect))
    top, left = (
        fixed * size[axis] * (1 - shrink) + (here + at.part * (then - here)) * (whole[axis] - shown[axis])
        for axis, (fixed, here, then) in enumerate(zip(at.fixed, at.anchor, at.next_anchor, strict=True))
    )
    return Rect(top, left, *shown)


def _feather(gap: float, widest: float) -> float:
    """Width of the feather inside a border that lies `gap` inside the frame.

    At its widest it reaches to where a next level would begin. It vanishes as the level comes to fill the frame, and
    with a slope of 0: a feather that shrinks to the last makes the frame change faster just before than just after.
    """
    return widest * min(max(gap / widest, 0.0), 1.0) ** 1.5


def _smoothstep(t: float) -> float:
    t = min(max(t, 0.0), 1.0)
    return t * t * (3 - 2 * t)
