"""Π_noise: the exact covariance of its linear map, sampled statistics, and nesting."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from zoomstack_core.geometry import PREFILTERS, Span, ZoomGeometry
from zoomstack_core.method.noise import render_noise
from zoomstack_core.method.resample import Axis, covered, reduce_matrix


def noise_matrix(geometry: ZoomGeometry) -> Tensor:
    """The exact linear map of render_noise, float64 [level, pixel, inputs]: each channel holds one unit vector."""
    size = geometry.levels * geometry.height * geometry.width
    basis = torch.eye(size, dtype=torch.float64).view(size, geometry.levels, geometry.height, geometry.width)
    return render_noise(basis.transpose(0, 1), geometry).flatten(2).transpose(1, 2)


def gathering(geometry: ZoomGeometry, level: int) -> Tensor:
    """[pixels of level, pixels of level + 1]: what D and the geometry say of their covariance.

    A coarse pixel's noise is √share times its row of (M Mᵀ)^-½ M, where share is the area covered by the next level
    and M is D, and for a coarse pixel covered in part the sum over what is covered.
    """
    rect, factor = geometry.rect(level, level + 1), geometry.factors[level]
    rows, columns = (
        _gathering(n, factor, start, geometry.prefilter)
        for n, start in ((geometry.height, rect.top), (geometry.width, rect.left))
    )
    return torch.kron(rows, columns)


def _gathering(size: int, factor: float, start: float, prefilter: str) -> Tensor:
    """One axis [coarse, fine], zero where nothing is covered."""
    axis, end = Axis(size, factor, start), start + size / factor
    averages, shares, chosen = [], [], []
    inside = covered(axis, Span(0, size))
    whole = range(*inside)
    down = reduce_matrix(axis, Span(0, size), inside, prefilter) if whole else None
    for coarse in range(size):
        share = min(coarse + 1, end) - max(coarse, start)
        if share < 1e-6:
            continue
        row = torch.zeros(size, dtype=torch.float64)
        if down is not None and coarse in whole:
            row = down[coarse - inside.start]
        else:
            for fine in range(size):
                low = max(start + fine / factor, coarse)
                high = min(start + (fine + 1) / factor, coarse + 1)
                distance = (low + high) / 2 - coarse - 0.5
                weight = math.exp(-0.5 * (distance / 0.5) ** 2) if prefilter == "gaussian" else 1.0
                row[fine] = max(high - low, 0) * weight
            row *= share / row.sum()
        averages.append(row)
        shares.append(share)
        chosen.append(coarse)
    average = torch.stack(averages)
    values, vectors = torch.linalg.eigh(average @ average.T)
    white = (vectors * values.rsqrt()) @ vectors.T @ average
    matrix = torch.zeros(size, size, dtype=torch.float64)
    matrix[chosen] = torch.tensor(shares, dtype=torch.float64).clamp(max=1).sqrt()[:, None] * white
    return matrix


def assert_exact_covariance(geometry: ZoomGeometry) -> None:
    maps = noise_matrix(geometry)
    identity = torch.eye(geometry.height * geometry.width, dtype=torch.float64)
    for level in range(geometry.levels):
        torch.testing.assert_close(maps[level] @ maps[level].T, identity, atol=1e-12, rtol=0)
        expected = identity
        for deeper in range(level + 1, geometry.levels):
            expected = expected @ gathering(geometry, deeper - 1)
            torch.testing.assert_close(maps[level] @ maps[deeper].T, expected, atol=2e-6, rtol=0)


@pytest.mark.parametrize("prefilter", PREFILTERS)
@pytest.mark.parametrize("factor", [1.5, 2.0, 2.5, 3.0, 4.0, (1.3, 3.2)])
@pytest.mark.parametrize(
    ("height", "width", "focus"), [(6, 6, (0.5, 0.5)), (5, 8, (0.31, 0.77)), (7, 4, ((0.0, 1.0), (0.6, 0.45)))]
)
def test_covariance_is_exact(prefilter, factor, height, width, focus):
    """White and of unit variance within every level; between levels as the geometry says. No sampling involved."""
    assert_exact_covariance(ZoomGeometry(3, height, width, factor, focus, prefilter))


@settings(max_examples=25)
@given(st.from_type(ZoomGeometry).filter(lambda g: g.levels <= 3))
def test_covariance_is_exact_for_any_geometry(geometry):
    assert_exact_covariance(geometry.resized(min(geometry.height, 7), min(geometry.width, 6)))


@pytest.mark.parametrize("factor", [2, 4])
def test_covariance_of_whole_aligned_factors_by_hand(factor):
    """A covered pixel and each of its p² fine pixels: 1/p; all others: 0."""
    geometry = ZoomGeometry(2, 8, 8, float(factor))
    maps = noise_matrix(geometry)
    between = (maps[0] @ maps[1].T).view(8, 8, 8, 8)
    start = 4 - 4 // factor
    expected = torch.zeros(8, 8, 8, 8, dtype=torch.float64)
    for r in range(8):
        for c in range(8):
            expected[start + r // factor, start + c // factor, r, c] = 1 / factor
    torch.testing.assert_close(between, expected)


@pytest.mark.parametrize("prefilter", PREFILTERS)
@pytest.mark.parametrize("factor", [1.5, 2.0, 2.5, 3.0, 4.0])
@pytest.mark.parametrize("focus", [(0.5, 0.5), (0.31, 0.77)])
def test_sampled_statistics(prefilter, factor, focus, white):
    """Variance 1 ± 1 %, covariance of neighbors < 1 %, of diagonal neighbors too, in 720,000 samples per level."""
    geometry = ZoomGeometry(3, 9, 10, factor, focus, prefilter)
    noise = render_noise(white(geometry, channels=8000, dtype=torch.float32), geometry)
    for level in noise:
        assert abs(level.mean()) < 0.01
        assert level.var() == pytest.approx(1, abs=0.01)
        assert abs((level[:, 1:] * level[:, :-1]).mean()) < 0.01
        assert abs((level[:, :, 1:] * level[:, :, :-1]).mean()) < 0.01
        assert abs((level[:, 1:, 1:] * level[:, :-1, :-1]).mean()) < 0.01


def test_sampled_variance_of_every_pixel(white):
    """No single pixel, e.g. of the border of the inner rectangle, is louder or quieter than the others."""
    geometry = ZoomGeometry(3, 7, 6, 2.5, (0.35, 0.6))
    noise = render_noise(white(geometry, channels=100_000, dtype=torch.float32), geometry)
    variance = noise.var(1)
    assert variance.mean((1, 2)).tolist() == pytest.approx([1, 1, 1], abs=0.01)
    assert (variance - 1).abs().max() < 0.03  # 1.4 % would be three standard deviations, over 126 pixels


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("focus", [(0.5, 0.5), (0.0, 1.0)])
def test_noise_nests_for_whole_aligned_factors(factor, focus, white):
    """center of level i = p · D(level i+1): what makes noisy states at sigma ∝ p^i nest."""
    size = 6 * factor
    geometry = ZoomGeometry(3, size, size, float(factor), focus)
    noise = render_noise(white(geometry), geometry)
    top, left, height, width = (round(v) for v in geometry.rect(0, 1))
    for level in range(2):
        center = noise[level][:, top : top + height, left : left + width]
        torch.testing.assert_close(center, factor * F.avg_pool2d(noise[level + 1], factor))


def test_outside_the_inner_rectangle_the_noise_is_its_own(geometry, white):
    noise = white(geometry)
    rendered = render_noise(noise, geometry)
    assert torch.equal(rendered[-1], noise[-1])
    for level in range(geometry.levels - 1):
        top, left, height, width = geometry.rect(level, level + 1)
        outside = torch.ones(geometry.height, geometry.width, dtype=torch.bool)
        outside[math.floor(top) : math.ceil(top + height), math.floor(left) : math.ceil(left + width)] = False
        assert torch.equal(rendered[level][:, outside], noise[level][:, outside])


def test_one_level_is_the_identity(white):
    geometry = ZoomGeometry(1, 7, 5)
    noise = white(geometry, dtype=torch.float32)
    rendered = render_noise(noise, geometry)
    assert torch.equal(rendered, noise) and rendered.data_ptr() != noise.data_ptr()


def test_dtype_is_kept_and_the_input_untouched(dtype, white):
    geometry = ZoomGeometry(3, 12, 17, 2.5, (0.3, 0.6))
    noise = white(geometry, channels=200, dtype=dtype)
    before = noise.clone()
    rendered = render_noise(noise, geometry)
    assert rendered.dtype == dtype and rendered.shape == noise.shape and rendered.device == noise.device
    assert torch.equal(noise, before)
    assert rendered.untyped_storage().data_ptr() != noise.untyped_storage().data_ptr()
    assert rendered.double().var() == pytest.approx(1, abs=0.01)


def test_gradients_flow_and_only_when_asked_for(white):
    geometry = ZoomGeometry(3, 5, 6, 1.7, (0.4, 0.5))
    noise = white(geometry, channels=1)
    assert not render_noise(noise, geometry).requires_grad
    noise.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: render_noise(x, geometry), (noise,))


def test_inference_mode_and_default_device_leave_no_traces(white):
    geometry = ZoomGeometry(3, 11, 14, 2.1)  # used nowhere else, so its matrices are made here
    noise = white(geometry)
    with torch.inference_mode(), torch.device("meta"):
        inside = render_noise(noise, geometry)
    assert inside.device.type == "cpu"
    outside = noise.clone().requires_grad_()
    rendered = render_noise(outside, geometry)
    rendered.square().sum().backward()
    torch.testing.assert_close(rendered.detach(), inside.clone())
    assert outside.grad.any()


def test_cost_is_linear_in_the_number_of_levels(white, multiplications):
    counts = []
    for levels in (8, 16, 32):
        geometry = ZoomGeometry(levels, 16, 16, 2.5)
        noise = white(geometry, dtype=torch.float32)
        counts.append(multiplications(lambda: render_noise(noise, geometry)))  # noqa: B023
    assert counts[0] > 0
    assert counts[2] - counts[1] == pytest.approx(2 * (counts[1] - counts[0]))


def test_bad_noise_is_refused():
    geometry = ZoomGeometry(3, 8, 8)
    good = torch.zeros(3, 2, 8, 8)
    for bad, message in [
        (good[:2], r"noise has the shape \[2, 2, 8, 8\]; expected \[3, C, 8, 8\]"),
        (good[0], r"noise has the shape \[2, 8, 8\]; expected"),
        (good[:, :, :7], r"noise has the shape \[3, 2, 7, 8\]; expected"),
        (good.long(), r"noise is a tensor .* type int64; expected a floating-point tensor"),
        (good / 0, r"noise holds NaN or infinity; expected finite numbers"),
    ]:
        with pytest.raises(ValueError, match=message):
            render_noise(bad, geometry)
