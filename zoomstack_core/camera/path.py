"""Time → zoom: the camera path of a zoom video, at constant perceived speed."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import accumulate

from ..errors import ArgumentError, shown
from ..quoting import short
from .easing import EASED_ENDS, EASINGS, ease

__all__ = ["DIRECTIONS", "EASED_ENDS", "EASINGS", "ZoomPath"]

DIRECTIONS = ("in", "out", "in_out", "out_in")
STEADY = ("linear", "none")  # easings that keep a constant speed but for the ends of a movement


@dataclass(frozen=True)
class ZoomPath:
    """What zoom every frame of a clip shows. Zoom i is level i filling the frame; real numbers lie between levels.

    On a journey through a tree or a ring, a zoom is a place on it, and level i the i-th level of the journey.

    A zoom looks steady when the magnification grows by the same factor in every second. So the path is linear in the
    logarithm of the magnification, also where the steps have different factors, and is eased there.

    Args:
        factors: zoom factor of every step between levels, as ``Journey.factors``; empty for one level.
        duration: seconds of the whole clip, rests included. Give this or ``seconds_per_level``.
        seconds_per_level: seconds from one level to the next on average; rests are added. One level alone is shown
            for this long.
        direction: "in", "out", or there and back: "in_out", "out_in".
        easing: "linear" (constant speed with soft ends of ``ramp`` seconds), "smooth" (the speed swells and falls over
            the whole movement), "none" (constant speed, abrupt ends), or a family of ``easing.ease``. Each leg of
            there and back is eased by itself, and each part between two rests.
        hold_start, hold_end: seconds of rest before the first movement, and after it (there and back: at the turn).
        loop: for there and back, and whole rounds of a ring: leave out the last frame, which the repeated clip shows
            first. A ring is then gone round without a stop, as long as it is steady ("linear", "none") and has no rest
            at its ends.
        start, end: the widest and the deepest zoom shown; an end of None is the deepest level. "out" goes from end
            to start.
        dwell: seconds of rest at every level between start and end, or a tuple of them, one for each level of the
            journey; there and back rests on both ways. Those of the levels at start and end are not used.
        ends: which ends of a movement are soft: "both", "start" or "end" in time; both legs of there and back alike.
        ramp: seconds in which a "linear" leg gathers its speed, and loses it again; at most half the leg each.
        turns: zooms where the journey turns from inwards to outwards, or back, see ``Journey.turns``: it slows down
            there as at a rest of no time.
        rounds: how many rounds of a ring the factors are; 0 for none. Easings that are not steady ease each by itself.

    Raises:
        ValueError: for anything else, and where the rests leave no time to move.

    >>> from zoomstack_core import ZoomPath
    >>> path = ZoomPath(factors=(2.0, 4.0), duration=3.0, easing="none")
    >>> [round(zoom, 2) for zoom in path.zooms(fps=2)]  # the step by 4 takes twice as long
    [0.0, 0.6, 1.1, 1.4, 1.7, 2.0]
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
    dwell: float | tuple[float, ...] = 0.0
    ends: str = "both"
    turns: tuple[int, ...] = ()
    rounds: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "factors", tuple(self.factors))
        if not all(1 < factor < math.inf for factor in self.factors):
            raise ArgumentError("factors", shown(self.factors), "numbers above 1")
        if self.direction not in DIRECTIONS:
            raise ArgumentError("direction", shown(self.direction), f"one of {', '.join(DIRECTIONS)}")
        if self.easing not in EASINGS:
            raise ArgumentError("easing", shown(self.easing), f"one of {', '.join(EASINGS)}")
        if self.ends not in EASED_ENDS:
            raise ArgumentError("ends", shown(self.ends), f"one of {', '.join(EASED_ENDS)}")
        for name in ("hold_start", "hold_end", "ramp"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ArgumentError(name, shown(getattr(self, name)), "a number of seconds of at least 0")
        levels = len(self.factors) + 1
        if isinstance(self.dwell, (tuple, list)):
            object.__setattr__(self, "dwell", tuple(self.dwell))
            if len(self.dwell) != levels:
                raise ArgumentError("dwell", shown(self.dwell), f"one number or {levels} of them (one per level)")
        if not all(0 <= seconds < math.inf for seconds in self._dwells):
            raise ArgumentError("dwell", shown(self.dwell), "seconds of at least 0")
        object.__setattr__(self, "turns", tuple(self.turns))
        if not all(0 < turn < levels - 1 for turn in self.turns):
            raise ArgumentError("turns", shown(self.turns), f"zooms between 0 and {levels - 1}")
        if self.rounds < 0 or (self.rounds and len(self.factors) % self.rounds):
            raise ArgumentError("rounds", shown(self.rounds), f"0, or rounds that {len(self.factors)} factors make")
        deepest = len(self.factors)
        if not (0 <= self.start < deepest or self.start == deepest == 0):
            raise ArgumentError("start", shown(self.start), f"a zoom of at least 0, below {deepest}, the last level")
        if not (self.start < self.last <= deepest or self.last == deepest == 0):
            raise ArgumentError("end", shown(self.last), f"a zoom above `start`, {self.start:g}, up to {deepest}")
        if self.loop and not self.there_and_back and not self._ends_where_it_begins:
            raise ArgumentError(
                "loop",
                f"is on and the direction {self.direction}",
                "`direction` in_out or out_in, so that the clip ends where it begins"
                + (", or whole rounds" if self.rounds else ""),
            )
        if (self.duration is None) == (self.seconds_per_level is None):
            raise ArgumentError(
                "duration",
                shown(self.duration),
                f"this or `seconds_per_level`, which is {self.seconds_per_level}, and not both",
            )
        if not 0 < self.moving_seconds < math.inf:
            name = "duration" if self.seconds_per_level is None else "seconds_per_level"
            raise ArgumentError(
                name,
                f"is {getattr(self, name)}, which leaves {self.moving_seconds:g} seconds for the movement",
                f"more than 0 seconds beside the rests, {self.resting_seconds:g} in all: {self._told_rests}",
            )

    @property
    def there_and_back(self) -> bool:
        return self.direction in ("in_out", "out_in")

    @property
    def last(self) -> float:
        """The deepest zoom shown."""
        return float(len(self.factors)) if self.end is None else self.end

    @property
    def _dwells(self) -> tuple[float, ...]:
        """Seconds of rest for every level."""
        return self.dwell if isinstance(self.dwell, tuple) else (self.dwell,) * (len(self.factors) + 1)

    @property
    def _round_length(self) -> float:
        """Zooms of a round; 0 where there is no ring."""
        return len(self.factors) / self.rounds if self.rounds else 0.0

    @property
    def _ends_where_it_begins(self) -> bool:
        rounds = (self.last - self.start) / self._round_length if self._round_length else 0.0
        return round(rounds) > 0 and math.isclose(rounds, round(rounds), abs_tol=1e-9)

    @property
    def _stops(self) -> list[tuple[float, float]]:
        """The zooms on the way where a leg comes to a stop, and for how many seconds."""
        between = range(math.floor(self.start) + 1, math.ceil(self.last))
        stops = {float(i): self._dwells[i] for i in between if self._dwells[i] or i in self.turns}
        if self.rounds and self.easing not in STEADY:
            seams = (self.start + k * self._round_length for k in range(1, self.rounds))
            stops = {**{seam: 0.0 for seam in seams if seam < self.last - 1e-9}, **stops}
        return sorted(stops.items())

    @property
    def _legs(self) -> int:
        return 2 if self.there_and_back else 1

    @property
    def resting_seconds(self) -> float:
        """Seconds of all rests."""
        return self.hold_start + self.hold_end + self._legs * sum(seconds for _, seconds in self._stops)

    @property
    def _told_rests(self) -> str:
        """What the rests add up from, for errors."""
        stops = [stop for stop in self._stops if stop[1]]
        ways = " on both ways" if self.there_and_back else ""
        told = f"`hold_start` {self.hold_start:g}, `hold_end` {self.hold_end:g}, `dwell` "
        if not stops:
            return told + "0"
        if len({seconds for _, seconds in stops}) == 1:
            return told + f"{stops[0][1]:g} at {len(stops)} {'level' if len(stops) == 1 else 'levels'}{ways}"
        return told + short(" + ".join(f"{seconds:g}" for _, seconds in stops))[1:-1] + ways

    @property
    def moving_seconds(self) -> float:
        """Seconds of the clip without its rests; both legs of there and back."""
        if self.seconds_per_level is not None:
            return self._legs * (self.last - self.start or 1.0) * self.seconds_per_level
        return (self.duration or 0.0) - self.resting_seconds

    def frame_count(self, fps: float | Fraction) -> int:
        """Frames of the clip: its seconds times fps, rounded, at least 1.

        Raises:
            ValueError: if fps is not above 0.
        """
        if not 0 < fps < math.inf:
            raise ArgumentError("fps", shown(fps), "a number above 0")
        return max(1, round((self.moving_seconds + self.resting_seconds) * fps))

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
        rests = [(zoom, round(seconds * fps)) for zoom, seconds in self._stops]
        moves = count - rest_start - rest_end - self._legs * sum(rest for _, rest in rests) - (0 if self.loop else 1)
        if self.there_and_back:
            # both legs have the same number of frames; one that is left over is spent at the turn
            rest_end += moves % 2
            moves //= 2
        if moves < len(rests) + 1:
            name = "duration" if self.seconds_per_level is None else "seconds_per_level"
            raise ArgumentError(
                name,
                f"is {getattr(self, name)}, which leaves too few frames for the movement ({count} in all)",
                "more seconds, shorter rests, or a higher `fps`",
            )
        outward = self.direction in ("out", "out_in")
        if self.loop and not self.there_and_back and self.easing in STEADY and not rest_start + rest_end:
            return self._endless(moves, rests, self.ramp * fps, outward)
        leg = self._leg(moves, rests, self.ramp * fps, outward)
        clip = [leg[0]] * rest_start + leg + [leg[-1]] * rest_end
        if self.there_and_back:
            back = self._leg(moves, rests, self.ramp * fps, not outward)
            clip += back[1:-1] if self.loop else back[1:]
        elif self.loop:
            del clip[-1]
        return clip

    def _endless(self, moves: int, rests: list[tuple[float, int]], ramp_frames: float, outward: bool) -> list[float]:
        """Round a ring without a stop at the seam: from the first rest to the same one later, begun at the seam."""
        way = self.last - self.start
        first, pause = rests[0] if rests else (self.start, 0)
        path = replace(
            self,
            factors=self.factors * 2,
            start=first,
            end=first + way,
            dwell=0.0,
            turns=(),
            rounds=2 * self.rounds,
            easing=self.easing if rests else "none",
        )
        leg = path._leg(moves, rests[1:], ramp_frames, outward)[1:] + [first] * pause
        if outward:
            clip = [zoom - way if zoom > self.last else self.last if zoom == self.start else zoom for zoom in leg]
        else:
            clip = [zoom - way if zoom >= self.last else zoom for zoom in leg]
        seam = clip.index(max(clip) if outward else min(clip))
        return clip[seam:] + clip[:seam]

    def _leg(self, moves: int, rests: list[tuple[float, int]], ramp_frames: float, outward: bool) -> list[float]:
        """From start to the deepest zoom, or outward, with rests: moves + 1 zooms, and those of the rests."""
        places = [self.start, *(zoom for zoom, _ in rests), self.last]
        marks = [self.log_magnification(place) for place in places]
        pauses = [0, *(frames for _, frames in rests), 0]
        if outward:
            places, marks, pauses = places[::-1], marks[::-1], pauses[::-1]
        way = abs(marks[-1] - marks[0])
        leg, done = [places[0]], 0
        for part in range(1, len(places)):
            # every part gets its share of the frames, at least one, and leaves one for each that follows
            until = round(moves * abs(marks[part] - marks[0]) / way)
            until = min(max(until, done + 1), moves - (len(places) - 1 - part))
            frames, near, far = until - done, marks[part - 1], marks[part]
            ramp = min(1.0 if self.ends != "both" else 0.5, ramp_frames / frames)
            for k in range(1, frames):
                zoom = self.zoom_at(near + (far - near) * ease(k / frames, self.easing, self.ends, ramp))
                leg.append(min(max(zoom, self.start), self.last))
            leg += [places[part]] * (1 + pauses[part])
            done = until
        return leg

    @cached_property
    def _log_magnifications(self) -> list[float]:
        """ln of every level's magnification against level 0."""
        return list(accumulate((math.log(factor) for factor in self.factors), initial=0.0))

    def log_magnification(self, zoom: float) -> float:
        """The path's measure of a way: ln of the factors from place 0 to a zoom of at least 0, up to the last place."""
        marks = self._log_magnifications
        level = min(int(zoom), len(self.factors) - 1)
        return marks[level] + (zoom - level) * (marks[level + 1] - marks[level])

    def zoom_at(self, log_magnification: float) -> float:
        """The zoom of a ``log_magnification``."""
        marks = self._log_magnifications
        level = min(max(bisect_right(marks, log_magnification) - 1, 0), len(self.factors) - 1)
        return level + (log_magnification - marks[level]) / (marks[level + 1] - marks[level])
