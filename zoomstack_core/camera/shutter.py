"""Shots of a camera: one for every frame, and for motion blur those that it sees while its shutter is open."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..errors import ArgumentError, shown
from ..geometry import ZoomGeometry
from .journey import Journey
from .turn import Drift, Shot

SPACING = 2.0  # pixels that anything may move between two samples: each is about as sharp as that
MOST_SAMPLES = 16


def shutter_zooms(
    zooms: Sequence[float],
    way: ZoomGeometry | Journey,
    height: int,
    width: int,
    shutter: float = 0.0,
    loop: bool = False,
    drift: Drift | None = None,
) -> list[tuple[float | Shot, ...]]:
    """For every frame the zooms to average, at the middles of equal parts of the time that the shutter is open.

    As many as the movement needs, at most 16; one where nothing moves.

    Args:
        zooms: of every frame, see ``ZoomPath.zooms``.
        way: the journey, or the stack's geometry for its own one, `Journey.of`.
        height, width: pixels of the frames.
        shutter: how long it is open, in frames, from 0 (no blur) to 1; a film camera's 180° are 0.5.
        loop: whether the first frame follows on the last one.
        drift: of the camera beside them; then there are shots in place of zooms. For a loop one that closes.

    Raises:
        ValueError: if the shutter is outside its range.
    """
    if not 0 <= shutter <= 1:
        raise ArgumentError("shutter", shown(shutter), "a number from 0 to 1")
    if not shutter and drift is None:
        return [(zoom,) for zoom in zooms]
    journey = Journey.of(way)
    speeds = [math.log(factor) for factor in journey.factors] or [0.0]
    aside = max((max(x, 1 - x, y, 1 - y) for _, (x, y) in journey.geometry.steps), default=0.5)
    diagonal = math.hypot(height, width)
    # pixels that the farthest point moves for each ln of magnification, and by the drift from frame to frame
    reach = (aside + journey.fastest_turn / 2) * diagonal
    aside_speed = 2 * math.pi * math.sqrt(2) * drift.amount / drift.period * width if drift else 0.0
    frames: list[tuple[float | Shot, ...]] = []
    last = len(zooms) - 1
    for k, zoom in enumerate(zooms):
        before = zooms[k - 1] if k else _nearest(zooms[-1], zoom, journey) if loop else zoom
        after = zooms[k + 1] if k < last else _nearest(zooms[0], zoom, journey) if loop else zoom
        change = max(abs(zoom - before), abs(after - zoom)) * max(speeds)
        samples = min(max(1, math.ceil(shutter * (change * reach + aside_speed) / SPACING)), MOST_SAMPLES)
        times = [shutter * ((n + 0.5) / samples - 0.5) for n in range(samples)]
        seen = [_onto(_between(before, zoom, after, time), journey) for time in times]
        frames.append(
            tuple(Shot(place, *drift.at(k + time)) for place, time in zip(seen, times, strict=True))
            if drift
            else tuple(seen)
        )
    return frames


def _between(before: float, zoom: float, after: float, time: float) -> float:
    """The zoom at a time of -1 (before) to 1 (after)."""
    return zoom + abs(time) * ((after if time > 0 else before) - zoom)


def _nearest(zoom: float, to: float, journey: Journey) -> float:
    """Of the places of a ring that look like this one the nearest to another; it may lie before the ring's first."""
    length = journey.round_length
    return zoom - length * round((zoom - to) / length) if length else zoom


def _onto(zoom: float, journey: Journey) -> float:
    """A place of a ring before its first or beyond its last, on the journey."""
    return zoom if 0 <= zoom <= journey.last or not journey.rounds else zoom % journey.round_length
