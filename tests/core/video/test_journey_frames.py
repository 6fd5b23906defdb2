"""Frames of journeys through trees and rings: at levels, at turns, at the seam, and beside the way."""

from itertools import pairwise

import pytest
import torch

from zoomstack_core.camera.journey import Journey
from zoomstack_core.camera.path import ZoomPath
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.stack import ZoomStack
from zoomstack_core.video.color import YUV420, to_planes
from zoomstack_core.video.draw_frame import FrameRenderer, PlaneRenderer, render_frame

TREE = ZoomGeometry(
    6,
    48,
    64,
    (3.0, 2.0, 4.0, 2.5, 3.0),
    ((0.5, 0.5), (0.2, 0.3), (0.4, 0.4), (0.8, 0.7), (0.25, 0.5)),
    parents=(None, 0, 1, 2, 1, 4),
)
TWINS = ZoomGeometry(3, 64, 64, 2.5, ((0.25, 0.5), (0.75, 0.5)), parents=(None, 0, 0))
RING = ZoomGeometry(3, 48, 64, (4.0, 2.5, 3.0), ((0.9, 0.2), (0.3, 0.6), (0.5, 0.5)), parents=(2, 0, 1))
RING_OF_TWO = ZoomGeometry(3, 64, 64, (3.0, 4.0, 2.0), ((0.2, 0.2), (0.7, 0.8), (0.3, 0.3)), parents=(1, 0, 0))
JOURNEYS = [
    Journey.visiting(TREE, [3, 5]),
    Journey.visiting(TREE, [5, 3, 0]),
    Journey.visiting(TWINS, [1, 2]),
    Journey.of(RING),
    Journey.round(RING_OF_TWO, 2),
]
each_journey = pytest.mark.parametrize("journey", JOURNEYS, ids=lambda j: str(j.levels))


def noise(geometry: ZoomGeometry, dtype: torch.dtype = torch.float32) -> ZoomStack:
    """Random levels, made consistent."""
    shape = geometry.levels, 3, geometry.height, geometry.width
    return ZoomStack(torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(dtype), geometry)


def smooth(geometry: ZoomGeometry) -> ZoomStack:
    """Soft spots of each level's own, made consistent."""
    shape = geometry.levels, 3, 6, 8
    small = torch.rand(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    size = geometry.height, geometry.width
    return ZoomStack(torch.nn.functional.interpolate(small, size=size, mode="bicubic").clamp(0, 1), geometry)


def world(geometry: ZoomGeometry) -> ZoomStack:
    """One world of soft waves as all levels of a tree see it."""
    levels = []
    for level in range(geometry.levels):
        top, left, height, width = geometry.rect(0, level)
        y = top + (torch.arange(geometry.height, dtype=torch.float64)[:, None] + 0.5) * height / geometry.height
        x = left + (torch.arange(geometry.width, dtype=torch.float64) + 0.5) * width / geometry.width
        levels.append(0.5 + 0.2 * torch.sin(x / 2 + y / 5) + 0.2 * torch.cos(y / 3 - x / 7))
    return ZoomStack(torch.stack(levels)[:, None], geometry)


@each_journey
def test_a_level_fills_the_frame_unchanged(journey: Journey) -> None:
    stack = noise(journey.geometry)
    renderer = FrameRenderer(stack, journey.geometry.height, journey.geometry.width, journey)
    for place in range(journey.last + 1):
        torch.testing.assert_close(renderer(place), stack.images[journey.levels[place]], atol=1e-6, rtol=0)


@each_journey
@pytest.mark.parametrize("size", [(48, 64), (90, 160), (70, 30)])
def test_frames_are_continuous_all_the_way(journey: Journey, size: tuple[int, int]) -> None:
    """At levels, turns and the seam, whatever they show, and where a level beside the way comes or goes."""
    renderer = FrameRenderer(noise(journey.geometry, torch.float64), *size, journey)
    for place in range(1, journey.last):
        for near in (place - 1e-9, place + 1e-9):
            assert (renderer(near) - renderer(place)).abs().max() < 1e-5, near
    tiny = 1e-4
    for k in range(60):
        place = k / 60 * journey.last
        change = (renderer(place + tiny) - renderer(place)).abs().max()
        assert change < tiny * 16 * max(size), place


@pytest.mark.parametrize("size", [(48, 64), (90, 160), (70, 30)])
def test_the_end_of_a_round_is_its_beginning(size: tuple[int, int]) -> None:
    for journey in (Journey.of(RING), Journey.round(RING_OF_TWO, 2)):
        renderer = FrameRenderer(noise(journey.geometry), *size, journey)
        assert torch.equal(renderer(0.0), renderer(float(journey.last)))
        tiny = 1e-6  # and it is moving on in the same way
        before = renderer(journey.last - tiny)
        assert (renderer(0.0) - before).abs().max() < tiny * 16 * max(size)


def test_a_ring_runs_through_its_seam_as_through_any_level() -> None:
    """Frames of a loop change at the seam by no more than 1.05 of what their neighbors change by."""
    journey = Journey.of(RING)
    path = ZoomPath(journey.factors, seconds_per_level=2, loop=True, rounds=1)
    zooms = path.zooms(30)
    render = FrameRenderer(smooth(RING), 48, 64, journey)
    frames = [render(zoom) for zoom in (*zooms[-6:], *zooms[:7])]
    changes = [float(((b - a) ** 2).mean().sqrt()) for a, b in pairwise(frames)]
    assert min(changes) > 1e-4
    assert max(changes[5:7]) < 1.05 * max(changes[:5] + changes[7:])


@pytest.mark.parametrize("scale", [1, 3])
def test_no_pop_where_a_level_beside_the_way_fades_in(scale: int) -> None:
    """Out of one branch: from each frame to the next as much changes as before, and the new branch is seen."""
    journey = Journey.visiting(TWINS, [1, 2])
    render = FrameRenderer(world(TWINS), 64 * scale, 64 * scale, journey)
    frames = [render(1 + k / 120) for k in range(1, 120)]
    changes = torch.tensor([float(((b - a) ** 2).mean().sqrt()) for a, b in pairwise(frames)])
    assert changes.min() > 1e-3
    assert (changes[1:] / changes[:-1]).log().abs().max() < 0.04


def test_what_lies_beside_the_way_is_as_sharp_as_it_can_be() -> None:
    """Where both branches are in view each shows its own level, not what the level around them has of it."""
    stack = noise(TWINS)
    size = 160  # at which a branch just has its own size
    frame = render_frame(stack, 0.0, size, size, Journey.visiting(TWINS, [1]))
    for level in (1, 2):
        top, left, *_ = (round(at * size / 64) for at in TWINS.rect(0, level))
        part = frame[:, top : top + 64, left : left + 64]
        middle = slice(26, 38)  # inside its soft borders
        torch.testing.assert_close(part[:, middle, middle], stack.images[level][:, middle, middle], atol=0.02, rtol=0)


@each_journey
def test_planes_show_what_frames_show(journey: Journey) -> None:
    stack = smooth(journey.geometry)
    frames, planes = FrameRenderer(stack, 60, 80, journey), PlaneRenderer(stack, 60, 80, YUV420, None, journey)
    for place in (0.0, 0.4, 1.7, float(journey.last)):
        luma, image = planes(place).luma, to_planes(frames(place), YUV420).luma
        assert (luma.double() - image).abs().mean() < 0.6


def test_without_a_journey_a_stack_is_shown_along_its_own() -> None:
    for geometry in (TREE, RING):
        stack = noise(geometry)
        own = render_frame(stack, 1.4, 48, 64, Journey.of(geometry))
        assert torch.equal(render_frame(stack, 1.4, 48, 64), own)
    with pytest.raises(ValueError, match="zoom is 3.5; expected a number from 0 to 3"):
        render_frame(noise(RING), 3.5, 8, 8)


def test_a_journey_through_another_stack_is_an_error() -> None:
    for make in (FrameRenderer, lambda *args: PlaneRenderer(*args[:3], YUV420, None, args[3])):
        with pytest.raises(ValueError, match="journey leads through"):
            make(noise(TWINS), 8, 8, Journey.of(RING))


def test_only_levels_in_view_are_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a wide tree those that a frame shows, each once however often a ring shows it."""
    made: list[int] = []
    wide = ZoomGeometry(
        9,
        32,
        32,
        (2.0, 2.0, 2.0, 2.0, 4.0, 4.0, 4.0, 4.0),
        ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)) * 2,
        parents=(None, 0, 0, 0, 0, 1, 1, 1, 1),
    )
    for geometry, place, expected in ((wide, 1.5, 5), (wide, 0.99, 5), (RING, 0.9, 3)):
        journey = Journey.of(geometry)
        renderer = PlaneRenderer(noise(geometry), 32, 32, YUV420, None, journey)
        prepare = renderer._levels._prepare
        monkeypatch.setattr(renderer._levels, "_prepare", lambda image, of=prepare: made.append(1) or of(image))
        made.clear()
        renderer(place)
        renderer(place + 0.005)
        assert len(made) <= expected
