"""Levels as an index of tensors."""

from __future__ import annotations

from collections.abc import Sequence


def rows_of(levels: Sequence[int]) -> slice | list[int]:
    """An index of the first dimension: a slice where the levels follow each other, for a view in place of a copy.

    >>> from zoomstack_core.method.rows import rows_of
    >>> rows_of([2, 3, 4]), rows_of([2, 5]), rows_of([])
    (slice(2, 5, None), [2, 5], slice(0, 0, None))
    """
    if not levels:
        return slice(0, 0)
    first, last = levels[0], levels[-1]
    follow = last - first + 1 == len(levels) and all(b - a == 1 for a, b in zip(levels, levels[1:], strict=False))
    return slice(first, last + 1) if follow else list(levels)
