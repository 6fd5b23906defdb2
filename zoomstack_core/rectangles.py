"""Rectangles of pixels, and where a zoom step puts the level that it leads to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Rect(NamedTuple):
    """A rectangle in pixels of some level; pixel (r, c) covers [r, r+1) × [c, c+1).

    >>> from zoomstack_core import ZoomGeometry
    >>> ZoomGeometry(levels=2, height=64, width=96).rect(0, 1)
    Rect(top=16.0, left=24.0, height=32.0, width=48.0)
    """

    top: float
    left: float
    height: float
    width: float


class Span(NamedTuple):
    """Rows or columns start … stop - 1."""

    start: int
    stop: int

    @property
    def empty(self) -> bool:
        return self.start >= self.stop

    def within(self, other: Span) -> bool:
        return other.start <= self.start and self.stop <= other.stop


class Step(NamedTuple):
    """The zoom from one level to a deeper one that it shows."""

    factor: float
    focus: tuple[float, float]


def step_rect(step: Step, height: int, width: int) -> Rect:
    """The next level's rectangle in pixels of a level of this size, moved inside the image."""
    inner_height, inner_width = height / step.factor, width / step.factor
    top = min(max(step.focus[1] * height - inner_height / 2, 0.0), height - inner_height)
    left = min(max(step.focus[0] * width - inner_width / 2, 0.0), width - inner_width)
    return Rect(top, left, inner_height, inner_width)


def nested_rect(steps: Sequence[Step], height: int, width: int) -> Rect:
    """Where the level at the end of these steps lies in that at their beginning, in pixels of levels of this size."""
    top, left, inner_height, inner_width = 0.0, 0.0, float(height), float(width)
    for step in reversed(steps):
        box = step_rect(step, height, width)
        top, left = box.top + top / step.factor, box.left + left / step.factor
        inner_height, inner_width = inner_height / step.factor, inner_width / step.factor
    return Rect(top, left, inner_height, inner_width)


def overlap(one: Rect, other: Rect, tolerance: float) -> bool:
    """Whether they share more than ``tolerance`` along both axes."""
    rows = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    columns = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    return rows > tolerance and columns > tolerance
