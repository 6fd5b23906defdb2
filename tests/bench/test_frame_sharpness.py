"""Whether the inner square of a frame stands out, on stacks whose answer is known."""

import pytest
import torch
from kornia.filters import gaussian_blur2d

from benchmarks.frame_sharpness import sharpness_ratio, table
from zoomstack_core.geometry import ZoomGeometry
from zoomstack_core.method.render import render_images


def levels(factor: float, size: int = 128) -> tuple[torch.Tensor, ZoomGeometry]:
    """White noise at every level, so that each has the same detail per pixel; made one zoom."""
    geometry = ZoomGeometry(3, size, size, factor)
    noise = torch.rand(3, 3, size, size, generator=torch.Generator().manual_seed(0))
    return render_images(noise, geometry), geometry


@pytest.mark.parametrize("factor", [2.0, 4.0])
def test_a_deeper_level_that_is_soft_has_a_ratio_below_one(factor: float) -> None:
    images, geometry = levels(factor)
    sharp = sharpness_ratio(images, geometry, 1, 96)
    deeper = gaussian_blur2d(images[2:], (15, 15), (4.0, 4.0))
    soft = sharpness_ratio(torch.cat([images[:2], deeper]), geometry, 1, 96)
    assert soft < 0.5 * sharp


def test_a_surrounding_that_is_soft_has_a_ratio_above_one() -> None:
    images, geometry = levels(2.0)
    wider = gaussian_blur2d(images[:1], (9, 9), (2.0, 2.0))
    wider[..., 32:-32, 32:-32] = images[:1, :, 32:-32, 32:-32]
    soft = sharpness_ratio(torch.cat([wider, images[1:]]), geometry, 0, 96)
    assert soft > 2 * sharpness_ratio(images, geometry, 0, 96)


def test_the_table_has_every_step_and_the_means() -> None:
    lines = table([1.0, 4.0], [2.0, 0.5]).splitlines()
    assert lines[2:4] == ["| 1 → 2 | 1.00 | 2.00 |", "| 2 → 3 | 4.00 | 0.50 |"]
    assert lines[-1] == "| geometric mean | 2.00 | 1.00 |"
