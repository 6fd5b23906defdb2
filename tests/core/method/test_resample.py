"""D, its expand and the noise operator against averages written out by hand, and the laws that the method rests on."""

from __future__ import annotations

import functools
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import assume, given
from hypothesis import strategies as st

from zoomstack_core.geometry import PREFILTERS, Span, ZoomGeometry
from zoomstack_core.method.resample import (
    Axis,
    compute_dtype,
    covered,
    expand_matrix,
    interacting_depth,
    links_into,
    noise_link,
    noise_matrix,
    reduce_matrix,
)

GEOMETRIES = st.from_type(ZoomGeometry)
DOUBLE = torch.zeros((), dtype=torch.float64)


@st.composite
def axes(draw: st.DrawFn) -> Axis:
    """One axis of a step, the inner interval anywhere inside."""
    size, factor = draw(st.integers(2, 40)), draw(st.one_of(st.floats(1.05, 8), st.sampled_from([1.5, 2.0, 2.5, 4.0])))
    return Axis(size, factor, draw(st.floats(0, 1)) * (size - size / factor))


@st.composite
def reductions(draw: st.DrawFn) -> tuple[Axis, Span, Span]:
    """An axis, a span of fine pixels and the coarse pixels that it wholly covers (at least one)."""
    axis = draw(axes())
    start = draw(st.integers(0, axis.size - 1))
    fine = Span(start, draw(st.integers(start + 1, axis.size)))
    coarse = covered(axis, fine)
    assume(coarse.stop > coarse.start)
    return axis, fine, coarse


def edges(axis: Axis, coarse: int) -> tuple[float, float]:
    """A coarse pixel's edges in fine pixels."""
    return (coarse - axis.offset) * axis.factor, (coarse + 1 - axis.offset) * axis.factor


@given(axes(), st.data())
def test_covered_pixels_are_those_wholly_inside(axis, data):
    start = data.draw(st.integers(0, axis.size - 1))
    stop = data.draw(st.integers(start + 1, axis.size))
    span = covered(axis, Span(start, stop))
    for coarse in range(axis.size):
        low, high = edges(axis, coarse)
        if coarse in range(*span):
            assert low >= start - 1e-5 and high <= stop + 1e-5
        else:
            assert low < start or high > stop


@given(reductions(), st.sampled_from(PREFILTERS))
def test_reduce_is_an_average_centered_on_the_coarse_pixel(reduction, prefilter):
    axis, fine, coarse = reduction
    matrix = reduce_matrix(axis, fine, coarse, prefilter)
    centers = torch.arange(fine.start, fine.stop, dtype=torch.float64) + 0.5
    assert (matrix >= -1e-9).all()
    torch.testing.assert_close(matrix.sum(1), torch.ones(len(matrix), dtype=torch.float64))
    for row, pixel in zip(matrix, range(*coarse), strict=True):
        low, high = edges(axis, pixel)
        assert float(row @ centers) == pytest.approx((low + high) / 2, abs=1e-5)
        used = centers[row > 1e-9]
        assert used.min() + 0.5 > low - 1e-5 and used.max() - 0.5 < high + 1e-5


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("focus", [(0.5, 0.5), (0.0, 1.0)])
def test_box_is_the_plain_average_of_whole_blocks(factor, focus):
    geometry = ZoomGeometry(2, 12 * factor, 8 * factor, float(factor), focus)
    image = torch.randn(3, 12 * factor, 8 * factor, dtype=torch.float64)
    reduced = links_into(geometry, 1, 1, image).reduce(image)
    torch.testing.assert_close(reduced, F.avg_pool2d(image, factor))


@pytest.mark.parametrize(
    ("factor", "weights"),
    [
        (1.5, [0.75, 0.25]),  # lengths 2/3, 1/3 have their center at 5/6, not at 3/4
        (2.5, [0.42857142857, 0.39285714286, 0.17857142857]),  # lengths 0.4, 0.4, 0.2: at 1.3, not at 1.25
        (2.0, [0.5, 0.5]),
    ],
)
def test_box_weights_of_a_cut_pixel(factor, weights):
    axis = Axis(6, factor, 0.0)
    row = reduce_matrix(axis, Span(0, 6), covered(axis, Span(0, 6)), "box")[0]
    assert row[: len(weights)].tolist() == pytest.approx(weights) and not row[len(weights) :].any()


def test_box_at_an_offset_keeps_the_plain_lengths_for_whole_factors():
    axis = Axis(16, 2.0, 3.1)
    coarse = covered(axis, Span(0, 16))
    row = reduce_matrix(axis, Span(0, 16), coarse, "box")[0]
    assert coarse.start == 4 and row[:5].tolist() == pytest.approx([0, 0.1, 0.5, 0.4, 0])


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_gaussian_is_the_papers_truncated_prefilter(factor):
    """Support p × p, stride p, sigma of half a coarse pixel: a strided convolution."""
    geometry = ZoomGeometry(2, 6 * factor, 4 * factor, float(factor), prefilter="gaussian")
    taps = torch.exp(-0.5 * ((torch.arange(factor) - (factor - 1) / 2) / (factor / 2)) ** 2).double()
    kernel = torch.outer(taps, taps) / taps.sum() ** 2
    image = torch.randn(1, 1, 6 * factor, 4 * factor, dtype=torch.float64)
    expected = F.conv2d(image, kernel[None, None], stride=factor)
    torch.testing.assert_close(links_into(geometry, 1, 1, image).reduce(image[0]), expected[0])


@pytest.mark.parametrize(("factor", "size"), [(2, 16), (3, 27), (4, 32)])
def test_box_composes(factor, size):
    once = ZoomGeometry(3, size, size, float(factor))
    at_once = ZoomGeometry(2, size, size, float(factor**2))
    image = torch.randn(2, size, size, dtype=torch.float64)
    first, second = links_into(once, 2, 1, image), links_into(once, 2, 2, image)
    jump = links_into(at_once, 1, 1, image)
    torch.testing.assert_close(second.reduce(first.reduce(image)), jump.reduce(image))
    assert second.window == jump.window


@given(reductions(), st.sampled_from(PREFILTERS))
def test_expand_is_the_right_inverse_of_reduce(reduction, prefilter):
    axis, fine, coarse = reduction
    down = reduce_matrix(axis, fine, coarse, prefilter)
    up = expand_matrix(axis, fine, coarse, down)
    torch.testing.assert_close(down @ up, torch.eye(len(down), dtype=torch.float64), atol=1e-9, rtol=0)
    constant = torch.ones(up.shape[1], dtype=torch.float64)
    torch.testing.assert_close(up @ constant, torch.ones(len(up), dtype=torch.float64), atol=1e-9, rtol=0)
    assert up.abs().sum(1).max() < 4  # no ringing: |expanded| stays below 4 |coarse|


def test_expand_is_smooth():
    """Interpolation, not repetition: blocks would show as a grid in the deep levels."""
    geometry = ZoomGeometry(2, 32, 32, 4.0)
    coarse = torch.arange(8, dtype=torch.float64).expand(1, 8, 8)
    link = links_into(geometry, 1, 1, DOUBLE)
    steps = link.expand(coarse).diff(dim=-1)[..., 8:-8]
    torch.testing.assert_close(steps, torch.full_like(steps, 0.25), atol=0.02, rtol=0)


@given(GEOMETRIES)
def test_links_reach_as_deep_as_a_whole_pixel(geometry):
    for level in range(geometry.levels):
        depth = interacting_depth(geometry, level)
        assert 0 <= depth <= level
        fine_shape = (geometry.height, geometry.width)
        for d in range(1, level + 1):
            link = links_into(geometry, level, d, DOUBLE)
            assert (link is not None) == (d <= depth)
            if link is None:
                continue
            rect = geometry.rect(level - d, level)
            rows, columns = link.window
            assert rows.start >= rect.top - 1e-5 and rows.stop <= rect.top + rect.height + 1e-5
            assert columns.start >= rect.left - 1e-5 and columns.stop <= rect.left + rect.width + 1e-5
            shape = (rows.stop - rows.start, columns.stop - columns.start)
            assert link.reduce(DOUBLE.expand(fine_shape)).shape == shape
            fine_shape = shape


@pytest.mark.parametrize("size", [8, 33, 64])
@pytest.mark.parametrize("factor", [1.5, 2.0, 4.0])
def test_interacting_depth_is_bounded_by_the_size(size, factor):
    geometry = ZoomGeometry(60, size, size, factor)
    depths = [interacting_depth(geometry, level) for level in range(60)]
    assert depths[0] == 0 and depths[1] == 1
    assert max(depths) <= math.log(size) / math.log(factor)
    assert len(set(depths[20:])) == 1  # the same for every level far enough from the widest


@given(axes(), st.sampled_from(PREFILTERS))
def test_noise_rows_are_the_orthonormal_ones_nearest_to_reduce(axis, prefilter):
    """Nearest: no rotation brings the rows nearer to D, which is to say that D · rowsᵀ is symmetric and positive."""
    span, weight, share = noise_matrix(axis, prefilter)
    identity = torch.eye(span.stop - span.start, dtype=torch.float64)
    torch.testing.assert_close(weight @ weight.T, identity, atol=1e-11, rtol=0)
    inside = covered(axis, Span(0, axis.size))
    if inside == span:
        product = reduce_matrix(axis, Span(0, axis.size), inside, prefilter) @ weight.T
        torch.testing.assert_close(product, product.T, atol=1e-11, rtol=0)
        assert torch.linalg.eigvalsh(product).min() > 0
    end = axis.offset + axis.size / axis.factor
    for pixel, part in zip(range(*span), share.tolist(), strict=True):
        length = min(pixel + 1, end) - max(pixel, axis.offset)
        assert part == pytest.approx(min(max(length, 0), 1), abs=2e-6)


@pytest.mark.parametrize("prefilter", PREFILTERS)
@pytest.mark.parametrize("factor", [2, 3, 4])
def test_noise_of_whole_aligned_factors_is_reduce_over_the_norm_of_its_rows(factor, prefilter):
    axis = Axis(6 * factor, float(factor), 2.0)
    span, weight, share = noise_matrix(axis, prefilter)
    down = reduce_matrix(axis, Span(0, axis.size), span, prefilter)
    torch.testing.assert_close(weight, down / down.norm(dim=1, keepdim=True), atol=1e-13, rtol=0)
    assert ((weight != 0).sum(0) == 1).all() and (share == 1).all()


@pytest.mark.parametrize(("factor", "least"), [(1.5, 0.99), (1.7, 0.98), (2.5, 0.99)])
def test_noise_agrees_with_reduced_noise(factor, least):
    """Correlation of a level's noise with D of the deeper level's, over all pixels; one where factors are whole."""
    axis = Axis(60, factor, 60 - 60 / factor)
    inside = covered(axis, Span(0, 60))
    span, weight, _ = noise_matrix(axis, "box")
    down = reduce_matrix(axis, Span(0, 60), inside, "box")
    rows = weight[inside.start - span.start : inside.stop - span.start]
    assert float((rows * down).sum() / (rows.norm() * down.norm())) > least


def test_covered_share_of_a_large_image_is_exact():
    """A share kept in float32 would be off by the rounding of a position of several hundred pixels."""
    axis = Axis(1001, 2.5, 300.15)
    span, _, share = noise_matrix(axis, "box")
    assert span == Span(300, 701)
    assert share[0].item() == pytest.approx(0.85, abs=1e-12)
    assert share[-1].item() == pytest.approx(300.15 + 400.4 - 700, abs=1e-12)


def test_gaussian_noise_is_divided_by_the_norm_of_the_weights_not_by_p():
    _, weight, _ = noise_matrix(Axis(8, 4.0, 3.0), "gaussian")
    taps = torch.exp(-0.5 * ((torch.arange(4) - 1.5) / 2) ** 2).double()
    torch.testing.assert_close(weight[0, :4], taps / taps.norm())


@pytest.mark.parametrize(("size", "factor", "focus"), [(64, 2, 0.5), (96, 3, 1 / 3), (128, 4, 0.75)])
def test_many_whole_blocks_are_added_up_as_the_matrices_would(size, factor, focus):
    geometry = ZoomGeometry(3, size, size, float(factor), (focus, 0.5))
    images = torch.randn(2, size, size, dtype=torch.float64)
    link = links_into(geometry, 2, 1, images)
    noise = noise_link(size, size, "box", geometry.steps[0], images.dtype, images.device)
    assert link.block == noise.block == factor
    torch.testing.assert_close(link.reduce(images), link.down[0] @ images @ link.down[1], rtol=0, atol=1e-13)
    torch.testing.assert_close(noise.gathered(images), noise.gather[0] @ images @ noise.gather[1], rtol=0, atol=1e-13)
    torch.testing.assert_close(
        link.reduce(link.expand(images[:, : size // factor, : size // factor])),
        images[:, : size // factor, : size // factor],
        rtol=0,
        atol=1e-12,
    )


@pytest.mark.parametrize(
    "geometry",
    [
        ZoomGeometry(2, 32, 32, 2.0),  # few
        ZoomGeometry(2, 64, 64, 1.5),  # cut
        ZoomGeometry(2, 64, 64, 2.0, (0.51, 0.5)),  # cut, at a whole factor
        ZoomGeometry(2, 66, 66, 4.0),  # cut by the border
        ZoomGeometry(2, 128, 128, 4.0, prefilter="gaussian"),
    ],
)
def test_matrices_stay_where_blocks_are_few_cut_or_weighted(geometry):
    images = torch.randn(1, geometry.height, geometry.width, dtype=torch.float64)
    link = links_into(geometry, 1, 1, images)
    noise = noise_link(
        geometry.height, geometry.width, geometry.prefilter, geometry.steps[0], images.dtype, images.device
    )
    assert link.block is None and noise.block is None


def test_half_precision_is_computed_in_float32():
    assert compute_dtype(torch.float16) == compute_dtype(torch.bfloat16) == torch.float32
    assert compute_dtype(torch.float32) == torch.float32 and compute_dtype(torch.float64) == torch.float64
    geometry = ZoomGeometry(2, 8, 8)
    assert links_into(geometry, 1, 1, torch.zeros((), dtype=torch.float16)).down[0].dtype == torch.float32


def test_cached_matrices_do_not_depend_on_who_asked_first():
    """Made under inference mode or another default device, they must still serve autograd and the CPU."""
    geometry = ZoomGeometry(2, 23, 29, 2.25)  # used nowhere else, so not cached yet
    with torch.inference_mode(), torch.device("meta"):
        link = links_into(geometry, 1, 1, DOUBLE)
        noise = noise_link(23, 29, "box", geometry.steps[0], torch.float64, DOUBLE.device)
    for matrix in (*link.down, *link.up, *noise.gather, noise.keep, noise.gain):
        assert not matrix.is_inference() and matrix.device.type == "cpu" and not matrix.requires_grad


@pytest.mark.parametrize(("factor", "focus"), [(1.5, (0.5, 0.5)), (2.0, (0.3, 0.6)), (3.7, (0.5, 0.1))])
def test_large_matrices_are_applied_in_bands_without_a_difference(factor, focus):
    geometry = ZoomGeometry(2, 300, 420, factor, focus)
    like = torch.zeros((), dtype=torch.float64)
    link = links_into(geometry, 1, 1, like)
    noise = noise_link(300, 420, geometry.prefilter, geometry.steps[0], like.dtype, like.device)
    assert all(len(bands) > 1 for bands in link.up_bands)
    images = torch.randn(2, 300, 420, dtype=torch.float64)
    reduced = link.down[0] @ images @ link.down[1]
    close = functools.partial(torch.testing.assert_close, rtol=0, atol=1e-12)
    close(link.reduce(images), reduced)
    close(link.expand(reduced), link.up[0] @ reduced @ link.up[1])
    close(noise.gathered(images), noise.gather[0] @ images @ noise.gather[1])
    close(link.reduce(link.expand(reduced)), reduced)
