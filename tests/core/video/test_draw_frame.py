"""Frames of a zoom against worlds whose exact picture at any zoom is known."""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from kornia.metrics import psnr
from torch import Tensor

from zoomstack_core.geometry import Rect, ZoomGeometry
from zoomstack_core.method.stack import ZoomStack
from zoomstack_core.video.draw_frame import FrameRenderer, even_size, place_levels, render_frame

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
    """Waves of one to two `wavelength` pixels of every level, of 1/f amplitude, as in natural pictures."""
    generator = torch.Generator().manual_seed(3)
    result = []
    for level in range(geometry.levels):
        unit = geometry.rect(0, level).height / geometry.height
        for angle, stretch, phase in torch.rand(per_level, 3, generator=generator, dtype=torch.float64).tolist():
            frequency = 2 * math.pi / (wavelength * unit * (1 + stretch))
            angle = 0.2 + 1.2 * angle
            amplitude = 0.2 / per_level * unit
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


def frame_size(geometry: ZoomGeometry, scale: float) -> tuple[int, int]:
    """(height, width) of about the scale, in exactly the shape of the levels."""
    unit = math.gcd(geometry.height, geometry.width)
    return tuple(side // unit * round(unit * scale) for side in (geometry.height, geometry.width))  # type: ignore[return-value]


@pytest.fixture(autouse=True, scope="module")
def new_memory_is_full_of_nan() -> Iterator[None]:
    """Pixels that are read before they are written show."""
    settings = torch.utils.deterministic, torch.are_deterministic_algorithms_enabled()
    filled = settings[0].fill_uninitialized_memory
    torch.use_deterministic_algorithms(True)
    settings[0].fill_uninitialized_memory = True
    yield
    settings[0].fill_uninitialized_memory = filled
    torch.use_deterministic_algorithms(settings[1])


@each_geometry
@pytest.mark.parametrize("size", [0.5, 1.0, 2.0])
def test_draw_frame_show_the_true_picture_at_every_zoom(geometry: ZoomGeometry, size: float) -> None:
    world = waves(geometry, wavelength=14)
    height, width = frame_size(geometry, size)
    renderer = FrameRenderer(stack_of(world, geometry), height, width)
    for zoom in zooms_of(geometry):
        truth = picture(world, seen(geometry, zoom), height, width)
        assert psnr(renderer(zoom), truth, max_val=1.0) > 42, zoom


@each_geometry
def test_nested_borders_make_no_step(geometry: ZoomGeometry) -> None:
    """A step makes second differences large; those of a frame stay those of the true picture."""
    world = waves(geometry, wavelength=14)
    height, width = 2 * geometry.height, 2 * geometry.width
    renderer = FrameRenderer(stack_of(world, geometry), height, width)
    for zoom in zooms_of(geometry):
        truth = picture(world, seen(geometry, zoom), height, width)
        for axis in (1, 2):
            bends = [image[:, 4:-4, 4:-4].diff(n=2, dim=axis).abs().max() for image in (renderer(zoom), truth)]
            assert bends[0] < 1.2 * bends[1] + 1 / 255, zoom


def test_the_feather_is_soft_and_gone_when_the_level_fills_the_frame() -> None:
    """Black around white shows the blend weight itself."""
    geometry = ZoomGeometry(2, 32, 32, 4.0)
    stack = ZoomStack(torch.zeros(2, 1, 32, 32), geometry)
    stack.images[1] = 1  # no consistent stack looks like this
    renderer = FrameRenderer(stack, 200, 200)
    for zoom in (0.2, 0.5, 0.8):
        side = 200 * 4 ** (zoom - 1)
        weight = renderer(zoom)[0, 100]
        gap, feather = (200 - side) / 2, 0.375 * side
        width = feather * min(1, gap / feather) ** 1.5
        assert weight[: math.ceil(gap) - 1].max() < 1e-6
        assert weight[100] == pytest.approx(1, abs=1e-6)
        assert (weight[:101].diff() > -1e-6).all()
        assert weight.diff().max() < 1.6 / width  # a smoothstep is 1.5 times as steep as a straight ramp
        assert weight[math.floor(gap + width / 2)] == pytest.approx(0.5, abs=1.6 / width)
    assert renderer(0.999)[0, 100].mean() > 0.99


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
    renderer = FrameRenderer(stack_of(waves(geometry, wavelength=14), geometry), size, size)
    frames = [renderer(1 + k / 60) for k in range(-5, 6)]
    changes = [float(((b - a) ** 2).mean().sqrt()) for a, b in pairwise(frames)]
    assert max(changes[4:6]) < 1.05 * max(changes[:4] + changes[6:])


@each_geometry
@pytest.mark.parametrize("size", [(33, 33), (64, 64), (90, 160)])
def test_draw_frame_are_continuous_in_zoom(geometry: ZoomGeometry, size: tuple[int, int]) -> None:
    """Also at the levels, from below, whatever the levels show, and where a deeper level fades in."""
    renderer = FrameRenderer(noise_stack(geometry, torch.float64), *size)
    for level in range(1, geometry.levels):
        assert (renderer(level - 1e-9) - renderer(float(level))).abs().max() < 1e-5
    tiny = 1e-4
    for zoom in zooms_of(geometry, 40)[:-1]:
        change = (renderer(zoom + tiny) - renderer(zoom)).abs().max()
        assert change < tiny * 12 * max(size), zoom


@each_geometry
@pytest.mark.parametrize("size", [33, 64, 300])
def test_deeper_levels_fade_in(geometry: ZoomGeometry, size: int) -> None:
    """No level comes or goes at once: between 2000 zooms per step, no opacity changes by more than a hundredth."""
    count = 2000 * (geometry.levels - 1)
    before: dict[int, float] = {}
    for k in range(count):
        placements = place_levels(geometry, k / count * (geometry.levels - 1), size, size)
        opacities = {placement.level: placement.opacity for placement in placements}
        if k:
            deepest = max(opacities)
            assert all(
                abs(opacity - before.get(level, 0.0)) < 0.01
                for level, opacity in opacities.items()
                if level > placements[0].level or level in before
            ), k
            assert deepest >= max(before)
        before = opacities


@each_geometry
def test_a_level_fills_the_frame_unchanged(geometry: ZoomGeometry) -> None:
    stack = noise_stack(geometry)
    renderer = FrameRenderer(stack, geometry.height, geometry.width)
    for level in range(geometry.levels):
        torch.testing.assert_close(renderer(level), stack.images[level], atol=1e-6, rtol=0)


@settings(max_examples=50)
@given(
    st.from_type(ZoomGeometry),
    st.floats(0, 1),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([0.0, 0.3, 1.0]),
)
def test_a_constant_stays_constant(geometry: ZoomGeometry, part: float, height: int, width: int, color: float) -> None:
    """The blend weights sum to one in every pixel, and every pixel is written."""
    stack = ZoomStack(torch.full((geometry.levels, 3, geometry.height, geometry.width), color), geometry)
    frame = render_frame(stack, part * (geometry.levels - 1), height, width)
    assert frame.shape == (3, height, width)
    torch.testing.assert_close(frame, torch.full_like(frame, color), atol=1e-6, rtol=0)


@each_geometry
@pytest.mark.parametrize("size", [0.7, 1.0, 2.6])
def test_a_ramp_stays_that_ramp(
    geometry: ZoomGeometry, size: float, ramp: Callable[[ZoomGeometry, float, float], Tensor]
) -> None:
    """Sub-pixel positions are exact, but for the last half pixel of level 0, beyond which nothing is known."""
    height, width = frame_size(geometry, size)
    slope = 1 / (geometry.height + geometry.width)
    renderer = FrameRenderer(ZoomStack(ramp(geometry, slope, slope), geometry), height, width)
    for zoom in zooms_of(geometry, 13):
        rect = seen(geometry, zoom)
        y = rect.top + (torch.arange(height, dtype=torch.float64)[:, None] + 0.5) * rect.height / height
        x = rect.left + (torch.arange(width, dtype=torch.float64) + 0.5) * rect.width / width
        pixels = (renderer(zoom)[0] - slope * (y + x)).abs() / (slope * rect.height / height)
        rim = 2 + math.ceil(2 * max(size, 1 / size))
        assert pixels[rim:-rim, rim:-rim].max() < 0.1, zoom  # in the last half pixel of a nested level
        assert pixels[rim:-rim, rim:-rim].mean() < 0.001, zoom


def test_hidden_and_invisible_levels_cost_nothing(multiplications: Callable[[Callable[[], object]], int]) -> None:
    """A frame takes as long from 12 levels as from 4; at the deepest level the wider ones are not rendered."""

    def cost(levels: int, zoom: float) -> int:
        renderer = FrameRenderer(noise_stack(ZoomGeometry(levels, 64, 64, 2.0)), 64, 64)
        return multiplications(lambda: renderer(zoom))

    assert cost(12, 1.6) == cost(4, 1.6)
    assert cost(12, 8.6) == pytest.approx(cost(4, 1.6), rel=0.01)
    assert cost(4, 3.0) == cost(1, 0.0)


@pytest.mark.parametrize("size", [(64, 36), (36, 64), (128, 90)])
@pytest.mark.parametrize("focus", [(0.5, 0.5), (0.1, 0.9)])
def test_another_aspect_is_cut_out_without_distortion(size: tuple[int, int], focus: tuple[float, float]) -> None:
    geometry = ZoomGeometry(4, 64, 64, 2.0, focus)
    point = [axis.start / (64 - axis.length) for axis in _axes(geometry.rect(0, 1))]
    for zoom in zooms_of(geometry, 13):
        base, *deeper = place_levels(geometry, zoom, *size)
        # covers the frame, touches it on two sides when a level fills it, and shows square pixels
        assert base.rect.top <= 1e-9 and base.rect.left <= 1e-9
        assert base.rect.top + base.rect.height >= size[0] - 1e-9
        assert base.rect.left + base.rect.width >= size[1] - 1e-9
        assert base.rect.height == pytest.approx(base.rect.width)
        assert base.scale == pytest.approx(max(size) / 64 * 2 ** (zoom - int(zoom)))
        # the point that the zoom runs to stays where it is, inside the frame
        for placement in [base, *deeper]:
            for axis, at, length in zip(_axes(placement.rect), point, size, strict=True):
                assert axis.start + at * axis.length == pytest.approx(at * length, abs=1e-6)


class _Axis(NamedTuple):
    start: float
    length: float


def _axes(rect: Rect) -> tuple[_Axis, _Axis]:
    return _Axis(rect.top, rect.height), _Axis(rect.left, rect.width)


def test_one_level_is_a_plain_resize() -> None:
    image = torch.rand(1, 3, 20, 30, generator=torch.Generator().manual_seed(0))
    stack = ZoomStack(image, ZoomGeometry(1, 20, 30))
    large = render_frame(stack, 0, 80, 120)
    reference = torch.nn.functional.interpolate(image, size=(80, 120), mode="bicubic", antialias=True)[0].clamp(0, 1)
    # that function leaves out what lies beyond the edge instead of continuing the last pixel
    torch.testing.assert_close(large[:, 8:-8, 8:-8], reference[:, 8:-8, 8:-8], atol=1e-5, rtol=0)
    small = render_frame(stack, 0, 10, 15)
    reference = torch.nn.functional.interpolate(image, size=(10, 15), mode="bicubic", antialias=True)[0].clamp(0, 1)
    torch.testing.assert_close(small[:, 2:-2, 2:-2], reference[:, 2:-2, 2:-2], atol=1e-5, rtol=0)


def test_dtype_is_kept_and_the_stack_is_not_changed(dtype: torch.dtype) -> None:
    stack = noise_stack(UNEVEN, dtype)
    before = stack.images.clone()
    exact = FrameRenderer(noise_stack(UNEVEN, torch.float64), 50, 70)
    for zoom in (0.0, 1.4, 3.0):
        frame = render_frame(stack, zoom, 50, 70)
        assert frame.dtype == dtype
        assert frame.min() >= 0 and frame.max() <= 1
        torch.testing.assert_close(frame.double(), exact(zoom), atol=4 * torch.finfo(dtype).eps + 1e-6, rtol=0)
    assert torch.equal(stack.images, before)


def test_images_that_need_gradients_are_rendered() -> None:
    layers = torch.rand(2, 3, 16, 16, requires_grad=True)
    assert not render_frame(ZoomStack(layers, ZoomGeometry(2, 16, 16)), 0.4, 16, 16).requires_grad


@pytest.mark.parametrize("zoom", [-1e-9, 3.0001, math.nan, math.inf])
def test_a_zoom_outside_the_stack_is_an_error(zoom: float) -> None:
    with pytest.raises(ValueError, match=r"zoom is .*; expected a number from 0 to 3"):
        render_frame(noise_stack(UNEVEN), zoom, 8, 8)


@pytest.mark.parametrize("size", [(0, 8), (8, -2)])
def test_a_frame_without_pixels_is_an_error(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        render_frame(noise_stack(UNEVEN), 0, *size)


@pytest.mark.parametrize(
    ("wished", "size"),
    [((0, 0), (44, 60)), ((90, 0), (90, 120)), ((0, 121), (90, 120)), ((31, 33), (30, 32)), ((1, 1), (2, 2))],
)
def test_videos_have_even_sizes(wished: tuple[int, int], size: tuple[int, int]) -> None:
    geometry = ZoomGeometry(2, 45, 60)
    assert even_size(geometry, *wished) == size


def test_a_negative_size_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least 0"):
        even_size(UNEVEN, -2, 4)
