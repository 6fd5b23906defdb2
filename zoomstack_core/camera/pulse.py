"""Beats in the camera's speed: the same way in the same time, with a pulse of speed at every beat."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise

from ..errors import ArgumentError, shown
from .path import ZoomPath

NARROWEST = 0.2  # half the width of a pulse, against the time that belongs to its beat on either side


def pulsed_zooms(
    path: ZoomPath,
    fps: float | Fraction,
    beats: Sequence[float],
    strength: float,
    smoothing: float = 0.5,
) -> list[float]:
    """``path.zooms(fps)`` that move with the beats.

    Every movement, from one rest or turn to the next, keeps its frames, its ends and its direction; in it each beat
    gathers the way of the time around it, up to half way to its neighbors. So the camera is never further from where
    it would be without them than the way from one beat to the next, and where the music pauses it moves on steadily.

    Args:
        path: through a chain, a tree or a ring.
        fps: frames per second.
        beats: seconds from the first frame on, ascending; one alone has no time that belongs to it, and counts as none.
        strength: the part of the way that is gone in pulses, 0 to 1; at 1 narrow pulses leave rests between them.
        smoothing: 0 to 1: how wide pulses are. At 1 the speed swells and falls from beat to beat as a cosine.

    Raises:
        ArgumentError: a ValueError, for a strength or a smoothing outside 0 to 1, and what ``ZoomPath.zooms`` refuses.

    >>> from zoomstack_core import ZoomPath, pulsed_zooms
    >>> path = ZoomPath(factors=(2.0,), duration=2.25, easing="none")
    >>> [round(zoom, 2) for zoom in pulsed_zooms(path, 4, beats=[0.5, 1.5], strength=1.0, smoothing=1.0)]
    [0.0, 0.05, 0.25, 0.45, 0.5, 0.55, 0.75, 0.95, 1.0]
    """
    for name, value in (("strength", strength), ("smoothing", smoothing)):
        if not 0 <= value <= 1:
            raise ArgumentError(name, shown(value), "a number from 0 to 1")
    zooms = path.zooms(fps)
    if not strength or len(beats) < 2:
        return zooms
    warp = _Warp([float(beat * fps) for beat in beats], strength, smoothing)
    for first, last in _movements(zooms):
        zooms[first : last + 1] = _moved(path, zooms[first : last + 1], warp.of(first, last))
    return zooms


class _Warp:
    """Time in frames → time in frames, which runs faster at beats: its derivative is (1 - strength) + strength · pulse,
    with a mean of 1 over the time that belongs to each beat."""

    def __init__(self, beats: list[float], strength: float, smoothing: float) -> None:
        self._strength = strength
        gaps = [after - before for before, after in pairwise(beats)]
        usual = sorted(gaps)[len(gaps) // 2]
        width = NARROWEST + (1 - NARROWEST) * smoothing
        self._pulses: list[tuple[float, float, float, float]] = []  # begin, middle, end, half the width
        for k, beat in enumerate(beats):
            # a beat after a pause has its usual time
            before = min(gaps[k - 1] if k else usual, usual) / 2
            after = min(gaps[k] if k < len(gaps) else usual, usual) / 2
            if min(before, after) > 0:
                self._pulses.append((beat - before, beat, beat + after, width * min(before, after)))

    def of(self, first: int, last: int) -> list[float]:
        """For frames first to last: between 0 and last - first, ascending, both ends as they are."""
        times, way = self._warped(first, last), float(last - first)
        moved = times[-1] - times[0]
        if moved <= 1e-9:  # all of it is between two pulses
            return [float(k) for k in range(last - first + 1)]
        return [(time - times[0]) / moved * way for time in times]

    def _warped(self, first: int, last: int) -> list[float]:
        times, at = [], 0
        for frame in range(first, last + 1):
            while at < len(self._pulses) and self._pulses[at][2] <= frame:
                at += 1
            time = float(frame)
            if at < len(self._pulses) and self._pulses[at][0] < frame:
                begin, middle, end, width = self._pulses[at]
                time = begin + (end - begin) * _gathered((frame - middle) / width)
            times.append((1 - self._strength) * frame + self._strength * time)
        return times


def _gathered(place: float) -> float:
    """The integral of a raised cosine from -1 to 1 up to a place: 0 before it, 1 behind."""
    place = min(max(place, -1.0), 1.0)
    return (1 + place + math.sin(math.pi * place) / math.pi) / 2


def _movements(zooms: Sequence[float]) -> Iterator[tuple[int, int]]:
    """The first and the last frame of every stretch that moves one way."""
    first, before = 0, 0
    for k, (here, there) in enumerate(pairwise(zooms)):
        way = (there > here) - (there < here)
        if way != before:
            if before:
                yield first, k
            first, before = k, way
    if before:
        yield first, len(zooms) - 1


def _moved(path: ZoomPath, zooms: list[float], times: list[float]) -> list[float]:
    """The zooms of a movement at other times, in frames; as steady between two frames as the path is."""
    marks = [path.log_magnification(zoom) for zoom in zooms]
    found = [zooms[0]]
    for time in times[1:-1]:
        k = min(int(time), len(zooms) - 2)
        near, far = sorted(zooms[k : k + 2])
        zoom = path.zoom_at(marks[k] + (time - k) * (marks[k + 1] - marks[k]))
        found.append(min(max(zoom, near), far))
    return [*found, zooms[-1]]
