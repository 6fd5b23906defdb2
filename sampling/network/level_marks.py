"""How an entry of the host's CONDITIONING says which zoom level it is for.

A zoom schedule is one flat, ordinary CONDITIONING: entries that carry ``zoom_level`` are for that level alone, entries
without are for every level. So every stock node between the schedule and the sampler works on all levels at once.
"""

from typing import Any

ZOOM_LEVEL = "zoom_level"

Conditioning = list[list[Any]]  # [[embedding, options], ...], the host's CONDITIONING


def mark_level(conditioning: Conditioning, level: int) -> Conditioning:
    """``conditioning`` with every entry marked as for ``level`` (0 = outermost); the input is left as it is."""
    return [[embedding, {**options, ZOOM_LEVEL: level}] for embedding, options in conditioning]
