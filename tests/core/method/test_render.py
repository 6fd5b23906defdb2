"""Π_image: consistent, without drift, equal to Algorithm 1 written out, and a polite tensor function."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from zoomstack_core.geometry import PREFILTERS, ZoomGeometry
from zoomstack_core.method.metrics import consistency_error
from zoomstack_core.method.render import render_images

GEOMETRIES = st.from_type(ZoomGeometry)


def algorithm_1(layers: Tensor, factor: int, prefilter: str) -> Tensor:
    """Algorithm 1 as the paper writes it, for centered whole factors: prefilter of support p^d, stride p^d, paste."""
    images = layers.clone()
    height, width = layers.shape[-2:]
    for i in range(len(layers)):
        for j in range(i + 1, len(layers)):
            scale = factor ** (j - i)
            if (height - height // scale) % 2 or height % scale or width % scale or (width - width // scale) % 2:
                break
            taps = torch.ones(scale, dtype=layers.dtype)
            if prefilter == "gaussian":
                taps = torch.exp(-0.5 * ((torch.arange(scale) - (scale - 1) / 2) / (scale / 2)) ** 2).to(layers)
            kernel = torch.outer(taps, taps) / taps.sum() ** 2
            reduced = F.conv2d(layers[j][:, None], kernel[None, None], stride=scale)[:, 0]
            top, left = (height - height // scale) // 2, (width - width // scale) // 2
            images[i][:, top : top + height // scale, left : left + width // scale] = reduced
    return images


def test_two_levels_by_hand():
    layers = torch.stack([torch.zeros(1, 4, 4), torch.arange(16.0).view(1, 4, 4)])
    expected = torch.zeros(4, 4)
    expected[1:3, 1:3] = torch.tensor([[2.5, 4.5], [10.5, 12.5]])
    rendered = render_images(layers, ZoomGeometry(2, 4, 4))
    torch.testing.assert_close(rendered[0, 0], expected)
    assert torch.equal(rendered[1], layers[1])


def test_rendered_levels_agree(geometry, white):
    images = render_images(white(geometry), geometry)
    assert consistency_error(images, geometry) < 1e-10
    torch.testing.assert_close(render_images(images, geometry), images, atol=1e-14, rtol=0)


@given(GEOMETRIES)
def test_any_geometry_renders_consistently(geometry):
    layers = torch.randn(geometry.levels, 1, geometry.height, geometry.width, dtype=torch.float64)
    images = render_images(layers, geometry)
    assert torch.isfinite(images).all() and consistency_error(images, geometry) < 1e-10
    assert torch.equal(images[-1], layers[-1])


@settings(max_examples=30)
@given(GEOMETRIES.filter(lambda g: g.levels > 1))
def test_exactly_the_wholly_covered_pixels_are_replaced(geometry):
    layers = torch.zeros(geometry.levels, 1, geometry.height, geometry.width)
    layers[1:] = 1
    replaced = render_images(layers, geometry)[0, 0]
    top, left, height, width = geometry.rect(0, 1)
    for r in range(geometry.height):
        for c in range(geometry.width):
            inside = min(r - top, top + height - r - 1, c - left, left + width - c - 1)
            if abs(inside) > 1e-5:  # a pixel on the very edge may count as covered or not
                assert replaced[r, c] == pytest.approx(1.0 if inside > 0 else 0.0, abs=1e-5)


@pytest.mark.parametrize("recursive", [True, False])
def test_a_ramp_stays_that_ramp(geometry, ramp, recursive):
    """Less than 1e-4 pixels of drift at every pixel of every level, in both directions."""
    for down, right in [(1.0, 0.0), (0.0, 1.0)]:
        world = ramp(geometry, down, right)
        drift = (render_images(world, geometry, recursive) - world).abs()
        for level in range(geometry.levels):
            pixel = geometry.rect(0, level).height / geometry.height
            assert drift[level].max() < 1e-4 * pixel


@given(GEOMETRIES, st.floats(-1, 1), st.floats(-1, 1))
def test_no_geometry_makes_a_ramp_drift(ramp, geometry, down, right):
    world = ramp(geometry, down, right)
    drift = (render_images(world, geometry) - world).abs().flatten(1).max(1).values
    pixels = torch.tensor([geometry.rect(0, level).height / geometry.height for level in range(geometry.levels)])
    assert (drift <= 1e-4 * pixels).all()


@pytest.mark.parametrize("prefilter", PREFILTERS)
@pytest.mark.parametrize(("factor", "height", "width", "levels"), [(2, 16, 32, 4), (3, 27, 9, 3), (4, 32, 32, 3)])
def test_algorithm_1_as_written(white, prefilter, factor, height, width, levels):
    geometry = ZoomGeometry(levels, height, width, float(factor), prefilter=prefilter)
    layers = white(geometry)
    as_written = render_images(layers, geometry, recursive=False)
    torch.testing.assert_close(as_written, algorithm_1(layers, factor, prefilter))
    recursive = render_images(layers, geometry)
    if prefilter == "box":
        torch.testing.assert_close(as_written, recursive)
        assert consistency_error(as_written, geometry) < 1e-10
    else:  # a Gaussian does not compose: this is why rendering is recursive
        assert consistency_error(as_written, geometry) > 1e-3
        assert consistency_error(recursive, geometry) < 1e-10


def test_algorithm_1_equals_the_recursion_off_center_where_pixels_align(white):
    geometry = ZoomGeometry(3, 16, 16, (2.0, 4.0), ((0.5, 0.75), (0.625, 0.625)))
    layers = white(geometry)
    torch.testing.assert_close(render_images(layers, geometry, recursive=False), render_images(layers, geometry))


@pytest.mark.parametrize("recursive", [True, False])
def test_one_level_is_the_identity(recursive, white):
    geometry = ZoomGeometry(1, 7, 5)
    layers = white(geometry, dtype=torch.float32)
    rendered = render_images(layers, geometry, recursive)
    assert torch.equal(rendered, layers) and rendered.data_ptr() != layers.data_ptr()


@pytest.mark.parametrize("recursive", [True, False])
def test_dtype_is_kept_and_the_input_untouched(dtype, recursive, white):
    geometry = ZoomGeometry(3, 12, 17, 2.5, (0.3, 0.6))
    layers = white(geometry, channels=3, dtype=dtype)
    before = layers.clone()
    rendered = render_images(layers, geometry, recursive)
    assert rendered.dtype == dtype and rendered.shape == layers.shape and rendered.device == layers.device
    assert torch.equal(layers, before)
    assert rendered.untyped_storage().data_ptr() != layers.untyped_storage().data_ptr()
    exact = render_images(layers.double(), geometry, recursive)
    accuracy = 2 * torch.finfo(dtype).eps * exact.abs().max()
    assert (rendered.double() - exact).abs().max() <= accuracy


def test_layers_of_any_memory_layout(white):
    geometry = ZoomGeometry(3, 12, 12)
    layers = white(geometry, channels=3)
    expected = render_images(layers, geometry)
    channels_last = layers.to(memory_format=torch.channels_last)
    torch.testing.assert_close(render_images(channels_last, geometry), expected)
    expanded = layers[:, :1].expand(-1, 3, -1, -1)  # one storage for all channels: writing into it would leak
    torch.testing.assert_close(render_images(expanded, geometry), expected[:, :1].expand(-1, 3, -1, -1))


@pytest.mark.parametrize("recursive", [True, False])
def test_gradients_flow_and_only_when_asked_for(recursive, white):
    geometry = ZoomGeometry(3, 5, 6, 1.7, (0.4, 0.5))
    layers = white(geometry, channels=1)
    assert not render_images(layers, geometry, recursive).requires_grad
    layers.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: render_images(x, geometry, recursive), (layers,))


def test_inference_mode_and_default_device_leave_no_traces(white):
    geometry = ZoomGeometry(3, 11, 14, 1.9)  # used nowhere else, so its matrices are made here
    layers = white(geometry)
    with torch.inference_mode(), torch.device("meta"):
        inside = render_images(layers, geometry)
    assert inside.device.type == "cpu"
    outside = layers.clone().requires_grad_()
    rendered = render_images(outside, geometry)
    rendered.square().sum().backward()
    torch.testing.assert_close(rendered.detach(), inside.clone())
    assert torch.isfinite(outside.grad).all() and outside.grad.any()


@pytest.mark.parametrize("recursive", [True, False])
def test_cost_is_linear_in_the_number_of_levels(recursive, white, multiplications):
    counts = []
    for levels in (8, 16, 32):
        geometry = ZoomGeometry(levels, 16, 16)
        layers = white(geometry, dtype=torch.float32)
        counts.append(multiplications(lambda: render_images(layers, geometry, recursive)))  # noqa: B023
    assert counts[0] > 0
    assert counts[2] - counts[1] == pytest.approx(2 * (counts[1] - counts[0]))


def test_bad_layers_are_refused():
    geometry = ZoomGeometry(3, 8, 8)
    good = torch.zeros(3, 2, 8, 8)
    for bad, message in [
        (good[:2], r"layers has the shape \[2, 2, 8, 8\]; expected \[3, C, 8, 8\]"),
        (good[:, 0], r"layers has the shape \[3, 8, 8\]; expected"),
        (good[..., :7], r"layers has the shape \[3, 2, 8, 7\]; expected"),
        (good.int(), r"layers is a tensor .* type int32; expected a floating-point tensor"),
        (good.bool(), r"layers is a tensor .* type bool; expected a floating-point tensor"),
        (good.to(torch.complex64), r"layers is a tensor .* type complex64; expected a floating-point tensor"),
        (good.tolist(), r"layers is .*list.*; expected a floating-point tensor"),
        (good / 0, r"layers holds NaN or infinity; expected finite numbers"),
        (good - torch.inf, r"layers holds NaN or infinity"),
    ]:
        with pytest.raises(ValueError, match=message):
            render_images(bad, geometry)
