"""Blending: a projection that keeps consistent stacks, checked against Laplacian pyramids written out one by one."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.blend import BLEND_MODES, blend_levels
from zoomstack_core.method.metrics import band_energy, consistency_error
from zoomstack_core.method.render import render_images
from zoomstack_core.method.resample import interacting_depth, links_into

GEOMETRIES = st.from_type(ZoomGeometry)
modes = pytest.mark.parametrize("mode", BLEND_MODES)


def pyramid_blend(images: Tensor, geometry: ZoomGeometry) -> Tensor:
    """Section 4.2 level by level: one Laplacian pyramid per observation, bands averaged over those that carry them."""
    layers = images.clone()
    for level in range(geometry.levels):
        depth = interacting_depth(geometry, level)
        links = [links_into(geometry, level, d, images) for d in range(1, depth + 1)]
        bands: list[list[Tensor]] = [[] for _ in range(depth + 1)]
        for first in range(depth + 1):  # the first-th wider level begins at its own resolution
            residual = links[first - 1].window.crop(images[level - first]) if first else images[level]
            for band in range(first, depth):
                low = links[band].reduce(residual)
                bands[band].append(residual - links[band].expand(low))
                residual = low
            bands[depth].append(residual)
        result = torch.stack(bands[depth]).mean(0)
        for band in reversed(range(depth)):
            result = links[band].expand(result) + torch.stack(bands[band]).mean(0)
        layers[level] = result
    return layers


@pytest.mark.parametrize("mode", ["laplacian", "border"])
def test_a_consistent_stack_comes_back(mode, geometry, white):
    """Max abs error < 1e-5 in float32; a pyramid that does not match the renderer's D fails here at once."""
    for stack in (white(geometry, dtype=torch.float32), white(geometry, dtype=torch.float32).sigmoid()):
        consistent = render_images(stack, geometry)
        blended = blend_levels(consistent, geometry, mode)
        assert (blended - consistent).abs().max() < 1e-5
        assert (render_images(blended, geometry) - consistent).abs().max() < 1e-5


@given(GEOMETRIES)
def test_any_consistent_stack_comes_back(geometry):
    images = render_images(torch.randn(geometry.levels, 2, geometry.height, geometry.width), geometry)
    for mode in ("laplacian", "border"):
        assert (blend_levels(images, geometry, mode) - images).abs().max() < 1e-5


def test_bands_are_averaged_over_the_levels_that_carry_them(geometry, white):
    images = white(geometry)
    torch.testing.assert_close(blend_levels(images, geometry, "laplacian"), pyramid_blend(images, geometry))


@given(GEOMETRIES)
def test_bands_of_any_geometry(geometry):
    images = torch.randn(geometry.levels, 1, geometry.height, geometry.width, dtype=torch.float64)
    torch.testing.assert_close(blend_levels(images, geometry, "laplacian"), pyramid_blend(images, geometry))


def test_two_levels_meet_in_the_middle(white):
    """What both levels see is averaged; what only the deeper one resolves stays as it is."""
    geometry = ZoomGeometry(2, 16, 16, 4.0)
    images = white(geometry)
    link = links_into(geometry, 1, 1, images)
    blended = blend_levels(images, geometry, "laplacian")
    shared = (link.reduce(images[1]) + images[0, :, 6:10, 6:10]) / 2
    torch.testing.assert_close(link.reduce(blended[1]), shared)
    detail = [x - link.expand(link.reduce(x)) for x in (images[1], blended[1])]
    torch.testing.assert_close(detail[1], detail[0])
    assert torch.equal(blended[0], images[0])  # no wider level observes it


def test_three_flat_levels_average_evenly():
    """Brightness is carried by every level that sees the region: 0, 3 and 9 give 0, 1.5 and 4."""
    geometry = ZoomGeometry(3, 16, 16)
    images = torch.tensor([0.0, 3.0, 9.0]).view(3, 1, 1, 1).expand(3, 1, 16, 16).contiguous()
    for mode in ("laplacian", "naive"):
        blended = blend_levels(images, geometry, mode)
        torch.testing.assert_close(blended, torch.tensor([0.0, 1.5, 4.0]).view(3, 1, 1, 1).expand_as(blended))


def test_deeper_levels_do_not_change_wider_layers(white):
    """j <= i (figure 5): only wider levels observe a layer."""
    geometry = ZoomGeometry(4, 16, 16)
    images = white(geometry)
    changed = images.clone()
    changed[2:] += 1
    for mode in BLEND_MODES:
        assert torch.equal(blend_levels(changed, geometry, mode)[:2], blend_levels(images, geometry, mode)[:2])


@pytest.mark.parametrize("mode", ["laplacian", "border"])
def test_rendering_the_blend_is_consistent(mode, geometry, white):
    images = render_images(blend_levels(white(geometry), geometry, mode), geometry)
    assert consistency_error(images, geometry) < 1e-10


def test_border_gives_the_shared_band_to_the_wider_level_at_the_border_and_to_the_deeper_in_the_middle(geometry, white):
    """Level by level, from the widest on: the shared band is a mean of the two observations, the detail stays."""
    images = white(geometry, channels=1)
    blended = blend_levels(images, geometry, "border", [1.0] * geometry.levels)
    assert torch.equal(blended[0], images[0])  # no wider level observes it
    for level in range(1, geometry.levels):
        link = links_into(geometry, level, 1, images)
        wider, deeper = link.window.crop(blended[level - 1]), link.reduce(images[level])
        weight = (link.reduce(blended[level]) - deeper) / (wider - deeper)
        assert (weight > -1e-6).all() and (weight < 1 + 1e-6).all()
        torch.testing.assert_close(weight, weight[:1].expand_as(weight), rtol=1e-5, atol=1e-5)
        detail = [x - link.expand(link.reduce(x)) for x in (images[level], blended[level])]
        torch.testing.assert_close(detail[1], detail[0])


def test_the_say_of_the_wider_level_falls_off_within_a_few_pixels_of_the_border():
    geometry = ZoomGeometry(2, 64, 64)
    weight = say_of_the_wider(geometry, sigma=4.0)  # of the deeper level: 2 in the wider one, whose reach is 4 pixels
    assert weight[0, 0] > 0.99 and weight[0, 16] > 0.99 and weight[16, 16] < 0.01
    middle = weight[16, :16]
    assert middle[3] > 0.5 > middle[4]
    assert (middle[1:] <= middle[:-1] + 1e-12).all() and (middle[:-1] - middle[1:]).max() < 0.7
    torch.testing.assert_close(weight, weight.flip(0, 1).T)


@pytest.mark.parametrize("sigma", [0.0, 1.0, 50.0])
def test_the_outermost_row_is_the_wider_levels_and_the_middle_the_deeper_ones(sigma):
    """At every noise; also in small rectangles, which a reach of 4 pixels would cover."""
    for size in (12, 64):
        weight = say_of_the_wider(ZoomGeometry(2, size, size), sigma)
        assert weight[0].min() > 0.99 and weight[:, -1].min() > 0.99
        assert weight[size // 4, size // 4] < 0.5


def test_the_reach_of_the_border_grows_with_the_noise():
    geometry = ZoomGeometry(2, 64, 64)
    weights = [say_of_the_wider(geometry, sigma) for sigma in (0.0, 0.5, 1.0, 2.0, 4.0)]
    for less, more in zip(weights, weights[1:], strict=False):
        assert (more - less > -1e-12).all() and (more - less).max() > 1e-3
    assert weights[0][16, 1:31].max() < 0.02  # finished images: the deeper level decides all but the outermost pixels
    assert torch.equal(say_of_the_wider(geometry, 50.0), weights[-1])  # it ends at four pixels


def say_of_the_wider(geometry, sigma, grain=1.0):
    """Weights [h, w] of the wider of two levels in their shared band."""
    images = (
        torch.tensor([1.0, 0.0], dtype=torch.float64).view(2, 1, 1, 1).repeat(1, 1, geometry.height, geometry.width)
    )
    blended = blend_levels(images, geometry, "border", [sigma / geometry.factors[0], sigma], grain)
    return links_into(geometry, 1, 1, images).reduce(blended[1])[0]


@pytest.mark.parametrize("factor", [2.0, 3.0])
@pytest.mark.parametrize("sigma", [3.0, 30.0])
def test_with_a_grain_the_border_of_noisy_levels_is_that_of_small_images_enlarged(factor, sigma):
    """What the wider level says of 8 × 8 pixels is what it says of one pixel of images an eighth as wide."""
    large = say_of_the_wider(ZoomGeometry(2, 384, 384, factor), sigma, grain=8.0)
    small = say_of_the_wider(ZoomGeometry(2, 48, 48, factor), sigma)
    coarse = torch.nn.functional.avg_pool2d(large[None], 8)[0]
    assert (coarse - small).abs().max() < 0.4, "more than weights change within a grain"
    assert large.mean() > 3 * say_of_the_wider(ZoomGeometry(2, 384, 384, factor), sigma).mean()


def test_without_noise_the_border_is_a_pixel_whatever_the_grain():
    """What is beyond the border is then known to the deeper level, as well as its own latents can say it."""
    geometry = ZoomGeometry(2, 384, 384, 2.0)
    fine, coarse = (say_of_the_wider(geometry, sigma=0.0, grain=grain) for grain in (1.0, 8.0))
    assert torch.equal(fine, coarse) and (fine > 0.5).sum() == 4 * 191


def test_the_images_own_border_hides_nothing():
    """In a corner only the two inner sides of the rectangle have something beyond them."""
    geometry = ZoomGeometry(2, 64, 64, 2.0, (0.0, 0.0))
    weight = say_of_the_wider(geometry, sigma=4.0)
    assert weight[0, 0] < 0.01 and weight[31, 31] > 0.9


def test_naive_is_the_plain_average_of_the_expanded_observations(geometry, white):
    images = white(geometry)
    blended = blend_levels(images, geometry, "naive")
    for level in range(geometry.levels):
        observations = [images[level]]
        for depth in range(1, interacting_depth(geometry, level) + 1):
            links = [links_into(geometry, level, d, images) for d in range(1, depth + 1)]
            observation = links[-1].window.crop(images[level - depth])
            for link in reversed(links):
                observation = link.expand(observation)
            observations.append(observation)
        torch.testing.assert_close(blended[level], torch.stack(observations).mean(0))


def test_naive_blurs_the_deep_levels_and_laplacian_does_not(white):
    geometry = ZoomGeometry(4, 32, 32)
    images = render_images(white(geometry, channels=8), geometry)
    high = band_energy(images)[:, -1]
    assert (band_energy(blend_levels(images, geometry, "naive"))[2:, -1] < 0.2 * high[2:]).all()
    torch.testing.assert_close(band_energy(blend_levels(images, geometry, "laplacian"))[:, -1], high)


def test_none_returns_the_estimates(white):
    geometry = ZoomGeometry(3, 9, 9, 2.5)
    images = white(geometry)
    assert torch.equal(blend_levels(images, geometry, "none"), images)


@modes
def test_blending_is_linear(mode, geometry, white):
    first, second = white(geometry, channels=1), white(geometry, channels=1, seed=1)
    mixed = blend_levels(2 * first - 3 * second, geometry, mode)
    expected = 2 * blend_levels(first, geometry, mode) - 3 * blend_levels(second, geometry, mode)
    torch.testing.assert_close(mixed, expected)


@modes
def test_one_level_is_the_identity(mode, white):
    geometry = ZoomGeometry(1, 7, 5)
    images = white(geometry, dtype=torch.float32)
    assert torch.equal(blend_levels(images, geometry, mode), images)


@modes
def test_dtype_is_kept_and_the_input_untouched(mode, dtype, white):
    for levels in (1, 4):
        geometry = ZoomGeometry(levels, 12, 17, 2.5, (0.3, 0.6))
        images = white(geometry, channels=3, dtype=dtype)
        before = images.clone()
        blended = blend_levels(images, geometry, mode)
        assert blended.dtype == dtype and blended.shape == images.shape and blended.device == images.device
        assert torch.equal(images, before)
        assert blended.untyped_storage().data_ptr() != images.untyped_storage().data_ptr()
        exact = blend_levels(images.double(), geometry, mode)
        accuracy = 4 * torch.finfo(dtype).eps * exact.abs().max()
        assert (blended.double() - exact).abs().max() <= accuracy


@modes
def test_gradients_flow_and_only_when_asked_for(mode, white):
    geometry = ZoomGeometry(3, 5, 6, 1.5, (0.4, 0.5))
    images = white(geometry, channels=1)
    assert not blend_levels(images, geometry, mode).requires_grad
    images.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: blend_levels(x, geometry, mode), (images,))


@modes
def test_inference_mode_and_default_device_leave_no_traces(mode, white):
    factors = {"laplacian": 1.91, "naive": 1.92, "none": 1.93, "border": 1.94}  # matrices that no other test has made
    geometry = ZoomGeometry(3, 11, 14, factors[mode])
    images = white(geometry)
    with torch.inference_mode(), torch.device("meta"):
        inside = blend_levels(images, geometry, mode)
    assert inside.device.type == "cpu"
    outside = images.clone().requires_grad_()
    blended = blend_levels(outside, geometry, mode)
    blended.square().sum().backward()
    torch.testing.assert_close(blended.detach(), inside.clone())
    assert outside.grad.any()


@pytest.mark.parametrize("mode", ["laplacian", "border", "naive"])
@pytest.mark.parametrize("factor", [2.0, 4.0])
def test_cost_is_linear_in_the_number_of_levels(mode, factor, white, multiplications):
    counts = []
    for levels in (8, 16, 32):
        geometry = ZoomGeometry(levels, 16, 16, factor)
        images = white(geometry, dtype=torch.float32)
        counts.append(multiplications(lambda: blend_levels(images, geometry, mode)))  # noqa: B023
    assert counts[0] > 0
    assert counts[2] - counts[1] == pytest.approx(2 * (counts[1] - counts[0]))


def test_bad_images_are_refused():
    geometry = ZoomGeometry(3, 8, 8)
    good = torch.zeros(3, 2, 8, 8)
    for bad, message in [
        (good[:2], r"images has the shape \[2, 2, 8, 8\]; expected \[3, C, 8, 8\]"),
        (good[0], r"images has the shape \[2, 8, 8\]; expected"),
        (good[..., 1:], r"images has the shape \[3, 2, 8, 7\]; expected"),
        (good.byte(), r"images is a tensor .* type uint8; expected a floating-point tensor"),
        (good / 0, r"images holds NaN or infinity; expected finite numbers"),
    ]:
        with pytest.raises(ValueError, match=message):
            blend_levels(bad, geometry)
    with pytest.raises(ValueError, match="mode is 'median'; expected one of laplacian, border, naive, none"):
        blend_levels(good, geometry, "median")
    with pytest.raises(ValueError, match="sigmas has 1 numbers; expected one for each of the 3 levels"):
        blend_levels(good, geometry, "border", [1.0])
