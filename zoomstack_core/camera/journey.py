"""Journeys: in which order a camera goes through the levels of a chain, a tree or a ring."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import NamedTuple

from ..errors import ArgumentError, shown
from ..geometry import ZoomGeometry, step_rect
from .turn import widest_turn

Point = tuple[float, float]


class Position(NamedTuple):
    """A place on a journey: ``part`` in [0, 1] of the way from ``level`` inwards to a level that is ``factor`` deeper.

    ``fixed`` is the point (y, x) in [0, 1]² of both that stays on this way; ``anchor`` and ``next_anchor`` are those of
    the two levels, see `Journey.anchors`.
    """

    level: int
    part: float
    factor: float
    fixed: Point
    anchor: Point
    next_anchor: Point


@dataclass(frozen=True)
class Journey:
    """The levels that a camera visits, one after another.

    Place i, a real number, is at the i-th of these levels where it is whole, and else on the way from one to the next:
    inwards if that is a child of the level, outwards if it is the parent. Of a chain all levels in their order make
    place i zoom i.

    Args:
        geometry: how the levels lie in each other.
        levels: of which any two neighbors are parent and child; at least one. Where both are true, in a ring of two
            levels, the way leads inwards.
        rounds: how many rounds of a ring these are, 0 for none. Then the last level is not reached: it says where the
            way would go on, so that a frame is cut out of level 0 at the end of a round as at its beginning.
        roll: degrees that the picture turns clockwise from each level to the next, on the way inwards; see `angle`.

    Raises:
        ValueError: for anything else.

    >>> from zoomstack_core import ZoomGeometry
    >>> tree = ZoomGeometry(3, 64, 64, zoom_factor=4, focus=((0.25, 0.5), (0.75, 0.5)), parents=(None, 0, 0))
    >>> Journey.visiting(tree, [1, 2]).levels
    (0, 1, 0, 2)
    """

    geometry: ZoomGeometry
    levels: tuple[int, ...]
    rounds: int = 0
    roll: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "levels", tuple(self.levels))
        count = self.geometry.levels
        if not self.levels or not all(0 <= level < count for level in self.levels):
            raise ArgumentError("levels", shown(self.levels), f"at least one level from 0 to {count - 1}")
        for here, there in pairwise(self.levels):
            if here != self.geometry.parent(there) and there != self.geometry.parent(here):
                raise ArgumentError(
                    "levels", f"lead from level {here} to {there}", "a level and one that it shows, or that shows it"
                )
        if self.rounds < 0 or (self.rounds and (len(self.levels) - 2) % self.rounds):
            raise ArgumentError("rounds", shown(self.rounds), "0, or the rounds of a ring that the levels are")
        if not math.isfinite(self.roll):
            raise ArgumentError("roll", shown(self.roll), "a number of degrees")

    @staticmethod
    def of(way: ZoomGeometry | Journey) -> Journey:
        """A geometry's own journey: through all levels of a chain, one round of a ring, or to the most magnified leaf
        of a tree, the first of equal ones. A journey is its own."""
        return way if isinstance(way, Journey) else _default(way)

    @classmethod
    def round(cls, geometry: ZoomGeometry, rounds: int = 1) -> Journey:
        """From level 0 of a ring to itself, `rounds` times.

        Raises:
            ValueError: if the geometry is no ring, or without a round.
        """
        end = geometry.parent(0)
        if end is None or rounds < 1:
            raise ArgumentError("rounds", shown(rounds), "at least 1, of a ring")
        once = geometry.path_to(end)
        return cls(geometry, once * rounds + (*once, 0)[:2], rounds)

    @classmethod
    def visiting(cls, geometry: ZoomGeometry, levels: Sequence[int]) -> Journey:
        """From level 0 to each of these levels, and between two of them as far outwards as it must be.

        Raises:
            ValueError: for levels that do not exist, or do not lie in level 0.
        """
        way = [0]
        for level in levels:
            if not 0 <= level < geometry.levels or geometry.path_to(level)[0]:
                raise ArgumentError("levels", shown(tuple(levels)), f"levels from 0 to {geometry.levels - 1}")
            here, there = geometry.path_to(way[-1]), geometry.path_to(level)
            shared = sum(one == other for one, other in zip(here, there, strict=False))
            way += [*reversed(here[shared - 1 : -1]), *there[shared:]]
        return cls(geometry, tuple(way))

    @property
    def last(self) -> int:
        """The last place."""
        return len(self.levels) - 1 - bool(self.rounds)

    @property
    def round_length(self) -> int:
        """How many places make a round of a ring; 0 where there is none."""
        return self.last // self.rounds if self.rounds else 0

    @cached_property
    def factors(self) -> tuple[float, ...]:
        """The zoom factor between each place and the next, up to the last."""
        return tuple(self._factor(i) for i in range(self.last))

    @cached_property
    def turns(self) -> tuple[int, ...]:
        """The places where the way turns from inwards to outwards, or back."""
        return tuple(i for i in range(1, self.last) if self._inward(i - 1) != self._inward(i))

    @cached_property
    def anchors(self) -> tuple[Point, ...]:
        """(y, x) in [0, 1]² for each level of the journey: the point at which a frame of another aspect is cut out.

        It stays while the camera moves to the next level, if that lies deeper; else while it came out of the level
        before, or came into this one.
        """
        return tuple(self._anchor(i) for i in range(len(self.levels)))

    def at(self, place: float) -> Position:
        """Where the camera is at a place in [0, last]; a level that fills the frame is told as itself."""
        i = int(place)
        part = place - i
        here = self.anchors[i]
        if not part:
            return Position(self.levels[i], 0.0, 1.0, here, here, here)
        there = self.anchors[i + 1]
        if self._inward(i):
            fixed = _fixed_point(self.geometry, self.levels[i + 1])
            return Position(self.levels[i], part, self._factor(i), fixed, here, there)
        fixed = _fixed_point(self.geometry, self.levels[i])
        return Position(self.levels[i + 1], 1 - part, self._factor(i), fixed, there, here)

    def log_magnification(self, place: float) -> float:
        """ln of how much larger a place shows what is seen than level 0 does; of a ring, from its first round on."""
        marks = self._log_magnifications
        i = int(place)
        return marks[i] if place == i else marks[i] + (place - i) * (marks[i + 1] - marks[i])

    @cached_property
    def _log_magnifications(self) -> tuple[float, ...]:
        outside = self.geometry.path_to(self.levels[0])[1:]
        marks = [sum(math.log(self.geometry.step_into(level).factor) for level in outside)]
        for i in range(len(self.levels) - 1):
            marks.append(marks[-1] + math.log(self._factor(i)) * (1 if self._inward(i) else -1))
        return tuple(marks)

    @cached_property
    def closing_roll(self) -> float:
        """The roll that there is: in a ring that which makes whole turns in a round, at least one."""
        ring = _ring(self.geometry)
        if not (self.roll and ring):
            return self.roll
        turns = max(1, round(abs(self.roll) * len(ring) / 360))
        return math.copysign(turns * 360 / len(ring), self.roll)

    def angle(self, place: float, aspect: float) -> float:
        """Radians by which the picture is turned clockwise at a place, in frames of an aspect (width / height).

        It is `closing_roll` for each factor of average size, so that it goes as steadily as the zoom. In the widest
        level it is 0, and from there it gathers speed over about a level: the corners of a turned frame need room.
        Where they have not enough, as the turn is fast and the zoom slow, it is as far as they have.
        """
        geometry = self.geometry
        if not self.roll or not geometry.steps:
            return 0.0
        log = self.log_magnification(place)
        levels = log / self._average_step
        if geometry.closed:
            return math.radians(self.closing_roll) * levels
        angle = math.radians(self.roll) * (math.hypot(levels, 1) - 1)
        shape = geometry.width / geometry.height
        room = math.exp(min(log, 10)) * max(aspect, shape)  # of the widest level; more than enough from 10 on
        return math.copysign(min(abs(angle), widest_turn(1.0, aspect, room / shape, room)), angle)

    @property
    def fastest_turn(self) -> float:
        """Radians of `angle` per ln of magnification, at most."""
        return abs(math.radians(self.closing_roll)) / self._average_step if self.roll and self.geometry.steps else 0.0

    @cached_property
    def _average_step(self) -> float:
        """ln of the factor of a step, of a ring those of its round."""
        steps = [self.geometry.step_into(level) for level in _ring(self.geometry)] or self.geometry.steps
        return sum(math.log(step.factor) for step in steps) / len(steps)

    def _inward(self, i: int) -> bool:
        """Whether the way leads inwards from the level at i."""
        return self.geometry.parent(self.levels[i + 1]) == self.levels[i]

    def _factor(self, i: int) -> float:
        return self.geometry.step_into(self.levels[i + 1] if self._inward(i) else self.levels[i]).factor

    def _anchor(self, i: int) -> Point:
        level, is_last = self.levels[i], i == len(self.levels) - 1
        if not is_last and self._inward(i):
            return _fixed_point(self.geometry, self.levels[i + 1])
        if i and not self._inward(i - 1):
            return _fixed_point(self.geometry, self.levels[i - 1])
        return _fixed_point(self.geometry, level)


@lru_cache(maxsize=64)
def _default(geometry: ZoomGeometry) -> Journey:
    if geometry.closed:
        return Journey.round(geometry)
    leaves = [level for level in range(geometry.levels) if not geometry.children(level)]
    return Journey(geometry, geometry.path_to(max(leaves, key=geometry.magnifications.__getitem__)))


def _ring(geometry: ZoomGeometry) -> tuple[int, ...]:
    """The levels of a round; none without a ring."""
    end = geometry.parent(0)
    return () if end is None else geometry.path_to(end)


def _fixed_point(geometry: ZoomGeometry, level: int) -> Point:
    """(y, x) in [0, 1]²: the point of both that stays while zooming from its parent to `level`."""
    if geometry.parent(level) is None:
        return 0.5, 0.5
    top, left, height, width = step_rect(geometry.step_into(level), geometry.height, geometry.width)
    return top / (geometry.height - height), left / (geometry.width - width)
