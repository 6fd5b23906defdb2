"""Rings: whether the first level is finished when the last one begins, which shows it."""

from __future__ import annotations

import math

from ..zoomstack_core.geometry import ZoomGeometry
from .noise.sigmas import LevelSigmas


def ring_notice(geometry: ZoomGeometry, sigmas: LevelSigmas) -> str:
    """What to say of an aligned run of a ring that is too short; no text for others.

    With aligned noise level 0 is finished before deep levels begin, and is known to the one that shows it from its
    first step on. In a short ring it comes to that one while it is being sampled.
    """
    parent = geometry.parent(0)
    if parent is None or sigmas.ladder is None:
        return ""
    fronts = [sigmas.ladder.front(float(sigma)) for sigma in sigmas.sigmas[:-1]]
    early = sum(parent in front.active and 0 not in front.finished for front in fronts)
    if not early:
        return ""
    steps = len(geometry.path_to(parent)) - 1
    of_a_level = math.log(sigmas.ladder.ratios[parent] / sigmas.ladder.ratios[0]) / max(1, steps)
    more = math.ceil(early * sigmas.ladder.rung / of_a_level)
    return (
        f"The last level begins {early} step{'s' * (early != 1)} before the first one, which it shows, is finished. "
        f"With {more} more level{'s' * (more != 1)} the ring would close exactly; a larger zoom_factor helps too."
    )
