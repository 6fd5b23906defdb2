"""Time → zoom: the camera path of a zoom video, at constant perceived speed."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate

DIRECTIONS = ("in", "out", "in_out", "out_in")
EASINGS = ("linear", "smooth", "none")


@dataclass(frozen=True)
class ZoomPath:
    """What zoom every frame of a clip shows. Zoom i is level i filling the frame; real numbers lie between levels.

    A zoom looks steady when the magnification grows by the same factor in every second. So the path is linear in the
    logarithm of the magnification, also where the steps have different factors, and is eased there.

    Args:
        factors: zoom factor of every step between levels, as ``ZoomGeometry.factors``; empty for one level.
        duration: seconds of the whole clip, rests included. Give this or ``seconds_per_level``.
        seconds_per_level: seconds from one level to the next on average; rests are added. One level alone is shown
            for this long.
        direction: "in", "out", or there and back: "in_out", "out_in".
        easing: "linear" (constant speed with soft ends of ``ramp`` seconds), "smooth" (the speed swells and falls over
            the whole movement), "none" (constant speed, abrupt ends). Each leg of there and back is eased by itself.
        hold_start, hold_end: seconds of rest before the first movement, and after it (there and back: at the turn).
        loop: for there and back: leave out the last frame, which the repeated clip shows first.
        start, end: the widest and the deepest zoom shown; an end of None is the deepest level. "out" goes from end
            to start.
        ramp: seconds in which a "linear" leg gathers its speed, and loses it again; at most half the leg each.

    Raises:
        ValueError: for anything else, and where the rests leave no time to move.
    """

    factors: tuple[float, ...]
    duration: float | None = None
    seconds_per_level: float | None = None
    direction: str = "in"
    easing: str = "linear"
    hold_start: float = 0.0
    hold_end: float = 0.0
    loop: bool = False
    start: float = 0.0
    end: float | None = None
    ramp: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "factors", tuple(self.factors))
        if not all(1 < factor < math.inf for factor in self.factors):
            raise ValueError(f"every zoom factor must be a number above 1, got {self.factors}")
        if self.direction not in DIRECTIONS:
            raise ValueError(f"direction must be one of {', '.join(DIRECTIONS)}, got {self.direction!r}")
        if self.easing not in EASINGS:
            raise ValueError(f"easing must be one of {', '.join(EASINGS)}, got {self.easing!r}")
        for name in ("hold_start", "hold_end", "ramp"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be a number of seconds of at least 0, got {getattr(self, name)!r}")
        if self.loop and not self.there_and_back:
            raise ValueError(
                f"loop needs direction in_out or out_in, so that the clip ends where it begins; "
                f"got direction {self.direction!r}"
            )
        deepest = len(self.factors)
        zooms_in_order = 0 <= self.start < self.last <= deepest or self.start == self.last == deepest == 0
        if not zooms_in_order:
            raise ValueError(f"expected 0 <= start < end <= {deepest}, got start={self.start}, end={self.last}")
        if (self.duration is None) == (self.seconds_per_level is None):
            raise ValueError(
                f"give either duration or seconds_per_level, got duration={self.duration} and "
                f"seconds_per_level={self.seconds_per_level}"
            )
        if not 0 < self.moving_seconds < math.inf:
            raise ValueError(
                f"the movement must take more than 0 seconds, got {self.moving_seconds:g} from "
                f"duration={self.duration}, seconds_per_level={self.seconds_per_level}, "
                f"hold_start={self.hold_start:g}, hold_end={self.hold_end:g}"
            )

    @property
    def there_and_back(self) -> bool:
        return self.direction in ("in_out", "out_in")

    @property
    def last(self) -> float:
        """The deepest zoom shown."""
        return float(len(self.factors)) if self.end is None else self.end

    @property
    def moving_seconds(self) -> float:
        """Seconds of the clip without its rests; both legs of there and back."""
        if self.seconds_per_level is not None:
            legs = 2 if self.there_and_back else 1
            return legs * (self.last - self.start or 1.0) * self.seconds_per_level
        return (self.duration or 0.0) - self.hold_start - self.hold_end

    def frame_count(self, fps: float | Fraction) -> int:
        """Frames of the clip: its seconds times fps, rounded, at least 1.

        Raises:
            ValueError: if fps is not above 0.
        """
        if not 0 < fps < math.inf:
            raise ValueError(f"fps must be a number above 0, got {fps!r}")
        return max(1, round((self.moving_seconds + self.hold_start + self.hold_end) * fps))

    def zooms(self, fps: float | Fraction) -> list[float]:
        """The zoom of every frame, exact at both ends of every leg.

        Args:
            fps: frames per second, above 0.

        Raises:
            ValueError: if fps is not above 0, or no frame is left for the movement.
        """
        count = self.frame_count(fps)
        if self.start == self.last:
            return [self.start] * count
        rest_start, rest_end = round(self.hold_start * fps), round(self.hold_end * fps)
        moves = count - rest_start - rest_end - (0 if self.loop else 1)
        if self.there_and_back:
            # both legs have the same number of frames; one that is left over is spent at the turn
            rest_end += moves % 2
            moves //= 2
        if moves < 1:
            raise ValueError(f"a clip of {count} frames leaves no frame for the movement; it needs more seconds or fps")
        leg = self._leg(moves, self.ramp * fps)
        if self.direction in ("out", "out_in"):
            leg.reverse()
        clip = [leg[0]] * rest_start + leg + [leg[-1]] * rest_end
        if self.there_and_back:
            clip += leg[-2:0:-1] if self.loop else leg[-2::-1]
        return clip

    def _leg(self, moves: int, ramp_frames: float) -> list[float]:
        """The moves + 1 zooms from start to the deepest zoom."""
        ramps = {"none": 0.0, "linear": min(0.5, ramp_frames / moves), "smooth": 0.5}
        ramp = ramps[self.easing]
        near, far = self._log_magnification(self.start), self._log_magnification(self.last)
        inner = [self._zoom(near + (far - near) * _progress(k / moves, ramp)) for k in range(1, moves)]
        return [self.start, *(min(max(zoom, self.start), self.last) for zoom in inner), self.last]

    @cached_property
    def _log_magnifications(self) -> list[float]:
        """ln of every level's magnification against level 0."""
        return list(accumulate((math.log(factor) for factor in self.factors), initial=0.0))

    def _log_magnification(self, zoom: float) -> float:
        marks = self._log_magnifications
        level = min(int(zoom), len(self.factors) - 1)
        return marks[level] + (zoom - level) * (marks[level + 1] - marks[level])

    def _zoom(self, log_magnification: float) -> float:
        marks = self._log_magnifications
        level = min(max(bisect_right(marks, log_magnification) - 1, 0), len(self.factors) - 1)
        return level + (log_magnification - marks[level]) / (marks[level + 1] - marks[level])


def _progress(time: float, ramp: float) -> float:
    """The part of the way done at `time`, both in [0, 1], when the speed rises and falls as a cosine over `ramp` each.

    With a ramp of 0 the speed is constant, with 0.5 it only rises and falls. Continuous in speed and acceleration.
    """
    if ramp == 0:
        return time
    if time > 0.5:
        return 1 - _progress(1 - time, ramp)
    top_speed = 1 / (1 - ramp)
    if time >= ramp:
        return top_speed * (time - ramp / 2)
    return top_speed / 2 * (time - ramp / math.pi * math.sin(math.pi * time / ramp))
