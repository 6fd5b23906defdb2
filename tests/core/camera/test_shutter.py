"""shutter_zooms: as many samples as the movement needs, spread over the time the shutter is open."""

from itertools import pairwise

import pytest

from zoomstack_core.camera.journey import Journey
from zoomstack_core.camera.path import ZoomPath
from zoomstack_core.camera.shutter import MOST_SAMPLES, shutter_zooms
from zoomstack_core.geometry import ZoomGeometry

GEOMETRY = ZoomGeometry(3, 512, 512, 2.0)


def test_no_shutter_is_one_sample_a_frame() -> None:
    assert shutter_zooms([0.0, 0.5, 2.0], GEOMETRY, 512, 512) == [(0.0,), (0.5,), (2.0,)]


def test_samples_lie_around_the_frame_at_equal_times() -> None:
    zooms = [0.1 + 0.02 * k for k in range(5)]
    for zoom, moments in zip(zooms[1:-1], shutter_zooms(zooms, GEOMETRY, 512, 512, 0.5)[1:-1], strict=True):
        count = len(moments)
        assert 1 < count < MOST_SAMPLES
        assert sum(moments) / count == pytest.approx(zoom)
        assert moments[-1] - moments[0] == pytest.approx(0.02 * 0.5 * (count - 1) / count)


def test_what_stands_still_is_sharp_and_what_races_is_bounded() -> None:
    moments = shutter_zooms([0.0, 0.0, 0.0, 1.0, 2.0, 2.0, 2.0], GEOMETRY, 512, 512, 1.0)
    assert [len(frame) for frame in moments] == [1, 1, MOST_SAMPLES, MOST_SAMPLES, MOST_SAMPLES, 1, 1]
    assert all(0 <= zoom <= 2 for frame in moments for zoom in frame)


def test_more_pixels_need_more_samples() -> None:
    zooms = [0.01 * k for k in range(4)]
    small, large = (len(shutter_zooms(zooms, GEOMETRY, size, size, 0.5)[1]) for size in (256, 1024))
    assert small < large


def test_a_loop_is_blurred_across_its_ends() -> None:
    zooms = ZoomPath(GEOMETRY.factors, duration=1, direction="in_out", easing="none", loop=True).zooms(30)
    first = shutter_zooms(zooms, GEOMETRY, 512, 512, 0.5, loop=True)[0]
    assert first == pytest.approx(first[::-1])  # it goes up on both sides of the turn
    assert first[0] > 0
    assert shutter_zooms(zooms, GEOMETRY, 512, 512, 0.5)[0][0] == 0


@pytest.mark.parametrize("shutter", [-0.1, 1.1, float("nan")])
def test_a_shutter_out_of_range_is_an_error(shutter: float) -> None:
    with pytest.raises(ValueError, match="shutter"):
        shutter_zooms([0.0], GEOMETRY, 8, 8, shutter)


RING = ZoomGeometry(3, 512, 512, (2.0, 3.0, 1.5), parents=(2, 0, 1))


@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize("rounds", [1, 2])
def test_a_ring_is_blurred_across_its_seam(direction: str, rounds: int) -> None:
    """The shutter sees what lies on the other side of the seam, which the journey has a round away."""
    journey = Journey.round(RING, rounds)
    path = ZoomPath(journey.factors, seconds_per_level=1, direction=direction, loop=True, rounds=rounds)
    zooms = path.zooms(30)
    frames = shutter_zooms(zooms, journey, 512, 512, 1.0, loop=True)
    assert all(0 <= zoom <= journey.last for frame in frames for zoom in frame)
    for k in (0, len(frames) - 1):
        assert len(frames[k]) == pytest.approx(len(frames[k + 1 if not k else k - 1]), abs=4)
    moments = [(zoom + 1.5) % 3 - 1.5 for zoom in frames[0]]  # around the seam, which is 0
    steps = [b - a for a, b in pairwise(moments)]
    assert moments[0] * moments[-1] < 0
    assert all((step > 0) == (direction == "in") for step in steps)
    assert max(map(abs, steps)) < 1.72 * min(map(abs, steps))  # ln 2 / ln 1.5, the factors on both sides


def test_a_tree_is_blurred_along_its_journey() -> None:
    tree = ZoomGeometry(3, 512, 512, 3.0, ((0.2, 0.5), (0.8, 0.5)), parents=(None, 0, 0))
    journey = Journey.visiting(tree, [1, 2])
    moments = shutter_zooms([1.8, 1.9, 2.0, 2.1], journey, 512, 512, 1.0)
    assert moments[2][0] < 2.0 < moments[2][-1] <= 2.1
