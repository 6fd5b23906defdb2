"""How levels nest, before their number and size are known, and the text in which people write it.

The text is lenient about separators: "2, 4, 4, 1.5", "2x 4x", one number or point per line, brackets. What it says is
checked here; that it fits the number of levels can only be checked by `Nesting.fit`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from .errors import ArgumentError
from .geometry import PREFILTERS, Parents, ZoomGeometry
from .geometry_checks import SiblingsOverlap
from .quoting import short

MIDDLE = (0.5, 0.5)
MOST_ZOOM = 1000.0  # of one step: a level of 1000 pixels then fills one pixel of the level before it

_SEPARATORS = re.compile(r"[\s,;|()\[\]{}]+")
_TIMES = re.compile(r"^[x×]|[x×]$", re.IGNORECASE)
_AXIS = re.compile(r"\b[xy]\s*[=:]", re.IGNORECASE)


@dataclass(frozen=True)
class Nesting:
    """The zoom steps of a stack of any size.

    Args:
        zoom_factors: one p > 1 for all steps, or one per step: the first leads to level 1, the second to level 2, …
        focus: one point (x, y) in [0, 1]² for all steps, or one per step: where the level of the step is centered. One
            for all is that of only children; several children of a level are put beside each other, see `side_by_side`.
        prefilter: the reduce operator D, one of `PREFILTERS`.
        parents: of a tree, for each level the one that shows it, as in `ZoomGeometry`; None is a chain.
        closed: whether the last level shows level 0 again, a ring: one more step.

    >>> from zoomstack_core import Nesting
    >>> Nesting(zoom_factors=(2.0, 4.0)).fit(levels=3, height=64, width=64).factors
    (2.0, 4.0)
    """

    zoom_factors: tuple[float, ...] = (2.0,)
    focus: tuple[tuple[float, float], ...] = (MIDDLE,)
    prefilter: str = PREFILTERS[0]
    parents: Parents | None = None
    closed: bool = False

    def fit(self, levels: int, height: int, width: int, name: str = "the nesting") -> ZoomGeometry:
        """The geometry of ``levels`` levels of this size; ``name`` is what an error calls this nesting.

        Raises:
            ValueError: where the number of factors or points is neither one nor one per step, where it has parents of
                another number of levels, or for children of a level that overlap. Levels in its messages count from 1.
        """
        factors, points = self.of_each_step(levels, name)
        steps_of_all = factors or self.zoom_factors[0], points or self.focus[0]
        try:
            return ZoomGeometry(levels, height, width, *steps_of_all, self.prefilter, self._parents_of_all(levels))
        except SiblingsOverlap as error:
            raise error.counted_from(1) from None

    def of_each_step(
        self, levels: int, name: str = "the nesting"
    ) -> tuple[tuple[float, ...], tuple[tuple[float, float], ...]]:
        """Factor and focus of each step, the number of steps checked as `fit` does."""
        steps = levels - 1 + self.closed
        if self.closed and levels == 1:
            raise ArgumentError(name, "is a ring of 1 level", "at least 2 levels")
        if self.parents is not None and len(self.parents) != levels:
            raise ArgumentError(name, f"is a tree of {len(self.parents)} levels", f"one of {levels} levels")
        for what, values in (("zoom factors", self.zoom_factors), ("focus points", self.focus)):
            if len(values) not in (1, steps):
                raise ArgumentError(
                    name,
                    f"has {len(values)} {what} for {levels} levels",
                    f"one for all steps, or {steps}: one per step from a level to the next"
                    f"{', and one from the last to the first' if self.closed else ''}. {len(values)} are for "
                    f"{len(values) + 1 - self.closed} levels",
                )
        factors = self.zoom_factors * steps if len(self.zoom_factors) == 1 else self.zoom_factors
        if len(self.focus) > 1:
            return factors, self.focus
        return factors, side_by_side(self._parents_of_all(levels), factors, self.focus[0])

    def _parents_of_all(self, levels: int) -> Parents:
        """As `ZoomGeometry` takes them."""
        parents = self.parents or (None, *range(levels - 1))
        return (levels - 1, *parents[1:]) if self.closed else parents

    def same_steps(self, other: Nesting) -> bool:
        """Whether both say the same of every step. Lists of different lengths belong to different stacks: not known to
        differ."""
        pairs = ((self.zoom_factors, other.zoom_factors), (self.focus, other.focus))
        shapes = [(one.prefilter, one.parents, one.closed) for one in (self, other)]
        return all(_same(mine, theirs) for mine, theirs in pairs) and shapes[0] == shapes[1]

    def __str__(self) -> str:
        factors = ", ".join(f"{factor:g}" for factor in self.zoom_factors)
        points = "; ".join(f"{x:g}, {y:g}" for x, y in self.focus)
        return f"zoom factor {factors} and focus {points}{', closed to a ring' if self.closed else ''}"


def side_by_side(
    parents: Parents, factors: tuple[float, ...], focus: tuple[float, float]
) -> tuple[tuple[float, float], ...]:
    """Where the level of each step is centered: only children at ``focus``, several of one level in rows.

    The rows are as few as the smallest factor of these children lets them be, and fill the level evenly.

    Args:
        parents: as in `ZoomGeometry`.
        factors: of each step.

    >>> side_by_side((None, 0, 0, 1), (4.0, 4.0, 4.0), (0.5, 0.5))
    ((0.25, 0.5), (0.75, 0.5), (0.5, 0.5))
    """
    points = [focus] * len(factors)
    children: dict[int, list[int]] = {}
    for level in (*range(1, len(parents)), 0):
        parent = parents[level]
        if parent is not None:
            children.setdefault(parent, []).append(level - 1)  # its step; level 0 has the last one
    for steps in children.values():
        if len(steps) > 1:
            across = max(1, math.floor(min(factors[step] for step in steps)))
            rows = -(-len(steps) // across)
            across = -(-len(steps) // rows)
            for place, step in enumerate(steps):
                row, column = divmod(place, across)
                in_row = min(across, len(steps) - row * across)
                points[step] = (column + 0.5) / in_row, (row + 0.5) / rows
    return tuple(points)


def _same(mine: tuple[Any, ...], theirs: tuple[Any, ...]) -> bool:
    """One value stands for every step."""
    if 1 not in (len(mine), len(theirs)) and len(mine) != len(theirs):
        return True
    count = max(len(mine), len(theirs))
    return (mine * count)[:count] == (theirs * count)[:count]


def parse_zoom_factors(text: str) -> tuple[float, ...]:
    """The zoom factors in ``text``: "2" or "2, 4, 4, 1.5"; also "2x", line breaks and brackets.

    Raises:
        ValueError: for no number, what is no number, or a factor that is not above 1 or larger than `MOST_ZOOM`.

    >>> parse_zoom_factors("2x, 4x, 1.5")
    (2.0, 4.0, 1.5)
    """
    expected = f"one zoom factor above 1 and at most {MOST_ZOOM:g}, or one per step, such as 2, 4, 4, 1.5"
    factors = tuple(_number("zoom_factors", _TIMES.sub("", word) or word, word) for word in _words(text))
    if not factors:
        raise ArgumentError("zoom_factors", f"is {short(text)}, without a number", expected)
    for factor in factors:
        if not 1 < factor <= MOST_ZOOM:
            raise ArgumentError("zoom_factors", f"has {factor:g}", f"{expected} (and a point for decimals)")
    return factors


def parse_focus(text: str) -> tuple[tuple[float, float], ...]:
    """The points in ``text``: "0.5, 0.3", or one "x, y" per line or in brackets. No text is the middle.

    Raises:
        ValueError: for what is no number, a line with a number left over, or a point outside the image.

    >>> parse_focus("0.5, 0.3; x=1 y=0")
    ((0.5, 0.3), (1.0, 0.0))
    """
    points = []
    for line in re.split(r"[\n;]", text):
        numbers = [_number("focus", word, word) for word in _words(_AXIS.sub(" ", line))]
        if len(numbers) % 2:
            finding = f"has {len(numbers)} numbers in the line {short(line.strip())}"
            raise ArgumentError("focus", finding, "points x, y, such as 0.5, 0.3")
        points += list(zip(numbers[::2], numbers[1::2], strict=True))
    for x, y in points:
        if not (0 <= x <= 1 and 0 <= y <= 1):
            raise ArgumentError(
                "focus",
                f"has the point {x:g}, {y:g}, which lies outside the image",
                "x from 0 (left) to 1 (right), and y from 0 (top) to 1 (bottom)",
            )
    return tuple(points) or (MIDDLE,)


def _words(text: str) -> list[str]:
    return [word for word in _SEPARATORS.split(text) if word]


def _number(name: str, word: str, shown: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ArgumentError(name, f"has {short(shown)}, which is no number", "numbers with a point for decimals")
    return value
