"""Easing: how the progress of a movement depends on time."""

from __future__ import annotations

import math
from collections.abc import Callable

# The beginning of a movement, from (0, 0) to (1, 1), with a speed of 0 at first and no less later.
_STARTS: dict[str, Callable[[float], float]] = {
    "sine": lambda t: 1 - math.cos(t * math.pi / 2),
    "quad": lambda t: t**2,
    "cubic": lambda t: t**3,
    "quart": lambda t: t**4,
    "quint": lambda t: t**5,
    "expo": lambda t: (2 ** (10 * t) - 1) / 1023,
}
EASINGS = ("linear", "smooth", *_STARTS, "none")
EASED_ENDS = ("both", "start", "end")


def ease(time: float, easing: str = "linear", ends: str = "both", ramp: float = 0.0) -> float:
    """The part of the way done at a part of the time, both in [0, 1].

    Args:
        time: in [0, 1].
        easing: "linear" (constant speed between ramps), "smooth" (the speed rises and falls as a cosine over the whole
            time), "none" (constant speed), or a family of curves: "sine", "quad", "cubic", "quart", "quint", "expo".
        ends: which end is soft: "both", "start" or "end".
        ramp: for "linear": the part of the time in which it gathers speed, and loses it again, in [0, 0.5].
    """
    if easing == "none":
        return time
    if ends == "end":
        return 1 - ease(1 - time, easing, "start", ramp)
    if easing in _STARTS:
        begin = _STARTS[easing]
        if ends == "start":
            return begin(time)
        return begin(2 * time) / 2 if time < 0.5 else 1 - begin(2 - 2 * time) / 2
    if easing == "smooth":
        ramp = 0.5 if ends == "both" else 1.0
    return _ramped(time, ramp, soft_end=ends == "both")


def _ramped(time: float, ramp: float, soft_end: bool) -> float:
    """The speed rises as a cosine over `ramp`, and falls so at a soft end; between it is constant."""
    top_speed = 1 / (1 - ramp * (1.0 if soft_end else 0.5))
    if soft_end and time > 0.5:
        return 1 - _ramped(1 - time, ramp, soft_end)
    if time >= ramp:
        return top_speed * (time - ramp / 2)
    return top_speed / 2 * (time - ramp / math.pi * math.sin(math.pi * time / ramp))
