"""Whether the inner square of a frame stands out, on stacks whose answer is known."""

import pytest
import torch
from kornia.filters import gaussian_blur2d

from benchmarks.frame_sharpness import sharpness_ratio, table
from zoomstack_core.geometry import ZoomGeometry

SIZE = 128


def levels(factor: int) -> tuple[torch.Tensor, ZoomGeometry]:
    """Two levels of one picture that both show all of its detail: waves of at least some pixels of the wider one."""
    noise = torch.rand(1, 3, 4 * SIZE, 4 * SIZE, generator=torch.Generator().manual_seed(0))
    picture = gaussian_blur2d(noise, (49, 49), (8.0, 8.0))
    edge = (4 * SIZE - 4 * SIZE // factor) // 2
    deeper = picture[..., edge : 4 * SIZE - edge, edge : 4 * SIZE - edge]
    shown = [torch.nn.functional.interpolate(each, (SIZE, SIZE), mode="area") for each in (picture, deeper)]
    return torch.cat(shown), ZoomGeometry(2, SIZE, SIZE, float(factor))


def soft(image: torch.Tensor) -> torch.Tensor:
    return gaussian_blur2d(image[None], (25, 25), (4.0, 4.0))[0]


@pytest.mark.parametrize("factor", [2, 4])
def test_levels_that_are_as_sharp_have_a_ratio_of_one(factor: int) -> None:
    images, geometry = levels(factor)
    assert sharpness_ratio(images, geometry, 0, 96) == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("factor", [2, 4])
def test_a_deeper_level_that_is_soft_has_a_ratio_below_one(factor: int) -> None:
    images, geometry = levels(factor)
    deeper = soft(soft(images[1]))
    assert sharpness_ratio(torch.stack([images[0], deeper]), geometry, 0, 96) < 0.8


@pytest.mark.parametrize("factor", [2, 4])
def test_a_surrounding_that_is_soft_has_a_ratio_above_one(factor: int) -> None:
    images, geometry = levels(factor)
    assert sharpness_ratio(torch.stack([soft(images[0]), images[1]]), geometry, 0, 96) > 1.25


def test_the_table_has_every_step_and_the_means() -> None:
    lines = table([1.0, 4.0], [2.0, 0.5]).splitlines()
    assert lines[2:4] == ["| 1 → 2 | 1.00 | 2.00 |", "| 2 → 3 | 4.00 | 0.50 |"]
    assert lines[-1] == "| geometric mean | 2.00 | 1.00 |"
