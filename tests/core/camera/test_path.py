"""ZoomPath: constant perceived speed, exact ends, whole numbers of frames."""

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoomstack_core.camera.journey import Journey
from zoomstack_core.camera.path import DIRECTIONS, EASED_ENDS, EASINGS, ZoomPath
from zoomstack_core.geometry import ZoomGeometry

UNEVEN = (2.0, 4.0, 1.5, 3.0)


@st.composite
def paths(draw: st.DrawFn) -> ZoomPath:
    factors = tuple(draw(st.lists(st.floats(1.01, 16), min_size=1, max_size=6)))
    start = draw(st.floats(0, len(factors) - 0.1))
    end = draw(st.none() | st.floats(start + 0.1, len(factors)))
    direction = draw(st.sampled_from(DIRECTIONS))
    holds = draw(st.floats(0, 3)), draw(st.floats(0, 3))
    by_level = draw(st.booleans())
    return ZoomPath(
        factors,
        duration=None if by_level else sum(holds) + draw(st.floats(1, 20)),
        seconds_per_level=draw(st.floats(5, 9)) if by_level else None,
        direction=direction,
        easing=draw(st.sampled_from(EASINGS)),
        hold_start=holds[0],
        hold_end=holds[1],
        loop=direction in ("in_out", "out_in") and draw(st.booleans()),
        start=start,
        end=end,
        ramp=draw(st.floats(0, 3)),
        ends=draw(st.sampled_from(EASED_ENDS)),
    )


def magnifications(zooms: list[float], factors: tuple[float, ...]) -> list[float]:
    """ln of the magnification against level 0, from the definition."""
    return [
        sum(math.log(factor) * min(max(zoom - level, 0.0), 1.0) for level, factor in enumerate(factors))
        for zoom in zooms
    ]


def speeds(zooms: list[float], factors: tuple[float, ...]) -> list[float]:
    logs = magnifications(zooms, factors)
    return [b - a for a, b in pairwise(logs)]


@given(paths(), st.sampled_from([12, 24, 29.97, 30, Fraction(30000, 1001), 60]))
def test_every_clip_has_its_length_its_ends_and_one_direction_per_leg(path: ZoomPath, fps: float | Fraction) -> None:
    zooms = path.zooms(fps)
    seconds = path.moving_seconds + path.hold_start + path.hold_end
    assert len(zooms) == path.frame_count(fps) == round(seconds * fps)
    first, turn = (path.start, path.last) if path.direction.startswith("in") else (path.last, path.start)
    assert zooms[0] == first
    assert turn in zooms
    assert min(zooms) == path.start
    assert max(zooms) == path.last
    sign = 1 if turn > first else -1
    there, back = zooms[: zooms.index(turn) + 1], zooms[zooms.index(turn) :]
    assert all(sign * (b - a) >= 0 for a, b in pairwise(there))
    if path.there_and_back:
        assert all(sign * (b - a) <= 0 for a, b in pairwise(back))
        assert path.loop or zooms[-1] == first
    else:
        assert set(back) == {turn}


@given(paths())
def test_the_speed_never_jumps_when_the_ends_are_soft(path: ZoomPath) -> None:
    """With ramps of r frames the speed changes by at most π/2r of the top speed per frame."""
    if path.easing not in ("linear", "smooth") or path.ends != "both" or path.ramp < 0.5:
        return
    steps = speeds(path.zooms(60), path.factors)
    top = max(map(abs, steps))
    limit = math.pi / 2 / (min(path.ramp, path.moving_seconds / 5) * 60) * 1.2
    legs_meet = [0.0, *steps, 0.0] if not path.loop else [*steps]
    assert max(abs(b - a) for a, b in pairwise(legs_meet)) <= limit * top


@pytest.mark.parametrize("factors", [(2.0,) * 5, UNEVEN, (1.1, 8.0)], ids=str)
def test_speed_is_constant_in_log_magnification(factors: tuple[float, ...]) -> None:
    steps = speeds(ZoomPath(factors, duration=10, easing="none").zooms(30), factors)
    assert max(steps) - min(steps) < 1e-12 * 30
    assert sum(steps) == pytest.approx(math.log(math.prod(factors)), rel=1e-12)


def test_linear_has_constant_speed_between_ramps_of_the_given_seconds() -> None:
    path = ZoomPath(UNEVEN, duration=10 + 1 / 50, ramp=1.0)
    steps = speeds(path.zooms(50), UNEVEN)
    assert len(steps) == 500
    middle = steps[51:449]
    assert max(middle) == pytest.approx(min(middle), rel=1e-9)
    assert middle[0] == pytest.approx(math.log(math.prod(UNEVEN)) / (10 - 1) / 50, rel=1e-9)
    assert steps[:50] == sorted(steps[:50])
    assert steps[0] < 0.01 * middle[0]
    assert steps[25] == pytest.approx(middle[0] / 2, rel=0.05)


def test_smooth_is_fastest_in_the_middle_and_the_same_backwards() -> None:
    steps = speeds(ZoomPath((2.0,) * 3, duration=4, easing="smooth").zooms(30), (2.0,) * 3)
    half = len(steps) // 2
    assert steps[:half] == sorted(steps[:half])
    assert steps == pytest.approx(steps[::-1], rel=1e-9)
    assert max(steps) == pytest.approx(2 * sum(steps) / len(steps), rel=0.01)


@pytest.mark.parametrize("easing", EASINGS)
def test_out_is_in_backwards(easing: str) -> None:
    options: dict[str, Any] = {"seconds_per_level": 1.3, "easing": easing}
    inward = ZoomPath(UNEVEN, **options, direction="in", hold_start=0.4, hold_end=0.9).zooms(25)
    outward = ZoomPath(UNEVEN, **options, direction="out", hold_start=0.9, hold_end=0.4).zooms(25)
    assert outward == pytest.approx(inward[::-1], abs=1e-12)


@pytest.mark.parametrize("direction", ["in_out", "out_in"])
@pytest.mark.parametrize("fps", [24, 25, 30])
def test_a_loop_has_no_frame_twice_and_no_jump(direction: str, fps: int) -> None:
    zooms = ZoomPath(UNEVEN, seconds_per_level=2, direction=direction, easing="none", loop=True).zooms(fps)
    steps = [abs(step) for step in speeds([*zooms, zooms[0]], UNEVEN)]
    assert len(zooms) == 2 * 4 * 2 * fps
    assert max(steps) == pytest.approx(min(steps), rel=1e-9)


def test_rests_stand_still_for_their_seconds() -> None:
    zooms = ZoomPath((2.0, 2.0), duration=6, direction="in_out", hold_start=1, hold_end=2, easing="none").zooms(10)
    assert len(zooms) == 60
    assert zooms.index(next(zoom for zoom in zooms if zoom > 0)) == 11  # ten frames of rest, one of the movement
    assert 21 <= zooms.count(2.0) <= 22
    assert zooms[-1] == 0


def test_seconds_per_level_is_the_average_time_between_levels() -> None:
    path = ZoomPath((2.0,) * 6, seconds_per_level=2, hold_end=1)
    assert path.frame_count(30) == (6 * 2 + 1) * 30
    assert ZoomPath((2.0,) * 6, seconds_per_level=2, direction="in_out").frame_count(30) == 2 * 6 * 2 * 30


def test_one_level_stands_still() -> None:
    assert ZoomPath((), seconds_per_level=2).zooms(10) == [0.0] * 20
    assert ZoomPath((), duration=3, direction="in_out", loop=True).zooms(10) == [0.0] * 30


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factors": (2.0, 1.0)}, "factor"),
        ({"factors": (math.nan,)}, "factor"),
        ({"direction": "up"}, "direction"),
        ({"easing": "bounce"}, "easing"),
        ({"hold_start": -1.0}, "hold_start"),
        ({"hold_end": math.inf}, "hold_end"),
        ({"ramp": math.nan}, "ramp"),
        ({"loop": True}, "loop"),
        ({"start": -0.5}, "start"),
        ({"start": 2.0}, "start"),
        ({"end": 2.5}, "end"),
        ({"duration": None}, "and not both"),
        ({"seconds_per_level": 1.0}, "and not both"),
        ({"duration": 0.0}, "more than 0 seconds"),
        ({"duration": 3.0, "hold_start": 2.0, "hold_end": 1.0}, "more than 0 seconds"),
        ({"duration": math.nan}, "more than 0 seconds"),
        ({"duration": None, "seconds_per_level": -1.0}, "more than 0 seconds"),
    ],
)
def test_bad_paths_say_what_is_wrong(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ZoomPath(**{"factors": (2.0, 2.0), "duration": 4.0, **options})


def test_bad_rates_say_what_is_wrong() -> None:
    path = ZoomPath((2.0,), duration=0.1)
    for fps in (0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="fps"):
            path.zooms(fps)
    with pytest.raises(ValueError, match="too few frames for the movement"):
        path.zooms(10)


def test_it_rests_at_every_level_on_the_way_and_starts_softly_again() -> None:
    path = ZoomPath((2.0,) * 3, seconds_per_level=2, dwell=0.5)
    zooms = path.zooms(20)
    assert len(zooms) == path.frame_count(20) == 20 * (6 + 2 * 0.5)
    assert [zooms.count(level) for level in (0.0, 1.0, 2.0, 3.0)] == [1, 11, 11, 1]
    steps = speeds(zooms, path.factors)
    assert steps[zooms.index(1.0) - 1] < 0.1 * max(steps)
    assert steps[zooms.index(1.0) + 10] < 0.1 * max(steps)


def test_every_level_may_rest_for_its_own_time_on_both_ways() -> None:
    path = ZoomPath(UNEVEN, duration=30, dwell=(9, 1, 0, 2, 9), direction="in_out", easing="cubic")
    zooms = path.zooms(10)
    assert len(zooms) == 300
    assert [zooms.count(level) for level in (1.0, 2.0, 3.0)] == [22, 0, 42]
    there = zooms[: zooms.index(4.0) + 1]
    assert there == sorted(there)
    assert zooms == pytest.approx(zooms[::-1], abs=0.2)


@pytest.mark.parametrize("dwell", [-1.0, math.inf, (0.0, 1.0), (0, 0, math.nan)])
def test_bad_dwell_says_what_is_wrong(dwell: Any) -> None:
    with pytest.raises(ValueError, match="dwell"):
        ZoomPath((2.0, 2.0), duration=4, dwell=dwell)


def test_one_soft_end() -> None:
    for ends, soft, hard in (("start", 0, -1), ("end", -1, 0)):
        steps = speeds(ZoomPath((2.0, 2.0), duration=4, easing="quad", ends=ends).zooms(30), (2.0, 2.0))
        assert steps[soft] < 0.05 * steps[hard]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ({"dwell": 1.0, "hold_end": 0.5}, "2.5 in all: hold_start 0, hold_end 0.5, dwell 1 at 2 levels"),
        ({"dwell": (9.0, 1.0, 2.0, 9.0)}, r"3 in all: hold_start 0, hold_end 0, dwell 1 \+ 2"),
        ({"dwell": 1.0, "direction": "in_out"}, "4 in all: hold_start 0, hold_end 0, dwell 1 at 2 levels on both ways"),
        ({"hold_start": 1.0}, "1 in all: hold_start 1, hold_end 0, dwell 0"),
    ],
)
def test_the_rests_that_are_told_add_up(path: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=f"more than 0 seconds beside the rests, {told}$") as caught:
        ZoomPath((2.0, 2.0, 2.0), duration=1.0, **path)
    caught.match(r"duration is 1.0, which leaves -?\d")


ROUND = (4.0, 2.5, 3.0)


def ring_path(rounds: int = 1, **options: Any) -> ZoomPath:
    options = {"seconds_per_level": 2, "loop": True, **options}
    return ZoomPath(ROUND * rounds, rounds=rounds, **options)


def round_and_round(path: ZoomPath, fps: float) -> list[float]:
    """ln of the magnification of the frames of two repeats: it grows from one to the next by the whole way."""
    factors, zooms = path.factors, path.zooms(fps)
    way = math.log(math.prod(factors[: round(path.last - path.start)]))
    logs = magnifications(zooms, factors)
    outward = path.direction == "out"
    return logs + [log - way if outward else log + way for log in logs]


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize("easing", ["linear", "none"])
@pytest.mark.parametrize("rounds", [1, 3])
def test_a_steady_ring_runs_at_one_speed_through_its_seam(direction: str, easing: str, rounds: int) -> None:
    path = ring_path(rounds, direction=direction, easing=easing)
    assert len(path.zooms(25)) == path.frame_count(25) == rounds * 3 * 2 * 25
    logs = round_and_round(path, 25)
    steps = [b - a for a, b in pairwise(logs)]
    assert steps == pytest.approx([steps[0]] * len(steps), rel=1e-9)
    assert (steps[0] > 0) == (direction == "in")
    assert logs[0] == pytest.approx(0.0 if direction == "in" else math.log(30) * rounds)


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize("easing", ["linear", "none", "smooth", "sine", "cubic"])
@pytest.mark.parametrize("dwell", [0.0, (0, 0, 0.5, 0, 0, 0.5, 0)])
@pytest.mark.parametrize("cut", [{}, {"start": 1.5, "end": 4.5}])
def test_neither_the_speed_nor_its_change_jumps_at_the_seam(
    direction: str, easing: str, dwell: Any, cut: dict[str, float]
) -> None:
    """At the seam the speed changes from frame to frame by no more than it does elsewhere."""
    path = ring_path(2, direction=direction, easing=easing, dwell=dwell, seconds_per_level=4, **cut)
    zooms, logs = path.zooms(30), round_and_round(path, 30)
    count = len(zooms)
    assert count == path.frame_count(30)
    assert all(path.start <= zoom <= path.last for zoom in zooms)
    steps = [b - a for a, b in pairwise(logs)]
    bends = [abs(b - a) for a, b in pairwise(steps)]
    seam = bends[count - 3 : count + 1]
    assert max(seam) <= max(bends[: count - 3]) + 1e-12
    if dwell:
        rests = [zoom for zoom in (2.0, 5.0) if path.start < zoom < path.last]
        assert [zooms.count(zoom) for zoom in rests] == [16] * len(rests)
    if easing not in ("linear", "none"):  # eased round by round
        assert max(abs(step) for step in steps[count - 2 : count + 1]) < 0.1 * max(map(abs, steps))


def test_rests_of_a_looping_ring_do_not_slow_it_down_at_its_seam() -> None:
    path = ring_path(1, dwell=(0, 1, 0, 0), easing="linear")
    logs = round_and_round(path, 30)
    steps = [b - a for a, b in pairwise(logs)]
    seam = len(logs) // 2
    assert steps[seam - 5 : seam + 5] == pytest.approx([max(steps)] * 10, rel=1e-6)
    assert path.zooms(30).count(1.0) == 31


def test_a_ring_without_loop_begins_and_ends_softly_and_comes_back_to_its_first_level() -> None:
    zooms = ring_path(3, loop=False).zooms(20)
    assert (zooms[0], zooms[-1]) == (0.0, 9.0)
    steps = speeds(zooms, ROUND * 3)
    assert steps[20:-20] == pytest.approx([max(steps)] * (len(steps) - 40))  # through both seams between
    assert max(steps[0], steps[-1]) < 0.1 * max(steps)
    rested = ring_path(1, hold_start=1, hold_end=1).zooms(20)
    assert rested.count(0.0) + rested.count(3.0) == 41  # a rest at the seam is one
    assert len(rested) == 20 * (6 + 2)


def test_a_looping_ring_there_and_back_repeats_no_frame() -> None:
    zooms = ring_path(1, direction="in_out", easing="none").zooms(10)
    assert len(zooms) == 2 * 6 * 10
    assert (zooms.count(0.0), zooms.count(3.0)) == (1, 1)


@pytest.mark.parametrize("cut", [{"start": 0.5}, {"end": 5.0}, {"start": 1.0, "end": 3.0}])
def test_a_part_of_a_round_is_no_loop(cut: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="in_out or out_in, so that the clip ends where it begins, or whole rounds"):
        ring_path(2, **cut)


@pytest.mark.parametrize("easing", ["linear", "smooth", "quint"])
def test_it_stops_at_turns_for_no_time(easing: str) -> None:
    path = ZoomPath(UNEVEN, seconds_per_level=3, easing=easing, turns=(2,))
    zooms = path.zooms(30)
    assert len(zooms) == path.frame_count(30) == 12 * 30
    assert zooms.count(2.0) == 1
    steps = speeds(zooms, UNEVEN)
    turn = zooms.index(2.0)
    assert max(steps[turn - 1], steps[turn]) < 0.02 * max(steps)
    assert path.resting_seconds == 0
    both = ZoomPath(UNEVEN, seconds_per_level=3, easing=easing, turns=(2,), dwell=(0, 0, 1, 0, 0))
    assert both.zooms(30).count(2.0) == 31


@pytest.mark.parametrize(
    ("options", "message"),
    [({"turns": (0,)}, "turns"), ({"turns": (2,)}, "turns"), ({"rounds": 3}, "rounds"), ({"rounds": -1}, "rounds")],
)
def test_bad_turns_and_rounds_say_what_is_wrong(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ZoomPath((2.0, 2.0), duration=4.0, **options)


def test_a_path_along_a_tree_turns_where_its_journey_does() -> None:
    tree = ZoomGeometry(4, 64, 64, 4.0, ((0.25, 0.5), (0.5, 0.5), (0.75, 0.5)), parents=(None, 0, 1, 0))
    journey = Journey.visiting(tree, [2, 3])
    path = ZoomPath(journey.factors, seconds_per_level=1, turns=journey.turns, direction="in_out", loop=True)
    zooms = path.zooms(20)
    assert len(zooms) == 2 * 5 * 20
    assert (journey.turns, [zooms.count(place) for place in (0.0, 2.0, 4.0, 5.0)]) == ((2, 4), [1, 2, 2, 1])
