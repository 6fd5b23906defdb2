"""Nested rectangles: which level shows every zoom level, and where.

Every level but the widest lies in one other, its parent, by a step (factor, focus). A chain, where each level has one
child, is the usual zoom. In a tree a level has several; in a ring the widest level lies in a deep one again. Whatever
moves pixels between levels goes along these steps and asks for no shape.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import NamedTuple

from .errors import ArgumentError, shown
from .quoting import short

PREFILTERS = ("box", "gaussian")

SIBLING_TOLERANCE = 1e-6  # of a side: levels that touch do not overlap, however their places are rounded


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


Parents = tuple[int | None, ...]


@dataclass(frozen=True)
class ZoomGeometry:
    """How the levels of a zoom stack nest. Level 0 is the widest; all levels have the same size in pixels.

    Args:
        levels: number of levels N >= 1.
        height, width: pixels of every level.
        zoom_factor: p > 1, one for all steps or one per step. Step i leads to level i + 1 from its parent: N - 1 steps,
            and one more in a ring, back to level 0.
        focus: the point (x, y) in [0, 1]² of a level on which the level of the step is centered, one for all steps or
            one per step. The inner rectangle is moved inside where it would stick out.
        prefilter: the reduce operator D: "box" (area average; composes and keeps noise white) or "gaussian"
            (the paper's Gaussian truncated to p × p pixels).
        parents: for each level the one that shows it; by default the level before it, which makes a chain. Parents come
            before their children. Level 0 has None or, in a ring, the level in which the zoom begins anew. Other levels
            with None belong to no other: a part of a tree, see `subset`.

    Raises:
        ValueError: for anything else, and for two children of a level that overlap.

    Source: Generative Powers of Ten, section 4.1; fractional factors, focus, trees and rings are ours.

    >>> from zoomstack_core import ZoomGeometry
    >>> geometry = ZoomGeometry(levels=3, height=64, width=64, zoom_factor=(2, 4), focus=((0.5, 0.5), (0.0, 0.0)))
    >>> geometry.factors
    (2.0, 4.0)
    >>> geometry.rect(0, 2)  # where the deepest level lies in the widest
    Rect(top=16.0, left=16.0, height=8.0, width=8.0)
    >>> tree = ZoomGeometry(3, 64, 64, zoom_factor=4, focus=((0.25, 0.5), (0.75, 0.5)), parents=(None, 0, 0))
    >>> tree.children(0), tree.rect(0, 2)
    ((1, 2), Rect(top=24.0, left=40.0, height=16.0, width=16.0))
    >>> ZoomGeometry(3, 64, 64, parents=(2, 0, 1)).closed
    True
    """

    levels: int
    height: int
    width: int
    zoom_factor: float | tuple[float, ...] = 2.0
    focus: tuple[float, float] | tuple[tuple[float, float], ...] = (0.5, 0.5)
    prefilter: str = "box"
    parents: Parents | None = None

    def __post_init__(self) -> None:
        for name in ("levels", "height", "width"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ArgumentError(name, shown(value), "a whole number of at least 1")
        if self.prefilter not in PREFILTERS:
            raise ArgumentError("prefilter", shown(self.prefilter), f"one of {', '.join(PREFILTERS)}")
        object.__setattr__(self, "parents", _parents(self.parents, self.levels))
        steps = self.levels - 1 + self.closed
        object.__setattr__(self, "zoom_factor", _factors(self.zoom_factor, steps))
        object.__setattr__(self, "focus", _foci(self.focus, steps))
        self._check_siblings()

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """Step i leads to level i + 1 from its parent; the last of a ring back to level 0."""
        count = self.levels - 1 + self.closed
        factors = self.zoom_factor if isinstance(self.zoom_factor, tuple) else (self.zoom_factor,) * count
        foci = self.focus if self.focus and isinstance(self.focus[0], tuple) else (self.focus,) * count
        return tuple(Step(p, f) for p, f in zip(factors, foci, strict=True))  # type: ignore[arg-type]

    @property
    def factors(self) -> tuple[float, ...]:
        """The zoom factor of each step."""
        return tuple(step.factor for step in self.steps)

    # --- who shows whom

    @property
    def closed(self) -> bool:
        """Whether level 0 lies in another level: a ring, with or without branches."""
        return self.parent(0) is not None

    @property
    def is_chain(self) -> bool:
        """Whether every level but the widest lies in the level before it, and the widest in none."""
        return self.parents == (None, *range(self.levels - 1))

    def parent(self, level: int) -> int | None:
        """The level that shows `level`, or None."""
        assert self.parents is not None, "made in __post_init__"
        return self.parents[level]

    def step_into(self, level: int) -> Step:
        """The step from its parent to `level`, which has one."""
        return self.steps[level - 1]  # of level 0 the last one

    def children(self, level: int) -> tuple[int, ...]:
        """The levels that `level` shows, in order; a ring's level 0 is the last of its parent's."""
        return self._children[level]

    @cached_property
    def _children(self) -> tuple[tuple[int, ...], ...]:
        lists: list[list[int]] = [[] for _ in range(self.levels)]
        for level in (*range(1, self.levels), 0):
            parent = self.parent(level)
            if parent is not None:
                lists[parent].append(level)
        return tuple(map(tuple, lists))

    def path_to(self, level: int) -> tuple[int, ...]:
        """The levels from the widest one that shows `level` to itself; a ring is not gone round."""
        path = [level]
        while path[-1] and (parent := self.parent(path[-1])) is not None:
            path.append(parent)
        return tuple(reversed(path))

    def outward(self, level: int) -> tuple[Step, ...]:
        """The steps from `level` to wider levels, the nearest first; in a ring until less than a pixel is left."""
        return self._outward[level]

    @cached_property
    def _outward(self) -> tuple[tuple[Step, ...], ...]:
        all_steps: list[tuple[Step, ...]] = []
        for level in range(self.levels):
            steps, covers, at = [], float(max(self.height, self.width)), level
            while (parent := self.parent(at)) is not None and not (self.closed and covers < 1):
                steps.append(self.step_into(at))
                covers /= steps[-1].factor
                at = parent
            all_steps.append(tuple(steps))
        return tuple(all_steps)

    def ancestor(self, level: int, depth: int) -> int | None:
        """The level that is `depth` steps wider, or None where there is none; a ring may be gone round."""
        at: int | None = level
        for _ in range(depth):
            at = None if at is None else self.parent(at)
        return at

    def depth_below(self, outer: int, inner: int) -> int | None:
        """How many steps lead from `inner` outwards to `outer`, as far as `outward` goes; None where they do not."""
        at: int | None = inner
        for depth in range(len(self.outward(inner)) + 1):
            if at == outer:
                return depth
            at = None if at is None else self.parent(at)
        return None

    @cached_property
    def magnifications(self) -> tuple[float, ...]:
        """How much larger than in its widest level each level shows things: the product of the factors to it."""
        found: list[float] = []
        for level in range(self.levels):
            parent = self.parent(level) if level else None
            found.append(1.0 if parent is None else found[parent] * self.step_into(level).factor)
        return tuple(found)

    def rect(self, outer: int, inner: int) -> Rect:
        """Where level `inner` lies in level `outer`'s pixels (inner >= outer).

        Raises:
            ValueError: if the levels do not exist or are in the wrong order, or `outer` does not show `inner`.
        """
        if not 0 <= outer <= inner < self.levels:
            raise ValueError(f"expected 0 <= outer <= inner < {self.levels}, got outer={outer}, inner={inner}")
        path = self.path_to(inner)
        if outer not in path:
            raise ValueError(f"level {outer} does not show level {inner}, which lies in {path[:-1]}")
        steps = [self.step_into(level) for level in path[path.index(outer) + 1 :]]
        return nested_rect(steps, self.height, self.width)

    # --- other geometries

    def between(self, start: int, stop: int) -> ZoomGeometry:
        """The geometry of levels start … stop - 1 alone, see `subset`."""
        if not 0 <= start < stop <= self.levels:
            raise ValueError(f"expected 0 <= start < stop <= {self.levels}, got start={start}, stop={stop}")
        return self.subset(range(start, stop))

    def subset(self, levels: Sequence[int]) -> ZoomGeometry:
        """The geometry of some levels alone, in rising order; those whose parent is left out have none.

        Level 0 of a ring keeps its parent, if that is there.

        Raises:
            ValueError: for levels that do not exist or do not rise.
        """
        chosen = tuple(levels)
        if not chosen or chosen[0] < 0 or chosen[-1] >= self.levels or list(chosen) != sorted(set(chosen)):
            raise ArgumentError("levels", shown(chosen), f"rising levels from 0 to {self.levels - 1}")
        return _subset(self, chosen)

    @property
    def opened(self) -> ZoomGeometry:
        """The same without the step that closes a ring."""
        return _opened(self, again=False) if self.closed else self

    @property
    def with_level_0_again(self) -> ZoomGeometry:
        """A ring as an open geometry of N + 1 levels, whose last one is level 0 where it lies in its parent."""
        return _opened(self, again=True)

    def unrolled(self, before: int) -> tuple[ZoomGeometry, tuple[int, ...]]:
        """A ring as an open geometry: up to `before` levels that show level 0, then all levels.

        Returns:
            That geometry, and of each of its levels the number here.
        """
        return _unrolled(self, before)

    def resized(self, height: int, width: int) -> ZoomGeometry:
        """The same nesting for levels of another size in pixels, e.g. latents against images."""
        return replace(self, height=height, width=width)

    def check(self, name: str, tensor_shape: tuple[int, ...]) -> None:
        """Raises ValueError unless the shape is [N, C, H, W] of this geometry."""
        expected = (self.levels, self.height, self.width)
        if len(tensor_shape) != 4 or (tensor_shape[0], *tensor_shape[2:]) != expected:
            raise ArgumentError(
                name,
                f"has the shape {list(tensor_shape)}",
                f"[{self.levels}, C, {self.height}, {self.width}] (levels, channels, height, width)",
            )

    def _check_siblings(self) -> None:
        """What two levels show of one place would contradict each other."""
        for level, children in enumerate(self._children):
            boxes = [(child, step_rect(self.step_into(child), self.height, self.width)) for child in children]
            for i, (child, box) in enumerate(boxes):
                for other, box_of_other in boxes[:i]:
                    if _overlap(box, box_of_other, SIBLING_TOLERANCE * max(self.height, self.width)):
                        raise ArgumentError(
                            "focus",
                            f"lets levels {other} and {child} overlap in level {level}: {other} fills "
                            f"{_in_parts(box_of_other, self)}, {child} fills {_in_parts(box, self)}",
                            "places beside each other: move a focus, or use larger zoom factors",
                        )


@lru_cache(maxsize=256)
def _subset(geometry: ZoomGeometry, chosen: tuple[int, ...]) -> ZoomGeometry:
    place = {level: i for i, level in enumerate(chosen)}
    parents = [geometry.parent(level) for level in chosen]
    inside = tuple(None if parent is None else place.get(parent) for parent in parents)
    # a level without its parent keeps its step, which then means nothing; level 0 of a ring may have lost its own
    steps = [geometry.step_into(level) for level in (*chosen[1:], *chosen[: inside[0] is not None])]
    return _with_steps(geometry, inside, steps)


@lru_cache(maxsize=64)
def _opened(geometry: ZoomGeometry, again: bool) -> ZoomGeometry:
    assert geometry.parents is not None, "made in __post_init__"
    if again:
        return _with_steps(geometry, (None, *geometry.parents[1:], geometry.parents[0]), geometry.steps)
    return _with_steps(geometry, (None, *geometry.parents[1:]), geometry.steps[:-1])


@lru_cache(maxsize=64)
def _unrolled(geometry: ZoomGeometry, before: int) -> tuple[ZoomGeometry, tuple[int, ...]]:
    wider: list[int] = []
    at = geometry.parent(0)
    while len(wider) < before and at is not None:
        wider.insert(0, at)
        at = geometry.parent(at)
    count = len(wider)
    parents: list[int | None] = [None, *range(count)] if count else [None]
    steps = [geometry.step_into(level) for level in (*wider[1:], 0)] if count else []
    for level in range(1, geometry.levels):
        parent = geometry.parent(level)
        parents.append(None if parent is None else parent + count)
        steps.append(geometry.step_into(level))
    return _with_steps(geometry, tuple(parents), steps), (*wider, *range(geometry.levels))


def _with_steps(like: ZoomGeometry, parents: Parents, steps: Sequence[Step]) -> ZoomGeometry:
    factors, foci = tuple(s.factor for s in steps), tuple(s.focus for s in steps)
    size = len(parents), like.height, like.width
    return ZoomGeometry(*size, factors or 2.0, foci or (0.5, 0.5), like.prefilter, parents)


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


def _overlap(one: Rect, other: Rect, tolerance: float) -> bool:
    rows = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    columns = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    return rows > tolerance and columns > tolerance


def _in_parts(box: Rect, geometry: ZoomGeometry) -> str:
    """A rectangle as a focus has it, which does not depend on the size in pixels."""
    x, y = box.left / geometry.width, box.top / geometry.height
    right, bottom = x + box.width / geometry.width, y + box.height / geometry.height
    return f"x {x:.3g} to {right:.3g} and y {y:.3g} to {bottom:.3g}"


def _parents(value: object, levels: int) -> Parents:
    if value is None:
        return (None, *range(levels - 1))
    expected = f"for each of the {levels} levels the one before it that shows it, and None or a parent for level 0"
    if not isinstance(value, (tuple, list)) or len(value) != levels:
        raise ArgumentError("parents", shown(value), expected)
    for level, parent in enumerate(value):
        limit = level or levels
        if parent is not None and (not isinstance(parent, int) or isinstance(parent, bool) or not 0 <= parent < limit):
            raise ArgumentError("parents", f"gives level {level} the parent {short(parent)}", expected)
    return tuple(value)


def _is_number(value: object) -> bool:
    # an int above the largest float compares well, but is no number to compute with
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def _factors(value: object, steps: int) -> float | tuple[float, ...]:
    """A float where all steps agree, so that equal geometries compare equal."""
    if _is_number(value):
        factors: tuple[object, ...] = (value,)
    elif isinstance(value, (tuple, list)) and len(value) == steps and value:
        factors = tuple(value)
    else:
        raise ArgumentError("zoom_factor", shown(value), f"one number or {steps} of them (one per step)")
    for factor in factors:
        if not _is_number(factor) or factor <= 1:  # type: ignore[operator]
            raise ArgumentError("zoom_factor", f"holds {short(factor)}", "numbers above 1")
    floats = tuple(float(factor) for factor in factors)  # type: ignore[arg-type]
    return floats[0] if len(set(floats)) == 1 else floats


def _foci(value: object, steps: int) -> tuple[float, float] | tuple[tuple[float, float], ...]:
    expected = f"a point (x, y) with 0 <= x, y <= 1, or {steps} of them (one per step)"
    if not isinstance(value, (tuple, list)):
        raise ArgumentError("focus", shown(value), expected)
    if len(value) == 2 and all(_is_number(v) for v in value):
        points: tuple[object, ...] = (tuple(value),)
    elif len(value) == steps and value:
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
