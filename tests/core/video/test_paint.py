"""Painting in strips: what is hidden is left out, and strips do not show."""

from typing import Any
from weakref import WeakSet

import pytest
import torch

from zoomstack_core.camera.path import ZoomPath
from zoomstack_core.camera.shutter import shutter_zooms
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.stack import ZoomStack
from zoomstack_core.video import paint as painting
from zoomstack_core.video.color import YUV420, YUV420_10, YUV422_10, PixelFormat, to_planes
from zoomstack_core.video.draw_frame import FrameRenderer, PlaneRenderer
from zoomstack_core.video.sheet import Sheet

GEOMETRY = ZoomGeometry(3, 90, 120, 2.0, (0.4, 0.55))


def smooth_stack(geometry: ZoomGeometry = GEOMETRY) -> ZoomStack:
    """One world of soft colors: half the resolution of chroma hardly matters."""
    levels = []
    for level in range(geometry.levels):
        top, left, height, width = geometry.rect(0, level)
        y = top + (torch.arange(geometry.height)[:, None] + 0.5) * height / geometry.height
        x = left + (torch.arange(geometry.width) + 0.5) * width / geometry.width
        waves = [torch.sin(x / 11 + k) * torch.cos(y / (9 + k) - k) for k in range(3)]
        levels.append(0.5 + 0.3 * torch.stack(waves))
    return ZoomStack(torch.stack(levels), geometry)


@pytest.mark.parametrize("zoom", [0.0, 0.4, 0.93, 1.5, 2.0])
@pytest.mark.parametrize("strip", [1, 7, 64])
def test_strips_do_not_show(monkeypatch: pytest.MonkeyPatch, zoom: float, strip: int) -> None:
    renderer = FrameRenderer(smooth_stack(), 90, 120)
    monkeypatch.setattr(painting, "STRIP", 1000)
    whole = renderer(zoom)
    monkeypatch.setattr(painting, "STRIP", strip)
    torch.testing.assert_close(renderer(zoom), whole, atol=2e-6, rtol=0)


def test_what_is_hidden_is_not_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Just before a level fills the frame, the wider one is left out behind it, and only there."""
    sampled: list[int] = []
    sample = painting.Layer.sample

    def count(self, rows, columns):  # type: ignore[no-untyped-def]
        sampled.append((rows.stop - rows.start) * (columns.stop - columns.start))
        return sample(self, rows, columns)

    monkeypatch.setattr(painting.Layer, "sample", count)
    monkeypatch.setattr(painting, "STRIP", 8)
    FrameRenderer(smooth_stack(), 90, 120)(0.97)
    assert 90 * 120 < sum(sampled) < 1.6 * 90 * 120


@pytest.mark.parametrize("layout", [YUV420, YUV420_10, YUV422_10], ids=lambda layout: layout.name)
@pytest.mark.parametrize("zoom", [0.0, 0.35, 0.9, 1.6, 2.0])
@pytest.mark.parametrize("size", [(90, 120), (128, 64)])
def test_planes_show_what_frames_show(layout: PixelFormat, zoom: float, size: tuple[int, int]) -> None:
    """Straight to the planes, or by way of an image: the same within the rounding, chroma at the same places."""
    stack = smooth_stack()
    planes = PlaneRenderer(stack, *size, layout)(zoom)
    expected = to_planes(FrameRenderer(stack, *size)(zoom), layout)
    unit = 2 ** (layout.bits - 8)
    for plane, image in zip(planes, expected, strict=True):
        difference = (plane.double() - image).abs() / unit
        assert difference.mean() < 0.35
        assert difference[2:-2, 2:-2].max() <= 2
    for plane, image in zip(planes, expected, strict=True):  # no drift
        assert abs(float((plane.double() - image).mean())) / unit < 0.08


@pytest.mark.parametrize("steps", [(0.2, 0.25, 0.3), (0.97, 1.0, 1.03)])
def test_several_zooms_are_averaged(steps: tuple[float, ...]) -> None:
    renderer = FrameRenderer(smooth_stack(), 90, 120)
    mean = torch.stack([renderer(zoom) for zoom in steps]).mean(dim=0)
    torch.testing.assert_close(renderer(*steps), mean, atol=1e-6, rtol=0)
    planes = PlaneRenderer(smooth_stack(), 90, 120, YUV420)
    luma = torch.stack([planes(zoom).luma.double() for zoom in steps]).mean(dim=0)
    assert (planes(*steps).luma.double() - luma).abs().max() <= 1


def test_a_camera_that_rests_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    renderer = PlaneRenderer(smooth_stack(), 90, 120, YUV420)
    first = renderer(0.5)
    assert renderer(0.5) is first
    assert renderer(0.6) is not first


@pytest.mark.parametrize("levels", [6, 16])
@pytest.mark.parametrize("direction", ["in", "in_out"])
@pytest.mark.parametrize("shutter", [0.0, 1.0])
def test_only_levels_in_view_are_held(
    monkeypatch: pytest.MonkeyPatch, levels: int, direction: str, shutter: float
) -> None:
    """Memory grows neither with the number of levels nor with the length; and no level is converted without need."""
    geometry = ZoomGeometry(levels, 30, 40, 2.0)
    renderer = PlaneRenderer(smooth_stack(geometry), 30, 40, YUV420)
    alive: WeakSet[Sheet] = WeakSet()
    made = []
    begin = Sheet.__init__

    def count(self: Sheet, *shape: Any) -> None:
        begin(self, *shape)
        alive.add(self)
        made.append(shape)

    monkeypatch.setattr(Sheet, "__init__", count)
    path = ZoomPath(geometry.factors, seconds_per_level=1.0, direction=direction)
    most = 0
    for zooms in shutter_zooms(path.zooms(24), geometry, 30, 40, shutter):
        renderer(*zooms)
        most = max(most, len(alive))
    sheets_per_level, in_view = 2, 3
    assert sheets_per_level <= most <= sheets_per_level * in_view
    assert len(made) <= sheets_per_level * (levels if direction == "in" else 2 * levels - 1)


def test_planes_of_odd_frames_and_of_two_channels_are_errors() -> None:
    with pytest.raises(ValueError, match="even"):
        PlaneRenderer(smooth_stack(), 91, 120, YUV420)
    with pytest.raises(ValueError, match="3 channels"):
        PlaneRenderer(ZoomStack(torch.rand(1, 2, 8, 8), ZoomGeometry(1, 8, 8)), 8, 8, YUV420)
