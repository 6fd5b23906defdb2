"""How levels nest, before their number and size are known, and the text in which people write it.

The text is lenient about separators: "2, 4, 4, 1.5", "2x 4x", one number or point per line, brackets. What it says is
checked here; that it fits the number of levels can only be checked by `Nesting.fit`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from .geometry import PREFILTERS, ZoomGeometry

MIDDLE = (0.5, 0.5)

_SEPARATORS = re.compile(r"[\s,;|()\[\]{}]+")
_TIMES = re.compile(r"^[x×]|[x×]$", re.IGNORECASE)
_AXIS = re.compile(r"\b[xy]\s*[=:]", re.IGNORECASE)


@dataclass(frozen=True)
class Nesting:
    """The zoom steps of a stack of any size.

    Args:
        zoom_factors: one p > 1 for all steps, or one per step, from the widest level on.
        focus: one point (x, y) in [0, 1]² for all steps, or one per step: where the next level is centered.
        prefilter: the reduce operator D, one of `PREFILTERS`.
    """

    zoom_factors: tuple[float, ...] = (2.0,)
    focus: tuple[tuple[float, float], ...] = (MIDDLE,)
    prefilter: str = PREFILTERS[0]

    def fit(self, levels: int, height: int, width: int, name: str = "the nesting") -> ZoomGeometry:
        """The geometry of ``levels`` levels of this size; ``name`` is what an error calls this nesting.

        Raises:
            ValueError: where the number of factors or points is neither one nor one per step.
        """
        steps = levels - 1
        for what, values in (("zoom factors", self.zoom_factors), ("focus points", self.focus)):
            if len(values) not in (1, steps):
                raise ValueError(
                    f"{name} has {len(values)} {what} for {levels} levels; expected one for all steps, or {steps}: one "
                    "per step from a level to the next."
                )
        factors = self.zoom_factors[0] if len(self.zoom_factors) == 1 else self.zoom_factors
        points = self.focus[0] if len(self.focus) == 1 else self.focus
        return ZoomGeometry(levels, height, width, factors, points, self.prefilter)

    def same_steps(self, other: Nesting) -> bool:
        """Whether both say the same of every step. Lists of different lengths belong to different stacks: not known to
        differ."""
        pairs = ((self.zoom_factors, other.zoom_factors), (self.focus, other.focus))
        return all(_same(mine, theirs) for mine, theirs in pairs) and self.prefilter == other.prefilter

    def __str__(self) -> str:
        factors = ", ".join(f"{factor:g}" for factor in self.zoom_factors)
        points = "; ".join(f"{x:g}, {y:g}" for x, y in self.focus)
        return f"zoom factor {factors} and focus {points}"


def _same(mine: tuple[Any, ...], theirs: tuple[Any, ...]) -> bool:
    """One value stands for every step."""
    if 1 not in (len(mine), len(theirs)) and len(mine) != len(theirs):
        return True
    count = max(len(mine), len(theirs))
    return (mine * count)[:count] == (theirs * count)[:count]


def parse_zoom_factors(text: str) -> tuple[float, ...]:
    """The zoom factors in ``text``: "2" or "2, 4, 4, 1.5"; also "2x", line breaks and brackets.

    Raises:
        ValueError: for no number, what is no number, or a factor that is not above 1.
    """
    factors = tuple(_number(_TIMES.sub("", word) or word, word) for word in _words(text))
    if not factors:
        raise ValueError("there is no number; expected one zoom factor, or one per step, such as 2, 4, 4, 1.5")
    for factor in factors:
        if factor <= 1:
            raise ValueError(f"{factor:g} is no zoom factor; expected numbers above 1 (and a point for decimals)")
    return factors


def parse_focus(text: str) -> tuple[tuple[float, float], ...]:
    """The points in ``text``: "0.5, 0.3", or one "x, y" per line or in brackets. No text is the middle.

    Raises:
        ValueError: for what is no number, a line with a number left over, or a point outside the image.
    """
    points = []
    for line in re.split(r"[\n;]", text):
        numbers = [_number(word, word) for word in _words(_AXIS.sub(" ", line))]
        if len(numbers) % 2:
            raise ValueError(f"{line.strip()!r} has {len(numbers)} numbers; expected points x, y, such as 0.5, 0.3")
        points += list(zip(numbers[::2], numbers[1::2], strict=True))
    for x, y in points:
        if not (0 <= x <= 1 and 0 <= y <= 1):
            raise ValueError(
                f"the point {x:g}, {y:g} lies outside the image; expected x from 0 (left) to 1 (right), and y from 0 "
                "(top) to 1 (bottom)"
            )
    return tuple(points) or (MIDDLE,)


def _words(text: str) -> list[str]:
    return [word for word in _SEPARATORS.split(text) if word]


def _number(word: str, shown: str) -> float:
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{shown!r} is no number")
    return value
