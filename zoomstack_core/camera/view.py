"""Where every level that matters lies in a frame at a real zoom, and how it is laid over the wider ones."""

from __future__ import annotations

import math
from typing import NamedTuple

from ..errors import ArgumentError, shown
from ..geometry import Rect, Step, ZoomGeometry
from ..rectangles import nested_rect, step_rect
from .journey import Journey, Position
from .turn import Shot, kept_inside, margins_of, room_to_turn, turned_size

# A deeper level fades in while the level around it grows from 1 to this many output pixels per pixel: before that it
# has no detail to add, since the stack is consistent.
FADE_IN = 1.25

# How many levels outwards one is looked for that covers a turned frame, and what part of a level counts as rounding. In
# a ring whose steps hardly lead inwards there may be none.
MOST_OUTWARD = 64
ROUNDING = 1e-9


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


def place_levels(way: ZoomGeometry | Journey, zoom: float | Shot, height: int, width: int) -> list[Placement]:
    """The levels that make a frame, each after the one that shows it; the first covers the frame, the others are laid
    over it.

    Between two places of the journey the view of the wider level is scaled by p^-f around the point that it shares with
    the deeper one. Of that view the frame shows the largest part of its aspect, and keeps this point where it is. A
    level of a ring may be there several times.

    Where the journey has a roll, the levels are placed as they lie before the picture is turned by `Journey.angle`
    around the middle of the frame, and also around the frame, as far as its corners reach. With roll or drift the view
    stays away from the border of the widest level as far as these corners need.

    Args:
        way: the journey, or a geometry for its own one, `Journey.of`.
        zoom: a place on it: in [0, last], for a chain in [0, levels - 1].
        height, width: pixels of the frame.

    Raises:
        ValueError: if the zoom is outside its range.
    """
    journey, shot = Journey.of(way), Shot.of(zoom)
    if not 0 <= shot.zoom <= journey.last:
        raise ArgumentError("zoom", shown(shot.zoom), f"a number from 0 to {journey.last}")
    geometry, at = journey.geometry, journey.at(shot.zoom)
    view, base = _view(geometry, at, width / height), at.level
    scale = height / view.height
    # scale at which a level that just fills the frame is shown; the same at every zoom
    full = scale / at.factor**at.part
    down = across = 0.0  # how far the turned frame reaches beyond the upright one
    if journey.roll or shot.right or shot.down:
        angle = journey.angle(shot.zoom, width / height)
        view = _moved(geometry, base, view, angle, shot)
        tall, wide = turned_size(height, width, angle)
        down, across = (tall - height) / 2, (wide - width) / 2
        base, view, scale = _covering(geometry, base, view, scale, down, across)
    frame = Rect(-view.top * scale, -view.left * scale, geometry.height * scale, geometry.width * scale)
    placements = [Placement(base, frame, scale, 1.0, (0.0, 0.0, 0.0, 0.0))]
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
            gaps = (
                rect.top + down,
                height - rect.top - rect.height + down,
                rect.left + across,
                width - rect.left - rect.width + across,
            )
            sides = (rect.height, rect.height, rect.width, rect.width)
            if any(gap <= -side for gap, side in zip(gaps, sides, strict=True)):
                continue  # beside the frame
            feather = tuple(_feather(gap, (1 - 1 / factor) / 2 * side) for gap, side in zip(gaps, sides, strict=True))
            placements.append(Placement(level, rect, rect.height / geometry.height, opacity, feather))
            steps_to.append((*steps, geometry.step_into(level)))
    return placements


def _moved(geometry: ZoomGeometry, level: int, view: Rect, angle: float, shot: Shot) -> Rect:
    """The view after a drift, and inside the widest level with all that a turned frame may show of it."""
    tall, wide = room_to_turn(view.height, view.width, angle)
    beyond = margins_of(geometry, level)
    top, left = view.top + shot.down * view.width, view.left + shot.right * view.width
    return Rect(
        kept_inside(top, view.height, tall, geometry.height, beyond.top, beyond.bottom),
        kept_inside(left, view.width, wide, geometry.width, beyond.left, beyond.right),
        view.height,
        view.width,
    )


def _covering(
    geometry: ZoomGeometry, level: int, view: Rect, scale: float, down: float, across: float
) -> tuple[int, Rect, float]:
    """The nearest wider level that covers a view and what the turned frame shows around it, the view in its pixels, and
    output pixels per pixel of it."""
    for _ in range(MOST_OUTWARD):
        above, before = view.top - down / scale, view.left - across / scale
        below = geometry.height - view.top - view.height - down / scale
        behind = geometry.width - view.left - view.width - across / scale
        parent = geometry.parent(level)
        if parent is None or min(above, before, below, behind) >= -ROUNDING * max(geometry.height, geometry.width):
            break
        top, left, height, _ = step_rect(geometry.step_into(level), geometry.height, geometry.width)
        part = height / geometry.height
        view = Rect(top + view.top * part, left + view.left * part, view.height * part, view.width * part)
        level, scale = parent, scale / part
    return level, view, scale


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
