"""Rings: whether the first level is finished when the last one begins, which shows it."""

from __future__ import annotations

import math

from ..zoomstack_core.geometry import ZoomGeometry
from .noise.sigmas import LevelSigmas


def ring_notice(geometry: ZoomGeometry, sigmas: LevelSigmas, held: frozenset[int] = frozenset()) -> str:
    """What to say of an aligned run of a ring that is too short; no text for others.

    With aligned noise level 0 is finished before deep levels begin, and is known to the one that shows it from its
    first step on. In a short ring it comes to that one while it is being sampled.
    """
    parent = geometry.parent(0)
    if parent is None or sigmas.ladder is None or {0, parent} & held:
        return ""
    fronts = [sigmas.ladder.front(float(sigma)) for sigma in sigmas.sigmas[:-1]]
    early = sum(parent in front.active and 0 not in front.finished for front in fronts)
    if not early:
        return ""
    ladder, steps = sigmas.ladder, len(geometry.path_to(parent)) - 1
    behind = math.log(ladder.ratios[parent] / ladder.ratios[0])  # the last level behind the first, in log sigma
    late = math.log(ladder.sigma_max / min(ladder.wake_sigma, ladder.sigma_max))
    missing = (ladder.steps - 0.5) * ladder.rung - late - behind
    more = max(1, math.ceil(missing / behind * max(1, steps)))
    return (
        f"The last level begins {early} step{'s' * (early != 1)} before the first one, which it shows, is finished. "
        f"With {more} more level{'s' * (more != 1)} the ring would close exactly; a larger zoom_factor helps too."
    )
