"""Journeys: which levels a camera visits, and where in them it is."""

from typing import Any

import pytest

from zoomstack_core.camera.journey import Journey
from zoomstack_core.camera.view import place_levels
from zoomstack_core.geometry import Step, ZoomGeometry

TREE = ZoomGeometry(
    7,
    48,
    64,
    (3.0, 2.0, 4.0, 2.5, 3.0, 2.0),
    ((0.5, 0.5), (0.2, 0.3), (0.4, 0.4), (0.8, 0.7), (0.25, 0.5), (0.75, 0.5)),
    parents=(None, 0, 1, 2, 1, 4, 4),
)
RING = ZoomGeometry(3, 48, 64, (4.0, 2.5, 3.0), ((0.9, 0.2), (0.3, 0.6), (0.5, 0.5)), parents=(2, 0, 1))
RING_OF_TWO = ZoomGeometry(3, 50, 50, (3.0, 4.0, 2.0), ((0.2, 0.2), (0.7, 0.8), (0.3, 0.3)), parents=(1, 0, 0))
JOURNEYS = [
    Journey.visiting(TREE, [3, 5, 6]),
    Journey.visiting(TREE, [6, 3, 0]),
    Journey.of(RING),
    Journey.round(RING_OF_TWO, 2),
    Journey.visiting(RING_OF_TWO, [1, 2]),
]
each_journey = pytest.mark.parametrize("journey", JOURNEYS, ids=lambda j: str(j.levels))
each_size = pytest.mark.parametrize("size", [(48, 64), (96, 54), (50, 160)], ids=str)


def chain_of(geometry: ZoomGeometry, levels: list[int]) -> ZoomGeometry:
    steps: list[Step] = [geometry.step_into(level) for level in levels[1:]]
    factors, foci = tuple(s.factor for s in steps), tuple(s.focus for s in steps)
    return ZoomGeometry(len(levels), geometry.height, geometry.width, factors, foci)


def test_default_journeys() -> None:
    assert Journey.of(ZoomGeometry(4, 8, 8)).levels == (0, 1, 2, 3)
    assert Journey.of(ZoomGeometry(1, 8, 8)).levels == (0,)
    assert Journey.of(TREE).levels == (0, 1, 2, 3)  # 24 times; the others 22.5 and 15
    even = ZoomGeometry(3, 8, 8, 4.0, ((0.25, 0.5), (0.75, 0.5)), parents=(None, 0, 0))
    assert Journey.of(even).levels == (0, 1)  # the first of equal ones
    assert Journey.of(RING).levels == (0, 1, 2, 0, 1)
    assert Journey.of(RING_OF_TWO).levels == (0, 1, 0, 1)  # the branch lies beside
    one = ZoomGeometry(1, 8, 8, parents=(0,))
    assert (Journey.of(one).levels, Journey.of(one).last) == ((0, 0, 0), 1)


def test_a_journey_to_levels_comes_out_as_far_as_it_must() -> None:
    journey = Journey.visiting(TREE, [3, 5, 6])
    assert journey.levels == (0, 1, 2, 3, 2, 1, 4, 5, 4, 6)
    assert journey.turns == (3, 5, 7, 8)
    assert journey.factors == (3.0, 2.0, 4.0, 4.0, 2.0, 2.5, 3.0, 3.0, 2.0)
    assert Journey.visiting(TREE, [3, 3, 2, 3]).levels == (0, 1, 2, 3, 2, 3)
    assert Journey.visiting(TREE, []).levels == (0,)


def test_rounds_of_a_ring() -> None:
    journey = Journey.round(RING, 3)
    assert journey.levels == (0, 1, 2) * 3 + (0, 1)
    assert (journey.last, journey.round_length, journey.turns) == (9, 3, ())
    assert journey.factors == (4.0, 2.5, 3.0) * 3
    assert journey.anchors[0] == journey.anchors[3] == journey.anchors[9]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Journey(TREE, ()), "at least one level from 0 to 6"),
        (lambda: Journey(TREE, (0, 7)), "at least one level from 0 to 6"),
        (lambda: Journey(TREE, (0, 2)), "lead from level 0 to 2"),
        (lambda: Journey(TREE, (2, 4)), "lead from level 2 to 4"),
        (lambda: Journey(RING, (0, 1, 2, 0), 3), "rounds"),
        (lambda: Journey.round(TREE), "at least 1, of a ring"),
        (lambda: Journey.round(RING, 0), "at least 1, of a ring"),
        (lambda: Journey.visiting(TREE, [7]), "levels from 0 to 6"),
        (lambda: Journey.visiting(TREE.subset([1, 2, 4, 5]), [-1]), "levels from 0 to 3"),
        (lambda: Journey.visiting(TREE.subset([2, 4]), [1]), "levels from 0 to 1"),
    ],
)
def test_bad_journeys_say_what_is_wrong(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


@each_size
@pytest.mark.parametrize("leaf", [3, 5, 6])
def test_the_way_to_a_leaf_is_a_zoom_through_a_chain(leaf: int, size: tuple[int, int]) -> None:
    """What lies beside the way does not move the camera, nor the levels on it."""
    path = list(TREE.path_to(leaf))
    journey, chain = Journey.visiting(TREE, [leaf]), chain_of(TREE, path)
    beside = 0
    for k in range(31):
        zoom = k / 30 * journey.last
        found = place_levels(journey, zoom, *size)
        on_path = [p._replace(level=path.index(p.level)) for p in found if p.level in path]
        assert on_path == place_levels(chain, zoom, *size)
        beside += len(found) - len(on_path)
    assert beside > 0


@each_size
@pytest.mark.parametrize("ring", [RING, RING_OF_TWO.subset([0, 1])], ids=["3", "2"])
def test_a_ring_is_a_chain_that_repeats(ring: ZoomGeometry, size: tuple[int, int]) -> None:
    journey, chain = Journey.round(ring, 2), chain_of(ring, [*range(ring.levels)] * 5 + [0])
    for k in range(61):
        zoom = k / 60 * journey.last
        unrolled = [p._replace(level=p.level % ring.levels) for p in place_levels(chain, zoom, *size)]
        assert place_levels(journey, zoom, *size) == unrolled
    for place in (0.0, 0.25, 1.5):
        assert place_levels(journey, place, *size) == place_levels(journey, place + ring.levels, *size)


def test_outwards_is_inwards_backwards() -> None:
    """In the levels' own shape, in which nothing is cut off."""
    journey = Journey.visiting(TREE, [3, 0])
    for place in (0.3, 1.5, 2.9):
        there, back = (place_levels(journey, at, 48, 64) for at in (place, 6 - place))
        assert [p.level for p in there] == [p.level for p in back]
        for one, other in zip(there, back, strict=True):
            assert one.rect == pytest.approx(other.rect, abs=1e-9)
            assert (one.scale, one.opacity) == pytest.approx((other.scale, other.opacity))


@each_journey
@each_size
def test_no_level_jumps_and_none_comes_or_goes_at_once(journey: Journey, size: tuple[int, int]) -> None:
    """At turns, seams and where a level beside the way fades in: between 1000 places per level, a level that is seen
    moves by less than two pixels, and fades by less than a fiftieth. A level that comes is clear, or at the border."""
    count = 1000 * journey.last
    before: dict[tuple[int, int], Any] = {}
    for k in range(count + 1):
        now: dict[tuple[int, int], Any] = {}
        for placement in place_levels(journey, k / count * journey.last, *size):
            times = sum(level == placement.level for level, _ in now)
            now[placement.level, times] = placement
        for key in before.keys() & now.keys():
            one, other = before[key], now[key]
            if one.scale < 2 * other.scale < 4 * one.scale:  # else a ring's level is another one of the same number
                corners = [
                    (r.top, r.left, min(r.top + r.height, 2 * size[0]), min(r.left + r.width, 2 * size[1]))
                    for r in (one.rect, other.rect)
                ]
                near = [(a, b) for a, b in zip(*corners, strict=True) if abs(a) < 2 * max(size)]
                assert all(abs(a - b) < 2 for a, b in near), (k, key)
                assert abs(one.opacity - other.opacity) < 0.02, (k, key)
        if before:
            for key in before.keys() ^ now.keys():
                if journey.rounds:
                    continue  # the levels of a ring are compared with a chain's, above
                placement = before.get(key) or now[key]
                covered = next(iter(now.values())).level != next(iter(before.values())).level
                assert covered or placement.opacity < 0.02 or at_border(placement.rect, size), (k, key)
        before = now


def at_border(rect: Any, size: tuple[int, int]) -> bool:
    """Whether less than two pixels of it lie in the frame."""
    rows = min(rect.top + rect.height, size[0]) - max(rect.top, 0)
    columns = min(rect.left + rect.width, size[1]) - max(rect.left, 0)
    return bool(min(rows, columns) < 2)
