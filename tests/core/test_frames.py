"""Frames of a zoom against worlds whose exact picture at any zoom is known."""

import math
from collections.abc import Callable
from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from zoomstack_core.frames import FrameRenderer, even_size, place_levels, render_frame
from zoomstack_core.geometry import Rect, ZoomGeometry
from zoomstack_core.stack import ZoomStack

UNEVEN = ZoomGeometry(4, 48, 64, (1.5, 3.7, 2.0), ((0.4, 0.6), (0.5, 0.5), (0.1, 0.8)))
GEOMETRIES = [
    ZoomGeometry(4, 64, 64, 2.0),
    ZoomGeometry(3, 64, 64, 4.0),
    ZoomGeometry(5, 45, 60, 1.3, (0.3, 0.8)),
    ZoomGeometry(3, 64, 48, 2.5, (1.0, 0.0)),
    UNEVEN,
]
each_geometry = pytest.mark.parametrize("geometry", GEOMETRIES, ids=lambda g: f"{g.zoom_factor}-{g.focus}")


def seen(geometry: ZoomGeometry, zoom: float) -> Rect:
    """What a frame of the levels' own shape shows, in level 0's pixels: from the definition of the zoom.

    The view shrinks by p^-f around the limit of the nested rectangles of the current step.
    """
    level = min(int(zoom), geometry.levels - 2)
    outer, inner = geometry.rect(0, level), geometry.rect(level, level + 1)
    shrink = geometry.factors[level] ** -(zoom - level)
    point = [0.0, 0.0]
    for _ in range(200):
        point = [start + at * inner.height / geometry.height for start, at in zip(inner[:2], point, strict=True)]
    top, left = (at * (1 - shrink) for at in point)
    unit = outer.height / geometry.height
    return Rect(outer.top + top * unit, outer.left + left * unit, outer.height * shrink, outer.width * shrink)


class Wave(NamedTuple):
    """amplitude · cos(down · y + right · x + phase), in level 0's pixels."""

    amplitude: float
    down: float
    right: float
    phase: float

    def average(self, rect: Rect, height: int, width: int) -> Tensor:
        """Its exact mean over every pixel of a grid on rect."""
        step_y, step_x = rect.height / height, rect.width / width
        y = rect.top + (torch.arange(height, dtype=torch.float64)[:, None] + 0.5) * step_y
        x = rect.left + (torch.arange(width, dtype=torch.float64) + 0.5) * step_x
        damping = math.prod(math.sin(a) / a for a in (self.down * step_y / 2, self.right * step_x / 2))
        return self.amplitude * damping * torch.cos(self.down * y + self.right * x + self.phase)


def waves(geometry: ZoomGeometry, wavelength: float, per_level: int = 3) -> list[Wave]:
    """Waves of about `wavelength` pixels of every level; a deeper level's are too fine for the wider ones to show."""
    generator = torch.Generator().manual_seed(3)
    result = []
    for level in range(geometry.levels):
        unit = geometry.rect(0, level).height / geometry.height
        for angle, stretch, phase in torch.rand(per_level, 3, generator=generator, dtype=torch.float64).tolist():
            frequency = 2 * math.pi / (wavelength * unit * (1 + stretch))
            angle = 0.2 + 1.2 * angle
            amplitude = 0.45 / per_level / geometry.levels
            result.append(Wave(amplitude, frequency * math.sin(angle), frequency * math.cos(angle), 6.28 * phase))
    return result


def picture(world: list[Wave], rect: Rect, height: int, width: int) -> Tensor:
    """[1, height, width]: the exact picture of a world, around 0.5."""
    return 0.5 + sum(wave.average(rect, height, width) for wave in world)[None]  # type: ignore[index]


def stack_of(world: list[Wave], geometry: ZoomGeometry) -> ZoomStack:
    rects = [geometry.rect(0, level) for level in range(geometry.levels)]
    return ZoomStack(torch.stack([picture(world, rect, geometry.height, geometry.width) for rect in rects]), geometry)


def noise_stack(geometry: ZoomGeometry, dtype: torch.dtype = torch.float32) -> ZoomStack:
    shape = geometry.levels, 3, geometry.height, geometry.width
    return ZoomStack(torch.rand(shape, generator=torch.Generator().manual_seed(0)).to(dtype), geometry)


def zooms_of(geometry: ZoomGeometry, count: int = 9) -> list[float]:
    """From the widest to the deepest, levels and between."""
    return [i * (geometry.levels - 1) / (count - 1) for i in range(count)]


def psnr(a: Tensor, b: Tensor) -> float:
    return -10 * math.log10(float(((a - b) ** 2).mean()))


@each_geometry
@pytest.mark.parametrize("size", [0.5, 1.0, 2.0])
def test_frames_show_the_true_picture_at_every_zoom(geometry: ZoomGeometry, size: float) -> None:
    world = waves(geometry, wavelength=14)
    height, width = round(geometry.height * size), round(geometry.width * size)
    renderer = FrameRenderer(stack_of(world, geometry), height, width)
    for zoom in zooms_of(geometry):
        truth = picture(world, seen(geometry, zoom), height, width)
        assert psnr(renderer(zoom), truth) > 42, zoom


@each_geometry
def test_nested_borders_are_not_seen(geometry: ZoomGeometry) -> None:
    """Where a level begins, the error against the true picture is no larger than beyond it."""
    world = waves(geometry, wavelength=14)
    height, width = 2 * geometry.height, 2 * geometry.width
    renderer = FrameRenderer(stack_of(world, geometry), height, width)
    for zoom in zooms_of(geometry):
        error = (renderer(zoom) - picture(world, seen(geometry, zoom), height, width))[0].abs()
        edges = torch.zeros(height, width, dtype=torch.bool)
        for placement in place_levels(geometry, zoom, height, width)[1:]:
            top, left, rect_height, rect_width = (round(value) for value in placement.rect)
            edges[max(0, top - 2) : top + rect_height + 2, max(0, left - 2) : left + rect_width + 2] = True
            edges[top + 2 : top + rect_height - 2, left + 2 : left + rect_width - 2] = False
        if edges.any():
            assert error[edges].mean() < 1.1 * error.mean() + 1e-4
        # nor is there a step: second differences, which a step makes large, stay those of the picture
        bend = renderer(zoom)[0].diff(n=2, dim=1).abs().max()
        assert bend < 1.3 * picture(world, seen(geometry, zoom), height, width)[0].diff(n=2, dim=1).abs().max() + 2e-3


@pytest.mark.parametrize("size", [40, 64, 150])
@pytest.mark.parametrize("geometry", [GEOMETRIES[0], GEOMETRIES[1], ZoomGeometry(3, 64, 64, 2.0, (0.3, 0.62))], ids=str)
def test_dots_stay_on_their_path(geometry: ZoomGeometry, size: int) -> None:
    """No jitter: the centroid of a dot is within 0.05 pixels of where the ideal zoom has it, in every frame."""
    sigma = 2.5 / geometry.factors[0]  # level 0's pixels: small in level 0, large in level 2
    view = seen(geometry, 1.0)
    spot = [view.top + 0.45 * view.height, view.left + 0.57 * view.width]

    def dot(rect: Rect, height: int, width: int) -> Tensor:
        profiles = []
        for start, length, count, at in zip(rect[:2], rect[2:], (height, width), spot, strict=True):
            edges = start + torch.arange(count + 1, dtype=torch.float64) * length / count
            profiles.append(torch.erf((edges - at) / (sigma * math.sqrt(2))).diff() * count / length * sigma)
        return (profiles[0][:, None] * profiles[1])[None]

    layers = [dot(geometry.rect(0, level), geometry.height, geometry.width) for level in range(geometry.levels)]
    renderer = FrameRenderer(ZoomStack(torch.stack(layers).clamp(0, 1), geometry), size, size)
    grid = torch.arange(size, dtype=torch.float64) + 0.5
    for k in range(41):
        zoom = 1.3 * k / 40
        rect = seen(geometry, zoom)
        frame = renderer(zoom)[0]
        centroid = [float((frame.sum(1 - axis) * grid).sum() / frame.sum()) for axis in range(2)]
        ideal = [(at - start) * size / length for at, start, length in zip(spot, rect[:2], rect[2:], strict=True)]
        assert math.dist(centroid, ideal) < 0.05, (zoom, centroid, ideal)


@pytest.mark.parametrize("scale", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("geometry", GEOMETRIES[:2], ids=str)
def test_no_pop_when_a_level_fills_the_frame(geometry: ZoomGeometry, scale: float) -> None:
    """Frames change at a level by no more than 1.05 of what their neighbors change by, at 60 frames per level."""
    size = round(64 * scale)
    renderer = FrameRenderer(stack_of(waves(geometry, wavelength=7), geometry), size, size)
    frames = [renderer(1 + k / 60) for k in range(-5, 6)]
    changes = [float(((b - a) ** 2).mean().sqrt()) for a, b in zip(frames, frames[1:])]
    assert max(changes[4:6]) < 1.05 * max(changes[:4] + changes[6:])
    assert max(abs(b - a) for a, b in zip(changes, changes[1:])) < 0.06 * max(changes)


@each_geometry
@pytest.mark.parametrize("size", [(33, 33), (64, 64), (90, 160)])
def test_frames_are_continuous_in_zoom(geometry: ZoomGeometry, size: tuple[int, int]) -> None:
    """Also at the levels, from below, whatever the levels show, and where a deeper level fades in."""
    renderer = FrameRenderer(noise_stack(geometry, torch.float64), *size)
    for level in range(1, geometry.levels):
        assert (renderer(level - 1e-9) - renderer(float(level))).abs().max() < 1e-5
    tiny = 1e-4
    for zoom in zooms_of(geometry, 40)[:-1]:
        change = (renderer(zoom + tiny) - renderer(zoom)).abs().max()
        assert change < tiny * 12 * max(size), zoom


@each_geometry
def test_a_level_fills_the_frame_unchanged(geometry: ZoomGeometry) -> None:
    stack = noise_stack(geometry)
    renderer = FrameRenderer(stack, geometry.height, geometry.width)
    for level in range(geometry.levels):
        torch.testing.assert_close(renderer(level), stack.images[level], atol=1e-6, rtol=0)


@settings(max_examples=50)
@given(
    st.from_type(ZoomGeometry), st.floats(0, 1), st.integers(1, 40), st.integers(1, 40), st.sampled_from([0.0, 0.3, 1.0])
)
def test_a_constant_stays_constant(
    geometry: ZoomGeometry, part: float, height: int, width: int, color: float, fill_memory: Callable[[], None]
) -> None:
    """The blend weights sum to one in every pixel, and every pixel is written."""
    stack = ZoomStack(torch.full((geometry.levels, 3, geometry.height, geometry.width), color), geometry)
    frame = render_frame(stack, part * (geometry.levels - 1), height, width)
    assert frame.shape == (3, height, width)
    torch.testing.assert_close(frame, torch.full_like(frame, color), atol=1e-6, rtol=0)


@pytest.fixture(autouse=True)
def fill_memory() -> object:
    """New memory is full of NaN, so that pixels that are read before they are written show."""
    filled, deterministic = torch.utils.deterministic.fill_uninitialized_memory, torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = True
    yield
    torch.utils.deterministic.fill_uninitialized_memory = filled
    torch.use_deterministic_algorithms(deterministic)
