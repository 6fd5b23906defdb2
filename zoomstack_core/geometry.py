"""Nested rectangles: which level shows every zoom level, and where.

Every level but the widest lies in one other, its parent, by a step (factor, focus). A chain, where each level has one
child, is the usual zoom. In a tree a level has several; in a ring the widest level lies in a deep one again. Whatever
moves pixels between levels goes along these steps and asks for no shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from .errors import ArgumentError, shown
from .geometry_checks import Parents, SiblingsOverlap, checked_factors, checked_foci, checked_parents
from .rectangles import Rect, Span, Step, nested_rect, overlap, step_rect

__all__ = ["PREFILTERS", "Parents", "Rect", "Span", "Step", "ZoomGeometry", "step_rect"]

PREFILTERS = ("box", "gaussian")

SIBLING_TOLERANCE = 1e-6  # of a side: levels that touch do not overlap, however their places are rounded


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
        object.__setattr__(self, "parents", checked_parents(self.parents, self.levels))
        steps = self.levels - 1 + self.closed
        object.__setattr__(self, "zoom_factor", checked_factors(self.zoom_factor, steps))
        object.__setattr__(self, "focus", checked_foci(self.focus, steps))
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

    def wider_of(self, one: int, other: int) -> int | None:
        """Which of two levels shows the other, in a ring by fewer steps; None where neither does."""
        inner, outer = self.depth_below(one, other), self.depth_below(other, one)
        if inner is None and outer is None:
            return None
        return one if outer is None or (inner is not None and inner <= outer) else other

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
                    if overlap(box, box_of_other, SIBLING_TOLERANCE * max(self.height, self.width)):
                        raise SiblingsOverlap(level, (other, child), (_shares(box_of_other, self), _shares(box, self)))


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


def _shares(box: Rect, geometry: ZoomGeometry) -> str:
    """A rectangle as a focus has it, which does not depend on the size in pixels."""
    x, y = box.left / geometry.width, box.top / geometry.height
    right, bottom = x + box.width / geometry.width, y + box.height / geometry.height
    return f"x {x:.3g} to {right:.3g} and y {y:.3g} to {bottom:.3g}"
