"""What a `ZoomGeometry` is given, checked and in one form, so that equal geometries compare equal."""

from __future__ import annotations

import sys
from typing import Any

from .errors import ArgumentError, shown
from .quoting import short

Parents = tuple[int | None, ...]


class SiblingsOverlap(ArgumentError):
    """Two children of a level that show the same place.

    Args:
        parent: that level.
        children: the two.
        places: what each fills, in words.
        first: the number of level 0 in the message.
    """

    def __init__(self, parent: int, children: tuple[int, int], places: tuple[str, str], first: int = 0):
        self.parent, self.children, self.places, self.first = parent, children, places, first
        one, other = (child + first for child in children)
        finding = f"lets levels {one} and {other} overlap in level {parent + first}: {one} fills {places[0]}, {other} "
        remedy = "places beside each other: move a focus, or use larger zoom factors"
        super().__init__("focus", f"{finding}fills {places[1]}", remedy)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.parent, self.children, self.places, self.first)

    def counted_from(self, first: int) -> SiblingsOverlap:
        """The same with another number of level 0."""
        return SiblingsOverlap(self.parent, self.children, self.places, first)


def checked_parents(value: object, levels: int) -> Parents:
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


def checked_factors(value: object, steps: int) -> float | tuple[float, ...]:
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


def checked_foci(value: object, steps: int) -> tuple[float, float] | tuple[tuple[float, float], ...]:
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
