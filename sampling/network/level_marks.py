"""How an entry of the host's CONDITIONING says which zoom level it is for.

A zoom schedule is one flat, ordinary CONDITIONING: entries that carry ``zoom_level`` are for that level alone, entries
without are for every level. So every stock node between the schedule and the sampler works on all levels at once.
Where a level lies in another one than that before it, its entries say so too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...zoomstack_core.geometry import Parents

ZOOM_LEVEL = "zoom_level"
ZOOM_PARENT = "zoom_parent"

Conditioning = list[list[Any]]  # [[embedding, options], ...], the host's CONDITIONING


def mark_level(conditioning: Conditioning, level: int, parent: int | None = None) -> Conditioning:
    """``conditioning`` with every entry marked as for ``level`` (0 = outermost); the input is left as it is.

    Args:
        parent: the level that shows this one, where it is not the one before.
    """
    marks = {ZOOM_LEVEL: level}
    if level and parent not in (None, level - 1):
        marks[ZOOM_PARENT] = parent
    return [[embedding, {**options, **marks}] for embedding, options in conditioning]


def marked_parents(entries: Iterable[dict[str, Any]]) -> Parents | None:
    """The parents that the marks of a schedule's entries say, as `ZoomGeometry` takes them; None without marks."""
    found: dict[int, int | None] = {}
    for entry in entries:
        level = entry.get(ZOOM_LEVEL)
        if level is not None:
            found[level] = entry.get(ZOOM_PARENT, level - 1) if level else None
    if not found:
        return None
    return tuple(found.get(level, level - 1 if level else None) for level in range(max(found) + 1))
