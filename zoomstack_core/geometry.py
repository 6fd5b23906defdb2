"""Nested rectangles: where every zoom level lies inside every wider one."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from .errors import ArgumentError, shown
from .quoting import short

PREFILTERS = ("box", "gaussian")


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
    """The zoom from one level to the next deeper one."""

    factor: float
    focus: tuple[float, float]


@dataclass(frozen=True)
class ZoomGeometry:
    """How the levels of a zoom stack nest. Level 0 is the widest; all levels have the same size in pixels.

    Args:
        levels: number of levels N >= 1.
        height, width: pixels of every level.
        zoom_factor: p > 1, one for all steps or one per step (N - 1 of them).
        focus: the point (x, y) in [0, 1]² of a level on which the next level is centered, one for all steps or one
            per step. The inner rectangle is moved inside where it would stick out.
        prefilter: the reduce operator D: "box" (area average; composes and keeps noise white) or "gaussian"
            (the paper's Gaussian truncated to p × p pixels).

    Raises:
        ValueError: for anything else.

    Source: Generative Powers of Ten, section 4.1; fractional factors and focus are ours.

    >>> from zoomstack_core import ZoomGeometry
    >>> geometry = ZoomGeometry(levels=3, height=64, width=64, zoom_factor=(2, 4), focus=((0.5, 0.5), (0.0, 0.0)))
    >>> geometry.factors
    (2.0, 4.0)
    >>> geometry.rect(0, 2)  # where the deepest level lies in the widest
    Rect(top=16.0, left=16.0, height=8.0, width=8.0)
    """

    levels: int
    height: int
    width: int
    zoom_factor: float | tuple[float, ...] = 2.0
    focus: tuple[float, float] | tuple[tuple[float, float], ...] = (0.5, 0.5)
    prefilter: str = "box"

    def __post_init__(self) -> None:
        for name in ("levels", "height", "width"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ArgumentError(name, shown(value), "a whole number of at least 1")
        if self.prefilter not in PREFILTERS:
            raise ArgumentError("prefilter", shown(self.prefilter), f"one of {', '.join(PREFILTERS)}")
        object.__setattr__(self, "zoom_factor", _factors(self.zoom_factor, self.levels))
        object.__setattr__(self, "focus", _foci(self.focus, self.levels))

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The N - 1 zoom steps, from the widest level on."""
        count = self.levels - 1
        factors = self.zoom_factor if isinstance(self.zoom_factor, tuple) else (self.zoom_factor,) * count
        foci = self.focus if self.focus and isinstance(self.focus[0], tuple) else (self.focus,) * count
        return tuple(Step(p, f) for p, f in zip(factors, foci, strict=True))  # type: ignore[arg-type]

    @property
    def factors(self) -> tuple[float, ...]:
        """The zoom factor of each step, length N - 1."""
        return tuple(step.factor for step in self.steps)

    def rect(self, outer: int, inner: int) -> Rect:
        """Where level `inner` lies in level `outer`'s pixels (inner >= outer).

        Raises:
            ValueError: if the levels do not exist or are in the wrong order.
        """
        if not 0 <= outer <= inner < self.levels:
            raise ValueError(f"expected 0 <= outer <= inner < {self.levels}, got outer={outer}, inner={inner}")
        top, left, height, width = 0.0, 0.0, float(self.height), float(self.width)
        for step in reversed(self.steps[outer:inner]):
            box = step_rect(step, self.height, self.width)
            top, left = box.top + top / step.factor, box.left + left / step.factor
            height, width = height / step.factor, width / step.factor
        return Rect(top, left, height, width)

    def between(self, start: int, stop: int) -> ZoomGeometry:
        """The geometry of levels start … stop - 1 alone."""
        if not 0 <= start < stop <= self.levels:
            raise ValueError(f"expected 0 <= start < stop <= {self.levels}, got start={start}, stop={stop}")
        steps = self.steps[start : stop - 1]
        factors, foci = tuple(s.factor for s in steps), tuple(s.focus for s in steps)
        return ZoomGeometry(stop - start, self.height, self.width, factors or 2.0, foci or (0.5, 0.5), self.prefilter)

    def resized(self, height: int, width: int) -> ZoomGeometry:
        """The same nesting for levels of another size in pixels, e.g. latents against images."""
        return ZoomGeometry(self.levels, height, width, self.zoom_factor, self.focus, self.prefilter)

    def check(self, name: str, tensor_shape: tuple[int, ...]) -> None:
        """Raises ValueError unless the shape is [N, C, H, W] of this geometry."""
        expected = (self.levels, self.height, self.width)
        if len(tensor_shape) != 4 or (tensor_shape[0], *tensor_shape[2:]) != expected:
            raise ArgumentError(
                name,
                f"has the shape {list(tensor_shape)}",
                f"[{self.levels}, C, {self.height}, {self.width}] (levels, channels, height, width)",
            )


def step_rect(step: Step, height: int, width: int) -> Rect:
    """The next level's rectangle in pixels of a level of this size, moved inside the image."""
    inner_height, inner_width = height / step.factor, width / step.factor
    top = min(max(step.focus[1] * height - inner_height / 2, 0.0), height - inner_height)
    left = min(max(step.focus[0] * width - inner_width / 2, 0.0), width - inner_width)
    return Rect(top, left, inner_height, inner_width)


def _is_number(value: object) -> bool:
    # an int above the largest float compares well, but is no number to compute with
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _factors(value: object, levels: int) -> float | tuple[float, ...]:
    """A float where all steps agree, so that equal geometries compare equal."""
    if _is_number(value):
        factors: tuple[object, ...] = (value,)
    elif isinstance(value, (tuple, list)) and len(value) == levels - 1 and value:
        factors = tuple(value)
    else:
        raise ArgumentError("zoom_factor", shown(value), f"one number or {levels - 1} of them (one per step)")
    for factor in factors:
        if not _is_number(factor) or factor <= 1:  # type: ignore[operator]
            raise ArgumentError("zoom_factor", f"holds {short(factor)}", "numbers above 1")
    floats = tuple(float(factor) for factor in factors)  # type: ignore[arg-type]
    return floats[0] if len(set(floats)) == 1 else floats


def _foci(value: object, levels: int) -> tuple[float, float] | tuple[tuple[float, float], ...]:
    expected = f"a point (x, y) with 0 <= x, y <= 1, or {levels - 1} of them (one per step)"
    if not isinstance(value, (tuple, list)):
        raise ArgumentError("focus", shown(value), expected)
    if len(value) == 2 and all(_is_number(v) for v in value):
        points: tuple[object, ...] = (tuple(value),)
    elif len(value) == levels - 1 and value:
        points = tuple(value)
    else:
        raise ArgumentError("focus", shown(value), expected)
    checked = []
    for point in points:
        if not (isinstance(point, (tuple, list)) and len(point) == 2 and all(_is_number(v) for v in point)):
            raise ArgumentError("focus", f"holds {short(point)}", expected)
        x, y = float(point[0]), float(point[1])
        if not (0 <= x <= 1 and 0 <= y <= 1):
            raise ArgumentError("focus", f"holds ({x}, {y}), outside the image", expected)
        checked.append((x, y))
    return checked[0] if len(set(checked)) == 1 else tuple(checked)
