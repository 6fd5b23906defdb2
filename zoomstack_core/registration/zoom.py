"""Pictures of one scene at different scales, in any order, made one zoom: their order, factors and foci."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..errors import ArgumentError, shown
from ..nesting import Nesting
from ..tensors import check_float
from .refine import refine
from .search import Place, find_places, reduced, scales

SEARCHED = 512  # pixels of the longer side at which places are searched for
JUDGED = 64  # of a deeper picture, for its score
FINEST = 128  # of a deeper picture, for its place: half a pixel of the wider one is told well

# What is searched first, and what only where a picture is left over: a search costs as the square of the factor.
NEAR, FAR = 8.0, 32.0
LEAST_FACTOR = 1.02  # less is the same view twice

# On photographs at factors of 1.3 to 8, off center, with JPEG's marks and other brightness, places that are right have
# 0.78 and more, but for those without detail; of 910 pairs of unrelated photographs one has 0.84, the rest up to 0.59.
LEAST_SCORE = 0.75
MOST_CONTRAST = 2.0  # of one picture over another, and the least turned round
SURE = 0.95  # a score above which no other place is looked for

MOST_TURN = 0.5  # degrees: at the edge of a picture of 512 pixels two of its own
MOST_OUTSIDE = 0.02  # of a picture's side

Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class FoundZoom:
    """Pictures in the order of a zoom.

    Attributes:
        order: the pictures' numbers from 0, the widest first.
        places: of each but the first, where it lies in the one before it.
    """

    order: tuple[int, ...]
    places: tuple[Place, ...]

    @property
    def nesting(self) -> Nesting:
        """The same as what a `ZoomGeometry` is made of."""
        if not self.places:
            return Nesting()
        return Nesting(tuple(p.factor for p in self.places), tuple((_share(p.x), _share(p.y)) for p in self.places))

    def __str__(self) -> str:
        lines = [f"1: picture {self.order[0] + 1}, the widest"]
        magnification = 1.0
        for level, (number, place) in enumerate(zip(self.order[1:], self.places, strict=True), 2):
            magnification *= place.factor
            lines.append(
                f"{level}: picture {number + 1}, zoom factor {place.factor:.4g}, focus {place.x:.4f}, {place.y:.4f} "
                f"(×{magnification:.4g} in all, score {place.score:.2f})"
            )
        return "\n".join(lines)


@torch.no_grad()
def find_zoom(images: Tensor, tell: Tell | None = None) -> FoundZoom:
    """The order of pictures, and where each lies in the one before it.

    Args:
        images: [N, C, H, W] in any order.
        tell: called with the number of pictures that were searched and that of all; may raise, to stop.

    Raises:
        ValueError: for what is no such tensor, and for pictures that are no zoom: it says which, and why.

    Source: ours; the search and its refinement are those of `search` and `refine`.
    """
    check_float("images", images)
    if images.ndim != 4 or not images.numel():
        raise ArgumentError("images", shown(images), "pictures [number, channels, height, width]")
    gray = images.mean(1).float().cpu()  # thousands of small steps, for which a GPU is no faster
    if len(images) == 1:
        return FoundZoom((0,), ())
    small = reduced(gray, SEARCHED)
    side = max(small.shape[-2:])
    pairs = _Pairs(small, tell)
    pairs.search(range(len(images)), scales(1.0, NEAR, side))
    if len(pairs.widest) > 1:
        pairs.search(pairs.widest, scales(NEAR, FAR, side))
    order = pairs.order()
    places = []
    for wide, deep in zip(order, order[1:], strict=False):
        place = refine(gray[wide], gray[deep], pairs.found[wide, deep], FINEST) or pairs.found[wide, deep]
        _check(place, wide, deep)
        places.append(place)
    return FoundZoom(order, tuple(places))


class _Pairs:
    """Which picture lies in which.

    Attributes:
        found: by (wider, deeper), the places that fit.
    """

    def __init__(self, pictures: Tensor, tell: Tell | None) -> None:
        self.found: dict[tuple[int, int], Place] = {}
        self._pictures, self._tell = pictures, tell
        self._best = [(0.0, 0)] * len(pictures)  # the best score of each picture with another, and that one

    def search(self, deeper: range | list[int], ladder: list[float]) -> None:
        """Look for these pictures in all others."""
        count = len(self._pictures)
        for wide in range(count):
            if self._tell is not None:
                self._tell(wide, count)
            others = [deep for deep in deeper if deep != wide and self._score(deep, wide) < SURE]
            if others:
                places = find_places(self._pictures[wide], self._pictures[others], ladder)
                for deep, candidates in zip(others, places, strict=True):
                    self._judge(wide, deep, candidates)

    def _judge(self, wide: int, deep: int, candidates: list[Place]) -> None:
        best: Place | None = None
        for candidate in candidates:
            place = refine(self._pictures[wide], self._pictures[deep], candidate, JUDGED)
            if place is not None and place.factor * LEAST_FACTOR > 1 and (best is None or place.score > best.score):
                best = place
            if best is not None and best.score >= SURE:
                break
        if best is None:
            return
        for one, other in ((wide, deep), (deep, wide)):
            self._best[one] = max(self._best[one], (best.score, other))
        if best.score >= LEAST_SCORE and 1 / MOST_CONTRAST < best.contrast < MOST_CONTRAST:
            if best.factor < LEAST_FACTOR:
                same = f"shows the same view in {_named(sorted([wide, deep]))}"
                raise ArgumentError("images", same, "pictures at different scales: leave one of them out")
            if best.score > self._score(deep, wide):
                self.found.pop((deep, wide), None)
                self.found[wide, deep] = best

    def _score(self, wide: int, deep: int) -> float:
        """That of the place found for ``deep`` in ``wide``; 0 for none."""
        return self.found[wide, deep].score if (wide, deep) in self.found else 0.0

    @property
    def widest(self) -> list[int]:
        """The pictures that lie in no other: one, where all are a zoom."""
        return [k for k in range(len(self._pictures)) if self._parent(k) is None]

    def _parent(self, deep: int) -> int | None:
        """The picture just wider than ``deep``."""
        wider = [(place.factor, wide) for (wide, other), place in self.found.items() if other == deep]
        return min(wider)[1] if wider else None

    def order(self) -> tuple[int, ...]:
        """All pictures, the widest first.

        Raises:
            ValueError: for pictures that have nothing to do with the others, and for two that lie beside each other.
        """
        groups: list[set[int]] = []
        for number in range(len(self._pictures)):
            joined = [group for group in groups if any({(number, k), (k, number)} & self.found.keys() for k in group)]
            groups = [group for group in groups if group not in joined] + [{number}.union(*joined)]
        zoom = max(groups, key=lambda group: (len(group), -min(group)))
        self._check_strays([k for k in range(len(self._pictures)) if k not in zoom], alone=len(zoom) == 1)
        children: dict[int | None, list[int]] = {}
        for number in range(len(self._pictures)):
            children.setdefault(self._parent(number), []).append(number)
        order: list[int] = []
        while below := children.get(order[-1] if order else None):
            if len(below) > 1:
                where = f"in picture {order[-1] + 1}" if order else "in no other, though they share a deeper one"
                raise ArgumentError(
                    "images",
                    f"has {_named(below)} that lie {where}, and none of them in the other",
                    "each picture to lie wholly in the next wider one: leave all but one of them out",
                )
            order += below
        return tuple(order)

    def _check_strays(self, strays: list[int], alone: bool) -> None:
        if not strays:
            return
        numbers = list(range(len(self._pictures))) if alone else strays
        scores = [f"{self._best[k][0]:.2f} with picture {self._best[k][1] + 1}" for k in numbers]
        what = "do" if len(numbers) > 1 else "does"
        raise ArgumentError(
            "images",
            f"has {_named(numbers)}, which {what} not show a part of another one, nor the surroundings of one (best "
            f"score{'s' * (len(numbers) > 1)} {_listed(scores)}; the same place has at least {LEAST_SCORE:g})",
            f"pictures of one scene, each wholly inside the next wider one, with steps of at most {FAR:g}: leave out "
            "what does not belong there, or add a picture between",
        )


def _check(place: Place, wide: int, deep: int) -> None:
    if abs(place.turn) > MOST_TURN:
        side = "clockwise" if place.turn < 0 else "counterclockwise"
        raise ArgumentError(
            "images",
            f"has picture {deep + 1} turned {side} by {abs(place.turn):.1f}° against picture {wide + 1}",
            f"at most {MOST_TURN:g}°: turn it back",
        )
    half = 0.5 / place.factor
    outside = max(half - min(place.x, place.y), half - 1 + max(place.x, place.y)) * place.factor
    if outside > MOST_OUTSIDE:
        raise ArgumentError(
            "images",
            f"has picture {deep + 1} reaching {outside:.0%} of its side beyond picture {wide + 1}",
            "each picture to lie wholly in the next wider one: crop it",
        )


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)


def _named(numbers: list[int]) -> str:
    return f"picture{'s' * (len(numbers) > 1)} {_listed([str(number + 1) for number in numbers])}"


def _listed(texts: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))
