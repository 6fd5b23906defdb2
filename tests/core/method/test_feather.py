"""Levels that were changed each for itself pass into each other without an edge."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.blend import feather_levels
from zoomstack_core.method.metrics import seam_ratio
from zoomstack_core.method.render import render_images

GEOMETRIES = st.from_type(ZoomGeometry)


def colors(levels: int, size: int, *values: float) -> torch.Tensor:
    """Each level of one gray."""
    return torch.tensor(values).view(levels, 1, 1, 1).expand(levels, 3, size, size).contiguous()


@given(GEOMETRIES)
def test_levels_that_agree_stay_as_they_are(geometry: ZoomGeometry) -> None:
    images = render_images(torch.rand(geometry.levels, 2, geometry.height, geometry.width), geometry)
    assert (feather_levels(images, geometry, 3) - images).abs().max() < 1e-5


def test_without_width_nothing_changes() -> None:
    geometry = ZoomGeometry(3, 16, 24)
    images = torch.rand(3, 3, 16, 24)
    assert torch.equal(feather_levels(images, geometry, 0), images)


def test_the_wider_level_passes_into_the_deeper_one_over_the_width() -> None:
    geometry = ZoomGeometry(2, 64, 64)
    wide = render_images(feather_levels(colors(2, 64, 0.0, 1.0), geometry, 8), geometry)[0, 0]
    line = wide[32]  # the rectangle is 16 … 48
    assert (line[:16] == 0).all() and (line[48:] == 0).all()
    rising = line[16:32]
    assert rising[0] < 0.02 and (rising.diff() >= -1e-6).all()
    assert rising[3] < 0.5 < rising[4]
    assert rising[8:].sub(1).abs().max() < 1e-6
    torch.testing.assert_close(wide, wide.flip(0).flip(1))
    torch.testing.assert_close(wide, wide.T)


def test_fine_detail_stays_the_deeper_levels_own() -> None:
    """The passage is of what both levels can show: what is finer than a pixel of the wider level is kept."""
    geometry = ZoomGeometry(2, 32, 32)
    images = torch.rand(2, 3, 32, 32)
    checkered = (torch.arange(32)[:, None] + torch.arange(32)) % 2 - 0.5  # each 2 x 2 has mean 0
    plain = feather_levels(images, geometry, 4)
    images[1] += checkered
    torch.testing.assert_close(feather_levels(images, geometry, 4)[1] - plain[1], checkered.expand(3, 32, 32))


def test_an_edge_of_upscaled_levels_is_gone() -> None:
    """Levels of one gray, each with detail of its own, as upscalers add it."""
    geometry = ZoomGeometry(4, 128, 128)
    grain = torch.rand(4, 3, 132, 132, generator=torch.Generator().manual_seed(1))
    images = 0.5 + 0.3 * torch.nn.functional.avg_pool2d(grain, 5, 1)
    hard, soft = (seam_ratio(render_images(feather_levels(images, geometry, w), geometry), geometry) for w in (0, 8))
    assert (hard > 2 * soft).all() and (soft - 1).abs().max() < 0.4


def test_where_the_rectangle_lies_at_the_images_border_there_is_no_passage() -> None:
    geometry = ZoomGeometry(2, 64, 64, 2.0, (0.0, 0.5))
    wide = render_images(feather_levels(colors(2, 64, 0.0, 1.0), geometry, 8), geometry)[0, 0]
    assert (wide[32, :16] == 1).all()  # the rectangle begins there
    assert wide[32, 31] < 0.02


def test_a_passage_takes_no_more_than_a_quarter_of_the_rectangle() -> None:
    geometry = ZoomGeometry(2, 32, 32)
    wide = render_images(feather_levels(colors(2, 32, 0.0, 1.0), geometry, 1000), geometry)[0, 0]
    assert wide[16, 12:20].sub(1).abs().max() < 1e-6


def test_a_change_reaches_the_deeper_levels_that_lie_at_the_same_border() -> None:
    geometry = ZoomGeometry(3, 64, 64, 2.0, (0.0, 0.5))
    wide, middle, _ = render_images(feather_levels(colors(3, 64, 0.0, 1.0, 1.0), geometry, 8), geometry)
    torch.testing.assert_close(
        torch.nn.functional.avg_pool2d(middle[None], 2)[0], wide[:, 16:48, :32], atol=1e-6, rtol=0
    )


RING = ZoomGeometry(4, 32, 32, 4.0, parents=(3, 0, 1, 2))
TREE = ZoomGeometry(4, 32, 32, 2.0, ((0.2, 0.2), (0.8, 0.8), (0.5, 0.5)), parents=(None, 0, 0, 2))


@pytest.mark.parametrize("geometry", [RING, TREE])
def test_rings_and_trees(geometry: ZoomGeometry) -> None:
    images = torch.rand(4, 3, 32, 32)
    soft = feather_levels(images, geometry, 3)
    assert soft.shape == images.shape and not torch.equal(soft, images)
    agreeing = render_images(images, geometry)
    assert (feather_levels(agreeing, geometry, 3) - agreeing).abs().max() < 1e-4


@pytest.mark.parametrize(("dtype", "error"), [(torch.float16, 2e-3), (torch.float64, 1e-6)])
def test_dtype_is_kept_and_the_input_untouched(dtype: torch.dtype, error: float) -> None:
    geometry = ZoomGeometry(3, 16, 16)
    images = torch.rand(3, 3, 16, 16, dtype=torch.float64)
    given_images = images.to(dtype)
    before = given_images.clone()
    made = feather_levels(given_images, geometry, 3)
    assert made.dtype == dtype and torch.equal(given_images, before)
    assert (made.double() - feather_levels(images, geometry, 3)).abs().max() < error


@pytest.mark.parametrize("width", [-1, float("nan")])
def test_a_width_below_zero_is_refused(width: float) -> None:
    with pytest.raises(ValueError, match="width is"):
        feather_levels(torch.rand(2, 3, 16, 16), ZoomGeometry(2, 16, 16), width)
