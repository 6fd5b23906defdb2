"""Metrics against values known beforehand."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.metrics import band_energy, consistency_error, seam_ratio
from zoomstack_core.method.render import render_images


def test_consistency_of_a_rendered_stack_is_zero(geometry, white):
    images = white(geometry)
    assert consistency_error(images, geometry) > 0.5
    assert consistency_error(render_images(images, geometry), geometry) == 0


def test_consistency_error_has_a_known_value():
    """The inner rectangle differs by 0.5 everywhere: 0.5 over the images' standard deviation."""
    geometry = ZoomGeometry(2, 8, 8)
    images = torch.zeros(2, 1, 8, 8, dtype=torch.float64)
    images[1] = 0.5
    assert float(consistency_error(images, geometry)) == pytest.approx(0.5 / float(images.std()))
    assert consistency_error(images * 7 + 3, geometry) == pytest.approx(float(consistency_error(images, geometry)))


def test_consistency_error_is_the_root_mean_square_over_all_borders():
    geometry = ZoomGeometry(3, 8, 8)
    images = torch.randn(3, 2, 8, 8, dtype=torch.float64)
    squares = [images[i][:, 2:6, 2:6] - F.avg_pool2d(images[i + 1], 2) for i in range(2)]
    expected = torch.stack(squares).square().mean().sqrt() / images.std()
    torch.testing.assert_close(consistency_error(images, geometry), expected)


def test_consistency_without_anything_to_compare():
    assert consistency_error(torch.randn(1, 3, 5, 5), ZoomGeometry(1, 5, 5)) == 0
    assert consistency_error(torch.randn(1, 1, 1, 1), ZoomGeometry(1, 1, 1)) == 0
    assert consistency_error(torch.randn(3, 1, 2, 2), ZoomGeometry(3, 2, 2, 4.0)) == 0  # no pixel is wholly covered
    assert consistency_error(torch.zeros(3, 1, 8, 8), ZoomGeometry(3, 8, 8)) == 0


@pytest.mark.parametrize("value", [0.3, 123.456, -0.7])
def test_a_flat_stack_is_consistent(value):
    """Rounding differences must not be blown up by a standard deviation of zero."""
    geometry = ZoomGeometry(3, 17, 22, 2.7, (0.3, 0.6))
    assert consistency_error(torch.full((3, 1, 17, 22), value), geometry) < 1e-2


def test_a_border_that_nobody_can_see_has_ratio_one(white):
    """White noise: every step over the border is as large as its neighbors'."""
    for geometry in (ZoomGeometry(3, 32, 32), ZoomGeometry(3, 31, 40, 2.5, (0.3, 0.6))):
        ratios = seam_ratio(white(geometry, channels=300, dtype=torch.float32), geometry)
        assert ratios.tolist() == pytest.approx([1, 1], abs=0.05)


def test_a_ramp_has_no_seam(ramp):
    geometry = ZoomGeometry(3, 24, 24, 2.5, (0.4, 0.5))
    assert seam_ratio(ramp(geometry, 1.0, 1.0), geometry).tolist() == pytest.approx([1, 1])


def test_a_visible_border_is_seen_at_its_own_level_only(white):
    """A step of 5 standard deviations around the inner rectangle: (2 + 25) / 2 times the neighbors' 2."""
    geometry = ZoomGeometry(3, 32, 32)
    images = white(geometry, channels=300)
    images[0][:, 8:24, 8:24] += 5
    ratios = seam_ratio(images, geometry)
    assert ratios.tolist() == pytest.approx([13.5, 1], abs=0.3)
    moved = white(geometry, channels=300)
    moved[0][:, 9:25, 9:25] += 5  # the same step one pixel beside the border is not a seam
    assert seam_ratio(moved, geometry)[0] < 1


def test_each_of_the_four_borders_counts(white):
    geometry = ZoomGeometry(2, 32, 32)
    for inside in [(slice(0, 24), slice(8, 24)), (slice(8, 32), slice(8, 24)), (slice(8, 24), slice(0, 24))]:
        images = white(geometry, channels=100)
        images[0][(slice(None), *inside)] += 5
        assert 8 < seam_ratio(images, geometry)[0] < 13  # three borders of four


def test_borders_on_the_image_border():
    corner = ZoomGeometry(2, 16, 16, 2.0, (0.0, 0.0))
    images = torch.randn(2, 50, 16, 16)
    images[0][:, :8, :8] += 5
    assert seam_ratio(images, corner)[0] > 8  # the two borders inside the image are enough
    assert seam_ratio(torch.randn(1, 3, 8, 8), ZoomGeometry(1, 8, 8)).shape == (0,)
    assert torch.isnan(seam_ratio(torch.randn(2, 1, 2, 2), ZoomGeometry(2, 2, 2, 4.0))).all()


def test_seam_ratio_refuses_a_margin_without_neighbors():
    with pytest.raises(ValueError, match="margin must be at least 1, got 0"):
        seam_ratio(torch.zeros(2, 1, 8, 8), ZoomGeometry(2, 8, 8), margin=0)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 22), (15, 9)])
@pytest.mark.parametrize("bands", [1, 3, 5])
def test_bands_sum_to_the_variance(height, width, bands):
    images = torch.randn(3, 4, height, width) + 7
    energies = band_energy(images, bands)
    assert energies.shape == (3, bands) and energies.dtype == torch.float64
    variance = images.double().var((2, 3), correction=0).mean(1)
    torch.testing.assert_close(energies.sum(1), variance)


def test_a_wave_lands_in_its_octave():
    """Cosines of 2, 6 and 14 periods in 32 pixels (frequencies 1/16, 3/16, 7/16) of amplitude 1: energy 1/2."""
    x = torch.arange(32, dtype=torch.float64)
    waves = [torch.cos(2 * math.pi * periods * x / 32).expand(1, 32, 32) for periods in (2, 6, 14)]
    torch.testing.assert_close(band_energy(torch.stack(waves)), torch.eye(3, dtype=torch.float64) / 2)
    turned = torch.stack([wave.transpose(1, 2) for wave in waves])
    torch.testing.assert_close(band_energy(turned), torch.eye(3, dtype=torch.float64) / 2)


def test_blur_takes_the_high_band_first():
    images = torch.randn(1, 20, 64, 64)
    blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="circular"), 3, stride=1)
    kept = band_energy(blurred) / band_energy(images)
    assert kept[0, 2] < 0.15 and kept[0, 2] < kept[0, 1] < kept[0, 0] and kept[0, 0] > 0.6


def test_metrics_keep_away_from_their_input(dtype, white):
    geometry = ZoomGeometry(3, 16, 16)
    images = white(geometry, dtype=dtype)
    before = images.clone()
    with torch.device("meta"):  # a default device is not the images' device
        values = [consistency_error(images, geometry), seam_ratio(images, geometry), band_energy(images)]
    assert torch.equal(images, before)
    for value in values:
        assert value.device.type == "cpu" and not value.requires_grad and torch.isfinite(value).all()


def test_bad_images_are_refused():
    geometry = ZoomGeometry(3, 8, 8)
    good = torch.zeros(3, 2, 8, 8)
    for metric in (consistency_error, seam_ratio):
        for bad, message in [
            (good[:2], r"images has the shape \[2, 2, 8, 8\]; expected \[3, C, 8, 8\]"),
            (good.int(), r"images is a tensor .* type int32; expected a floating-point tensor"),
            (good / 0, r"images holds NaN or infinity; expected finite numbers"),
        ]:
            with pytest.raises(ValueError, match=message):
                metric(bad, geometry)
    with pytest.raises(ValueError, match=r"images must have shape \[N, C, H, W\], got \[2, 8, 8\]"):
        band_energy(good[0])
    with pytest.raises(ValueError, match="images is a tensor .* type int32; expected a floating-point tensor"):
        band_energy(good.int())
    with pytest.raises(ValueError, match="images holds NaN or infinity"):
        band_energy(good / 0)
    with pytest.raises(ValueError, match="bands must be at least 1, got 0"):
        band_energy(good, 0)
