"""The camera's turn and drift: by how much, and how far a turned frame reaches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from ..errors import ArgumentError, shown
from ..geometry import ZoomGeometry
from ..rectangles import step_rect

# Of what a camera is asked for: degrees from level to level, widths of the frame, seconds of one sway.
MOST_ROLL, MOST_DRIFT, LONGEST_DRIFT = 360.0, 0.25, 600.0

# Near the border of the widest level the camera is turned aside little by little: from this part of a frame on.
SOFT = 0.1


class Shot(NamedTuple):
    """What one exposure shows: a place on the journey, and how far the camera has drifted, in widths of the frame."""

    zoom: float
    right: float = 0.0
    down: float = 0.0

    @staticmethod
    def of(zoom: float | Shot) -> Shot:
        """A zoom is a shot without drift."""
        return zoom if isinstance(zoom, Shot) else Shot(zoom)


@dataclass(frozen=True)
class Drift:
    """A slow path beside the zoom: a figure eight, which begins in its middle.

    Args:
        amount: how far it leads to the right and to the left, as a part of the frame's width, 0 to 0.25; half as far
            up and down.
        period: frames of one round, above 0.

    Raises:
        ValueError: for anything else.

    >>> Drift(0.1, period=4).at(1)[0]
    0.1
    """

    amount: float
    period: float

    def __post_init__(self) -> None:
        if not 0 <= self.amount <= MOST_DRIFT:
            raise ArgumentError("drift", shown(self.amount), f"a number from 0 to {MOST_DRIFT}")
        if not 0 < self.period < math.inf:
            raise ArgumentError("drift_seconds", shown(self.period), "a number above 0")

    def at(self, frame: float) -> tuple[float, float]:
        """(right, down) in widths of the frame, at a real number of frames from the first one on."""
        phase = 2 * math.pi * frame / self.period
        return self.amount * math.sin(phase), self.amount / 2 * math.sin(2 * phase)

    def closing(self, frames: int) -> Drift:
        """The drift that makes whole rounds in so many frames, as nearly as fast: for clips that repeat."""
        return Drift(self.amount, frames / max(1, round(frames / self.period)))


class Margins(NamedTuple):
    """How far the widest level reaches beyond another one, in pixels of this one; without end in a ring."""

    top: float
    left: float
    bottom: float
    right: float


@lru_cache(maxsize=1024)
def margins_of(geometry: ZoomGeometry, level: int) -> Margins:
    """See `Margins`. Sides that touch give exactly 0 at every depth."""
    parent = None if geometry.closed and level == 0 else geometry.parent(level)
    if parent is None:
        if not geometry.closed:
            return Margins(0.0, 0.0, 0.0, 0.0)
        ring = [_insets(geometry, at) for at in (0, *geometry.path_to(geometry.parent(0) or 0)[1:])]
        return Margins(*(math.inf if any(side) else 0.0 for side in zip(*ring, strict=True)))
    factor = geometry.step_into(level).factor
    beyond, inside = margins_of(geometry, parent), _insets(geometry, level)
    return Margins(*((far + near) * factor for far, near in zip(beyond, inside, strict=True)))


def _insets(geometry: ZoomGeometry, level: int) -> Margins:
    """How far a level lies inside the one that shows it, in pixels of that one."""
    tall, wide = geometry.height, geometry.width
    top, left, height, width = step_rect(geometry.step_into(level), tall, wide)
    sides = (top, left, tall - top - height, wide - left - width)
    return Margins(*(side if side > 1e-9 * max(tall, wide) else 0.0 for side in sides))


def turned_size(height: float, width: float, angle: float) -> tuple[float, float]:
    """(height, width) of the upright rectangle around a turned one."""
    c, s = abs(math.cos(angle)), abs(math.sin(angle))
    return height * c + width * s, width * c + height * s


def room_to_turn(height: float, width: float, angle: float) -> tuple[float, float]:
    """(height, width) of an upright rectangle in which a rectangle can be turned from 0 up to an angle.

    As `turned_size` at first; from the diagonal on as large as this: it never shrinks, and grows without a kink.
    """
    angle, diagonal = abs(angle), math.hypot(height, width)
    half_width, half_height = math.atan2(height, width), math.atan2(width, height)
    return (
        diagonal if angle >= half_height else height * math.cos(angle) + width * math.sin(angle),
        diagonal if angle >= half_width else width * math.cos(angle) + height * math.sin(angle),
    )


def widest_turn(height: float, width: float, room_height: float, room_width: float) -> float:
    """The largest angle up to which a rectangle can be turned in a larger upright one; infinite if any will do."""
    diagonal, most = math.hypot(height, width), math.inf
    for room, full in ((room_height, math.atan2(width, height)), (room_width, math.atan2(height, width))):
        if room < diagonal:
            most = min(most, max(0.0, full - math.acos(room / diagonal)))
    return most


def kept_inside(start: float, length: float, reach: float, size: float, before: float, behind: float) -> float:
    """Where a view begins along one axis, so that what it reaches stays inside the widest level.

    Near the border it comes to rest smoothly, over `SOFT` of its length; less where there is less room.

    Args:
        start, length: of the view, in a level's pixels.
        reach: what is seen of this axis in all, around the view's middle.
        size: of the level.
        before, behind: how far the widest level reaches beyond it.
    """
    aside = (reach - length) / 2
    low, high = start - aside + before, size + behind - start - length - aside
    room = (low + high) / 2
    soft = SOFT * length / (1 + length / room) if room > 0 else 0.0
    return start + _push(low, soft) - _push(high, soft)


def _push(gap: float, soft: float) -> float:
    """What must be added to a gap, so that it is at least 0, with a soft bend around there."""
    if gap >= soft:
        return 0.0
    return -gap if gap <= -soft else (gap + soft) ** 2 / (4 * soft) - gap
