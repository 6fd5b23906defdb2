"""Roll and drift: how far the camera turns, that it closes, goes steadily, and never looks beyond the widest level."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoomstack_core.camera.journey import Journey
from zoomstack_core.camera.shutter import MOST_SAMPLES, shutter_zooms
from zoomstack_core.camera.turn import Drift, Shot, margins_of, room_to_turn, turned_size, widest_turn
from zoomstack_core.camera.view import place_levels
from zoomstack_core.geometry import ZoomGeometry

CHAIN = ZoomGeometry(6, 64, 64, 2.0)
UNEVEN = ZoomGeometry(5, 48, 64, (1.5, 3.7, 2.0, 2.5), ((0.4, 0.6), (0.95, 0.1), (0.0, 1.0), (0.5, 0.5)))
TREE = ZoomGeometry(
    5, 60, 80, (3.0, 2.5, 2.0, 4.0), ((0.4, 0.6), (0.2, 0.3), (0.7, 0.7), (0.1, 0.9)), parents=(None, 0, 1, 1, 3)
)
RING = ZoomGeometry(3, 64, 48, (4.0, 2.5, 3.0), ((0.9, 0.2), (0.3, 0.6), (0.5, 0.5)), parents=(2, 0, 1))
ROLLS = (-170.0, -20.0, 7.0, 30.0, 90.0, 360.0)
SIZES = ((90, 90), (90, 160), (160, 90))


def rolling(journey: Journey, roll: float) -> Journey:
    return Journey(journey.geometry, journey.levels, journey.rounds, roll)


def way(geometry: ZoomGeometry, roll: float) -> Journey:
    return rolling(Journey.of(geometry), roll)


def sticks_out(journey: Journey, zoom: float | Shot, height: int, width: int) -> float:
    """Pixels that the turned frame reaches beyond the lowest level of it; 0 where it is inside."""
    rect = place_levels(journey, zoom, height, width)[0].rect
    tall, wide = turned_size(height, width, journey.angle(Shot.of(zoom).zoom, width / height))
    down, across = (tall - height) / 2, (wide - width) / 2
    gaps = (rect.top + down, rect.left + across)
    ends = (height + down - rect.top - rect.height, width + across - rect.left - rect.width)
    return max(0.0, *gaps, *ends)


@given(
    st.from_type(ZoomGeometry),
    st.floats(-360, 360),
    st.floats(0, 1),
    st.floats(-0.25, 0.25),
    st.floats(-0.25, 0.25),
    st.sampled_from(SIZES),
)
def test_the_camera_never_looks_beyond_the_widest_level(
    geometry: ZoomGeometry, roll: float, part: float, right: float, down: float, size: tuple[int, int]
) -> None:
    journey = way(geometry, roll)
    assert sticks_out(journey, Shot(part * journey.last, right, down), *size) < 1e-6 * max(size)


@pytest.mark.parametrize("journey", [Journey.visiting(TREE, [2, 4]), Journey.of(RING), Journey.round(RING, 2)], ids=str)
@pytest.mark.parametrize("roll", ROLLS)
def test_nor_in_trees_and_rings(journey: Journey, roll: float) -> None:
    for k in range(40):
        shot = Shot(k / 39 * journey.last, 0.1, -0.05)
        assert sticks_out(rolling(journey, roll), shot, 90, 160) < 1e-6


def test_the_check_sees_a_corner_outside() -> None:
    """Without the room that is made, the corners of a frame at the border are beyond it."""
    corner = ZoomGeometry(4, 64, 64, 2.0, (0.0, 0.0))
    journey = way(corner, 30.0)
    base = place_levels(corner, 1.5, 90, 90)[0].rect  # as without a roll
    tall, _ = turned_size(90, 90, journey.angle(1.5, 1.0))
    assert base.top + (tall - 90) / 2 > 5
    assert sticks_out(journey, 1.5, 90, 90) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("size", SIZES)
def test_without_roll_and_drift_nothing_is_another(size: tuple[int, int]) -> None:
    for journey in (Journey.of(UNEVEN), Journey.visiting(TREE, [2, 4]), Journey.of(RING)):
        for k in range(20):
            zoom = k / 19 * journey.last
            assert place_levels(journey, Shot(zoom), *size) == place_levels(journey, zoom, *size)
            assert journey.angle(zoom, 1.0) == 0
    # a roll alone moves no level in the widest view, which is not turned
    for geometry in (CHAIN, UNEVEN):
        first, rolled = place_levels(geometry, 0.0, 48, 64)[0], place_levels(way(geometry, 30.0), 0.0, 48, 64)[0]
        assert rolled.rect == pytest.approx(first.rect)


@pytest.mark.parametrize("roll", [-25.0, 25.0])
def test_the_angle_is_the_roll_of_each_level_after_a_soft_start(roll: float) -> None:
    journey = way(CHAIN, roll)
    angles = [math.degrees(journey.angle(zoom, 1.0)) for zoom in range(6)]
    assert angles[0] == 0
    assert all(abs(there - here - roll) < 0.1 * abs(roll) for here, there in zip(angles[2:], angles[3:], strict=False))
    assert abs(math.degrees(journey.angle(0.01, 1.0))) < 0.01 * abs(roll)  # it gathers speed
    assert math.copysign(1, angles[3]) == math.copysign(1, roll)


def test_the_turn_is_as_steady_as_the_zoom() -> None:
    """It goes with the magnification, whatever the factors: a deep step by 4 turns twice as far as one by 2."""
    geometry = ZoomGeometry(8, 64, 64, (2.0, 2.0, 2.0, 2.0, 2.0, 4.0, 2.0))
    angles = [way(geometry, 30.0).angle(zoom, 1.0) for zoom in (5, 6, 7)]
    assert angles[1] - angles[0] == pytest.approx(2 * (angles[2] - angles[1]), rel=0.02)


def test_a_tree_turns_back_on_the_way_out() -> None:
    journey = rolling(Journey.visiting(TREE, [2, 4]), 40.0)
    assert journey.levels == (0, 1, 2, 1, 3, 4)
    assert journey.angle(1.5, 1.0) == pytest.approx(journey.angle(2.5, 1.0))
    assert journey.angle(1, 1.0) == pytest.approx(journey.angle(3, 1.0))


@pytest.mark.parametrize("roll", ROLLS)
@pytest.mark.parametrize("rounds", [1, 3])
def test_a_ring_closes(roll: float, rounds: int) -> None:
    """A round makes whole turns, at least one in the direction of the roll; frames go on over the seam as before it."""
    journey = rolling(Journey.round(RING, rounds), roll)
    turned = journey.angle(journey.last, 1.0) / rounds / (2 * math.pi)
    assert turned == pytest.approx(round(turned), abs=1e-9)
    assert abs(turned) >= 1 and turned * roll > 0
    assert abs(turned * 360 / 3 - roll) <= max(60, 120 - abs(roll)) + 1e-6  # the nearest there is
    tiny = 1e-5
    speed = (journey.angle(tiny, 1.0) - journey.angle(0, 1.0)) / tiny / math.log(4.0)
    before = (journey.angle(journey.last, 1.0) - journey.angle(journey.last - tiny, 1.0)) / tiny / math.log(3.0)
    assert speed == pytest.approx(before, rel=1e-4)
    assert abs(speed) == pytest.approx(journey.fastest_turn, rel=1e-4)


@pytest.mark.parametrize("roll", [-20.0, 30.0])
def test_the_picture_moves_over_the_seam_as_before_it(roll: float) -> None:
    """Places and speeds of a corner of the next level at the closing step."""
    ring = ZoomGeometry(3, 64, 64, (4.0, 2.5, 3.0), parents=(2, 0, 1))  # the way to another focus would bend there
    journey = rolling(Journey.round(ring, 2), roll)
    seam, tiny = journey.round_length, 1e-4

    def spot(zoom: float) -> complex:
        rect = next(p for p in place_levels(journey, zoom, 90, 90) if p.level == 1).rect
        aside = complex(rect.left - 45, rect.top - 45)
        return aside * complex(math.cos(angle := journey.angle(zoom, 1.0)), math.sin(angle))

    assert spot(0.0) == pytest.approx(spot(float(seam)), abs=1e-6)
    start = (spot(tiny) - spot(0.0)) / tiny
    assert start == pytest.approx((spot(seam + tiny) - spot(float(seam))) / tiny, abs=1e-3)
    # in time: a step takes as long as the logarithm of its factor
    behind = (spot(seam + tiny) - spot(float(seam))) / tiny / math.log(4.0)
    before = (spot(float(seam)) - spot(seam - tiny)) / tiny / math.log(3.0)
    assert behind == pytest.approx(before, rel=1e-3)


@pytest.mark.parametrize(("height", "width"), [(1.0, 1.0), (9.0, 16.0), (3.0, 1.0)])
def test_a_turned_frame_has_room(height: float, width: float) -> None:
    """Rooms hold every angle up to theirs, never shrink, and bend nowhere; `widest_turn` is their inverse."""
    before = (0.0, 0.0)
    for k in range(721):
        angle = math.radians(k / 2)
        room = room_to_turn(height, width, angle)
        tall, wide = turned_size(height, width, angle)
        assert room[0] >= tall - 1e-9 and room[1] >= wide - 1e-9
        assert room[0] >= before[0] - 1e-12 and room[1] >= before[1] - 1e-12
        before = room
        if angle < min(math.atan2(height, width), math.atan2(width, height)):
            assert widest_turn(height, width, *room) == pytest.approx(angle, abs=1e-6)
    assert widest_turn(height, width, 100.0, 100.0) == math.inf
    assert widest_turn(height, width, height, width) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("geometry", [ZoomGeometry(5, 64, 64, 2.0, (0.1, 0.5)), ZoomGeometry(5, 64, 64, 2.0, (0, 0))])
def test_the_way_along_the_border_has_no_kinks(geometry: ZoomGeometry) -> None:
    """Nowhere on the way does the speed of the picture jump: halving the time between two frames halves its change."""
    journey = way(geometry, 30.0)

    def middle(zoom: float) -> complex:
        """The view's middle in level 0's pixels, times the magnification: its speed is that of the screen."""
        base = place_levels(journey, zoom, 100, 100)[0]
        outer = geometry.rect(0, base.level)
        unit = outer.height / geometry.height / base.scale
        return complex(outer.left + (50 - base.rect.left) * unit, outer.top + (50 - base.rect.top) * unit)

    def jump(step: float) -> float:
        worst = 0.0
        for k in range(int(3 / 0.01)):
            zoom = 0.02 + k * 0.01
            bend = middle(zoom + step) - 2 * middle(zoom) + middle(zoom - step)
            worst = max(worst, abs(bend) / step * 2**zoom)
        return worst

    assert jump(0.005) < 0.7 * jump(0.01)


def test_margins_of_sides_that_touch_are_0_at_any_depth() -> None:
    corner = ZoomGeometry(200, 64, 64, 4.0, (0.0, 1.0))
    top, left, bottom, right = margins_of(corner, 199)
    assert left == bottom == 0
    assert top == right > 1e100
    assert set(margins_of(RING, 1)) == {math.inf}
    side = ZoomGeometry(2, 64, 64, 2.0, (0.0, 0.5), parents=(1, 0))
    assert margins_of(side, 0) == (math.inf, 0, math.inf, math.inf)


def test_a_drift_that_closes_ends_where_it_begins() -> None:
    drift = Drift(0.05, period=70).closing(200)
    assert drift.period == pytest.approx(200 / 3)
    assert drift.at(200) == pytest.approx(drift.at(0), abs=1e-12)
    assert drift.at(201) == pytest.approx(drift.at(1), abs=1e-12)
    assert Drift(0.05, period=1000).closing(200).period == 200
    assert max(abs(Drift(0.05, 90).at(k)[0]) for k in range(90)) == pytest.approx(0.05, rel=1e-3)
    assert max(abs(Drift(0.05, 90).at(k)[1]) for k in range(90)) == pytest.approx(0.025, rel=1e-2)


def test_a_drift_makes_shots_of_zooms() -> None:
    drift = Drift(0.1, period=8)
    shots = shutter_zooms([0.5] * 9, CHAIN, 64, 64, drift=drift)
    assert shots == [(Shot(0.5, *drift.at(k)),) for k in range(9)]
    blurred = shutter_zooms([0.5] * 9, CHAIN, 640, 640, 0.5, drift=drift)
    assert 1 < len(blurred[4]) <= MOST_SAMPLES
    assert blurred[4][0] == Shot(0.5, *drift.at(4 + 0.5 * (0.5 / len(blurred[4]) - 0.5)))


def test_a_roll_needs_more_samples_of_a_shutter() -> None:
    zooms = [2 + 0.004 * k for k in range(4)]
    straight = shutter_zooms(zooms, CHAIN, 1024, 1024, 0.5)
    turned = shutter_zooms(zooms, way(CHAIN, 90.0), 1024, 1024, 0.5)
    assert len(turned[1]) > len(straight[1])


@pytest.mark.parametrize("values", [(-0.1, 5.0), (0.3, 5.0), (math.nan, 5.0), (0.1, 0.0), (0.1, math.inf)])
def test_a_drift_out_of_range_is_an_error(values: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="drift"):
        Drift(*values)


def test_a_roll_that_is_no_number_is_an_error() -> None:
    with pytest.raises(ValueError, match="roll is nan"):
        way(CHAIN, math.nan)
