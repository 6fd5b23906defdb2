"""Frames that the camera turns: true, calm, seamless, and never black; against a scene with a known answer.

The scene is a sum of plane waves, whose mean over a turned pixel is known exactly, or a drawing finer than every level.
"""

import math
from collections.abc import Iterator
from itertools import pairwise

import pytest
import torch
from kornia.metrics import psnr
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample

from zoomstack_core.camera.journey import Journey
from zoomstack_core.camera.turn import Shot
from zoomstack_core.camera.view import place_levels
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.stack import ZoomStack
from zoomstack_core.video import turned
from zoomstack_core.video.color import YUV420, YUV420_10, YUV422_10, PixelFormat, to_planes
from zoomstack_core.video.draw_frame import FrameRenderer, PlaneRenderer

CHAIN = ZoomGeometry(4, 96, 96, 2.0)
UNEVEN = ZoomGeometry(4, 72, 96, (1.5, 3.0, 2.0), ((0.4, 0.6), (0.8, 0.3), (0.3, 0.5)))
RING = ZoomGeometry(3, 64, 64, (4.0, 2.5, 3.0), ((0.6, 0.4), (0.3, 0.6), (0.5, 0.5)), parents=(2, 0, 1))
TREE = ZoomGeometry(4, 64, 64, (2.5, 2.5, 2.0), ((0.25, 0.5), (0.75, 0.5), (0.5, 0.5)), parents=(None, 0, 0, 2))


def way(geometry: ZoomGeometry, roll: float = 30.0) -> Journey:
    journey = Journey.of(geometry)
    return Journey(geometry, journey.levels, journey.rounds, roll)


def places(journey: Journey, zoom: float | Shot, height: int, width: int, fine: int = 1) -> tuple[Tensor, Tensor]:
    """(y, x) in level 0's pixels of every pixel of a turned frame, or of fine × fine points in each."""
    base = place_levels(journey, zoom, height, width)[0]
    angle = journey.angle(Shot.of(zoom).zoom, width / height)
    y = ((torch.arange(height * fine, dtype=torch.float64) + 0.5) / fine - height / 2)[:, None]
    x = (torch.arange(width * fine, dtype=torch.float64) + 0.5) / fine - width / 2
    c, s = math.cos(angle), math.sin(angle)
    upright = (c * y - s * x + height / 2, s * y + c * x + width / 2)
    outer = journey.geometry.rect(0, base.level)
    unit = outer.height / journey.geometry.height / base.scale
    return outer.top + (upright[0] - base.rect.top) * unit, outer.left + (upright[1] - base.rect.left) * unit


def waves(y: Tensor, x: Tensor, geometry: ZoomGeometry, length: float = 14) -> Tensor:
    """[1, h, w]: a scene with waves of one to two of these lengths, in pixels of every level."""
    picture = torch.zeros(torch.broadcast_shapes(y.shape, x.shape), dtype=torch.float64)
    generator = torch.Generator().manual_seed(7)
    for level in range(geometry.levels):
        unit = geometry.rect(0, level).height / geometry.height
        for angle, stretch, phase in torch.rand(6, 3, generator=generator, dtype=torch.float64).tolist():
            frequency = 2 * math.pi / (length * unit * (1 + stretch))
            at = frequency * (math.sin(6.28 * angle) * y + math.cos(6.28 * angle) * x)
            picture += 0.03 * unit * torch.sin(at + 6.28 * phase)
    return 0.5 + picture[None]


def world(geometry: ZoomGeometry, length: float = 14) -> ZoomStack:
    """The scene as every level shows it, each pixel the mean of its points."""
    levels = []
    for level in range(geometry.levels):
        top, left, height, width = geometry.rect(0, level)
        y = top + (torch.arange(4 * geometry.height, dtype=torch.float64)[:, None] + 0.5) * height / 4 / geometry.height
        x = left + (torch.arange(4 * geometry.width, dtype=torch.float64) + 0.5) * width / 4 / geometry.width
        levels.append(avg_pool2d(waves(y, x, geometry, length)[None], 4)[0])
    return ZoomStack(torch.stack(levels), geometry)


def noise(geometry: ZoomGeometry, dtype: torch.dtype = torch.float32) -> ZoomStack:
    shape = geometry.levels, 3, geometry.height, geometry.width
    return ZoomStack(torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(dtype), geometry)


def zooms_of(journey: Journey, count: int = 9) -> list[float]:
    return [k / (count - 1) * journey.last for k in range(count)]


@pytest.fixture(autouse=True, scope="module")
def new_memory_is_full_of_nan() -> Iterator[None]:
    """Pixels that are read before they are written show."""
    filled = torch.utils.deterministic.fill_uninitialized_memory
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = True
    yield
    torch.utils.deterministic.fill_uninitialized_memory = filled
    torch.use_deterministic_algorithms(before)


@pytest.mark.parametrize("geometry", [CHAIN, UNEVEN], ids=["even", "uneven"])
@pytest.mark.parametrize(("tall", "wide"), [(96, 96), (90, 160), (200, 120)])
@pytest.mark.parametrize("roll", [-70.0, 12.0, 30.0])
def test_a_turned_frame_shows_the_true_picture(geometry: ZoomGeometry, tall: int, wide: int, roll: float) -> None:
    """At every angle, with the borders of the nested levels in it: 44 dB against the mean over each pixel."""
    journey = way(geometry, roll)
    render = FrameRenderer(world(geometry), tall, wide, journey)
    for k, zoom in enumerate(zooms_of(journey, 8)):
        shot = Shot(zoom, 0.06, -0.03) if k % 2 else zoom
        truth = avg_pool2d(waves(*places(journey, shot, tall, wide, 3), geometry)[None], 3)[0]
        assert psnr(render(shot), truth, 1.0) > 44, (shot, float(psnr(render(shot), truth, 1.0)))


def test_the_measure_sees_a_turn_the_other_way() -> None:
    journey = way(CHAIN)
    truth = waves(*places(way(CHAIN, -30.0), 1.5, 96, 96), CHAIN)
    assert psnr(FrameRenderer(world(CHAIN), 96, 96, journey)(1.5), truth, 1.0) < 30


@pytest.mark.parametrize("geometry", [CHAIN, UNEVEN, RING, TREE], ids=["even", "uneven", "ring", "tree"])
@pytest.mark.parametrize("roll", [-90.0, 25.0, 360.0])
def test_no_corner_is_black(geometry: ZoomGeometry, roll: float) -> None:
    """White levels make white frames, to the last pixel, wherever the camera has drifted."""
    journey = way(geometry, roll)
    white = ZoomStack(torch.ones(geometry.levels, 1, geometry.height, geometry.width), geometry)
    render = FrameRenderer(white, 50, 80, journey)
    for zoom in zooms_of(journey, 13):
        for shot in (zoom, Shot(zoom, 0.2, 0.1), Shot(zoom, -0.2, -0.1)):
            torch.testing.assert_close(render(shot), torch.ones(1, 50, 80), atol=1e-5, rtol=0)


@pytest.mark.parametrize("geometry", [CHAIN, UNEVEN, RING, TREE], ids=["even", "uneven", "ring", "tree"])
def test_turned_frames_are_continuous(geometry: ZoomGeometry) -> None:
    """At the levels, between them, and over the seam of a ring, whatever the levels show."""
    journey = way(geometry)
    render = FrameRenderer(noise(geometry, torch.float64), 64, 64, journey)
    tiny = 1e-4
    for zoom in zooms_of(journey, 30)[1:]:
        assert (render(zoom) - render(zoom - tiny)).abs().max() < tiny * 2000, zoom
    if journey.rounds:
        torch.testing.assert_close(render(0.0), render(float(journey.last)), atol=1e-6, rtol=0)


def test_nothing_pops_at_a_level() -> None:
    journey = way(CHAIN)
    render = FrameRenderer(world(CHAIN), 96, 96, journey)
    for level in (1, 2):
        frames = [render(level + k / 60) for k in range(-5, 6)]
        changes = [float((after - before).square().mean().sqrt()) for before, after in pairwise(frames)]
        assert max(changes[4:6]) < 1.05 * max(changes[:4] + changes[6:])


def test_fine_detail_does_not_shimmer_while_it_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A grid finer than the pixels, each frame turned back onto the one before and after: the second difference is
    smaller than that of an ideal camera's frames. Sampled without the finer picture it is not."""
    journey = way(CHAIN)
    unit = 12  # points of the drawing in a pixel of level 0
    drawing = torch.zeros(96 * unit, 96 * unit, dtype=torch.float64)
    for start in range(0, 96 * unit, 3 * unit):
        drawing[start : start + unit // 2] = 1
        drawing[:, start : start + unit // 2] = 1

    def seen(y: Tensor, x: Tensor) -> Tensor:
        grid = torch.stack(torch.broadcast_tensors(x, y), -1)[None] / 48 - 1
        return grid_sample(drawing[None, None], grid, align_corners=False)[0]

    levels = []
    for level in range(CHAIN.levels):
        top, left, side, _ = CHAIN.rect(0, level)
        at = (torch.arange(8 * 96, dtype=torch.float64) + 0.5) * side / 8 / 96
        levels.append(avg_pool2d(seen(top + at[:, None], left + at)[None], 8)[0])
    stack = ZoomStack(torch.stack(levels), CHAIN)

    def flicker(render: FrameRenderer | None, size: int) -> float:
        squares = []
        for zoom in (0.6, 1.1, 1.7, 2.4):
            y, x = places(journey, zoom, size, size)
            still = []
            for moment in (zoom - 1 / 60, zoom, zoom + 1 / 60):
                ideal = avg_pool2d(seen(*places(journey, moment, size, size, 6))[None], 6)[0]
                frame = render(moment) if render else ideal
                # where each point is in this frame: the way back from places to pixels, which is affine
                top, left = (axis[0, 0] for axis in places(journey, moment, size, size))
                down = [axis[1, 0] - axis[0, 0] for axis in places(journey, moment, size, size)]
                right = [axis[0, 1] - axis[0, 0] for axis in places(journey, moment, size, size)]
                area = down[0] * right[1] - down[1] * right[0]
                row = ((y - top) * right[1] - (x - left) * right[0]) / area
                column = ((x - left) * down[0] - (y - top) * down[1]) / area
                grid = torch.stack((column, row), -1)[None] * 2 / (size - 1) - 1
                moved = grid_sample(frame[None], grid, "bicubic", padding_mode="border", align_corners=True)[0]
                still.append(moved)
            squares.append((still[0] - 2 * still[1] + still[2])[:, 4:-4, 4:-4].square().mean())
        return math.sqrt(torch.stack(squares).mean())

    for size in (48, 96):
        render = FrameRenderer(stack, size, size, journey)
        ideal = flicker(None, size)
        assert flicker(render, size) < 0.85 * ideal
        if size == 96:
            continue  # where levels are hardly made smaller, no filter is needed
        with monkeypatch.context() as patch:
            patch.setattr(turned, "FINER", 0.5)  # every second pixel only
            patch.setattr(turned, "PREFILTER", 0.2)  # no filter
            assert flicker(render, size) > 0.95 * ideal


@pytest.mark.parametrize("layout", [YUV420, YUV420_10, YUV422_10], ids=lambda layout: layout.name)
@pytest.mark.parametrize("size", [(96, 96), (80, 128)])
def test_turned_planes_show_what_turned_frames_show(layout: PixelFormat, size: tuple[int, int]) -> None:
    """Chroma turns around the same point as luma, and lies at the same places."""
    picture = world(UNEVEN, 40).images  # half the resolution of chroma hardly matters
    stack = ZoomStack(torch.cat([picture, 1 - picture, 0.3 + 0.4 * picture], dim=1).float().clamp(0, 1), UNEVEN)
    journey = way(UNEVEN)
    frames, planes = FrameRenderer(stack, *size, journey), PlaneRenderer(stack, *size, layout, journey=journey)
    unit = 2 ** (layout.bits - 8)
    for shot in (0.3, 1.4, Shot(2.2, 0.1, 0.05)):
        for plane, image in zip(planes(shot), to_planes(frames(shot), layout), strict=True):
            difference = (plane.double() - image) / unit
            assert difference.abs().mean() < 0.4
            assert abs(float(difference.mean())) < 0.1
            assert difference[2:-2, 2:-2].abs().max() <= 4


def test_several_shots_are_averaged() -> None:
    soft = ZoomStack(0.3 + 0.4 * noise(CHAIN).images, CHAIN)  # no frame is cut off at black or white
    render = FrameRenderer(soft, 60, 60, way(CHAIN))
    shots = (1.2, 1.25, Shot(1.3, 0.02, 0.01))
    mean = torch.stack([render(shot) for shot in shots]).mean(dim=0)
    torch.testing.assert_close(render(*shots), mean, atol=1e-6, rtol=0)


@pytest.mark.parametrize("zoom", [0.0, 0.6, 2.3])
def test_without_roll_every_bit_is_as_before(zoom: float) -> None:
    """A drift of nothing, and a roll of nothing, go the same way through the same numbers."""
    stack = noise(CHAIN)
    plain = FrameRenderer(stack, 70, 90)(zoom)
    assert torch.equal(FrameRenderer(stack, 70, 90, way(CHAIN, 0.0))(zoom), plain)
    assert torch.equal(FrameRenderer(stack, 70, 90)(Shot(zoom)), plain)
    drifted = FrameRenderer(stack, 70, 90)(Shot(zoom, 0.1))
    assert zoom == 0 or not torch.equal(drifted, plain)
