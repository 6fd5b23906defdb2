"""pulsed_zooms: frames that move with the beats go the same way in the same time."""

import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoomstack_core.camera.journey import Journey
from zoomstack_core.camera.path import ZoomPath
from zoomstack_core.camera.pulse import pulsed_zooms
from zoomstack_core.errors import ArgumentError
from zoomstack_core.geometry import ZoomGeometry

CHAIN = Journey.of(ZoomGeometry(5, 64, 64, zoom_factor=(2.0, 3.0, 1.5, 4.0)))
TREE = Journey.visiting(
    ZoomGeometry(4, 64, 64, zoom_factor=3.0, focus=((0.3, 0.3), (0.5, 0.5), (0.8, 0.8)), parents=(None, 0, 1, 0)),
    [2, 3],
)
RING = Journey.round(ZoomGeometry(3, 64, 64, zoom_factor=2.0, parents=(2, 0, 1)), 2)
BEATS = [0.1 + 0.5 * k for k in range(40)]


def path_of(journey: Journey, **options: Any) -> ZoomPath:
    options = {"duration": 8.0, "hold_start": 0.5, "hold_end": 0.7, **options}
    return ZoomPath(journey.factors, turns=journey.turns, rounds=journey.rounds, **options)


def ways(zooms: list[float]) -> list[int]:
    return [(there > here) - (there < here) for here, there in pairwise(zooms)]


@pytest.mark.parametrize("journey", [CHAIN, TREE, RING])
@settings(max_examples=40, deadline=None)
@given(
    fps=st.sampled_from([12.5, 24.0, 30.0, 60.0]),
    beats=st.lists(st.floats(0, 10), max_size=30, unique=True).map(sorted),
    strength=st.floats(0, 1),
    smoothing=st.floats(0, 1),
    dwell=st.sampled_from([0.0, 0.25]),
    direction=st.sampled_from(["in", "out", "in_out", "out_in"]),
    easing=st.sampled_from(["linear", "none", "smooth", "quad"]),
)
def test_ends_rests_and_turns_stay_and_between_them_it_goes_one_way(
    journey: Journey,
    fps: float,
    beats: list[float],
    strength: float,
    smoothing: float,
    dwell: float,
    direction: str,
    easing: str,
) -> None:
    path = path_of(journey, dwell=dwell, direction=direction, easing=easing)
    plain, moved = path.zooms(fps), pulsed_zooms(path, fps, beats, strength, smoothing)
    assert len(moved) == len(plain)
    before = ways(plain)
    for k, way in enumerate(before):
        if k == 0 or before[k - 1] != way:  # a rest or a movement begins
            assert moved[k] == plain[k]
        step = moved[k + 1] - moved[k]
        assert step == 0 if way == 0 else step * way >= 0
    assert moved[-1] == plain[-1]


@pytest.mark.parametrize("journey", [CHAIN, RING])
@pytest.mark.parametrize("fps", [24, 30, 60])
@pytest.mark.parametrize("smoothing", [0.0, 0.5, 1.0])
def test_the_speed_is_highest_at_every_beat(journey: Journey, fps: int, smoothing: float) -> None:
    options = {"hold_start": 0.0, "hold_end": 0.0, "easing": "none"}
    path = path_of(journey, **options)
    marks = [path.log_magnification(zoom) for zoom in pulsed_zooms(path, fps, BEATS, 0.8, smoothing)]
    speeds = [there - here for here, there in pairwise(marks)]
    for beat in BEATS:
        middle = beat * fps - 0.5  # speed k is that of the time between frames k and k + 1
        if not 0.3 * fps < middle < len(speeds) - 0.3 * fps:
            continue
        near = range(math.ceil(middle - 0.25 * fps), math.floor(middle + 0.25 * fps) + 1)
        assert abs(max(near, key=speeds.__getitem__) - middle) <= 1


def test_it_stays_near_the_steady_path() -> None:
    """However many beats there are: within the way between two of them."""
    path = path_of(CHAIN, duration=60.0, easing="none", hold_start=0.0, hold_end=0.0)
    beats = [0.5 * k for k in range(130)]
    plain, moved = path.zooms(30), pulsed_zooms(path, 30, beats, 1.0, 0.0)
    per_beat = path.log_magnification(path.last) / 120
    ahead = [path.log_magnification(m) - path.log_magnification(p) for m, p in zip(moved, plain, strict=True)]
    assert 0.3 * per_beat < max(map(abs, ahead)) <= per_beat


def test_a_pause_of_the_music_is_steady() -> None:
    path = path_of(CHAIN, duration=20.0, easing="none", hold_start=0.0, hold_end=0.0)
    beats = [0.5 * k for k in range(10)] + [15 + 0.5 * k for k in range(10)]
    marks = [path.log_magnification(zoom) for zoom in pulsed_zooms(path, 30, beats, 1.0, 0.3)]
    speeds = [there - here for here, there in pairwise(marks)]
    pause = speeds[5 * 30 : 14 * 30]
    assert max(pause) == pytest.approx(min(pause), rel=1e-6)
    assert max(speeds) > 3 * max(pause)
    assert min(speeds) < 1e-9


@pytest.mark.parametrize(("strength", "beats"), [(0.0, BEATS), (1.0, []), (1.0, [3.0])])
def test_without_strength_or_beats_nothing_changes(strength: float, beats: list[float]) -> None:
    path = path_of(CHAIN)
    assert pulsed_zooms(path, 30, beats, strength) == path.zooms(30)


@pytest.mark.parametrize("options", [{"strength": 1.1}, {"strength": math.nan}, {"strength": 0.5, "smoothing": -0.1}])
def test_values_out_of_range_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(ArgumentError, match=list(options)[-1]):
        pulsed_zooms(path_of(CHAIN), 30, BEATS, **options)


@pytest.mark.parametrize("start", [0.0, 0.1, 0.2, 0.3, 0.4])
def test_a_movement_that_ends_within_a_pulse_does_not_jump(start: float) -> None:
    """Wide pulses are at most twice as fast as the path, and an end within one changes that but a little."""
    path = path_of(CHAIN, duration=6.0, easing="none", hold_start=0.0, hold_end=0.0)
    beats = [start + 0.5 * k for k in range(-1, 14)]
    marks = [path.log_magnification(zoom) for zoom in pulsed_zooms(path, 30, beats, 1.0, 1.0)]
    steps = [there - here for here, there in pairwise(marks)]
    assert max(steps) < 2.1 * marks[-1] / len(steps)
    assert abs(steps[-1] - steps[-2]) < 0.6 * marks[-1] / len(steps)
